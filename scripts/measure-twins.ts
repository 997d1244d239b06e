/**
 * Measures both twins on this machine, in turns within one run: requests a second, processor time a request and memory,
 * for hits and misses of small and large resources on loopback. Exits with 1 when the Swift twin is slower in any: its
 * median is held against the reference's, with a share for noise.
 *
 *   node scripts/measure-twins.ts [--rounds 5] [--seconds 2] [--only hit-2k,miss-2m] [--twin PATH]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

type Load = { name: string; bytes: number; connections: number; unique: boolean };
type Target = { name: string; child: ChildProcess; port: number; cacheDir: string };
type Turn = { perSecond: number; microseconds: number };

const loads: Load[] = [
  { name: "hit-2k", bytes: 2_000, connections: 8, unique: false },
  { name: "hit-2m", bytes: 2_000_000, connections: 4, unique: false },
  { name: "miss-2k", bytes: 2_000, connections: 8, unique: true },
  { name: "miss-2m", bytes: 2_000_000, connections: 4, unique: true },
];

/** How much slower counts as no slower: what two runs of the same program differ by. */
const noise = 0.05;

/** Clock ticks of /proc in a second. */
const ticksPerSecond = 100;

const root = fileURLToPath(new URL("../", import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    only: { type: "string", default: "" },
    twin: { type: "string", default: join(root, "ios-bridge/.build/release/reelcache-sut") },
  },
});
const rounds = Number(values.rounds);
const milliseconds = Number(values.seconds) * 1_000;
const chosen = loads.filter((load) => values.only === "" || values.only.split(",").includes(load.name));
const bodies = new Map(loads.map((load) => [String(load.bytes), Buffer.alloc(load.bytes, 0x47)]));

/** Answers `/BYTES/anything` with that many bytes. */
const origin = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk) => {
    const [, size = ""] = /^GET \/([0-9]+)\//.exec(chunk.toString("latin1")) ?? [];
    const body = bodies.get(size) ?? Buffer.alloc(0);
    const fields = `Content-Type: video/mp2t\r\nETag: "v1"\r\nContent-Length: ${body.length}`;
    socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\nCache-Control: max-age=3600\r\n\r\n`);
    socket.write(body);
  });
  socket.on("error", () => socket.destroy());
});
await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
const address = origin.address();
if (address === null || typeof address === "string") throw new Error("the origin has no port");
const originUrl = `http://127.0.0.1:${address.port}`;
let counter = 0;

/** One connection that asks again as soon as it has the whole answer; resolves with the number of answers. */
function ask(port: number, load: Load, until: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let answers = 0;
    let missing = 0;
    const next = (): void => {
      if (performance.now() >= until) {
        socket.destroy();
        resolve(answers);
        return;
      }
      counter += load.unique ? 1 : 0;
      const upstream = encodeURIComponent(`${originUrl}/${load.bytes}/${load.unique ? counter : "one"}.ts`);
      socket.write(`GET /proxy?url=${upstream} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    };
    socket.on("connect", next);
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      if (missing === 0) {
        const end = chunk.indexOf("\r\n\r\n");
        const length = /\r\ncontent-length: ([0-9]+)/i.exec(chunk.toString("latin1", 0, end));
        if (end === -1 || length === null || !chunk.toString("latin1", 0, 12).endsWith(" 200")) {
          reject(new Error(`not an answer: ${chunk.toString("latin1", 0, 200)}`));
          return;
        }
        missing = Number(length[1]) + end + 4;
      }
      missing -= chunk.length;
      if (missing > 0) return;
      answers += 1;
      next();
    });
  });
}

/** Processor time of a process so far, in milliseconds. */
function processorMs(target: Target): number {
  const fields = readFileSync(`/proc/${target.child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}

/** Memory of a process: now and at its highest, in MB. */
function memory(target: Target): string {
  const status = readFileSync(`/proc/${target.child.pid}/status`, "utf8");
  const of = (name: string): string => {
    const [, kilobytes = "0"] = new RegExp(`${name}:\\s+([0-9]+)`).exec(status) ?? [];
    return (Number(kilobytes) / 1_000).toFixed(0);
  };
  return `${of("VmRSS")} MB, at most ${of("VmHWM")} MB`;
}

async function turn(target: Target, load: Load): Promise<Turn> {
  const began = performance.now();
  const processor = processorMs(target);
  const asking = Array.from({ length: load.connections }, () => ask(target.port, load, began + milliseconds));
  const answers = (await Promise.all(asking)).reduce((sum, one) => sum + one, 0);
  const took = performance.now() - began;
  return {
    perSecond: (answers * 1_000) / took,
    microseconds: ((processorMs(target) - processor) * 1_000) / answers,
  };
}

async function start(name: string, command: string[]): Promise<Target> {
  const cacheDir = mkdtempSync(join(tmpdir(), "reelcache-measure-"));
  const options = ["--json", "--port", "0", "--cache-dir", cacheDir, "--allow-private", "127.0.0.1:*"];
  const [program = "", ...args] = [...command, ...options, "--log-level", "silent", "https://example.com/x"];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await new Promise<[string]>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${name} ended`)));
    lines.once("line", (text) => resolve([text]));
  });
  return { name, child, port: Number(new URL(JSON.parse(line).listening).port), cacheDir };
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

const targets = [
  await start("reference", [process.execPath, join(root, "server/main.ts")]),
  await start("twin", [values.twin]),
];
let slower = false;
try {
  for (const load of chosen) {
    const turns = targets.map((): Turn[] => []);
    for (let round = -1; round < rounds; round += 1) {
      for (const [at, target] of targets.entries()) {
        const one = await turn(target, load);
        // The first turn warms up: compilers, pools, the one resource of hits.
        if (round >= 0) turns[at]?.push(one);
      }
    }
    const rates = turns.map((all) => median(all.map((one) => one.perSecond)));
    for (const [at, target] of targets.entries()) {
      const cost = median((turns[at] ?? []).map((one) => one.microseconds));
      const share = ((rates[at] ?? 0) / (rates[0] ?? 1)).toFixed(2);
      const rate = (rates[at] ?? 0).toFixed(0).padStart(7);
      console.log(`${load.name.padEnd(8)} ${target.name.padEnd(10)} ${rate}/s  x${share}  ${cost.toFixed(0)} µs each`);
    }
    slower ||= (rates[1] ?? 0) < (rates[0] ?? 0) * (1 - noise);
  }
  for (const target of targets) console.log(`${target.name.padEnd(19)} ${memory(target)}`);
} finally {
  for (const target of targets) {
    target.child.removeAllListeners("exit");
    target.child.kill("SIGTERM");
    await new Promise((resolve) => target.child.once("exit", resolve));
    rmSync(target.cacheDir, { recursive: true, force: true });
  }
  origin.close();
}
process.exitCode = slower ? 1 : 0;
