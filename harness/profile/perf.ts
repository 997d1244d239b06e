/** Profiles by Linux's perf: all threads, with what the system does for them. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Stage } from "../bench/bench-types.ts";
import { type StartedProcess, StartFailure, startProcess } from "../bench/processes.ts";
import { type Capture, costOf, type Play } from "./capture.ts";
import { symbolsOf, treeOfPerfScript } from "./perf-script.ts";

/** Samples a second: no multiple of anybody's timer. */
const perfHertz = 997;

/** Longest text of `perf script`, in bytes. */
const scriptBytesMax = 2 ** 29;

const swift = fileURLToPath(new URL("../../scripts/swift.mjs", import.meta.url));

/** Processor time of all threads, with what the system does for them; as many samples as perf gives a second. */
export async function capturePerf(stage: Stage, folder: string, play: Play): Promise<Capture> {
  const file = join(folder, "perf.data");
  const { pid } = stage.running;
  const [control, answers] = [join(folder, "control"), join(folder, "answers")];
  spawnSync("mkfifo", [control, answers]);
  // It begins when it is told, and says when it has: to find a process's threads takes it a while.
  const told = ["-D", "-1", `--control=fifo:${control},${answers}`];
  const words = ["record", "-F", String(perfHertz), "-g", "-p", String(pid), "-o", file, ...told];
  const recording = startProcess("perf", words);
  await begun(recording, control, answers);
  const cost = await costOf(stage, play);
  // It writes its file when it is interrupted.
  recording.child.kill("SIGINT");
  await recording.ended;
  const script = spawnSync("perf", ["script", "-i", file, "-F", "comm,tid,ip,sym,dso"], {
    encoding: "utf8",
    maxBuffer: scriptBytesMax,
  });
  if (script.status !== 0) throw new StartFailure(`perf: ${recording.said() || script.stderr}`);
  const tree = treeOfPerfScript(script.stdout, await demangled(symbolsOf(script.stdout)));
  return { tree, cost, raw: null };
}

/** Why perf cannot be used; null when it can. */
export function missingPerf(): string | null {
  const { error } = spawnSync("perf", ["--version"]);
  if (error !== undefined)
    return "perf is missing (Debian: apt-get install linux-perf): it is what looks into the bridge";
  const strict = perfParanoia();
  return process.getuid?.() === 0 || strict <= 2
    ? null
    : `perf is not allowed (kernel.perf_event_paranoid is ${strict})`;
}

function perfParanoia(): number {
  try {
    return Number(readFileSync("/proc/sys/kernel/perf_event_paranoid", "utf8"));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Resolves once perf takes samples; rejects with a `StartFailure` when it ends instead. */
async function begun(recording: StartedProcess, control: string, answers: string): Promise<void> {
  // Opened both ways, a pipe waits for nobody on its other side.
  const controlEnd = openSync(control, "r+");
  const answersEnd = new Socket({ fd: openSync(answers, "r+") });
  writeSync(controlEnd, "enable\n");
  const answered = new Promise<true>((resolve) => answersEnd.once("data", () => resolve(true)));
  const began = await Promise.race([answered, recording.ended.then(() => false)]);
  closeSync(controlEnd);
  answersEnd.destroy();
  if (!began) throw new StartFailure(`perf: ${recording.said()}`);
}

/** By the toolchain's own tool; without one, symbols stay as they are. */
async function demangled(symbols: string[]): Promise<Map<string, string>> {
  if (symbols.length === 0) return new Map();
  const words = [swift, "demangle", "--compact", "--simplified"];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "ignore"] });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString("utf8");
  });
  // A tool that ends at once does not read: what it has not said is missing, no more.
  child.stdin.on("error", () => child.stdin.destroy());
  child.stdin.end(`${symbols.join("\n")}\n`);
  await once(child, "close");
  const names = text.split("\n").filter((line) => line !== "");
  return new Map(
    symbols.map((symbol, at) => [symbol, names.length === symbols.length ? (names[at] ?? symbol) : symbol]),
  );
}
