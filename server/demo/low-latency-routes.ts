/**
 * `/ll/<set>/…`: a set of fMP4 files as a low-latency live stream. Reloads with directives are held until what they ask
 * for is made, a hinted part is held until it is whole, and a segment that is being made comes part by part.
 */
import type { Reply, RouteInput } from "./demo-routes.ts";
import { setMs } from "./demo-sets.ts";
import { isMultivariant, parseSource, withQuery } from "./live-playlist.ts";
import type { LowLatencyStream } from "./low-latency-playlist.ts";
import { edgeAt, lowLatencyPlaylist, madeAtMs, readDirectives, readyAtMs, segmentUri } from "./low-latency-playlist.ts";
import { contentTypeOf, readMediaFile } from "./media-files.ts";
import { mediaParts } from "./media-parts.ts";
import type { Representation } from "./representation.ts";

const playlistName = "index.m3u8";
const changingCacheControl = "max-age=1";
const mediaCacheControl = "public, max-age=31536000, immutable";

/** The reply to `/ll` and `rest`; null when the set has no such thing, at this time or ever. */
export function lowLatencyReply(input: RouteInput, rest: string): Reply | null {
  const folder = rest.slice(0, rest.lastIndexOf("/"));
  const name = rest.slice(folder.length + 1);
  const file = readMediaFile(input.mediaDir, `${folder}/${playlistName}`);
  if (file === null) return null;
  const text = file.body.toString("latin1");
  if (isMultivariant(text)) {
    return name === playlistName ? whole(playlistOf(withQuery(text, input.query), "max-age=60")) : null;
  }
  const stream = streamOf(input, folder, text);
  if (name === playlistName) return playlistReply(input, stream, folder);
  const named = /^s(\d{1,9})(?:\.(\d{1,4}))?\.m4s$/.exec(name);
  if (named !== null) return mediaReply(input, stream, folder, Number(named[1]), Number(named[2] ?? -1));
  const other = readMediaFile(input.mediaDir, rest);
  return other === null || name.endsWith(".m4s") ? null : whole(bytesOf(other.body, other.extension, other.etag));
}

function playlistReply(input: RouteInput, stream: LowLatencyStream, folder: string): Reply {
  const directives = readDirectives(input.query);
  const readyMs = directives === null ? null : readyAtMs(stream, directives, input.nowMs);
  if (directives === null || readyMs === null) {
    const fields = { "Content-Type": "text/plain; charset=utf-8" };
    return { kind: "message", status: 400, body: "These directives ask for nothing that is near\n", fields };
  }
  if (readyMs > input.nowMs) return { kind: "held", untilMs: readyMs };
  const reports = otherRenditions(input, folder);
  return whole(playlistOf(lowLatencyPlaylist(stream, directives.delta, reports, input.nowMs), changingCacheControl));
}

/** A part (`part` -1: the whole segment) of segment `msn`. */
function mediaReply(
  input: RouteInput,
  stream: LowLatencyStream,
  folder: string,
  msn: number,
  part: number,
): Reply | null {
  const segment = readMediaFile(input.mediaDir, `${folder}/${segmentUri(stream, msn)}`);
  const edge = edgeAt(stream, input.nowMs);
  if (segment === null || msn > edge.msn) return null;
  const parts = mediaParts(segment.body);
  const etag = `"${segment.etag.slice(1, -1)}-${msn}.${part}"`;
  if (part === -1) {
    if (msn < edge.msn) return whole(bytesOf(segment.body, ".m4s", etag));
    const pieces = parts.map(({ start, end }, at) => {
      return { bytes: segment.body.subarray(start, end), atMs: madeAtMs(stream, msn, at) };
    });
    return { kind: "growing", fields: { "Content-Type": contentTypeOf(".m4s"), ETag: etag }, pieces };
  }
  const place = parts[part];
  if (place === undefined) return null;
  // The next part is hinted, and held until it is whole; what comes after it nobody may ask for yet.
  if (msn === edge.msn && part === edge.parts) return { kind: "held", untilMs: madeAtMs(stream, msn, part) };
  if (msn === edge.msn && part > edge.parts) return null;
  return whole(bytesOf(segment.body.subarray(place.start, place.end), ".m4s", etag));
}

function streamOf(input: RouteInput, folder: string, text: string): LowLatencyStream {
  const partsOf = (uri: string): number => {
    const file = readMediaFile(input.mediaDir, `${folder}/${uri}`);
    if (file === null) throw new Error(`${folder}/${uri} is missing`);
    return mediaParts(file.body).length;
  };
  // The stream began three passes before the origin did, so that the first window is full.
  return { source: parseSource(text), epochMs: input.startMs - 3 * setMs, partsOf };
}

/** The other media playlists of the set's multivariant playlist, relative to this one's. */
function otherRenditions(input: RouteInput, folder: string): string[] {
  const above = folder.slice(0, folder.lastIndexOf("/"));
  const file = readMediaFile(input.mediaDir, `${above}/${playlistName}`);
  const lines = file?.body.toString("latin1").split("\n") ?? [];
  const own = `${folder.slice(above.length + 1)}/${playlistName}`;
  return lines.filter((line) => line !== "" && !line.startsWith("#") && line !== own).map((line) => `../${line}`);
}

function whole(representation: Representation): Reply {
  return { kind: "representation", representation, delivery: { bytesPerSecond: 0, chunked: false } };
}

function playlistOf(text: string, cacheControl: string): Representation {
  return { ...bytesOf(Buffer.from(text, "latin1"), ".m3u8", ""), cacheControl, hasRanges: false };
}

function bytesOf(body: Buffer, extension: string, etag: string): Representation {
  return {
    contentType: contentTypeOf(extension),
    length: body.length,
    read: (offset, length) => body.subarray(offset, offset + length),
    hasRanges: true,
    etag,
    lastModified: "",
    cacheControl: mediaCacheControl,
    fields: {},
  };
}
