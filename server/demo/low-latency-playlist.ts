/**
 * A low-latency live playlist (rfc8216bis) made from a complete one: a function of the source, the directives and the
 * time. Segment `n` of the endless stream is `s<n>.m4s`, its part `p` `s<n>.<p>.m4s`; all parts of a segment last alike.
 */
import type { Source } from "./live-playlist.ts";
import { availableSegments, segmentAt } from "./live-playlist.ts";

/** A stream that began at `epochMs`; `partsOf` tells how many parts a segment of the source has, by its URI. */
export type LowLatencyStream = { source: Source; epochMs: number; partsOf: (uri: string) => number };

/** What a request asks for: the playlist with this segment (and part) in it, and only what changed. -1: not said. */
export type Directives = { msn: number; part: number; delta: boolean };

/** The place of the newest part: of segment `msn`, which has `parts` so far. */
export type Edge = { msn: number; parts: number };

const windowMs = 30_000;
/** Segments that reach further back than so many target durations lose their parts; older ones are skipped in a delta. */
const partTargets = 3;
const skipTargets = 6;

/** Reads the delivery directives of a query; null when they make no sense (rfc8216bis section 6.2.5.2: 400). */
export function readDirectives(query: string): Directives | null {
  const values = new Map(query.split("&").map((pair) => pair.split("=", 2) as [string, string | undefined]));
  const number = (name: string): number => {
    if (!values.has(name)) return -1;
    const text = values.get(name) ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  };
  const [msn, part] = [number("_HLS_msn"), number("_HLS_part")];
  if (Number.isNaN(msn) || Number.isNaN(part) || (part >= 0 && msn < 0)) return null;
  return { msn, part, delta: values.get("_HLS_skip") === "YES" };
}

/** The newest part at `nowMs`. */
export function edgeAt(stream: LowLatencyStream, nowMs: number): Edge {
  const msn = availableSegments(stream.source, nowMs - stream.epochMs);
  let parts = 0;
  while (madeAtMs(stream, msn, parts) <= nowMs) parts += 1;
  return { msn, parts };
}

/** Parts of segment `msn`. */
export function partCount(stream: LowLatencyStream, msn: number): number {
  return stream.partsOf(segmentUri(stream, msn));
}

/** When part `part` of segment `msn` is whole; the one behind the last is the first of the next segment. */
export function madeAtMs(stream: LowLatencyStream, msn: number, part: number): number {
  const count = partCount(stream, msn);
  if (part >= count) return madeAtMs(stream, msn + 1, 0);
  const { startMs, endMs } = segmentAt(stream.source, msn);
  return stream.epochMs + startMs + Math.ceil(((endMs - startMs) * (part + 1)) / count);
}

/** When a playlist with what the directives ask for can be made; null when that is too far ahead (400). */
export function readyAtMs(stream: LowLatencyStream, directives: Directives, nowMs: number): number | null {
  const { msn, part } = directives;
  if (msn < 0) return nowMs;
  if (msn > edgeAt(stream, nowMs).msn + 2) return null;
  return madeAtMs(stream, msn, part < 0 ? partCount(stream, msn) - 1 : part);
}

/** The source's URI of segment `msn`. */
export function segmentUri(stream: LowLatencyStream, msn: number): string {
  return segmentAt(stream.source, msn).lines.at(-1) ?? "";
}

/** The playlist at `nowMs`; `reports` are the URIs of the other renditions, which all stand where this one does. */
export function lowLatencyPlaylist(stream: LowLatencyStream, delta: boolean, reports: string[], nowMs: number): string {
  const { source } = stream;
  const edge = edgeAt(stream, nowMs);
  // The end of the newest part, from the stream's beginning.
  const edgeMs =
    edge.parts > 0 ? madeAtMs(stream, edge.msn, edge.parts - 1) - stream.epochMs : segmentAt(source, edge.msn).startMs;
  const ageMs = (msn: number): number => edgeMs - segmentAt(source, msn).endMs;
  let first = edge.msn;
  while (first > 0 && ageMs(first - 1) < windowMs) first -= 1;
  let listed = first;
  while (delta && listed < edge.msn && ageMs(listed) >= skipTargets * source.targetMs) listed += 1;
  const lines = headLines(stream, first);
  if (listed > first) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${listed - first}`);
  for (let msn = listed; msn < edge.msn; msn += 1) {
    lines.push(...placeLines(stream, msn, msn === first));
    const { startMs, endMs } = segmentAt(source, msn);
    if (edgeMs - startMs < partTargets * source.targetMs) lines.push(...partLines(stream, msn, partCount(stream, msn)));
    lines.push(`#EXTINF:${seconds(endMs - startMs)},`, `s${msn}.m4s`);
  }
  if (edge.parts > 0) lines.push(...placeLines(stream, edge.msn, edge.msn === first));
  lines.push(...partLines(stream, edge.msn, edge.parts));
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s${edge.msn}.${edge.parts}.m4s"`);
  const last = edge.parts > 0 ? edge : { msn: edge.msn - 1, parts: partCount(stream, Math.max(0, edge.msn - 1)) };
  for (const uri of reports) {
    lines.push(`#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${last.msn},LAST-PART=${last.parts - 1}`);
  }
  return `${lines.join("\n")}\n`;
}

function headLines(stream: LowLatencyStream, first: number): string[] {
  const { source } = stream;
  const count = source.segments.length;
  const pass = Math.floor(first / count);
  const partMs = Math.max(
    ...source.segments.map(({ startMs, endMs, lines }) => {
      return (endMs - startMs) / stream.partsOf(lines.at(-1) ?? "");
    }),
  );
  const control = `CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=${seconds(skipTargets * source.targetMs)}`;
  return [
    ...source.head.filter((line) => !line.startsWith("#EXT-X-VERSION:")),
    "#EXT-X-VERSION:9",
    `#EXT-X-SERVER-CONTROL:${control},PART-HOLD-BACK=${seconds(3 * partMs + 10)}`,
    `#EXT-X-PART-INF:PART-TARGET=${seconds(partMs + 0.01)}`,
    `#EXT-X-MEDIA-SEQUENCE:${first}`,
    // A listed EXT-X-DISCONTINUITY counts itself (RFC 8216 section 6.2.1), so the number is one less when it comes first.
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first % count === 0 && pass > 0 ? pass - 1 : pass}`,
  ];
}

/** What stands before a segment: each pass through the source is a discontinuity, and begins with its map. */
function placeLines(stream: LowLatencyStream, msn: number, isFirst: boolean): string[] {
  const isNewPass = msn > 0 && msn % stream.source.segments.length === 0;
  const { startMs, map } = segmentAt(stream.source, msn);
  const lines = isNewPass ? ["#EXT-X-DISCONTINUITY"] : [];
  if ((isFirst || isNewPass) && map !== "") lines.push(map);
  if (isFirst || isNewPass) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(stream.epochMs + startMs).toISOString()}`);
  return lines;
}

function partLines(stream: LowLatencyStream, msn: number, count: number): string[] {
  const { startMs, endMs } = segmentAt(stream.source, msn);
  const duration = seconds((endMs - startMs) / partCount(stream, msn));
  return Array.from({ length: count }, (_none, part) => {
    return `#EXT-X-PART:DURATION=${duration},URI="s${msn}.${part}.m4s"${part === 0 ? ",INDEPENDENT=YES" : ""}`;
  });
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(5);
}
