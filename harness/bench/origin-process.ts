/**
 * The bench's origin, a process of its own on bare sockets: it must never be what is measured. It answers
 * what content.ts has with length, validator and an hour's freshness, and single
 * ranges. `/link/RTT/KBITS/HANDSHAKES/NAME` before it puts the origin at the end of a link of that name: that long a
 * round trip in ms, that much bandwidth for all that goes over it, that many round trips before a new connection's first
 * request.
 */
import { createServer, type Socket } from "node:net";
import { contentOf, livePlaylist, typeOf } from "./content.ts";
import { type Link, linkOf, sendOverLink } from "./shaped-link.ts";

let asked = 0;
/** By name: all connections over a link share it. */
const links = new Map<string, Link>();

const server = createServer({ noDelay: true }, (socket) => {
  let head = "";
  let first = true;
  socket.on("data", (chunk) => {
    head += chunk.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return;
    const request = head.slice(0, end + 2);
    head = head.slice(end + 4);
    answer(socket, request, first);
    first = false;
  });
  socket.on("error", () => socket.destroy());
});

function answer(socket: Socket, request: string, first: boolean): void {
  asked += 1;
  const target = request.slice(request.indexOf(" ") + 1, request.indexOf(" ", 5));
  const [, roundTrip = "", kilobits = "", handshakes = "", name = ""] =
    /^\/link\/([0-9]+)\/([0-9]+)\/([0-9]+)\/([0-9]+)\//.exec(target) ?? [];
  const live = /^\/l\/[a-z0-9-]+\/live\.m3u8$/.test(target);
  const content = live ? livePlaylist(Date.now()) : contentOf(target);
  if (content === null) {
    socket.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const [, from = "", to = ""] = /\r\nrange: *bytes=([0-9]+)-([0-9]*)\r\n/i.exec(request) ?? [];
  const start = from === "" ? 0 : Number(from);
  const end = to === "" ? content.length : Math.min(content.length, Number(to) + 1);
  const status =
    from === "" ? "200 OK" : `206 Partial Content\r\nContent-Range: bytes ${start}-${end - 1}/${content.length}`;
  // A live playlist is asked for again each time; players that ask at one moment share an answer.
  const freshness = `Cache-Control: ${live ? "no-cache" : "max-age=3600"}`;
  const fields = `Content-Type: ${typeOf(target)}\r\n${live ? "" : 'ETag: "v1"\r\n'}Accept-Ranges: bytes\r\n${freshness}`;
  const head = `HTTP/1.1 ${status}\r\n${fields}\r\nContent-Length: ${end - start}\r\n\r\n`;
  const body = content.subarray(start, end);
  if (roundTrip === "") {
    // Together in one write, and without a copy.
    socket.cork();
    socket.write(head, "latin1");
    socket.write(body);
    socket.uncork();
    return;
  }
  const link = links.get(name) ?? linkOf(Number(roundTrip), Number(kilobits));
  links.set(name, link);
  sendOverLink(socket, Buffer.concat([Buffer.from(head, "latin1"), body]), link, first ? Number(handshakes) : 0);
}

process.on("message", () => process.send?.({ asked }));
process.on("disconnect", () => process.exit(0));
server.listen({ port: 0, host: "127.0.0.1", backlog: 2_048 }, () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.({ port: address.port });
});
