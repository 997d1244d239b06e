/** What is fetched of a media playlist that is preloaded: the first seconds or segments, with all that they need. */
import { integerMax } from "../base/bytes.ts";
import type { Timeline } from "./media-timeline.ts";
import type { PlaylistPart } from "./playlist-part.ts";

/** How much: milliseconds of playing, segments, or bytes; `all` counts nothing. */
export type PreloadAmount = { unit: "all" | "milliseconds" | "segments" | "bytes"; count: number };

/** What a part is of: the URL that was asked for, a variant's playlist, one beside it, or anything else. */
export type PreloadPartKind = "root" | "playlist" | "rendition" | "media";

/** Bytes to ask for at once, and what of the playing they bring; in a presentation the part with the lowest time comes first. */
export type PreloadPart = {
  kind: PreloadPartKind;
  url: string;
  start: number;
  end: number;
  atMs: number;
  segments: number;
  durationMs: number;
};

/** The parts in the order of playing, at most `segmentsMax` segments. */
export function preloadParts(timeline: Timeline, amount: PreloadAmount, segmentsMax: number): PreloadPart[] {
  const parts: PreloadPart[] = [];
  const seen = new Set<string>();
  let segments = 0;
  let known = 0;
  const endMs = amount.unit === "milliseconds" ? timeline.beginMs + amount.count : -1;
  const max = amount.unit === "segments" ? Math.min(amount.count, segmentsMax) : segmentsMax;
  for (const segment of timeline.segments) {
    // R-PRE-7
    if (segment.endMs <= timeline.beginMs && timeline.beginMs > 0) continue;
    if (endMs !== -1 && segment.startMs >= endMs) break;
    if (segments >= max || (amount.unit === "bytes" && known >= amount.count)) break;
    segments += 1;
    const { part, map, startMs: atMs } = segment;
    if (part === null) continue;
    // R-PRE-6
    for (const url of segment.keys) addOnce(parts, seen, { url, start: 0, end: -1 }, atMs);
    if (map !== null) addOnce(parts, seen, map, atMs);
    if (part.end !== -1) known = Math.min(known + part.end - part.start, integerMax);
    addPart(parts, { kind: "media", ...part, atMs, segments: 1, durationMs: segment.endMs - atMs });
  }
  return parts;
}

/** Adds a part, or lengthens the last one when it goes on where that ends (R-PRE-6). */
function addPart(parts: PreloadPart[], part: PreloadPart): void {
  const last = parts[parts.length - 1];
  if (last === undefined || last.url !== part.url || last.end === -1 || last.end !== part.start || part.end === -1) {
    parts.push(part);
    return;
  }
  last.end = part.end;
  last.segments += part.segments;
  last.durationMs += part.durationMs;
}

function addOnce(parts: PreloadPart[], seen: Set<string>, part: PlaylistPart, atMs: number): void {
  const name = `${part.start} ${part.end} ${part.url}`;
  if (seen.has(name)) return;
  seen.add(name);
  addPart(parts, { kind: "media", ...part, atMs, segments: 0, durationMs: 0 });
}
