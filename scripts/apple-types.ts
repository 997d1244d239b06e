/**
 * Type-checks what ships for Apple's systems, on Linux: so that branches which Linux never compiles are Swift of which the
 * types fit. Swift's own modules are made again for those targets out of their interfaces; of the SDK there are outlines
 * (ios-bridge/AppleSDK), which are not the SDK. A warning is a fault. A line `system ok: …` or `system FAILED: …` for each.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

type System = {
  name: string;
  folder: string;
  target: string;
  moduleName: string;
  outlines: string[];
  sources: string[];
};
type Ran = { status: number; lines: string[] };

const architecture = process.arch === "arm64" ? "arm64" : "x86_64";

/** Outlines that every system has, each after those that it imports. */
const common = ["Darwin", "Dispatch", "Foundation", "Security", "Network"];

/** Folders of what ships, each after those that it imports. */
const library = ["ReelcacheCore", "ReelcacheEdge", "Reelcache", "ReelcacheControl", "ReelcacheCommand"].map((name) =>
  join("Sources", name),
);
const hostApp = join("HostApp", "Sources");

/** Folders of Sources that hold nothing to check: a C header, and the command's one line. */
const small = ["CZlib", "reelcache-sut"];

/** The oldest systems, as Package.swift says them. */
const systems: System[] = [
  {
    name: "macOS",
    folder: "macosx",
    target: `${architecture}-apple-macosx12.0`,
    moduleName: `${architecture}-apple-macos`,
    outlines: common,
    sources: library,
  },
  {
    name: "iOS",
    folder: "iphonesimulator",
    target: `${architecture}-apple-ios15.0-simulator`,
    moduleName: `${architecture}-apple-ios-simulator`,
    outlines: [...common, "UIKit", "SwiftUI"],
    sources: [...library, hostApp],
  },
];

/** Swift's own modules that ours import, said or unsaid. */
const standard = ["Swift", "SwiftOnoneSupport", "_Concurrency", "_StringProcessing"];

/** Most lines of a compiler that are shown. */
const linesMax = 80;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bridge = join(root, "ios-bridge");
const scratch = join(bridge, ".build", "apple-types");

if (process.platform === "darwin") {
  console.log("macOS ok: this machine has Apple's own SDK, against which swift-build builds");
} else {
  process.exitCode = (await checkAll()) ? 0 : 1;
}

async function checkAll(): Promise<boolean> {
  const known = [...small, ...library.map((folder) => basename(folder))];
  const forgotten = readdirSync(join(bridge, "Sources")).filter((name) => !known.includes(name));
  for (const name of forgotten) console.log(`ios-bridge/Sources/${name}: not in the list of what is checked for Apple`);
  const resources = await swiftResources();
  if (resources === null) return false;
  const results = await Promise.all(systems.map((system) => check(system, resources)));
  return forgotten.length === 0 && results.every(Boolean);
}

/** The folder of Swift's own modules, as this process sees it; null when there is no toolchain. */
async function swiftResources(): Promise<string | null> {
  const where = await swift(["--where"]);
  const told = await swift(["-print-target-info"]);
  if (where.status !== 0 || told.status !== 0) {
    for (const line of [...where.lines, ...told.lines]) console.log(line);
    return null;
  }
  const info = JSON.parse(told.lines.slice(told.lines.indexOf("{")).join("\n"));
  // A private toolchain speaks of paths below a root of its own.
  const folder = where.lines.find((line) => line.startsWith("/")) ?? "/";
  return join(folder, info.paths.runtimeResourcePath);
}

async function check(system: System, resources: string): Promise<boolean> {
  const began = performance.now();
  const folder = join(scratch, system.folder);
  for (const name of ["modules", "sdk"]) rmSync(join(folder, name), { recursive: true, force: true });
  for (const name of ["modules", "sdk"]) mkdirSync(join(folder, name), { recursive: true });
  const faults = await retarget(system, resources);
  for (const name of system.outlines) {
    if (faults.length > 0) break;
    // An app is compiled against a library that may grow: a switch over its cases has to say so.
    const flags = ["-enable-library-evolution", "-suppress-warnings"];
    faults.push(...(await compile(system, name, join("AppleSDK", name), flags)));
  }
  for (const source of system.sources) {
    if (faults.length > 0) break;
    faults.push(...(await compile(system, source === hostApp ? "HostApp" : basename(source), source, [])));
  }
  const probes =
    faults.length > 0 ? [] : ["Any", system.name].map((name) => join("AppleSDK", "Probes", `${name}.swift`));
  for (const probe of probes) faults.push(...(await findsFaults(system, probe)));
  for (const line of faults.slice(0, linesMax)) console.log(line);
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const sum = `${system.sources.length} modules and ${probes.length} files of known faults for ${system.target}, ${seconds} s`;
  console.log(
    faults.length > 0 ? `${system.name} FAILED: ${system.target}, ${seconds} s` : `${system.name} ok: ${sum}`,
  );
  return faults.length === 0;
}

/** Makes Swift's own modules for the system out of their interfaces, once; the lines of what failed. */
async function retarget(system: System, resources: string): Promise<string[]> {
  const into = join(scratch, system.folder, "resources");
  cpSync(join(resources, "shims"), join(into, "shims"), { recursive: true });
  for (const name of standard) {
    const folder = join(resources, "linux", `${name}.swiftmodule`);
    const file = readdirSync(folder).find((entry) => /^[^.]+\.swiftinterface$/.test(entry));
    if (file === undefined) return [`Swift's module ${name} has no interface in ${folder}`];
    const text = retargeted(system, name, readFileSync(join(folder, file), "utf8"));
    const made = join(scratch, system.folder, `${name}.swiftinterface`);
    const output = join(into, system.folder, `${name}.swiftmodule`, `${system.moduleName}.swiftmodule`);
    if (existsSync(output) && existsSync(made) && readFileSync(made, "utf8") === text) continue;
    rmSync(output, { force: true });
    writeFileSync(made, text);
    mkdirSync(dirname(output), { recursive: true });
    const what = ["-frontend", "-compile-module-from-interface", made, "-parse-stdlib", "-module-name", name];
    const { status, lines } = await swift([...what, "-o", output, ...placesOf(system)]);
    if (status !== 0) return [...lines, `${system.name}: Swift's module ${name} cannot be made`];
  }
  return [];
}

/** The text of an interface of Linux, for the system. */
function retargeted(system: System, name: string, text: string): string {
  // Without bodies it takes seconds instead of a minute, and types need none. These are part of Swift's own library on
  // Apple: what they use of it is always there.
  const flags = `-experimental-skip-all-function-bodies${name === "Swift" ? "" : " -disable-availability-checking"}`;
  return (
    text
      .replace(/-target [\w.-]+/, `-target ${system.target}`)
      .replace(/-module-name \w+/, `$& ${flags}`)
      // What an old system lacks would be compiled in; here it counts as there or not by `@available` alone.
      .replaceAll(/@backDeployed\([^)]*\)/g, "")
  );
}

/** Makes a module of a folder; the lines of its faults. */
async function compile(system: System, name: string, folder: string, flags: string[]): Promise<string[]> {
  const output = join(scratch, system.folder, "modules", `${name}.swiftmodule`);
  const { status, lines } = await swift([
    ...["-frontend", "-emit-module", "-module-name", name, "-o", output, ...flags, ...flagsOf(system)],
    ...swiftFiles(folder),
  ]);
  const said = [...new Set(lines.map((line) => line.replace(/^(?=[\w/.-]+\.swift:\d+:\d+: )/, "ios-bridge/")))];
  const faulty = status !== 0 || said.some((line) => / (?:error|warning): /.test(line));
  return faulty ? [...said, `${system.name}: ${folder} does not fit`] : [];
}

/** Compiles a file whose lines of faults say `fault: words`; the lines where no such fault was found, or another. */
async function findsFaults(system: System, file: string): Promise<string[]> {
  const { lines } = await swift(["-frontend", "-typecheck", "-module-name", "Probe", ...flagsOf(system), file]);
  const found = lines
    .map((line) => /^[^:]+\.swift:(\d+):\d+: error: (.*)/.exec(line))
    .filter((match) => match !== null)
    .map(([, number = "", words = ""]) => ({ number: Number(number), words }));
  const source = readFileSync(join(bridge, file), "utf8").split("\n");
  const wanted = source
    .map((line, index) => ({ number: index + 1, words: / \/\/ fault: (.+)/.exec(line)?.[1] }))
    .filter((line): line is { number: number; words: string } => line.words !== undefined);
  const at = (line: { number: number }): string => `${system.name}: ios-bridge/${file}:${line.number}:`;
  const missed = wanted.filter(
    (line) => !found.some((it) => it.number === line.number && it.words.includes(line.words)),
  );
  const others = found.filter((it) => !wanted.some((line) => line.number === it.number));
  return [
    ...missed.map((line) => `${at(line)} this was not found: ${line.words}`),
    ...others.map((it) => `${at(it)} this is not what is wrong: ${it.words}`),
    ...(wanted.length === 0 ? [`${system.name}: ios-bridge/${file} says no fault`] : []),
  ];
}

function flagsOf(system: System): string[] {
  const modules = join(scratch, system.folder, "modules");
  return [
    ...["-swift-version", "6", "-package-name", "reelcache", "-parse-as-library", ...placesOf(system)],
    ...["-I", modules, "-I", join("AppleSDK", "C")],
  ];
}

function placesOf(system: System): string[] {
  const folder = join(scratch, system.folder);
  return [
    // Interfaces made on Linux are without Objective-C.
    ...["-target", system.target, "-disable-objc-interop", "-resource-dir", join(folder, "resources")],
    ...["-sdk", join(folder, "sdk"), "-module-cache-path", join(folder, "cache")],
  ];
}

function swiftFiles(folder: string): string[] {
  return readdirSync(join(bridge, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".swift"))
    .sort()
    .map((name) => join(folder, name));
}

/** Runs swift in ios-bridge to its end: its status and all lines that it wrote. */
async function swift(args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, "scripts", "swift.mjs"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => lines.push(line));
  }
  const status = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      lines.push(error.message);
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
  return { status, lines };
}
