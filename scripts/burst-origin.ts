/** The origin behind a burst: every resource's bytes follow from its name, and its way says how it is answered. */
import { createServer, type Socket } from "node:net";

/** *cut*: the first answer breaks off in the middle. *missing*: 404. */
export type BurstResource = {
  url: string;
  name: string;
  bytes: number;
  way: "plain" | "chunked" | "cut" | "missing" | "playlist";
};

export type BurstOrigin = {
  resource: (name: string, bytes: number, way: BurstResource["way"]) => BurstResource;
  close: () => Promise<void>;
};

/** Longer than any resource by a prime's worth of starts, so that no two resources are alike. */
const pool = Buffer.from(
  Uint8Array.from({ length: 700_000 + 8_191 }, (_, at) => (at * 131 + (at >> 8) * 17 + 7) & 255),
);

/** The bytes of a resource. */
export function bodyBytes(resource: BurstResource): Buffer {
  if (resource.way === "playlist") return Buffer.from(playlistText(resource.name));
  const start = [...resource.name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 8_191, 7);
  return pool.subarray(start, start + resource.bytes);
}

export async function burstOrigin(): Promise<BurstOrigin> {
  const resources = new Map<string, BurstResource>();
  const cutOnce = new Set<string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        answer(socket, text.slice(0, end), resources, cutOnce);
        text = text.slice(end + 4);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the origin has no port");
  return {
    resource: (name, bytes, way) => {
      const known = resources.get(`/${name}`);
      if (known !== undefined) return known;
      const made = { url: `http://127.0.0.1:${address.port}/${name}`, name, bytes, way };
      resources.set(`/${name}`, made);
      return made;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(socket: Socket, head: string, resources: Map<string, BurstResource>, cutOnce: Set<string>): void {
  const [, method = "", path = ""] = /^([A-Z]+) (\S+) /.exec(head) ?? [];
  const resource = resources.get(path);
  if (resource === undefined || resource.way === "missing") {
    socket.write(`HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n`);
    if (method !== "HEAD") socket.write("none");
    return;
  }
  const body = bodyBytes(resource);
  const type = resource.way === "playlist" ? "application/vnd.apple.mpegurl" : "video/mp2t";
  const fields = `Content-Type: ${type}\r\nETag: "${resource.name}"\r\nCache-Control: max-age=3600\r\n`;
  if (resource.way === "chunked") {
    socket.write(`HTTP/1.1 200 OK\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`);
    for (let at = 0; at < body.length; at += 20_000) {
      const piece = body.subarray(at, at + 20_000);
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write("\r\n");
    }
    socket.write("0\r\n\r\n");
    return;
  }
  const [, first = "", last = ""] = /\r\nrange: bytes=([0-9]+)-([0-9]*)/i.exec(head) ?? [];
  const start = first === "" ? 0 : Number(first);
  const end = last === "" ? body.length : Math.min(body.length, Number(last) + 1);
  const status = first === "" ? "200 OK" : "206 Partial Content";
  const range = first === "" ? "" : `Content-Range: bytes ${start}-${end - 1}/${body.length}\r\n`;
  socket.write(`HTTP/1.1 ${status}\r\n${fields}${range}Accept-Ranges: bytes\r\nContent-Length: ${end - start}\r\n\r\n`);
  if (method === "HEAD") return;
  if (resource.way === "cut" && !cutOnce.has(resource.name)) {
    cutOnce.add(resource.name);
    socket.end(body.subarray(start, start + Math.floor((end - start) / 2)));
    return;
  }
  socket.write(body.subarray(start, end));
}

function playlistText(name: string): string {
  const segments = Array.from({ length: 40 }, (_, at) => `#EXTINF:6,\n${name}-${at}.ts\n`);
  return `#EXTM3U\n#EXT-X-TARGETDURATION:6\n${segments.join("")}#EXT-X-ENDLIST\n`;
}
