/**
 * Live and event playlists made from a complete one: a function of the source text and the time, so that every request
 * (and every rendition of a set) sees the same moment.
 *
 * Pass: one run through the set's segments. The live stream is pass after pass, each of `setMs`, the first segment of
 * every pass but the first behind an EXT-X-DISCONTINUITY.
 */
import { setMs } from "./demo-sets.ts";

/** Renditions cut a little differently; a segment that misses a bound by this much still belongs to it. */
const slackMs = 500;

export type Segment = { lines: string[]; startMs: number; endMs: number; key: string; map: string };
export type Source = { head: string[]; targetMs: number; segments: Segment[] };

/** The sliding window at `nowMs` of a stream that began at `epochMs`; `windowMs` is raised to three target durations. */
export function livePlaylist(text: string, epochMs: number, nowMs: number, windowMs: number): string {
  const source = parseSource(text);
  const count = source.segments.length;
  const available = availableSegments(source, nowMs - epochMs);
  const edge = available === 0 ? 0 : segmentAt(source, available - 1).endMs;
  const wanted = Math.max(windowMs, 3 * source.targetMs);
  let first = available;
  while (first > 0 && segmentAt(source, first - 1).startMs >= edge - wanted - slackMs) first -= 1;
  const pass = Math.floor(first / count);
  // A listed EXT-X-DISCONTINUITY counts itself (RFC 8216 section 6.2.1), so the number is one less when it comes first.
  const discontinuities = first % count === 0 && pass > 0 ? pass - 1 : pass;
  const lines = [...source.head, `#EXT-X-MEDIA-SEQUENCE:${first}`];
  lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuities}`);
  let key = "";
  let map = "";
  for (let sequence = first; sequence < available; sequence += 1) {
    const segment = segmentAt(source, sequence);
    const isNewPass = sequence % count === 0 && sequence > 0;
    if (isNewPass) lines.push("#EXT-X-DISCONTINUITY");
    if (segment.key !== key) lines.push(segment.key === "" ? "#EXT-X-KEY:METHOD=NONE" : segment.key);
    if (segment.map !== "" && (segment.map !== map || isNewPass)) lines.push(segment.map);
    if (sequence === first || isNewPass) {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(epochMs + segment.startMs).toISOString()}`);
    }
    lines.push(...segment.lines);
    key = segment.key;
    map = segment.map;
  }
  return `${lines.join("\n")}\n`;
}

/**
 * An EVENT playlist that began at `startMs` with three target durations of segments (fewer are not enough for players to
 * start: RFC 8216 section 6.3.3) and gains each further one when it would have been recorded; complete, with
 * EXT-X-ENDLIST, after the last.
 */
export function eventPlaylist(text: string, startMs: number, nowMs: number): { body: string; ended: boolean } {
  const source = parseSource(text);
  const recordedMs = 3 * source.targetMs + Math.max(0, nowMs - startMs);
  const lines = [...source.head, "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:EVENT"];
  let key = "";
  let map = "";
  let listed = 0;
  for (const segment of source.segments) {
    if (segment.endMs > recordedMs + slackMs) break;
    if (segment.key !== key) lines.push(segment.key);
    if (segment.map !== map) lines.push(segment.map);
    lines.push(...segment.lines);
    key = segment.key;
    map = segment.map;
    listed += 1;
  }
  const ended = listed === source.segments.length;
  if (ended) lines.push("#EXT-X-ENDLIST");
  return { body: `${lines.join("\n")}\n`, ended };
}

/** A playlist with variants rather than segments. */
export function isMultivariant(text: string): boolean {
  return text.includes("\n#EXT-X-STREAM-INF:");
}

/** The playlist with `query` appended to every URI in it: relative URIs do not inherit their playlist's query. */
export function withQuery(text: string, query: string): string {
  if (query === "") return text;
  const append = (uri: string): string => `${uri}${uri.includes("?") ? "&" : "?"}${query}`;
  const lines = text.split("\n").map((line) => {
    if (line === "") return line;
    if (!line.startsWith("#")) return append(line);
    return line.replace(/([:,]URI=")([^"]*)"/, (_all, name: string, uri: string) => `${name}${append(uri)}"`);
  });
  return lines.join("\n");
}

/** Segment `sequence` of the endless stream, times from the stream's beginning. */
export function segmentAt(source: Source, sequence: number): Segment {
  const count = source.segments.length;
  const pass = Math.floor(sequence / count);
  const segment = source.segments[sequence % count];
  if (!segment) throw new Error("a live playlist needs segments");
  return { ...segment, startMs: pass * setMs + segment.startMs, endMs: pass * setMs + segment.endMs };
}

/** How many segments of the endless stream are whole after `elapsedMs`. */
export function availableSegments(source: Source, elapsedMs: number): number {
  const pass = Math.floor(Math.max(0, elapsedMs) / setMs);
  const inPass = Math.max(0, elapsedMs) - pass * setMs;
  return pass * source.segments.length + source.segments.filter((segment) => segment.endMs <= inPass).length;
}

/** Reads a complete media playlist: what stands before the segments, and each segment's own lines, key and map. */
export function parseSource(text: string): Source {
  const source: Source = { head: [], targetMs: 0, segments: [] };
  let lines: string[] = [];
  let key = "";
  let map = "";
  let startMs = 0;
  let durationMs = 0;
  for (const line of text.split("\n")) {
    if (line === "" || line === "#EXT-X-ENDLIST") continue;
    if (line.startsWith("#EXT-X-MEDIA-SEQUENCE:") || line.startsWith("#EXT-X-PLAYLIST-TYPE:")) continue;
    if (line.startsWith("#EXT-X-KEY:")) key = line;
    else if (line.startsWith("#EXT-X-MAP:")) map = line;
    else if (line.startsWith("#EXTINF:") || line.startsWith("#EXT-X-BYTERANGE:")) lines.push(line);
    else if (line.startsWith("#")) source.head.push(line);
    else {
      // The last segment of a rendition may end a little after the set's period: it is available with the others.
      const endMs = Math.min(startMs + durationMs, setMs);
      source.segments.push({ lines: [...lines, line], startMs, endMs, key, map });
      startMs = endMs;
      lines = [];
    }
    if (line.startsWith("#EXTINF:")) durationMs = Math.round(Number(line.slice(8, line.indexOf(","))) * 1000);
    if (line.startsWith("#EXT-X-TARGETDURATION:")) source.targetMs = Number(line.slice(22)) * 1000;
  }
  return source;
}
