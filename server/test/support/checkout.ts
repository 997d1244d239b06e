import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import { type Ended, rootDir, startProcess } from "./command.ts";

/** A checkout of its own with the house's scripts and the given files; runs one of the scripts in it. */
export async function runScript(
  t: Test,
  script: string,
  files: Record<string, string>,
  environment: Record<string, string> = {},
): Promise<Ended> {
  const folder = t.testdir();
  cpSync(join(rootDir, "scripts"), join(folder, "scripts"), { recursive: true });
  for (const [path, text] of Object.entries({ "package.json": '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o755 });
  }
  return await startProcess(t, process.execPath, [join(folder, "scripts", script)], environment).ended;
}
