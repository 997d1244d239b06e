/** What scripts/sanitize.ts runs in instrumented programs: the Swift twin's tests, and many players through the whole proxy. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { burst } from "./burst.ts";

/** How a run went: `words` say how much of it there was, `lines` what there is to say of a failure. */
export type Run = { good: boolean; words: string; lines: string[] };

/** Added to the environment of what runs. */
export type Environment = Record<string, string>;

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Longest that a build and the tests may take, and the proxy to begin and to stop, in milliseconds. */
const testsMs = 900_000;
const proxyMs = 60_000;

/** Builds all programs with the flags; the last lines said when that fails. */
export async function buildAll(flags: string[]): Promise<Run> {
  const began = performance.now();
  const { status, lines } = await swift(["build", "--build-tests", ...flags], {});
  const words = `${status === 0 ? "built" : "not built"} in ${secondsSince(began)} s`;
  return { good: status === 0, words, lines: lines.slice(-40) };
}

/** Runs tests that are built; `selection` are flags of `swift test`. */
export async function runTests(flags: string[], selection: string[], environment: Environment): Promise<Run> {
  const began = performance.now();
  const { status, lines } = await swift(["test", "--skip-build", ...flags, ...selection], environment);
  const sums = lines.map((line) => /Executed ([0-9]+) tests?, .*?([0-9]+) failures?/.exec(line)).filter(Boolean);
  const [, count = "0", failures = "?"] = sums.at(-1) ?? [];
  // One that is skipped proves nothing, unless it says that this machine does not allow it.
  const skipped = lines.some((line) => /Test skipped(?!.*left out: )/.test(line));
  const telling = lines.filter((line) => / error: |Test skipped|stopped: |Fatal error/.test(line));
  return {
    good: status === 0 && Number(count) > 0 && failures === "0" && !skipped,
    words: `${count} tests, ${failures} failures, ${secondsSince(began)} s`,
    lines: [...telling, ...lines.slice(-5)],
  };
}

/** Runs swift to its end, or for as long as it may take. */
async function swift(args: string[], env: Environment): Promise<{ status: number; lines: string[] }> {
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
    lines.push(`stopped: it took more than ${testsMs / 1_000} s`);
    stop();
  }, testsMs);
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

/**
 * Starts a proxy, sends the players, empties its cache in the middle, and stops it in order. `signal` is sent to it in the
 * middle as well, for a fault that it is to commit (ios-bridge/Tests/FaultyCommand); `folder` is where its cache goes.
 */
export async function runBurst(
  program: string,
  players: number,
  environment: Environment,
  folder: string,
  signal: NodeJS.Signals | null,
): Promise<Run> {
  const began = performance.now();
  const options = ["--json", "--port", "0", "--cache-dir", join(folder, "cache"), "--allow-private", "127.0.0.1:*"];
  // Small, so that it evicts; patient, since all is slow.
  const limits = ["--max-cache-bytes", "20MB", "--eviction-delay-ms", "0", "--limit", "queueWaitMs=120000"];
  const child = spawn(program, [...options, ...limits, "--log-level", "error"], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said: string[] = [];
  const errors = createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const committed = new Promise<string>((resolve) =>
    errors.on("line", (line) => (line === "the fault is committed" ? resolve("") : undefined)),
  );
  const lines = createInterface({ input: child.stdout });
  const exited = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, by) => resolve(code === 0 ? "" : `it ended with ${code ?? by}`));
  });
  const proxy = await within(proxyMs, [new Promise<string>((resolve) => lines.once("line", resolve)), exited]);
  if (proxy === null || !proxy.startsWith("{")) {
    child.kill("SIGKILL");
    return { good: false, words: `the proxy does not begin: ${proxy ?? ""}`, lines: said.slice(-5) };
  }
  const url = String((JSON.parse(proxy) as { listening: string }).listening);
  const { requests, faults } = await burst(url, players, () => {
    child.stdin.write("clear\n");
    if (signal !== null) child.kill(signal);
  });
  // The players may be served before the fault has had its turn: it must come before the end.
  if (signal !== null && (await within(proxyMs, [committed, exited])) === null) faults.push("the fault does not come");
  child.kill("SIGTERM");
  const end = await within(proxyMs, [exited]);
  if (end === null) child.kill("SIGKILL");
  if (end !== "") faults.push(end ?? "it does not stop");
  return {
    good: faults.length === 0,
    words: `${requests} requests of ${players} players, ${secondsSince(began)} s`,
    lines: [...faults.slice(0, 20), ...said.slice(-20)],
  };
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

/** Where the sanitizer of a process writes, below a folder: into files, since what a child of a test says is the test's to read. */
export function reportPath(folder: string): string {
  return join(folder, "report");
}

/** What the processes reported there, a text each. */
export function reportsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith("report"));
  return names.map((name) => readFileSync(join(folder, name), "utf8"));
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1_000).toFixed(1);
}
