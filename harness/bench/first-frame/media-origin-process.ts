/**
 * The origin of `first-frame`, a process of its own on bare sockets: `/PLAY/SET/FILE` is a file of a set of media, the
 * same for every play, and each play has its own link, its own count, and its own handshakes on each connection: it is
 * as though each play had a host of its own. `media-origin-process.ts '{"SET":"FOLDER"}'`
 */
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { typeOf } from "../content.ts";
import { type Link, linkOf, sendOverLink } from "../shaped-link.ts";
import type { OriginAnswer, OriginOrder } from "./media-origin-types.ts";

/** Round trips that TCP and TLS 1.3 take on a further connection; the name is known by then. */
const furtherHandshakes = 2;

/** How long nothing may come before a play counts as quiet, in ms: far longer than anybody thinks between requests. */
const quietMs = 250;

type Play = {
  link: Link;
  /** Round trips that the next connection costs before its first request. */
  handshakes: number;
  asked: string[];
  connections: number;
  bytes: number;
  bytesTwice: number;
  /** By path, a byte for each byte: 1 once it has gone out. */
  sent: Map<string, Uint8Array>;
  underWay: number;
  lastAt: number;
};

const files = new Map<string, Buffer>();
for (const [set, folder] of Object.entries(JSON.parse(process.argv[2] ?? "{}") as Record<string, string>)) {
  for (const name of readdirSync(folder)) files.set(`/${set}/${name}`, readFileSync(join(folder, name)));
}

const plays = new Map<string, Play>();

const server = createServer({ noDelay: true }, (socket) => {
  let head = "";
  const known = new Set<Play>();
  socket.on("data", (chunk) => {
    head += chunk.toString("latin1");
    for (let end = head.indexOf("\r\n\r\n"); end !== -1; end = head.indexOf("\r\n\r\n")) {
      const request = head.slice(0, end + 2);
      head = head.slice(end + 4);
      answer(socket, request, known);
    }
  });
  socket.on("error", () => socket.destroy());
});

function answer(socket: Socket, request: string, known: Set<Play>): void {
  const target = request.slice(request.indexOf(" ") + 1, request.indexOf(" ", request.indexOf(" ") + 1));
  const [, name = "", path = ""] = /^\/([a-z0-9-]+)(\/.*)$/.exec(target) ?? [];
  const play = playOf(name);
  const file = files.get(path);
  let handshakes = 0;
  if (!known.has(play)) {
    known.add(play);
    handshakes = play.handshakes;
    play.handshakes = furtherHandshakes;
    play.connections += 1;
  }
  play.asked.push(path);
  const [, from = "", to = ""] = /\r\nrange: *bytes=([0-9]+)-([0-9]*)\r\n/i.exec(request) ?? [];
  const length = file?.length ?? 0;
  const start = Math.min(length, Number(from));
  const end = to === "" ? length : Math.min(length, Number(to) + 1);
  const fields = [
    file === undefined ? "404 Not Found" : from === "" ? "200 OK" : "206 Partial Content",
    `Content-Type: ${typeOf(path)}`,
    ...(from === "" ? [] : [`Content-Range: bytes ${start}-${end - 1}/${length}`]),
    ...['ETag: "v1"', "Accept-Ranges: bytes", "Cache-Control: max-age=3600", "Access-Control-Allow-Origin: *"],
    `Content-Length: ${end - start}`,
  ];
  const head = Buffer.from(`HTTP/1.1 ${fields.join("\r\n")}\r\n\r\n`, "latin1");
  play.underWay += 1;
  const onPiece = (pieceFrom: number, pieceTo: number): void => {
    // The head goes with the first piece and is no part of the count.
    const bodyFrom = Math.max(0, pieceFrom - head.length);
    count(play, path, length, start + bodyFrom, start + Math.max(0, pieceTo - head.length));
  };
  const onEnd = (): void => {
    play.underWay -= 1;
    play.lastAt = performance.now();
  };
  const body = file?.subarray(start, end) ?? Buffer.alloc(0);
  sendOverLink(socket, Buffer.concat([head, body]), play.link, handshakes, onPiece, onEnd);
}

function playOf(name: string): Play {
  let play = plays.get(name);
  if (play === undefined) {
    const link = linkOf(0, Number.POSITIVE_INFINITY);
    const counts = { asked: [], connections: 0, bytes: 0, bytesTwice: 0, sent: new Map() };
    play = { link, handshakes: furtherHandshakes, ...counts, underWay: 0, lastAt: performance.now() };
    plays.set(name, play);
  }
  return play;
}

function count(play: Play, path: string, length: number, from: number, to: number): void {
  const sent = play.sent.get(path) ?? new Uint8Array(length);
  play.sent.set(path, sent);
  const piece = sent.subarray(from, to);
  play.bytes += piece.length;
  play.bytesTwice += piece.reduce((sum, seen) => sum + seen, 0);
  piece.fill(1);
}

/** The link itself stays the same: what is under way over it feels the change, and does not keep it closed. */
function shape(play: Play, order: Extract<OriginOrder, { order: "shape" }>): void {
  const { roundTripMs = 0, kilobits = Number.POSITIVE_INFINITY, handshakes = 0 } = order.shape ?? {};
  Object.assign(play.link, linkOf(roundTripMs, kilobits));
  play.handshakes = handshakes;
  Object.assign(play, { asked: [], connections: 0, bytes: 0, bytesTwice: 0 });
}

function whenQuiet(play: Play, then: () => void): void {
  const left = quietMs - (performance.now() - play.lastAt);
  if (play.underWay === 0 && left <= 0) then();
  else setTimeout(() => whenQuiet(play, then), Math.max(5, play.underWay > 0 ? 0 : left));
}

process.on("message", (order: OriginOrder) => {
  const play = playOf(order.play);
  const reply = (): void => {
    const { asked, connections, bytes, bytesTwice } = play;
    process.send?.({ id: order.id, counted: { asked, connections, bytes, bytesTwice } } satisfies OriginAnswer);
  };
  if (order.order === "quiet") return whenQuiet(play, reply);
  if (order.order === "shape") shape(play, order);
  if (order.order === "forget") plays.delete(order.play);
  reply();
});
process.on("disconnect", () => process.exit(0));
server.listen({ port: 0, host: "127.0.0.1", backlog: 2_048 }, () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.({ port: address.port });
});
