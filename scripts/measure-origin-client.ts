/**
 * Prints what the origin client adds to a raw socket: the time to the first byte of a small response on a kept-alive
 * connection, and this thread's work for a long one (the rate depends on what else the machine does). Run it by `node scripts/measure-origin-client.ts`.
 */
import net from "node:net";
import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { defaultLimits } from "../server/core/base/limits.ts";
import { OriginClient } from "../server/edge/origin-client.ts";

const rounds = 2_000;
const longBytes = 500_000_000;

/** The origin runs in a thread of its own, so that its work is not counted. */
const originSource = `
const net = require("node:net");
const piece = Buffer.alloc(262144, 7);
const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => undefined);
  socket.on("data", (bytes) => {
    if (!bytes.includes("/long")) return socket.write("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok");
    socket.write("HTTP/1.1 200 OK\\r\\nContent-Length: ${longBytes}\\r\\n\\r\\n");
    let left = ${longBytes};
    const more = () => {
      while (left > 0) {
        const size = Math.min(left, piece.length);
        left -= size;
        if (!socket.write(piece.subarray(0, size))) return socket.once("drain", more);
      }
    };
    more();
  });
});
server.listen(0, "127.0.0.1", () => require("node:worker_threads").parentPort.postMessage(server.address().port));
`;

const worker = new Worker(originSource, { eval: true });
const port = await new Promise<number>((resolve) => worker.once("message", resolve));
const client = new OriginClient({
  limits: defaultLimits,
  allow: [],
  allowPrivate: ["127.0.0.1:*"],
  log: { debug: () => undefined },
});

await rawRounds(rounds);
await clientRounds(rounds);
const raw = await rawRounds(rounds);
const ours = await clientRounds(rounds);
console.log(`first byte, raw socket   p50 ${percentile(raw, 50)} µs  p99 ${percentile(raw, 99)} µs`);
console.log(`first byte, this client  p50 ${percentile(ours, 50)} µs  p99 ${percentile(ours, 99)} µs`);
for (let i = 0; i < 2; i += 1) {
  console.log(`long body, raw socket    ${await work(rawLong)}`);
  console.log(`long body, this client   ${await work(clientLong)}`);
}
client.close(() => void worker.terminate());

async function rawRounds(count: number): Promise<number[]> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const start = performance.now();
    socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    times.push(performance.now() - start);
  }
  socket.destroy();
  return times;
}

async function clientRounds(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const start = performance.now();
    await new Promise<void>((resolve) =>
      client.start(
        {
          method: "GET",
          url: `http://127.0.0.1:${port}/`,
          fields: [],
          limits: defaultLimits,
          headSilenceMs: 30_000,
          passes: null,
        },
        {
          onHead: () => times.push(performance.now() - start),
          onData: () => undefined,
          onDone: () => resolve(),
        },
      ),
    );
  }
  return times;
}

async function rawLong(): Promise<number> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  const start = performance.now();
  let size = 0;
  socket.write("GET /long HTTP/1.1\r\nhost: a\r\n\r\n");
  await new Promise<void>((resolve) =>
    socket.on("data", (bytes: Buffer) => {
      size += bytes.length;
      if (size >= longBytes) resolve();
    }),
  );
  socket.destroy();
  return performance.now() - start;
}

async function clientLong(): Promise<number> {
  const start = performance.now();
  await new Promise<void>((resolve) =>
    client.start(
      {
        method: "GET",
        url: `http://127.0.0.1:${port}/long`,
        fields: [],
        limits: defaultLimits,
        headSilenceMs: 30_000,
        passes: null,
      },
      { onHead: () => undefined, onData: () => undefined, onDone: () => resolve() },
    ),
  );
  return performance.now() - start;
}

function percentile(times: number[], percent: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor((sorted.length * percent) / 100)] ?? 0) * 1_000);
}

async function work(run: () => Promise<number>): Promise<string> {
  const before = process.threadCpuUsage();
  const milliseconds = await run();
  const used = process.threadCpuUsage(before);
  const cpu = Math.round(((used.user + used.system) / 1_000 / longBytes) * 1_000_000_000);
  return `${cpu} ms of processor time a GB, ${Math.round(longBytes / 1_000 / milliseconds)} MB/s`;
}
