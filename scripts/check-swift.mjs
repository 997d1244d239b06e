/** The checks of the Swift twin, for `npm test`; each resolves with how many passed and failed. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root, toolEnvironment } from "./setup.mjs";
import { runSwift, swiftEnded } from "./swift.mjs";
import { ToolchainError } from "./swift-toolchain.mjs";

/** What shipping code is formatted by; the stand-ins and the tests as well. */
const formatted = ["Package.swift", "Sources", "Linux", "AppleSDK", "Tests", "Fuzz", "HostApp"];

/** Tests whose ids both twins must have run; a seeded run of exchanges has a digest of all that happened in its id. */
const sharedTests = ["vectors", "playbooks", "exchange-playbooks", "exchange-random", "exchange-noise"].map(
  (name) => `server/test/${name}.test.ts`,
);

/** Builds everything as it ships. A warning of ours is a fault. */
export async function buildSwift() {
  const built = await swift(["build", "-c", "release"]);
  const warnings = [...new Set(built.lines.filter((line) => /\.swift:[0-9]+:[0-9]+: warning: /.test(line)))];
  if (built.status !== 0) process.stdout.write(indent(built.lines.slice(-40)));
  process.stdout.write(indent(warnings));
  return built.status === 0 && warnings.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** The command, built as it ships; null when it cannot be. */
export async function bridgeBinary() {
  const built = await swift(["build", "-c", "release", "--product", "reelcache-sut"]);
  if (built.status === 0) return join(root, "ios-bridge/.build/release/reelcache-sut");
  process.stdout.write(indent(built.lines.slice(-40)));
  return null;
}

/**
 * The style of the Swift sources, by the toolchain's own formatter; and that the host app, which only Xcode can build, is
 * Swift at all.
 */
export async function lintSwift() {
  // The formatter has nothing to say of folders that are not there.
  const present = formatted.filter((name) => existsSync(join(root, "ios-bridge", name)));
  const style = await swift(["format", "lint", "--strict", "--parallel", "--recursive", ...present]);
  const hostFolder = join("HostApp", "Sources");
  const hostFiles = readdirSync(join(root, "ios-bridge", hostFolder)).filter((name) => name.endsWith(".swift"));
  const parsed = await swift(["-frontend", "-parse", ...hostFiles.map((name) => join(hostFolder, name))]);
  process.stdout.write(indent([...style.lines.slice(0, 40), ...parsed.lines.slice(0, 40)]));
  const failed = [style, parsed].filter((result) => result.status !== 0).length;
  return { passed: 2 - failed, failed };
}

/** Longest that swift may take, in milliseconds: a build from nothing on a slow machine, or tests, but no test that hangs. */
const patienceMs = 1_200_000;

/** All tests of the package, how much of it they run, and that vectors and playbooks were those that the reference ran. */
export async function testSwift() {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-ids-"));
  try {
    const ran = await swift(["test", "--enable-code-coverage"], { REELCACHE_IDS: join(folder, "swift") });
    const totals = ran.lines.map((line) =>
      /Executed ([0-9]+) tests?, with (?:([0-9]+) tests? skipped and )?([0-9]+) failures?/.exec(line),
    );
    const last = totals.filter((found) => found !== null).at(-1) ?? [];
    // Nothing is said of skipped tests when there are none.
    const [executed, allSkipped, failures] = [1, 2, 3].map((group) => Number(last[group] ?? 0));
    // What the machine does not allow, which the test says; any other skipped test proves nothing.
    const left = ran.lines.flatMap((line) => /Test skipped.*left out: (.*)$/.exec(line)?.[1] ?? []);
    const skipped = allSkipped - left.length;
    const broken = ran.status !== 0 || failures > 0 || executed === 0;
    if (broken)
      process.stdout.write(indent(ran.lines.filter((line) => !/ (?:passed|started) (?:\(|at )/.test(line)).slice(-80)));
    const failed = Math.max(failures, broken ? 1 : 0) + skipped;
    if (skipped > 0) process.stdout.write(`   ${skipped} tests skipped, which counts as failed\n`);
    const ids = compareIds(join(folder, "swift"), join(folder, "reference"));
    const coverage = broken ? { passed: 0, failed: 0 } : tellCoverage();
    return {
      passed: Math.max(0, executed - failures - allSkipped) + ids.passed + coverage.passed,
      failed: failed + ids.failed + coverage.failed,
      left,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How much the tests ran; fails below the floor. */
function tellCoverage() {
  const script = join(root, "scripts", "swift-coverage.ts");
  const told = spawnSync("node", [script], { cwd: root, env: toolEnvironment(), encoding: "utf8" });
  process.stdout.write(indent(`${told.stdout ?? ""}${told.stderr ?? ""}`.trimEnd().split("\n")));
  return told.status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** The sets of ids that both wrote must be one. */
function compareIds(swiftFile, referenceFile) {
  for (const test of sharedTests) {
    spawnSync("node", [join(root, test)], {
      cwd: root,
      env: { ...toolEnvironment(), REELCACHE_IDS: referenceFile },
      stdio: "ignore",
    });
  }
  const [ours, theirs] = [swiftFile, referenceFile].map(readIds);
  const missing = [...theirs].filter((id) => !ours.has(id));
  const extra = [...ours].filter((id) => !theirs.has(id));
  for (const id of missing.slice(0, 20)) process.stdout.write(`   the Swift twin did not run ${id}\n`);
  for (const id of extra.slice(0, 20)) process.stdout.write(`   the reference did not run ${id}\n`);
  process.stdout.write(`   ${ours.size} vectors and playbooks by the Swift twin, ${theirs.size} by the reference\n`);
  return missing.length + extra.length === 0 && ours.size > 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function readIds(path) {
  try {
    return new Set(
      readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    );
  } catch {
    return new Set();
  }
}

/** Runs swift to its end; all lines that it wrote, and its status. */
async function swift(args, env = {}) {
  const lines = [];
  let child;
  const start = () => {
    child = runSwift(args, { stdio: ["ignore", "pipe", "pipe"], env, detached: true });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => lines.push(line));
    }
    return child;
  };
  // With whatever it started, such as a test that hangs.
  const stop = () => process.kill(-child.pid, "SIGKILL");
  const timer = setTimeout(() => {
    lines.push(`stopped: it took more than ${patienceMs / 1_000} s`);
    stop();
  }, patienceMs);
  const interrupted = () => {
    stop();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupted);
  try {
    const status = await swiftEnded(args, start, (text) => process.stdout.write(indent([text])));
    return { status, lines };
  } catch (error) {
    if (!(error instanceof ToolchainError) && !error.syscall?.startsWith("spawn")) throw error;
    return { status: 1, lines: [error.message] };
  } finally {
    clearTimeout(timer);
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupted);
  }
}

function indent(lines) {
  return lines.map((line) => `   ${line}\n`).join("");
}
