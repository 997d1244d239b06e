/** The command as a real process: its lines as they come, its end, and no process left behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";

/** The top folder. */
export const rootDir = fileURLToPath(new URL("../../../", import.meta.url));

/** How a process ended and all that it wrote. */
export type Ended = { code: number | null; signal: string | null; out: string; error: string };

/** A running process. `line()` is the next line of its output; it rejects when the output ends first. */
export type Command = { child: ChildProcess; line: () => Promise<string>; ended: Promise<Ended> };

/** Starts `reelcache` with arguments; `environment` is added to this process's own without REELCACHE_ variables. */
export function startCommand(t: Test, args: string[], environment: Record<string, string> = {}): Command {
  return startProcess(t, process.execPath, [join(rootDir, "server/reelcache.mjs"), ...args], environment);
}

/** Starts any program. It is killed when the test ends, if it still runs. */
export function startProcess(t: Test, file: string, args: string[], environment: Record<string, string>): Command {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("REELCACHE_"));
  const child = spawn(file, args, {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that the end of the test reaches the children of the start script as well.
    detached: true,
  });
  let out = "";
  let error = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    error += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, error }));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) {
      throw new Error(`the output ended before a line; on stderr: ${error}`);
    }
    return next.value;
  };
  t.teardown(async () => {
    killGroup(child);
    await ended;
  });
  return { child, line, ended };
}

/** Ends whatever is left of the process's group; a group that is gone is the usual case. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) {
      process.kill(-child.pid, "SIGKILL");
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) {
      throw error;
    }
  }
}
