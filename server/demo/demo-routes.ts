/** What the demo origin answers to a target: the shape (first path segment) applied to a file of a set, or a blob. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { blobFill } from "./blob.ts";
import { demoSets, setMs, signedQuery } from "./demo-sets.ts";
import { eventPlaylist, isMultivariant, livePlaylist, withQuery } from "./live-playlist.ts";
import { lowLatencyReply } from "./low-latency-routes.ts";
import type { MediaFile } from "./media-files.ts";
import { contentTypeOf, readMediaFile } from "./media-files.ts";
import type { Delivery, Representation } from "./representation.ts";

/** The time and place of the origin, and what of the request a route may depend on (host and acceptEncoding: fields). */
export type RouteInput = {
  mediaDir: string;
  startMs: number;
  nowMs: number;
  port: number;
  path: string;
  query: string;
  host: string;
  acceptEncoding: string;
};

/**
 * `message`: an error, a redirect or a listing, plain text. `held`: routed again at that time. `growing`: chunked, each
 * piece at its time.
 */
export type Reply =
  | { kind: "held"; untilMs: number }
  | { kind: "growing"; fields: Record<string, string>; pieces: { bytes: Uint8Array; atMs: number }[] }
  | { kind: "representation"; representation: Representation; delivery: Delivery }
  | { kind: "message"; status: number; body: string; fields: Record<string, string> };

/** Finds the route by the first path segment. */
export function routeReply(input: RouteInput): Reply {
  const route = input.path.split("/")[1] ?? "";
  const rest = input.path.slice(route.length + 1);
  if (route === "") return message(200, indexText());
  if (route === "blob") return blobReply(input, rest);
  if (route === "ll") return lowLatencyReply(input, rest) ?? message(404, "There is nothing here yet\n");
  if (route === "redirect" || route === "redirect-host") return redirectReply(input, route, rest);
  if (route === "signed" && input.query === "") return message(403, "The signature is missing\n");
  if (route === "signed" && input.query !== signedQuery) return message(403, "The signature is wrong\n");
  const shape = Object.hasOwn(shapes, route) ? shapes[route] : undefined;
  const isEventEntry = route === "event" && rest.endsWith("/now.m3u8");
  const file = shape
    ? readMediaFile(input.mediaDir, isEventEntry ? rest.replace("now.m3u8", "index.m3u8") : rest)
    : null;
  if (!shape || !file) return message(404, "There is nothing here\n");
  if (isEventEntry) return whole(changing(eventEntry(textOf(file), input.nowMs), "no-store"));
  return shape(input, file);
}

/** How each route serves a file. */
const shapes: Record<string, (input: RouteInput, file: MediaFile) => Reply> = {
  media: (_input, file) => whole(fromFile(file)),
  signed: (_input, file) => {
    if (!isPlaylist(file)) return whole(fromFile(file));
    return whole(fromText(withQuery(textOf(file), signedQuery)));
  },
  chunked: (_input, file) => paced(fromFile(file), { bytesPerSecond: 0, chunked: true }),
  slow: (input, file) => {
    const rate = numberParameter(input.query, "rate", 100_000);
    if (rate === null || rate === 0) return message(400, "rate is a number of bytes per second\n");
    const delivery = { bytesPerSecond: rate, chunked: false };
    if (!isPlaylist(file)) return paced(fromFile(file), delivery);
    return paced(fromText(withQuery(textOf(file), input.query)), delivery);
  },
  gzip: (input, file) => {
    if (!isPlaylist(file)) return whole(fromFile(file));
    return whole(compressed(fromFile(file), file.body, input.acceptEncoding));
  },
  live: (input, file) => {
    if (!isPlaylist(file)) return whole(fromFile(file));
    const text = textOf(file);
    if (isMultivariant(text)) return whole(fromText(withQuery(text, input.query)));
    const seconds = numberParameter(input.query, "window", setMs / 1000);
    if (seconds === null) return message(400, "window is a number of seconds\n");
    // The stream began one pass before the origin did, so that the first window is full.
    return whole(changing(livePlaylist(text, input.startMs - setMs, input.nowMs, seconds * 1000), liveCacheControl));
  },
  event: (input, file) => {
    if (!isPlaylist(file)) return whole(fromFile(file));
    const text = textOf(file);
    if (isMultivariant(text)) return whole(fromText(withQuery(text, input.query)));
    const startMs = numberParameter(input.query, "start", input.startMs);
    if (startMs === null) return message(400, "start is a time in milliseconds since 1970\n");
    const { body, ended } = eventPlaylist(text, startMs, input.nowMs);
    return whole(ended ? fromText(body) : changing(body, liveCacheControl));
  },
};

const vodCacheControl = "max-age=60";
const liveCacheControl = "max-age=1";
const mediaCacheControl = "public, max-age=31536000, immutable";
const keyCacheControl = "max-age=3600";
const blobLastModified = "Sun, 01 Nov 2026 00:00:00 GMT";
const blobBytesMax = 2 ** 48;

/**
 * `/event/<set>/now.m3u8`: a multivariant playlist that is made anew for every request and names the event that begins
 * now, so that the playlist that the player reloads keeps one URL and one beginning.
 */
function eventEntry(text: string, nowMs: number): string {
  const query = `start=${nowMs}`;
  if (isMultivariant(text)) return withQuery(text, query);
  const variant = '#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.4d400c,mp4a.40.2"';
  return `#EXTM3U\n#EXT-X-VERSION:7\n${variant}\nindex.m3u8?${query}\n`;
}

/** `/blob/<bytes>/<seed>[.ext]?rate=&chunked=1`: deterministic bytes of any size. */
function blobReply(input: RouteInput, rest: string): Reply {
  const parts = /^\/(\d{1,15})\/(\d{1,9})(\.[a-z0-9]+)?$/.exec(rest);
  const rate = numberParameter(input.query, "rate", 0);
  const length = Number(parts?.[1]);
  if (!parts || rate === null || length > blobBytesMax) {
    return message(404, "/blob/<bytes>/<seed>[.ext]?rate=<bytes per second>\n");
  }
  const seed = Number(parts[2]);
  const read = (offset: number, bytes: number): Uint8Array => {
    const buffer = Buffer.allocUnsafe(bytes);
    blobFill(buffer, seed, offset);
    return buffer;
  };
  const representation: Representation = {
    contentType: contentTypeOf(parts[3] ?? ""),
    length,
    read,
    hasRanges: true,
    etag: `"blob-${length}-${seed}"`,
    lastModified: blobLastModified,
    cacheControl: mediaCacheControl,
    fields: {},
  };
  return paced(representation, { bytesPerSecond: rate, chunked: input.query.split("&").includes("chunked=1") });
}

/** 302 to the plain URL: on this host, or (`redirect-host`) on the other name of this machine. */
function redirectReply(input: RouteInput, route: string, rest: string): Reply {
  const target = `/media${rest}${input.query === "" ? "" : `?${input.query}`}`;
  const otherName = input.host.startsWith("localhost") ? "127.0.0.1" : "localhost";
  const location = route === "redirect" ? target : `http://${otherName}:${input.port}${target}`;
  return { kind: "message", status: 302, body: "", fields: { Location: location } };
}

function indexText(): string {
  const lines = demoSets().map((set) => `${set.path}\n    ${set.title}: ${set.note}\n`);
  return `reelcache demo origin\n\n${lines.join("")}`;
}

function whole(representation: Representation): Reply {
  return { kind: "representation", representation, delivery: { bytesPerSecond: 0, chunked: false } };
}

function paced(representation: Representation, delivery: Delivery): Reply {
  return { kind: "representation", representation, delivery };
}

function message(status: number, body: string): Reply {
  return { kind: "message", status, body, fields: { "Content-Type": "text/plain; charset=utf-8" } };
}

function fromFile(file: MediaFile): Representation {
  let cacheControl = mediaCacheControl;
  if (isPlaylist(file)) cacheControl = vodCacheControl;
  if (file.extension === ".key") cacheControl = keyCacheControl;
  return {
    contentType: contentTypeOf(file.extension),
    length: file.body.length,
    read: (offset, length) => file.body.subarray(offset, offset + length),
    hasRanges: true,
    etag: file.etag,
    lastModified: file.lastModified,
    cacheControl,
    fields: {},
  };
}

/** A playlist that is another at the next request. */
function changing(text: string, cacheControl: string): Representation {
  return { ...fromText(text), cacheControl, hasRanges: false };
}

/** A complete playlist that was made for this request: its validator is its content. */
function fromText(text: string): Representation {
  const body = Buffer.from(text, "latin1");
  return {
    contentType: contentTypeOf(".m3u8"),
    length: body.length,
    read: (offset, length) => body.subarray(offset, offset + length),
    hasRanges: true,
    etag: `"${createHash("sha256").update(body).digest("hex").slice(0, 20)}"`,
    lastModified: "",
    cacheControl: vodCacheControl,
    fields: {},
  };
}

/** The gzip representation when the request accepts it; a different representation has a different strong ETag. */
function compressed(identity: Representation, body: Buffer, acceptEncoding: string): Representation {
  const accepted = acceptEncoding.split(",").map((item) => item.replaceAll(" ", "").toLowerCase());
  const isAccepted = accepted.some((item) => item === "gzip" || /^gzip;q=(1|0\.\d*[1-9])/.test(item));
  if (!isAccepted) return { ...identity, fields: { Vary: "Accept-Encoding" } };
  const zipped = gzipSync(body);
  return {
    ...identity,
    length: zipped.length,
    read: (offset, length) => zipped.subarray(offset, offset + length),
    etag: identity.etag.replace(/"$/, '-gzip"'),
    fields: { Vary: "Accept-Encoding", "Content-Encoding": "gzip" },
  };
}

function isPlaylist(file: MediaFile): boolean {
  return file.extension === ".m3u8";
}

function textOf(file: MediaFile): string {
  return file.body.toString("latin1");
}

/** A whole number from the query, `otherwise` when it is absent, null when it is not a number. */
function numberParameter(query: string, name: string, otherwise: number): number | null {
  for (const pair of query.split("&")) {
    if (!pair.startsWith(`${name}=`)) continue;
    const text = pair.slice(name.length + 1);
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  }
  return otherwise;
}
