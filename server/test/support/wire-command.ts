/**
 * Another proxy under the wire tests: a command that takes the reference's arguments, such as the Swift twin, named by
 * REELCACHE_WIRE_COMMAND. It stands in for a server of the library as far as the wire tests use one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { serverArguments } from "../../../harness/sut/server-arguments.ts";
import { proxiedUrl, proxyPrefix } from "../../core/route/proxied-url.ts";

/** The command, "" for the reference in the test's own process. */
export const wireCommand: string = process.env.REELCACHE_WIRE_COMMAND ?? "";

/** A running command. */
export type CommandServer = {
  url: string;
  port: number;
  child: ChildProcess;
  /** The proxied URL of an upstream URL, which a command cannot be asked for at once. */
  convertUrl(url: string): string;
  /** What its health page says: sizes and what is under way. */
  stats(): Record<string, unknown>;
  clearCache(): Promise<void>;
  /** Asks it to end and waits for that. Throws when it does not end well. */
  stop(): Promise<void>;
};

/** Starts the command with options in the names of the library and waits until it listens. */
export async function startWireCommand(options: Record<string, unknown>): Promise<CommandServer> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  // The variables of the tests are none of the command's options.
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith("REELCACHE_"));
  const child = spawn(wireCommand, serverArguments(Object.fromEntries(given)), {
    env: Object.fromEntries(environment),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  child.stdin.on("error", () => undefined);
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<Record<string, unknown>> => {
    const next = await lines.next();
    if (next.done === true) throw new Error(`${wireCommand} ended: ${said}`);
    return JSON.parse(next.value);
  };
  const url = String((await line()).listening);
  const prefix = proxyPrefix("http", new URL(url).host, String(options.secret ?? ""));
  return {
    url,
    port: Number(new URL(url).port),
    child,
    convertUrl: (upstream) => proxiedUrl(prefix, options.form === "path" ? "path" : "query", upstream),
    stats: () => healthOf(url),
    clearCache: async () => {
      child.stdin.write("clear\n");
      while ((await line()).cleared !== true);
    },
    stop: async () => {
      child.kill("SIGTERM");
      const [code, signal] = await ended;
      if (code !== 0) throw new Error(`${wireCommand} ended with ${code ?? signal}: ${said}`);
    },
  };
}

/** Memory of a process in bytes: now, and its highest so far. */
export function memoryOf(child: ChildProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  const bytes = (name: string): number => Number(new RegExp(`${name}:\\s+([0-9]+) kB`).exec(status)?.[1] ?? 0) * 1_024;
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
}

const signal = new Int32Array(new SharedArrayBuffer(4));
const answer = new Uint8Array(new SharedArrayBuffer(65_536));
let asker: Worker | null = null;

/**
 * The health page, asked for while this thread waits: the library's figures come at once, and so must these. A thread of
 * its own asks.
 */
function healthOf(url: string): Record<string, unknown> {
  asker ??= startAsker();
  Atomics.store(signal, 0, -1);
  asker.postMessage(url);
  if (Atomics.wait(signal, 0, -1, 20_000) === "timed-out") throw new Error(`${url}/health does not answer`);
  return JSON.parse(Buffer.from(answer.slice(0, Atomics.load(signal, 0))).toString("utf8"));
}

function startAsker(): Worker {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    parentPort.on("message", async (url) => {
      const text = await fetch(url + "/health").then((response) => response.text(), String);
      const length = new TextEncoder().encodeInto(text, workerData.answer).written;
      Atomics.store(workerData.signal, 0, length);
      Atomics.notify(workerData.signal, 0);
    });`;
  const worker = new Worker(code, { eval: true, workerData: { signal, answer } });
  worker.unref();
  return worker;
}
