/** All reports of a run: the summary on the screen, and the files that were asked for. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { RunResult } from "../case/result-types.ts";
import { htmlPage } from "./html.ts";
import { junitText } from "./junit.ts";
import type { Screen } from "./screen.ts";
import { terminalSummary } from "./terminal.ts";

/** Paths of the files to write; absent ones are not written. */
export type ReportFiles = { junit?: string; json?: string; html?: string };

/** Writes all. Throws when a file cannot be written. */
export function report(result: RunResult, screen: Screen, files: ReportFiles): void {
  screen.write(terminalSummary(screen, result));
  const texts: [string | undefined, () => string][] = [
    [files.junit, () => junitText(result)],
    [files.json, () => `${JSON.stringify(result)}\n`],
    [files.html, () => htmlPage(result)],
  ];
  for (const [path, text] of texts) {
    if (path === undefined) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text());
    screen.write(`${path}\n`);
  }
}
