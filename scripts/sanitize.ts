/**
 * `npm run sanitize`: the Swift twin's tests, and 250 players at once through the whole proxy, under ThreadSanitizer and
 * under AddressSanitizer. Any report is a failure, in whatever process it was. `--only thread` runs one of them,
 * `--burst` leaves the tests out; `--all` leaves none out: the core has nothing concurrent, and hostile playlists are timed.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { burst } from "./burst.ts";

type Sanitizer = { name: string; options: string; variable: string; skip: string[] };

const sanitizers: Sanitizer[] = [
  // The core has neither threads nor locks, and its random runs would take minutes.
  { name: "thread", variable: "TSAN_OPTIONS", options: "halt_on_error=0", skip: ["ReelcacheCoreTests"] },
  // Foundation on Linux and Swift's metadata count as leaks; what hostile playlists cost is no matter here.
  { name: "address", variable: "ASAN_OPTIONS", options: "detect_leaks=0", skip: ["PlaylistHostileTests"] },
];

const players = 250;
/** Longest that the tests may take, and the proxy to begin and to stop, in milliseconds. */
const testsMs = 900_000;
const proxyMs = 60_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    only: { type: "string", default: "thread,address" },
    burst: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
  },
});
const chosen = sanitizers.filter(({ name }) => values.only.split(",").includes(name));
let failed = chosen.length === 0 ? 1 : 0;
for (const sanitizer of chosen) {
  if (!(await sanitize(sanitizer))) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;

/** True when all passed and nothing was reported. */
async function sanitize(sanitizer: Sanitizer): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-sanitize-"));
  const scratch = join(root, "ios-bridge", ".build", `sanitize-${sanitizer.name}`);
  const flags = [`--sanitize=${sanitizer.name}`, "--scratch-path", scratch];
  // In files, since what a child of a test says is the test's to read. A deadlock of locks is no race.
  const environment = { [sanitizer.variable]: `${sanitizer.options}:log_path=${join(folder, "report")}` };
  try {
    if (!(await built(flags))) return false;
    const passed = values.burst || (await tested(sanitizer, flags, environment));
    const survived = await burstOf(sanitizer, join(scratch, "debug", "reelcache-sut"), environment, folder);
    return reportsNothing(sanitizer, folder) && passed && survived;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function built(flags: string[]): Promise<boolean> {
  const { status, lines } = await swift(["build", "--build-tests", ...flags], {}, testsMs);
  if (status !== 0) for (const line of lines.slice(-40)) console.log(line);
  return status === 0;
}

async function tested(sanitizer: Sanitizer, flags: string[], environment: Record<string, string>): Promise<boolean> {
  const skipped = values.all ? [] : sanitizer.skip.flatMap((name) => ["--skip", name]);
  const began = performance.now();
  const { status, lines } = await swift(["test", "--skip-build", ...flags, ...skipped], environment, testsMs);
  const sums = lines.map((line) => /Executed ([0-9]+) tests?, .*?([0-9]+) failures?/.exec(line)).filter(Boolean);
  const [, count = "0", failures = "?"] = sums.at(-1) ?? [];
  const good = status === 0 && Number(count) > 0 && failures === "0";
  tell(sanitizer, good, `${count} tests, ${failures} failures, ${secondsSince(began)} s`);
  const telling = lines.filter((line) => / error: |Test skipped|stopped: |Fatal error/.test(line));
  if (!good) for (const line of [...telling, ...lines.slice(-5)]) console.log(`  ${line}`);
  return good;
}

/** Runs swift to its end, or to `limitMs`. */
async function swift(
  args: string[],
  env: Record<string, string>,
  limitMs: number,
): Promise<{ status: number; lines: string[] }> {
  // A group of its own, so that tests that hang end with it.
  const child = spawn(process.execPath, [join(root, "scripts", "swift.mjs"), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => lines.push(line));
  }
  const stop = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    lines.push(`stopped: it took more than ${limitMs / 1_000} s`);
    stop();
  }, limitMs);
  const interrupted = (): void => {
    stop();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  const status = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      lines.push(error.message);
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
  clearTimeout(timer);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
  return { status, lines };
}

/** Starts the proxy, sends the players, empties its cache in the middle, and stops it in order. */
async function burstOf(
  sanitizer: Sanitizer,
  program: string,
  environment: Record<string, string>,
  folder: string,
): Promise<boolean> {
  const began = performance.now();
  const options = ["--json", "--port", "0", "--cache-dir", join(folder, "cache"), "--allow-private", "127.0.0.1:*"];
  // Small, so that it evicts; patient, since all is slow.
  const limits = ["--max-cache-bytes", "20MB", "--eviction-delay-ms", "0", "--limit", "queueWaitMs=120000"];
  const child = spawn(program, [...options, ...limits, "--log-level", "error"], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const lines = createInterface({ input: child.stdout });
  const exited = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(code === 0 ? "" : `it ended with ${code ?? signal}`));
  });
  const proxy = await within(proxyMs, [new Promise<string>((resolve) => lines.once("line", resolve)), exited]);
  if (proxy === null || !proxy.startsWith("{")) {
    child.kill("SIGKILL");
    tell(sanitizer, false, `the proxy does not begin: ${proxy ?? ""} ${said.slice(-5).join(" ")}`);
    return false;
  }
  const url = String((JSON.parse(proxy) as { listening: string }).listening);
  const { requests, faults } = await burst(url, players, () => child.stdin.write("clear\n"));
  child.kill("SIGTERM");
  const end = await within(proxyMs, [exited]);
  if (end === null) child.kill("SIGKILL");
  if (end !== "") faults.push(end ?? "it does not stop");
  tell(sanitizer, faults.length === 0, `${requests} requests of ${players} players, ${secondsSince(began)} s`);
  for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
  if (faults.length > 0) for (const line of said.slice(-20)) console.log(`  ${line}`);
  return faults.length === 0;
}

/** What comes first, null when it takes too long. */
async function within<Value>(milliseconds: number, promises: Promise<Value>[]): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, milliseconds, null);
  });
  const first = await Promise.race([...promises, late]);
  clearTimeout(timer);
  return first;
}

/** True when no process wrote a report. */
function reportsNothing(sanitizer: Sanitizer, folder: string): boolean {
  const reports = readdirSync(folder).filter((name) => name.startsWith("report"));
  if (reports.length > 0) tell(sanitizer, false, `${reports.length} processes reported`);
  for (const name of reports.slice(0, 3)) {
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    for (const line of lines.slice(0, 60)) console.log(`  ${line}`);
  }
  return reports.length === 0;
}

function tell(sanitizer: Sanitizer, good: boolean, words: string): void {
  console.log(`${sanitizer.name.padEnd(8)} ${good ? "ok" : "FAILED"}: ${words}`);
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1_000).toFixed(1);
}
