/**
 * A caching proxy as most of them are written, for comparison only: a file for each URL, read by createReadStream in
 * pieces of 64 KB; a file's size asked for on each request; playlists rewritten on each request; `Connection: close`.
 * `field-default-server.ts PORT FOLDER ORIGIN-PORT`
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rename, stat } from "node:fs/promises";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const pieceBytes = 65_536;

const [port = "", folder = "", originPort = ""] = process.argv.slice(2);
let names = 0;

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") console.error(error);
  });
});
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 2_048 });
process.on("SIGTERM", () => process.exit(0));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = new URL(request.url ?? "/", `http://127.0.0.1:${port}`);
  const url = asked.searchParams.get("url") ?? "";
  // Nothing but the bench's own origin: this is no proxy for anybody.
  if (!url.startsWith(`http://127.0.0.1:${originPort}/`)) {
    response.writeHead(403).end();
    return;
  }
  const file = join(folder, createHash("sha256").update(url).digest("hex"));
  const found = await sizeOf(file);
  if (found === null) await answerFromOrigin(request, response, url, file);
  else if (url.endsWith(".m3u8")) await answerPlaylist(response, url, file);
  else await answerFromFile(request, response, file, found);
}

/** Null when nothing is stored. */
async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function answerFromFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  size: number,
): Promise<void> {
  const [, from = "", to = ""] = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? "") ?? [];
  const start = from === "" ? 0 : Number(from);
  const end = to === "" ? size - 1 : Math.min(size - 1, Number(to));
  const fields: Record<string, string | number> = { "Content-Type": "video/mp2t", "Accept-Ranges": "bytes" };
  fields["Content-Length"] = end - start + 1;
  fields.Connection = "close";
  if (from !== "") fields["Content-Range"] = `bytes ${start}-${end}/${size}`;
  response.writeHead(from === "" ? 200 : 206, fields);
  await pipeline(createReadStream(file, { start, end, highWaterMark: pieceBytes }), response);
}

async function answerPlaylist(response: ServerResponse, url: string, file: string): Promise<void> {
  const lines = (await readFile(file, "utf8")).split("\n").map((line) => {
    if (line === "" || line.startsWith("#")) return line;
    return `http://127.0.0.1:${port}/proxy?url=${encodeURIComponent(new URL(line, url).href)}`;
  });
  const body = Buffer.from(lines.join("\n"), "utf8");
  const fields = {
    "Content-Type": "application/vnd.apple.mpegurl",
    "Content-Length": body.length,
    Connection: "close",
  };
  response.writeHead(200, fields).end(body);
}

/** To the player and to the disk at once; a range goes by the disk. */
async function answerFromOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  url: string,
  file: string,
): Promise<void> {
  const range = request.headers.range;
  const upstream = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers: range === undefined ? {} : { Range: range } }, resolve).on("error", reject);
  });
  if (url.endsWith(".m3u8") && upstream.statusCode === 200) {
    await store(upstream, file);
    await answerPlaylist(response, url, file);
    return;
  }
  response.writeHead(upstream.statusCode ?? 502, { ...upstream.headers, connection: "close" });
  const stored = upstream.statusCode === 200 ? store(upstream, file) : null;
  await Promise.all([pipeline(upstream, response), stored]);
}

async function store(upstream: IncomingMessage, file: string): Promise<void> {
  names += 1;
  const begun = `${file}.${names}`;
  await pipeline(upstream, createWriteStream(begun));
  await rename(begun, file);
}
