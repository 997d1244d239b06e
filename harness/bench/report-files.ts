/** A report's files: JSON, page and tables for a document. */
import { readFileSync, writeFileSync } from "node:fs";
import type { BenchReport } from "./bench-types.ts";
import { placeFault, writePlace } from "./document.ts";
import { htmlPage } from "./html.ts";
import { markdownOf } from "./markdown.ts";

/** Whose figures they are: a document may hold those of several commands. */
export type FigureKind = "bench" | "first-frame";

/** `place`: where in the document; named for the kind when it is not said. */
export type ReportFiles = { json?: string; html?: string; markdown?: string; place?: string };

const titles: Record<FigureKind, string> = { bench: "reelcache bench", "first-frame": "reelcache: first frames" };

/** Writes those that were asked for. Throws the system's errors. */
export function keepReport(report: BenchReport, files: ReportFiles, kind: FigureKind): void {
  if (files.json !== undefined) writeFileSync(files.json, `${JSON.stringify(report, null, 2)}\n`);
  if (files.html !== undefined) writeFileSync(files.html, htmlPage(report, titles[kind]));
  if (files.markdown !== undefined) writePlace(files.markdown, files.place ?? kind, markdownOf(report));
}

/**
 * Looks at what was asked for before anything is measured. The kept report that `from` names, its files written anew;
 * null when one is to be measured, 2 when it was called wrongly, which `say` tells.
 */
export function keptReport(
  files: ReportFiles & { from?: string },
  kind: FigureKind,
  say: (text: string) => void,
): BenchReport | 2 | null {
  const misplaced = files.markdown === undefined ? null : placeFault(files.markdown, files.place ?? kind);
  const report = misplaced ?? (files.from === undefined ? null : readReport(files.from));
  if (typeof report === "string") {
    say(report);
    return 2;
  }
  if (report !== null) keepReport(report, files, kind);
  return report;
}

/** What `keepReport` wrote as JSON, or why it cannot be had. */
export function readReport(file: string): BenchReport | string {
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as BenchReport;
    return Array.isArray(report.cases) && Array.isArray(report.goals) ? report : `${file} holds no report`;
  } catch (error) {
    return `${file} cannot be read: ${(error as Error).message}`;
  }
}
