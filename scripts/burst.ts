/**
 * Many players at once through a whole proxy, with all that players and origins do to it: hits, misses that are shared
 * and that are not, ranges, playlists, players that leave and players that are slow, origins that break off, and a cache
 * that is too small. Every byte is checked. The order of events is not the same twice; what is asked for is.
 */
import { connect, type Socket } from "node:net";
import { type BurstOrigin, type BurstResource, bodyBytes, burstOrigin } from "./burst-origin.ts";

export type BurstResult = { requests: number; faults: string[] };

/** What a player does next. `leaves`: after so many bytes of the body; `slow`: pauses while it reads. */
type Wish = {
  resource: BurstResource;
  method: "GET" | "HEAD";
  range: { first: number; last: number } | null;
  leaves: number | null;
  slow: boolean;
};

/** A response as far as it came. */
type Answer = { status: number; fields: Map<string, string>; body: Buffer };

const requestsEach = 6;
const hitsShared = 20;
/** Longest that one answer may take, in milliseconds: a sanitizer makes all slow. */
const patienceMs = 120_000;

/** Sends so many players at once to a proxy that lets 127.0.0.1 through; `proxy` is `http://127.0.0.1:PORT`. */
export async function burst(proxy: string, players: number, middle: () => void): Promise<BurstResult> {
  const origin = await burstOrigin();
  const faults: string[] = [];
  let requests = 0;
  try {
    const one = async (player: number): Promise<void> => {
      const random = seeded(player + 1);
      let socket: Socket | null = null;
      for (let at = 0; at < requestsEach; at += 1) {
        if (at === requestsEach / 2 && player === 0) middle();
        const wish = wishOf(origin, player, at, random);
        requests += 1;
        try {
          socket ??= await opened(Number(new URL(proxy).port));
          const stays = await ask(socket, proxy, wish);
          if (!stays) socket = null;
        } catch (error) {
          faults.push(`${nameOf(wish)}: ${error instanceof Error ? error.message : String(error)}`);
          socket?.destroy();
          socket = null;
        }
      }
      socket?.destroy();
    };
    await Promise.all(Array.from({ length: players }, (_, player) => one(player)));
  } finally {
    await origin.close();
  }
  return { requests, faults };
}

function wishOf(origin: BurstOrigin, player: number, at: number, random: (below: number) => number): Wish {
  const kind = random(12);
  const plain = { method: "GET" as const, range: null, leaves: null, slow: false };
  const shared = origin.resource(`hit-${random(hitsShared)}`, 2_000 + random(3) * 60_000, "plain");
  const own = (bytes: number, way: BurstResource["way"] = "plain"): BurstResource =>
    origin.resource(`own-${player}-${at}`, bytes, way);
  switch (kind) {
    case 0:
      return { ...plain, resource: own(1 + random(300_000)) };
    case 1:
      // All players come to the same new one at about the same time.
      return { ...plain, resource: origin.resource(`together-${at}`, 200_000, "plain") };
    case 2:
      return { ...plain, resource: own(400_000), leaves: random(200_000) };
    case 3:
      return { ...plain, resource: own(600_000), slow: true };
    case 4:
      return { ...plain, resource: own(90_000, "chunked") };
    case 5:
      return { ...plain, resource: own(120_000, "cut") };
    case 6:
      return { ...plain, resource: own(500, "missing") };
    case 7:
      return { ...plain, resource: origin.resource(`list-${random(8)}.m3u8`, 2_000, "playlist") };
    case 8:
      return { ...plain, resource: shared, method: "HEAD" };
    case 9:
    case 10: {
      const first = random(shared.bytes);
      return { ...plain, resource: shared, range: { first, last: first + random(shared.bytes - first) } };
    }
    default:
      return { ...plain, resource: shared };
  }
}

/** Asks and checks the answer; resolves with whether the connection may be used again. */
async function ask(socket: Socket, proxy: string, wish: Wish): Promise<boolean> {
  const { resource, range } = wish;
  const lines = [
    `${wish.method} /proxy?url=${encodeURIComponent(resource.url)} HTTP/1.1`,
    `Host: ${new URL(proxy).host}`,
    ...(range === null ? [] : [`Range: bytes=${range.first}-${range.last}`]),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await received(socket, wish);
  if (answer === null) return false;
  const wanted = resource.way === "missing" ? 404 : range === null ? 200 : 206;
  if (answer.status !== wanted) throw new Error(`status ${answer.status}, not ${wanted}: ${answer.body.slice(0, 200)}`);
  if (wish.method === "HEAD") return true;
  if (resource.way === "playlist") {
    const proxied = `${proxy}/proxy?url=`;
    if (!answer.body.includes(proxied)) throw new Error("a playlist does not lead back to the proxy");
    return true;
  }
  const expected = range === null ? bodyBytes(resource) : bodyBytes(resource).subarray(range.first, range.last + 1);
  if (resource.way === "missing" || answer.body.equals(expected)) return true;
  const at = answer.body.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`${answer.body.length} bytes, not ${expected.length}; the first wrong one at ${at}`);
}

/** The whole answer; null when the player has left in the middle, as it wished. */
function received(socket: Socket, wish: Wish): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    let pieces: Buffer[] = [];
    let held = 0;
    let need = 0;
    const timer = setTimeout(() => done(new Error(`no answer after ${patienceMs} ms: ${held} bytes`)), patienceMs);
    const done = (outcome: Error | Answer | null): void => {
      clearTimeout(timer);
      socket.removeAllListeners("data").removeAllListeners("close");
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.on("close", () => done(new Error(`cut after ${held} bytes`)));
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      held += piece.length;
      if (wish.leaves !== null && held > wish.leaves) {
        done(null);
        // A reset for some, an orderly end for the others.
        if (wish.leaves % 2 === 0) socket.resetAndDestroy();
        else socket.destroy();
        return;
      }
      if (held >= need) {
        bytes = Buffer.concat(pieces);
        pieces = [bytes];
        const parsed = parseAnswer(bytes, wish.method === "HEAD");
        if (parsed.answer !== null) return done(parsed.answer);
        need = parsed.need;
      }
      if (!wish.slow) return;
      socket.pause();
      setTimeout(() => socket.resume(), 5);
    });
  });
}

/** The answer when it is whole, else how many bytes must be there before it is worth another look. */
function parseAnswer(bytes: Buffer, isHead: boolean): { answer: Answer | null; need: number } {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return { answer: null, need: bytes.length + 1 };
  const [line = "", ...rest] = bytes.toString("latin1", 0, end).split("\r\n");
  const fields = new Map(
    rest.map((field) => [field.slice(0, field.indexOf(":")).toLowerCase(), field.slice(field.indexOf(":") + 2)]),
  );
  const head = { status: Number(line.split(" ")[1]), fields };
  const start = end + 4;
  if (isHead) return { answer: { ...head, body: Buffer.alloc(0) }, need: 0 };
  if (fields.get("transfer-encoding") === "chunked") {
    const body = unchunked(bytes, start);
    return { answer: body === null ? null : { ...head, body }, need: bytes.length + 1 };
  }
  const length = Number(fields.get("content-length") ?? "0");
  const whole = bytes.length >= start + length;
  return { answer: whole ? { ...head, body: bytes.subarray(start, start + length) } : null, need: start + length };
}

/** The content of chunks; null when the last one is not there. */
function unchunked(bytes: Buffer, start: number): Buffer | null {
  const parts: Buffer[] = [];
  let at = start;
  while (true) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return null;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = end;
  }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.off("error", reject);
      // What ends a connection is told by "close".
      socket.on("error", () => undefined);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

function nameOf(wish: Wish): string {
  const range = wish.range === null ? "" : ` ${wish.range.first}-${wish.range.last}`;
  return `${wish.method} ${new URL(wish.resource.url).pathname} (${wish.resource.way})${range}`;
}

/** Numbers below a bound, the same for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = (seed * 0x9e3779b1) >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5) >>> 0;
    return below <= 0 ? 0 : state % below;
  };
}
