/**
 * Measures what the proxy adds to the first body byte of a miss: the time between the origin's first byte written and
 * the first byte at the player, on loopback, less the same for a player that is connected to the origin directly.
 * Prints medians in milliseconds; exits with 1 when the median of a miss exceeds 2 ms.
 *
 *   node scripts/measure-first-byte.ts [requests]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../server/index.ts";
import { RawPlayer } from "../server/test/support/raw-player.ts";

const limitMs = 2;
const segmentBytes = 200_000;
const requests = Number(process.argv[2] ?? 200);
const body = Buffer.alloc(segmentBytes, 0x47);

let wroteAt = 0;

/** Head first, then the body in a later turn of the loop, as a CDN does; notes when the body began. */
function answer(socket: Socket, chunk: Buffer): void {
  if (!chunk.toString("latin1").endsWith("\r\n\r\n")) return;
  const range = /\r\nrange: bytes=(\d+)-/i.exec(chunk.toString("latin1"));
  const start = Number(range?.[1] ?? 0);
  const status = range === null ? "200 OK" : "206 Partial Content";
  const contentRange = range === null ? "" : `Content-Range: bytes ${start}-${segmentBytes - 1}/${segmentBytes}\r\n`;
  const fields = `Content-Type: video/mp2t\r\nContent-Length: ${segmentBytes - start}\r\n${contentRange}`;
  socket.write(`HTTP/1.1 ${status}\r\n${fields}\r\n`);
  setImmediate(() => {
    wroteAt = performance.now();
    socket.write(body.subarray(start));
  });
}

/** Milliseconds from the origin's write to the player's first body byte, for each target in turn. */
async function measure(player: RawPlayer, targets: string[], host: string, since: () => number): Promise<number[]> {
  const times: number[] = [];
  for (const target of targets) {
    const asked = performance.now();
    await player.open(target, { host });
    await player.piece();
    const now = performance.now();
    times.push(now - (since() < asked ? asked : since()));
    await player.rest();
  }
  return times.sort((a, b) => a - b);
}

function line(name: string, times: number[]): string {
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(3);
  return `${name.padEnd(24)} median ${at(0.5)} ms   90% ${at(0.9)} ms   99% ${at(0.99)} ms   (${times.length} requests)`;
}

const origin = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk: Buffer) => answer(socket, chunk));
  socket.on("error", () => socket.destroy());
});
await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
const address = origin.address();
if (address === null || typeof address === "string") throw new Error("the origin has no port");
const host = `127.0.0.1:${address.port}`;
const cacheDir = mkdtempSync(join(tmpdir(), "reelcache-measure-"));
const server = await startServer({ port: 0, cacheDir, allowPrivate: ["127.0.0.1:*"], logLevel: "silent" });

const paths = Array.from({ length: requests }, (_, at) => `/seg${at}.ts`);
const proxied = paths.map((path) => `/proxy?url=${encodeURIComponent(`http://${host}${path}`)}`);
const warmUp = proxied.slice(0, 20).map((target) => `${target}%3Fwarm-up`);
const straight = await RawPlayer.connect(address.port);
const player = await RawPlayer.connect(server.port);
const direct = await measure(straight, paths, host, () => wroteAt);
await measure(player, warmUp, `127.0.0.1:${server.port}`, () => wroteAt);
const misses = await measure(player, proxied, `127.0.0.1:${server.port}`, () => wroteAt);
const hits = await measure(player, proxied, `127.0.0.1:${server.port}`, () => 0);

console.log(line("direct", direct));
console.log(line("miss through the proxy", misses));
console.log(line("hit (from the request)", hits));
const added = (misses[Math.floor(requests / 2)] ?? 0) - (direct[Math.floor(requests / 2)] ?? 0);
console.log(`added on a miss: median ${added.toFixed(3)} ms (limit ${limitMs} ms)`);

straight.abort();
player.abort();
await server.stop();
origin.close();
rmSync(cacheDir, { recursive: true, force: true });
process.exitCode = added <= limitMs ? 0 : 1;
