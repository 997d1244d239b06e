/**
 * A target that any command starts: it prints a JSON line {"listening":"http://127.0.0.1:PORT"} when it is ready.
 * In the command `{args}` stands for the case's options as command line arguments of the reference server, `{port}` and
 * `{cacheDir}` for what they say. A command that can be emptied adds `"control":"stdin"` to the line: the word `clear`
 * on its standard input is then answered by the line {"cleared":true}.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { serverArguments } from "./server-arguments.ts";
import { CannotError, type Launcher, TargetError } from "./target.ts";

type Line = { listening?: string; control?: string; cleared?: boolean };
type Running = { child: ChildProcess; ready: Line; nextLine: () => Promise<Line>; exited: Promise<void> };

/** Longest that a command may take to listen or to answer, in milliseconds. */
const patienceMs = 30_000;

export function commandLauncher(command: string): Launcher {
  const running = new Set<Running>();
  return {
    launch: async (options) => {
      // Whose words do not reach the command cannot be started where another one was.
      if (options.port !== 0 && !/\{(?:args|port)\}/.test(command)) {
        throw new CannotError("cannot be restarted: no {args} in its command");
      }
      const one = await startCommand(filled(command, options));
      running.add(one);
      return {
        url: one.ready.listening ?? "",
        clear: async () => {
          if (one.ready.control !== "stdin") throw new CannotError("cannot be emptied while it runs");
          one.child.stdin?.write("clear\n");
          while ((await one.nextLine()).cleared !== true);
        },
        end: async (kill) => {
          signalGroup(one.child, kill ? "SIGKILL" : "SIGTERM");
          await one.exited;
          running.delete(one);
        },
      };
    },
    end: async () => {
      for (const one of running) {
        signalGroup(one.child, "SIGKILL");
        await one.exited;
      }
    },
  };
}

function filled(command: string, options: Record<string, unknown>): string {
  return command
    .replaceAll("{args}", () => serverArguments(options).map(quoted).join(" "))
    .replaceAll("{port}", String(options.port))
    .replaceAll("{cacheDir}", () => quoted(String(options.cacheDir)));
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

async function startCommand(command: string): Promise<Running> {
  // Its options are the case's: what the environment says to servers and tests of this project is not for it.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REELCACHE_")));
  // A group of its own, so that what the shell starts ends with it.
  const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"], detached: true, env });
  const said: string[] = [];
  const lines: Line[] = [];
  let wake: () => void = () => undefined;
  let over = false;
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (bytes: Buffer) => void said.push(bytes.toString("latin1").slice(0, 2_000)));
  createInterface({ input: child.stdout }).on("line", (text) => {
    lines.push(parsed(text));
    wake();
  });
  const exited = new Promise<void>((resolve) => {
    child.on("close", () => {
      over = true;
      wake();
      resolve();
    });
  });
  const nextLine = async (): Promise<Line> => {
    const deadline = performance.now() + patienceMs;
    while (lines.length === 0) {
      if (over) throw new TargetError(`${command} ended: ${said.slice(-5).join("").trim()}`);
      if (performance.now() > deadline) throw new TargetError(`${command} says nothing for ${patienceMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, deadline - performance.now()));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return lines.shift() ?? {};
  };
  try {
    let ready = await nextLine();
    while (ready.listening === undefined) ready = await nextLine();
    return { child, ready, nextLine, exited };
  } catch (error) {
    signalGroup(child, "SIGKILL");
    throw error;
  }
}

function parsed(text: string): Line {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? data : {};
  } catch {
    // Whatever else the command prints is its own affair.
    return {};
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Gone between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
