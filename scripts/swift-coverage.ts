/**
 * How much of the Swift twin its tests run, by folder: read from what `swift test --enable-code-coverage` leaves, printed,
 * and written to coverage/. The core has a floor, so that it cannot fall unseen; below it the status is 1.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A folder: the lines that can run, and that ran. */
type Row = { folder: string; lines: number; covered: number; files: Counts[] };
type Counts = { path: string; lines: number; covered: number };

/** What llvm-cov exports, as far as it is read here. */
type Report = { data: { files: { filename: string; summary: { lines: { count: number; covered: number } } }[] }[] };

/** Least share of the lines of a folder that tests run, in percent: what it was, rounded down. Raise it when it rises. */
const floors = [{ folder: "Sources/ReelcacheCore", percent: 99 }];

/** What is told of; it is summed up by the first two parts of each path. */
const told = ["Sources", "Linux"];

/** Files that are named, of those with most lines that never ran. */
const namedMax = 8;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bridge = join(root, "ios-bridge");
const report = join(bridge, ".build", "debug", "codecov", "Reelcache.json");

const rows = existsSync(report) ? rowsOf(JSON.parse(readFileSync(report, "utf8")) as Report) : [];
const least = rows.flatMap((row) => row.files).sort((a, b) => leftOf(b) - leftOf(a));
const lines = [...rows.map(folderText), ...least.filter((file) => leftOf(file) > 0).map(fileText)];
mkdirSync(join(root, "coverage"), { recursive: true });
writeFileSync(join(root, "coverage", "swift.json"), `${JSON.stringify(rows, null, 2)}\n`);
writeFileSync(join(root, "coverage", "swift.txt"), `${lines.join("\n")}\n`);
const faults = floors.flatMap(faultOf);
for (const line of [...lines.slice(0, rows.length + namedMax), ...faults]) console.log(line);
process.exitCode = faults.length > 0 ? 1 : 0;

function rowsOf({ data }: Report): Row[] {
  const folders = new Map<string, Row>();
  for (const { filename, summary } of data.flatMap(({ files }) => files)) {
    const path = relative(bridge, filename).split(sep);
    if (!told.includes(path[0] ?? "") || path.length < 3) continue;
    const folder = path.slice(0, 2).join("/");
    const row = folders.get(folder) ?? { folder, lines: 0, covered: 0, files: [] };
    folders.set(folder, row);
    row.files.push({ path: path.join("/"), lines: summary.lines.count, covered: summary.lines.covered });
    row.lines += summary.lines.count;
    row.covered += summary.lines.covered;
  }
  for (const row of folders.values()) row.files.sort((a, b) => a.path.localeCompare(b.path));
  return [...folders.values()].sort((a, b) => a.folder.localeCompare(b.folder));
}

function folderText(row: Row): string {
  const share = `${percentOf(row).toFixed(1).padStart(5)} %`;
  return `${row.folder.padEnd(26)} ${share} of ${String(row.lines).padStart(5)} lines`;
}

function fileText(file: Counts): string {
  return `  ${file.path}: ${leftOf(file)} lines of ${file.lines} never run`;
}

function leftOf(file: Counts): number {
  return file.lines - file.covered;
}

function faultOf({ folder, percent }: { folder: string; percent: number }): string[] {
  const row = rows.find((candidate) => candidate.folder === folder);
  if (row === undefined) return [`there are no figures for ${folder}: swift test --enable-code-coverage leaves them`];
  if (percentOf(row) >= percent) return [];
  return [`tests run ${percentOf(row).toFixed(1)} % of the lines of ${folder}; it was at least ${percent} %`];
}

function percentOf({ lines: all, covered }: { lines: number; covered: number }): number {
  return all === 0 ? 100 : (covered * 100) / all;
}
