/**
 * The house rules that neither compiler nor linter knows: sizes, the core's purity and import order, dead files,
 * names, honest tests. Prints one line for each fault and ends with status 1 when there is any.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { importsOf, lineAt, matchesWithLines, readSource, type SourceText } from "./source-text.ts";

type File = { path: string; source: string; text: SourceText };
type Fault = { path: string; line: number; message: string };

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fileLinesMax = 400;
const functionLinesMax = 50;

/** The core's folders in import order: a file imports only from its own folder or an earlier one. */
const coreFolders = ["base", "http", "route", "playlist", "cache", "download", "reader", "response", "exchange"];

/** What may stand in the top folder, beside dotfiles. */
const topLevel = [
  "server",
  "ios-bridge",
  "harness",
  "fixtures",
  "scripts",
  "docs",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "docker-compose.yml",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
];

/** Folders that tools make and git ignores. */
const ignored = ["node_modules", "dist", "coverage"];

/** Names that the core cannot use: they reach the world outside, or Swift has no equal. */
const impure: { pattern: RegExp; why: string }[] = [
  { pattern: /(?<![.\w])(?:Date|performance)\b/g, why: "reads the clock" },
  { pattern: /\bMath\.random\b/g, why: "is random" },
  {
    pattern: /(?<![.\w])(?:process|globalThis|console|crypto|fetch)\b(?!\s*\??:)/g,
    why: "is the world outside",
  },
  { pattern: /(?<![.\w])(?:set|clear)(?:Timeout|Interval|Immediate)\b/g, why: "is a timer" },
  { pattern: /(?<![.\w])queueMicrotask\b/g, why: "is a timer" },
  { pattern: /(?<![.\w])Promise\b/g, why: "is asynchronous" },
  { pattern: /(?<![.\w])(?:async|await)\b(?=\s+[\w(])/g, why: "is asynchronous" },
  { pattern: /(?<![.\w])(?:Buffer|TextEncoder|TextDecoder)\b/g, why: "is not a byte string" },
  { pattern: /(?<![.\w])URL\b(?=[.(])/g, why: "normalises in its own way" },
  { pattern: /(?<![.\w])(?:RegExp)\b/g, why: "differs in Swift" },
  { pattern: /(?<![.\w])(?:parseInt|parseFloat|Number)\s*\(/g, why: "accepts more than digits" },
  { pattern: /\.trim(?:Start|End)?\(\)/g, why: "takes a byte order mark away" },
  { pattern: /\.(?:toLocale\w+|localeCompare|normalize)\(/g, why: "depends on the locale or on Unicode tables" },
  { pattern: /(?<![.\w])class\s+\w+/g, why: "is no plain data" },
];

const dishonest: { pattern: RegExp; why: string }[] = [
  { pattern: /\.(?:only|skip|todo)\b\s*\(/g, why: "a test that is left out proves nothing" },
  { pattern: /[{,]\s*(?:only|skip|todo)\s*:/g, why: "a test that is left out proves nothing" },
];

const emptyCatches: RegExp[] = [
  /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/g,
  /\.catch\(\s*\(\s*\w*\s*\)\s*=>\s*(?:\{\s*\}|undefined|null)\s*\)/g,
];

const faults: Fault[] = [];
const files = sourceFiles();
checkTopLevel();
for (const file of files) {
  checkSize(file);
  checkCatches(file);
  if (isUnder(file, "server/test")) {
    check(file, dishonest);
  }
  if (isUnder(file, "server/core")) {
    checkCore(file);
  }
}
checkNames();
checkDeadFiles();
report();

function sourceFiles(): File[] {
  return ["server", "scripts", "harness", "ios-bridge"]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((n) => join(folder, n)),
    )
    .filter((path) => /\.(?:ts|mjs|swift)$/.test(path) && !path.split(sep).includes(".build"))
    .sort()
    .map((path) => {
      const source = readFileSync(join(root, path), "utf8");
      return { path: path.replaceAll(sep, "/"), source, text: readSource(source) };
    });
}

function checkTopLevel(): void {
  for (const name of readdirSync(root)) {
    if (!name.startsWith(".") && !topLevel.includes(name) && !ignored.includes(name)) {
      fault(name, 0, "stands in the top folder, which is a closed list");
    }
  }
}

function checkSize(file: File): void {
  const lines = file.source.split("\n").length - 1;
  if (lines > fileLinesMax) {
    fault(file.path, lines, `has ${lines} lines; ${fileLinesMax} is the end`);
  }
}

function checkCatches(file: File): void {
  for (const pattern of emptyCatches) {
    check(file, [{ pattern, why: "an empty catch hides a failure" }]);
  }
}

function checkCore(file: File): void {
  check(file, impure);
  for (const line of file.text.regexLines) {
    fault(file.path, line, "a regular expression in the core: Swift's differ");
  }
  for (const { specifier, line } of importsOf(file.source)) {
    checkCoreImport(file, specifier, line);
  }
  for (const { line, name, lines } of functionsOf(file.text.code)) {
    if (lines > functionLinesMax) {
      fault(file.path, line, `${name} has ${lines} lines; ${functionLinesMax} is the end`);
    }
  }
}

function checkCoreImport(file: File, specifier: string, line: number): void {
  const target = targetOf(file, specifier);
  if (target === null || !target.startsWith("server/core/")) {
    fault(file.path, line, `imports ${specifier}: the core imports only the core`);
    return;
  }
  const own = coreFolders.indexOf(file.path.split("/")[2] ?? "");
  const other = coreFolders.indexOf(target.split("/")[2] ?? "");
  if (own < 0) {
    fault(file.path, line, `stands in a folder that is none of ${coreFolders.join(", ")}`);
  } else if (other > own) {
    fault(file.path, line, `imports ${specifier} from a later folder; the order is ${coreFolders.join(", ")}`);
  }
}

/** Functions that begin in the first column; the formatter closes them in the first column as well. */
function functionsOf(code: string): { line: number; name: string; lines: number }[] {
  return matchesWithLines(code, /^(?:export )?(?:async )?function\*? (\w+)/gm).map(({ match, line }) => {
    const end = code.indexOf("\n}", match.index);
    return { line, name: match[1] ?? "", lines: lineAt(code, end + 1) - line + 1 };
  });
}

/** A Swift module allows one file of a name. */
function checkNames(): void {
  const seen = new Map<string, string>();
  for (const file of files.filter((candidate) => isUnder(candidate, "server/core"))) {
    const name = basename(file.path);
    const other = seen.get(name);
    if (other !== undefined) {
      fault(file.path, 0, `has the name of ${other}`);
    }
    seen.set(name, file.path);
  }
}

/** A file that no other file of the program imports is dead; the command and the library are where it begins. */
function checkDeadFiles(): void {
  const imported = new Set<string>();
  for (const file of files.filter((candidate) => !isUnder(candidate, "server/test"))) {
    for (const { specifier } of importsOf(file.source)) {
      imported.add(targetOf(file, specifier) ?? "");
    }
  }
  for (const file of files) {
    const entry = ["server/reelcache.mjs", "server/main.ts", "server/index.ts"].includes(file.path);
    if (isUnder(file, "server") && !isUnder(file, "server/test") && !entry && !imported.has(file.path)) {
      fault(file.path, 0, "is imported by nobody");
    }
  }
}

function check(file: File, rules: { pattern: RegExp; why: string }[]): void {
  for (const { pattern, why } of rules) {
    for (const { match, line } of matchesWithLines(file.text.code, pattern)) {
      fault(file.path, line, `${match[0].replace(/\s+/g, " ").trim()}: ${why}`);
    }
  }
}

/** The imported file's path from the top folder; null when it is a package. */
function targetOf(file: File, specifier: string): string | null {
  if (!specifier.startsWith(".")) {
    return null;
  }
  return relative(root, resolve(root, dirname(file.path), specifier)).replaceAll(sep, "/");
}

function isUnder(file: File, folder: string): boolean {
  return file.path.startsWith(`${folder}/`);
}

function fault(path: string, line: number, message: string): void {
  faults.push({ path, line, message });
}

function report(): void {
  for (const { path, line, message } of faults) {
    console.log(`${path}${line > 0 ? `:${line}` : ""} ${message}`);
  }
  console.log(`${files.length} files, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
