/**
 * `npm test`: every check, one after the other, a failed one not stopping the next. The last line is
 * `N passed, N failed`. `--only step[,step]` runs some of them, `--grep text` some of the tests; file names, these files.
 * `--no-swift` leaves the Swift twin out, and the end says so.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { bridgeBinary, buildSwift, lintSwift, testSwift } from "./check-swift.mjs";
import { root, setup, toolEnvironment } from "./setup.mjs";

/** In order; those with `swift` need the Swift toolchain, which is fetched when missing. */
const steps = [
  { name: "tools", run: checkTools },
  { name: "types", run: () => runTool("tsc", ["-p", root, "--noEmit"]) },
  { name: "lint", run: () => runTool("biome", ["ci", "--colors=off", root]) },
  { name: "tidy", run: () => runTool("node", [join(root, "scripts", "tidy.ts")]) },
  { name: "trace", run: () => runTool("node", [join(root, "scripts", "trace.ts")]) },
  { name: "parity", run: () => runTool("node", [join(root, "scripts", "parity.ts")]) },
  { name: "availability", run: () => runTool("node", [join(root, "scripts", "availability.ts")]) },
  { name: "swift-build", run: buildSwift, swift: true },
  { name: "apple-types", run: () => runLong("node", [join(root, "scripts", "apple-types.ts")]), swift: true },
  { name: "swift-lint", run: lintSwift, swift: true },
  { name: "swift-tests", run: testSwift, swift: true },
  { name: "sanitize", run: () => runLong("node", [join(root, "scripts", "sanitize.ts")]), swift: true },
  { name: "fuzz", run: () => runLong("node", [join(root, "scripts", "fuzz.ts"), "--runs"]), swift: true },
  { name: "tests", run: runTests },
  { name: "swift-wire", run: runWire, swift: true },
  { name: "conformance", run: runConformance },
];

/** Runs of the harness: every case on both twins, and every case with a restart with the cache handed over. */
const conformanceRuns = {
  both: [
    ["--target", "reference", "--target", "bridge"],
    ["--target", "reference>bridge", "--target", "bridge>reference", "--step", "restart"],
  ],
  reference: [["--target", "reference"]],
};

/** Programs that tests drive, and the Debian package of each. */
const debianPackages = { ffmpeg: "ffmpeg", ffprobe: "ffmpeg", chromium: "chromium" };

const { values, positionals } = readArguments();
setup();
await main();

async function main() {
  const only = positionals.length > 0 || values.grep !== undefined ? ["tests"] : (values.only?.split(",") ?? []);
  const unknown = only.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`No step ${unknown.join(", ")}; there are ${steps.map((step) => step.name).join(", ")}\n`);
    process.exit(2);
  }
  let passed = 0;
  let failed = 0;
  const failedSteps = [];
  const leftOut = [];
  const chosen = steps.filter((candidate) => only.length === 0 || only.includes(candidate.name));
  const left = chosen.filter((step) => values["no-swift"] && step.swift === true);
  if (values["no-swift"]) {
    process.env.REELCACHE_NO_SWIFT = "1";
  }
  for (const step of chosen.filter((candidate) => !left.includes(candidate))) {
    process.stdout.write(`\n== ${step.name}\n`);
    const beganAt = performance.now();
    const result = await step.run();
    if (!Number.isInteger(result.passed) || !Number.isInteger(result.failed)) {
      throw new Error(`${step.name} does not say how many passed and failed`);
    }
    passed += result.passed;
    failed += result.failed;
    leftOut.push(...(result.left ?? []));
    if (result.failed > 0) {
      failedSteps.push(step.name);
    }
    const seconds = ((performance.now() - beganAt) / 1000).toFixed(1);
    process.stdout.write(`   ${result.failed > 0 ? "FAILED" : "ok"}, ${seconds} s\n`);
  }
  if (failedSteps.length > 0) {
    process.stdout.write(`\nFailed: ${failedSteps.join(", ")}\n`);
  }
  if (values["no-swift"]) {
    const names = left.map((step) => step.name).join(", ");
    process.stdout.write(
      `\nThe Swift twin was left out (--no-swift): ${names === "" ? "its tests" : names}, its conformance\n`,
    );
  }
  // Neither passed nor failed: what this machine does not allow.
  for (const reason of new Set(leftOut)) {
    const count = leftOut.filter((other) => other === reason).length;
    process.stdout.write(`\nLeft out on this machine (${count}): ${reason}\n`);
  }
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

function readArguments() {
  try {
    const options = { only: { type: "string" }, grep: { type: "string" }, "no-swift": { type: "boolean" } };
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    process.stderr.write(
      `${error.message}\nUsage: npm test [-- --only step,step] [--no-swift] [--grep text] [file…]\n`,
    );
    return process.exit(2);
  }
}

/** Tests need these programs; a missing one is a failure, never a reason to skip. */
function checkTools() {
  const missing = Object.keys(debianPackages).filter((program) => !isOnPath(program));
  const packages = [...new Set(missing.map((program) => debianPackages[program]))];
  for (const program of missing) {
    process.stdout.write(`   ${program} is not installed\n`);
  }
  if (missing.length > 0) {
    process.stdout.write(`   Debian and Ubuntu: apt-get install -y --no-install-recommends ${packages.join(" ")}\n`);
  }
  return { passed: Object.keys(debianPackages).length - missing.length, failed: missing.length };
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/** One tool, its output shown only when it fails or has something to say. */
function runTool(name, args) {
  const result = spawnSync(name, args, { cwd: root, env: toolEnvironment(), encoding: "utf8", maxBuffer: 2 ** 26 });
  if (result.error !== undefined) {
    process.stdout.write(`   ${name} cannot be run: ${result.error.message}\n`);
  }
  process.stdout.write(indent(`${result.stdout ?? ""}${result.stderr ?? ""}`));
  return result.status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** A tool that takes a while, its lines shown as they come; those that begin with a name and a verdict are counted. */
async function runLong(name, args) {
  const child = spawn(name, args, { cwd: root, env: toolEnvironment(), stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
  const counts = { passed: 0, failed: 0 };
  for await (const line of createInterface({ input: child.stdout })) {
    process.stdout.write(indent(line));
    if (/^\w+ +ok: /.test(line)) counts.passed += 1;
    if (/^\w+ +FAILED: /.test(line)) counts.failed += 1;
  }
  const broken = (await exited) !== 0 || counts.passed === 0;
  return { ...counts, failed: broken ? Math.max(1, counts.failed) : counts.failed };
}

async function runTests() {
  const grep = values.grep === undefined ? [] : [`--grep=${values.grep}`];
  const { totals, status } = await runTap([...grep, ...positionals], {});
  // A skipped or postponed test proves nothing. A filter skips on purpose.
  const unproven = values.grep === undefined ? totals.skip + totals.todo : 0;
  if (unproven > 0) {
    process.stdout.write(`   ${unproven} tests skipped or left to do, which counts as failed\n`);
  }
  const failed = totals.fail + unproven;
  if (status !== 0 && failed === 0) {
    process.stdout.write(`   tap ended with status ${status}\n`);
  }
  return { passed: totals.pass, failed: status !== 0 && failed === 0 ? 1 : failed, left: totals.left };
}

/** The reference's wire tests against the Swift twin; the few of them that need the library are the reference's alone. */
async function runWire() {
  const binary = await bridgeBinary();
  if (binary === null) return { passed: 0, failed: 1 };
  const files = readdirSync(join(root, "server", "test")).filter((name) => /^wire-.*\.test\.ts$/.test(name));
  const environment = { REELCACHE_WIRE_COMMAND: binary };
  const { totals, status } = await runTap(
    files.map((name) => join("server", "test", name)),
    environment,
  );
  const failed = totals.fail + totals.skip + totals.todo;
  return { passed: totals.pass, failed: status !== 0 && failed === 0 ? 1 : failed };
}

/** Test files under tap: a line for each file as it ends, and everything that tap says about a failed one. */
async function runTap(args, environment) {
  buildTap();
  const child = spawn("tap", ["run", "--disable-coverage", "--reporter=tap", ...args], {
    cwd: root,
    env: { ...toolEnvironment(), NO_COLOR: "1", FORCE_COLOR: "0", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
  const totals = await readTap(child.stdout);
  return { totals, status: await exited };
}

/** Every case of the harness against both twins; a case counts as one a target. */
async function runConformance() {
  const sums = { passed: 0, failed: 0 };
  for (const args of values["no-swift"] ? conformanceRuns.reference : conformanceRuns.both) {
    const { passed, failed } = await runHarness(args);
    sums.passed += passed;
    sums.failed += failed;
  }
  return sums;
}

async function runHarness(args) {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-check-"));
  const results = join(folder, "results.json");
  const child = spawn("node", [join(root, "harness", "main.ts"), "run", "--json", results, ...args], {
    cwd: root,
    env: { ...toolEnvironment(), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
  for await (const line of createInterface({ input: child.stdout })) process.stdout.write(indent(line));
  const status = await exited;
  const counts = existsSync(results) ? verdictsOf(JSON.parse(readFileSync(results, "utf8"))) : { passed: 0, failed: 1 };
  rmSync(folder, { recursive: true, force: true });
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function verdictsOf(run) {
  const passed = run.results.filter((result) => result.verdict === "passed" || result.verdict === "known-failing");
  return { passed: passed.length, failed: run.results.length - passed.length };
}

/** Reads tap's output as it comes; the sums are in its last line. */
async function readTap(stream) {
  let totals = { pass: 0, fail: 0, skip: 0, todo: 0, left: [] };
  let detail = [];
  for await (const line of createInterface({ input: stream })) {
    const file = /^(not ok|ok) [0-9]+ - (\S+)(?: # time=([0-9.]+)ms)?/.exec(line);
    const sums = /^# \{ (total: .*) \}$/.exec(line);
    const left = /^ *# left out: (.*)$/.exec(line);
    if (left !== null) {
      totals.left.push(left[1]);
      process.stdout.write(`   ${left[0].trim()}\n`);
    }
    if (file !== null) {
      const good = file[1] === "ok";
      const seconds = (Number(file[3] ?? 0) / 1000).toFixed(1);
      process.stdout.write(`   ${good ? "ok    " : "FAILED"} ${seconds.padStart(6)} s  ${file[2]}\n`);
      if (!good) {
        process.stdout.write(indent(withoutPasses(detail).join("\n")));
      }
      detail = [];
    } else if (sums !== null) {
      totals = { ...totals, ...countsOf(sums[1]) };
    } else {
      detail.push(line);
    }
  }
  return totals;
}

function countsOf(text) {
  return Object.fromEntries([...text.matchAll(/([a-z]+): ([0-9]+)/g)].map(([, name, count]) => [name, Number(count)]));
}

function withoutPasses(lines) {
  return lines.filter(
    (line) => !/^ *(ok [0-9]+|[0-9]+\.\.[0-9]+|# time=|TAP version)/.test(line) && line.trim() !== "",
  );
}

/** tap builds its test class for the plugins of .taprc; the first run would still use the class as shipped. */
function buildTap() {
  const built = join(root, "node_modules", "@tapjs", "test", "test-built", "dist", "esm", "index.js");
  if (existsSync(built) && !readFileSync(built, "utf8").includes("@tapjs/typescript")) {
    return;
  }
  spawnSync("tap", ["build"], { cwd: root, env: toolEnvironment(), stdio: ["ignore", "ignore", "inherit"] });
}

function indent(text) {
  const trimmed = text.trimEnd();
  return trimmed === "" ? "" : `${trimmed.replaceAll(/^/gm, "   ")}\n`;
}
