/**
 * The bridge ships for iOS 15 and macOS 12, but Linux compiles whatever its newer library has: this names what those
 * systems lack, imports that would not exist there or bring too much along, and packages of others. One line a fault.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { newerApis } from "./newer-apis.ts";
import { lineAt, matchesWithLines } from "./source-text.ts";
import { splitSwift, splitTexts } from "./swift-text.ts";

/** A file with its comments blanked (`whole`), then without its texts (`code`), and the texts alone. */
type File = { path: string; whole: string; code: string; texts: string };

/** What ships: the package and the app that hosts it on a device. */
const shipping = ["Sources", "HostApp"];

/** Modules by who may import them. Of two libraries for the same the one that every system has is taken. */
const imports: { under: string; modules: string[] }[] = [
  { under: "Sources/ReelcacheCore/", modules: [] },
  {
    under: "Sources/",
    modules: [
      "Darwin",
      "Glibc",
      "Dispatch",
      "Foundation",
      "FoundationEssentials",
      "Network",
      "Security",
      "SQLite3",
      "Compression",
      "CryptoKit",
      "CZlib",
      "UIKit",
      "ReelcacheCore",
      "ReelcacheEdge",
      "Reelcache",
      "ReelcacheControl",
      "ReelcacheCommand",
    ],
  },
];

/** Conditions under which Linux compiles nothing. */
const elsewhere = ["!canImport(FoundationEssentials)", "os(iOS)", "canImport(UIKit)", "canImport(Darwin)"];

/** The oldest systems, as Package.swift says them. */
const platforms = [".iOS(.v15)", ".macOS(.v12)"];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bridge = join(root, "ios-bridge");
const faults: string[] = [];
const files = swiftFiles();
const own = ownNames();
for (const file of files) {
  checkNames(file);
  checkEscapes(file);
  checkImports(file);
}
checkPackage();
for (const fault of faults) console.log(fault);
console.log(`${files.length} files, ${faults.length} faults`);
process.exitCode = faults.length > 0 || files.length === 0 ? 1 : 0;

function swiftFiles(): File[] {
  return shipping
    .filter((folder) => existsSync(join(bridge, folder)))
    .flatMap((folder) =>
      readdirSync(join(bridge, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    )
    .filter((path) => path.endsWith(".swift"))
    .sort()
    .map((path) => readSwift(path.replaceAll(sep, "/")));
}

function readSwift(path: string): File {
  const whole = splitSwift(readFileSync(join(bridge, path), "utf8")).code;
  return { path, whole, ...splitTexts(whole) };
}

/** Types that the bridge declares itself hide a newer one of the same name. */
function ownNames(): Set<string> {
  const pattern = /\b(?:struct|class|enum|protocol|actor|typealias)\s+(\w+)/g;
  return new Set(files.flatMap(({ code }) => [...code.matchAll(pattern)].map((match) => match[1] ?? "")));
}

function checkNames(file: File): void {
  for (const { since, names, patterns = [], texts = [] } of newerApis) {
    const message = `needs ${since}`;
    for (const name of names.filter((candidate) => !own.has(candidate)))
      check(file, "code", wordPattern(name), message);
    for (const pattern of patterns) check(file, "whole", pattern, message);
    for (const pattern of texts) check(file, "texts", pattern, message);
  }
}

/** A name as a whole word, not one that is being declared or that labels an argument. */
function wordPattern(name: string): RegExp {
  const escaped = name.replace(/[.()]/g, "\\$&");
  const before = /^\w/.test(name) ? "(?<![\\w.#@])(?<!\\b(?:func|case|let|var)\\s)" : "";
  return new RegExp(`${before}${escaped}(?!\\w)`, "g");
}

/** An app on the oldest system would run the other branch, which nobody tests. */
function checkEscapes(file: File): void {
  check(file, "code", /#(?:un)?available\b/g, "a branch for newer systems");
  check(file, "code", /@available\s*\(\s*(?:iOS|macOS|tvOS|watchOS|visionOS|swift)\b/g, "only for newer systems");
}

function checkImports(file: File): void {
  const allowed = imports.find(({ under }) => file.path.startsWith(under));
  if (allowed === undefined) return;
  const pattern = /^[ \t]*(?:@\w+(?:\(\w+\))? +)*(?:\w+ +)?import +(?:(?:struct|class|enum|func|protocol) +)?(\w+)/gm;
  for (const { match, line } of matchesWithLines(file.code, pattern)) {
    const name = match[1] ?? "";
    if (!allowed.modules.includes(name)) fault(file.path, line, `imports ${name}, which is not on the list`);
    if (name === "Foundation" && !isFallback(file, line)) {
      fault(
        file.path,
        line,
        "imports Foundation where FoundationEssentials does: `#if canImport(FoundationEssentials)`",
      );
    }
  }
}

/** True where Linux does not come: behind a condition on an Apple system, or where there is no FoundationEssentials. */
function isFallback(file: File, line: number): boolean {
  const open: string[] = [];
  for (const text of file.code.split("\n").slice(0, line - 1)) {
    const [, directive = "", condition = ""] = /^\s*#(if|elseif|else|endif)\b\s*(.*?)\s*$/.exec(text) ?? [];
    if (directive === "if") open.push(condition);
    else if (directive === "endif") open.pop();
    else if (directive === "elseif") open[open.length - 1] = condition;
    else if (directive === "else") open[open.length - 1] = `!${open.at(-1)}`;
  }
  return open.some((condition) => elsewhere.includes(condition));
}

function checkPackage(): void {
  const file = readSwift("Package.swift");
  for (const platform of platforms) {
    if (!file.code.includes(platform)) fault(file.path, 0, `does not say ${platform}`);
  }
  check(file, "code", /\.package\s*\(/g, "a package of others: an app takes this one alone");
  check(file, "code", /\bunsafeFlags\b/g, "an app's dependency cannot have such flags");
}

function check(file: File, part: "code" | "whole" | "texts", pattern: RegExp, message: string): void {
  for (const match of file[part].matchAll(pattern)) {
    const shown = match[0].replace(/\s+/g, " ").trim();
    fault(file.path, lineAt(file[part], match.index), `${shown}: ${message}`);
  }
}

function fault(path: string, line: number, message: string): void {
  faults.push(`ios-bridge/${path}${line > 0 ? `:${line}` : ""} ${message}`);
}
