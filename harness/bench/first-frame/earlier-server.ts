/**
 * Two earlier designs of such a proxy, newly written, for comparison only. They keep everything in memory and check
 * nothing. `earlier-server.ts DESIGN PORT ORIGIN-PORT`
 *
 * `download-then-serve` answers once the whole of a resource has come. `cdn-first` writes into a playlist where the CDN
 * has what it does not have itself, and fetches the same in the background, one after the other.
 */
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from "node:http";

type Resource = { type: string; body: Buffer };

const [design = "", port = "", originPort = ""] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const stored = new Map<string, Resource>();
/** Asked of the origin, and not there yet: who wants the same waits for the same. */
const coming = new Map<string, Promise<Resource>>();
let background: Promise<unknown> = Promise.resolve();

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
    console.error(error);
  });
});
server.listen({ port: Number(port), host: "127.0.0.1" });
process.on("SIGTERM", () => process.exit(0));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", `http://127.0.0.1:${port}`).searchParams.get("url") ?? "";
  // Nothing but the bench's own origin: this is no proxy for anybody.
  if (!url.startsWith(`http://127.0.0.1:${originPort}/`)) {
    response.writeHead(403).end();
    return;
  }
  const { type, body } = await fetchWhole(url);
  if (isPlaylist(url)) send(request, response, type, Buffer.from(rewritten(body.toString("utf8"), url), "utf8"));
  else send(request, response, type, body);
}

function send(request: IncomingMessage, response: ServerResponse, type: string, body: Buffer): void {
  const [, from = "", to = ""] = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? "") ?? [];
  const start = Number(from);
  const end = to === "" ? body.length : Math.min(body.length, Number(to) + 1);
  response.writeHead(from === "" ? 200 : 206, {
    "Content-Type": type,
    "Content-Length": end - start,
    "Accept-Ranges": "bytes",
    "Access-Control-Allow-Origin": "*",
    ...(from === "" ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${body.length}` }),
  });
  response.end(body.subarray(start, end));
}

function fetchWhole(url: string): Promise<Resource> {
  const found = stored.get(url);
  if (found !== undefined) return Promise.resolve(found);
  const begun = coming.get(url) ?? fetchFromOrigin(url).finally(() => coming.delete(url));
  coming.set(url, begun);
  return begun;
}

async function fetchFromOrigin(url: string): Promise<Resource> {
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent }, resolve).on("error", reject);
  });
  const pieces: Buffer[] = [];
  for await (const piece of answered) pieces.push(piece as Buffer);
  if (answered.statusCode !== 200) throw new Error(`${answered.statusCode} for ${url}`);
  const resource = { type: answered.headers["content-type"] ?? "", body: Buffer.concat(pieces) };
  stored.set(url, resource);
  return resource;
}

/** Every line that is a URI, and every attribute of that name. */
function rewritten(text: string, url: string): string {
  const place = (uri: string): string => placeOf(new URL(uri, url).href);
  const lines = text.split("\n").map((line) => {
    if (line === "") return line;
    return line.startsWith("#") ? line.replaceAll(/URI="([^"]+)"/g, (_, uri) => `URI="${place(uri)}"`) : place(line);
  });
  return lines.join("\n");
}

/** Where the player is to ask for it. */
function placeOf(url: string): string {
  const proxied = `http://127.0.0.1:${port}/proxy?url=${encodeURIComponent(url)}`;
  if (design !== "cdn-first" || isPlaylist(url) || stored.has(url)) return proxied;
  background = background.then(() => fetchWhole(url)).catch((error: unknown) => console.error(error));
  return url;
}

function isPlaylist(url: string): boolean {
  return url.endsWith(".m3u8");
}
