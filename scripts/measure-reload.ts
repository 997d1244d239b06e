/**
 * Measures what the proxy adds to a blocking reload: an origin holds a reload for a player that is connected to it, then
 * one for a player behind the proxy, and lets each go; the time from there to the answer's end, less that of the first,
 * counts. Each twin is a process of its own; the players ask for a real low-latency playlist. Prints milliseconds; exits
 * with 1 when the median of a twin is 5 ms or more.
 *
 *   node scripts/measure-reload.ts [reloads] [contender…]        300 reloads of reference and bridge
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { twinContenders } from "../harness/bench/contenders/twins.ts";
import { parseSource } from "../server/demo/live-playlist.ts";
import { lowLatencyPlaylist } from "../server/demo/low-latency-playlist.ts";

const limitMs = 5;
const warmUps = 30;
/** How long each reload is held, so that nothing of the last one still runs. */
const restMs = 5;
const reloads = Number(process.argv[2] ?? 300);
const wanted = process.argv.length > 3 ? process.argv.slice(3) : ["reference", "bridge"];

const mediaUrl = new URL("../fixtures/media/low-latency/low/index.m3u8", import.meta.url);
const source = parseSource(readFileSync(fileURLToPath(mediaUrl), "latin1"));
const body = lowLatencyPlaylist({ source, epochMs: 0, partsOf: () => 6 }, false, ["../high/index.m3u8"], 40_500);

/** Hands on the answer that the origin holds. */
let onHeld: ((response: ServerResponse) => void) | null = null;
const origin = createServer((_request, response) => onHeld?.(response));
await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
const originPort = (origin.address() as AddressInfo).port;

for (const contender of twinContenders.filter((one) => wanted.includes(one.name))) {
  const options = { bridge: null };
  const fault = contender.missing(options);
  if (fault !== null) {
    console.log(`${contender.name}: ${fault}`);
    continue;
  }
  const folder = mkdtempSync(join(tmpdir(), "reelcache-reload-"));
  const running = await contender.start({ folder, originPort, siteFolder: folder, options });
  const added = await measure(running.port, running.targetOf);
  await running.stop();
  rmSync(folder, { recursive: true });
  const at = (share: number): string => (added[Math.floor(added.length * share)] ?? 0).toFixed(2);
  const line = `median ${at(0.5)} ms   90% ${at(0.9)} ms   99% ${at(0.99)} ms`;
  console.log(`${contender.name.padEnd(12)} ${line}   (${added.length} reloads of ${body.length} bytes)`);
  if (Number(at(0.5)) >= limitMs) process.exitCode = 1;
}
origin.close();
origin.closeAllConnections();

/** What the proxy at `port` adds to each reload, in ascending order. */
async function measure(port: number, targetOf: (path: string) => string): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const added: number[] = [];
  for (let at = 0; at < warmUps + reloads; at += 1) {
    const path = `/live.m3u8?_HLS_msn=${at}&_HLS_part=0`;
    const direct = await reload(agent, originPort, path);
    const proxied = await reload(agent, port, targetOf(path));
    if (at >= warmUps) added.push(proxied - direct);
  }
  agent.destroy();
  return added.sort((a, b) => a - b);
}

/** Milliseconds from the moment that the origin lets a reload go to the answer's last byte at the player. */
async function reload(agent: Agent, port: number, path: string): Promise<number> {
  const held = new Promise<ServerResponse>((resolve) => {
    onHeld = resolve;
  });
  const ended = endOf(agent, port, path);
  const response = await held;
  await delay(restMs);
  const letGo = performance.now();
  response.writeHead(200, { "Content-Type": "application/vnd.apple.mpegurl", "Content-Length": body.length });
  response.end(body, "latin1");
  return (await ended) - letGo;
}

/** When the answer's last byte was there, in milliseconds. */
function endOf(agent: Agent, port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ agent, host: "127.0.0.1", port, path }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`));
      response.resume().on("end", () => resolve(performance.now()));
    }).on("error", reject);
  });
}
