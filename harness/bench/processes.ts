/** Starting processes of the bench, ending them by their id, and reading from /proc what they cost. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { constants } from "node:os";

/** Longest that a process may take to begin or to end, in milliseconds. */
const patienceMs = 20_000;

/** Clock ticks of /proc in a second. */
const ticksPerSecond = 100;

/** Bytes of what a process said that are kept for its faults. */
const saidBytesMax = 4_000;

/** Debian keeps servers where users do not look. */
export const searchPath = `${process.env.PATH ?? ""}:/usr/sbin:/usr/local/sbin`;

export class StartFailure extends Error {}

export type StartedProcess = {
  child: ChildProcess;
  pid: number;
  /** What it said on both outputs, the last of it. */
  said: () => string;
  ended: Promise<void>;
  /** SIGTERM, then SIGKILL when it does not end. */
  stop: () => Promise<void>;
};

const running = new Set<ChildProcess>();
let guarded = false;

/** Whatever way this process ends, nothing that it started stays. SIGTERM, as servers end their own children then. */
export function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", () => {
    for (const child of running) child.kill("SIGTERM");
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

/** Starts a program. Faults of the start itself show in `ended` and `said`. */
export function startProcess(program: string, args: string[]): StartedProcess {
  // What the environment says to servers and to the processes of a test runner is not for them.
  const given = Object.entries(process.env).filter(([name]) => !/^(?:REELCACHE_|NODE_OPTIONS$)/.test(name));
  const env = { ...Object.fromEntries(given), PATH: searchPath };
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env });
  return watched(child);
}

/** Keeps an eye on a child, however it was started. */
export function watched(child: ChildProcess): StartedProcess {
  let said = "";
  const hear = (bytes: Buffer): void => {
    said = (said + bytes.toString("utf8")).slice(-saidBytesMax);
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  guard();
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      said += error.message;
      resolve();
    });
    child.once("close", () => resolve());
  });
  void ended.then(() => running.delete(child));
  return { child, pid: child.pid ?? 0, said: () => said.trim(), ended, stop: () => stopChild(child, ended) };
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
}

/** Resolves when somebody takes connections at that port. */
export async function listening(started: StartedProcess, port: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let over = false;
  void started.ended.then(() => {
    over = true;
  });
  while (!(await accepts(port))) {
    if (over) throw new StartFailure(`ended: ${started.said()}`);
    if (performance.now() > deadline) throw new StartFailure(`takes no connections: ${started.said()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A port that nobody had a moment ago, for programs that cannot take any. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new StartFailure("no free port");
  return address.port;
}

/** The process and all that descend from it; only itself where there is no /proc. */
export function familyOf(pid: number): number[] {
  const family = [pid];
  for (const member of family) {
    const children = read(`/proc/${member}/task/${member}/children`);
    family.push(...children.split(" ").filter(Boolean).map(Number));
  }
  return family;
}

/** Processor time of a family so far, in seconds; null where there is no /proc. */
export function cpuSecondsOf(pid: number): number | null {
  let ticks = 0;
  for (const member of familyOf(pid)) {
    const fields = read(`/proc/${member}/stat`).split(") ")[1]?.split(" ");
    if (fields === undefined) return member === pid ? null : ticks / ticksPerSecond;
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** Processor time of a process's first thread so far, in seconds; null where there is no /proc. */
export function mainThreadSecondsOf(pid: number): number | null {
  const fields = read(`/proc/${pid}/task/${pid}/stat`).split(") ")[1]?.split(" ");
  return fields === undefined ? null : (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Highest memory of a family since `forgetPeak`, in MB; null where there is no /proc. */
export function peakMegabytesOf(pid: number): number | null {
  const family = familyOf(pid).map((member) => /VmHWM:\s+([0-9]+)/.exec(read(`/proc/${member}/status`)));
  if (family[0] == null) return null;
  return family.reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0) / 1_000;
}

/** Lets the peak begin anew at what is in use. */
export function forgetPeak(pid: number): void {
  for (const member of familyOf(pid)) {
    try {
      writeFileSync(`/proc/${member}/clear_refs`, "5");
    } catch (error) {
      // Another user's, or another system: then the peak is that of its whole life.
      if (!["EACCES", "ENOENT", "ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

/** What a family holds open: everything, and the data files below a folder; null where there is no /proc. */
export function openFilesOf(pid: number, folder: string): { all: number; below: number } | null {
  let all = 0;
  let below = 0;
  for (const member of familyOf(pid)) {
    const names = list(`/proc/${member}/fd`);
    if (names === null) return member === pid ? null : { all, below };
    all += names.length;
    below += names.filter((name) => isData(link(`/proc/${member}/fd/${name}`), folder)).length;
  }
  return { all, below };
}

/** What an index or a lock holds open does not grow with the load. */
function isData(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`) && !/\/index\.sqlite|\/[^/]*(?:lock|log|\.pid|\.vsm)[^/]*$/.test(path);
}

/** "" when it is gone, as processes go at any time. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] | null {
  try {
    return readdirSync(path);
  } catch {
    return null;
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
