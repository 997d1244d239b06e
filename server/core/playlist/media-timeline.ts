/** What a player needs, from the beginning on, to play a complete media playlist: for offline use and for policies. */
import { integerMax } from "../base/bytes.ts";
import { isPlaylistBody, milliseconds, playlistSummary } from "./playlist-kind.ts";
import { attributeList, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";
import { isTag, mapPart, onlyQuoted, type PlaylistPart, partUrl, rangedPart } from "./playlist-part.ts";
import { type UriMapper, uriMapper } from "./uri-mapper.ts";

/**
 * A media segment: when its playing begins and ends, in milliseconds from the beginning; the part that it is, null for
 * a gap; and what a player needs beside it and did not need for those before: initialization sections and keys.
 */
export type TimelineSegment = { startMs: number; endMs: number; needs: PlaylistPart[]; part: PlaylistPart | null };

/**
 * The segments of a complete media playlist, in order; null when it is none, and when it is not certain what a player
 * would ask for. `bytes` is the whole playlist (a byte string), `baseUrl` its final absolute URL.
 */
export function mediaTimeline(bytes: string, baseUrl: string): TimelineSegment[] | null {
  // R-TIME-1
  if (isPlaylistBody(bytes) !== "yes" || playlistSummary(bytes).kind !== "vod") return null;
  const mapper = uriMapper("", "path", baseUrl);
  const segments: TimelineSegment[] = [];
  const next: Next = { durationMs: -1, range: null, gap: false, needs: [], before: null };
  let start = 0;
  while (start < bytes.length) {
    const lineEnd = lineNext(bytes, start);
    const from = contentStart(bytes, start, lineEnd);
    const end = contentEnd(bytes, from, lineEnd);
    if (bytes.startsWith("#EXT", from)) {
      if (!readTag(bytes, from, end, mapper, next)) return null;
    } else if (from < end && bytes.charCodeAt(from) !== hash) {
      const startMs = segments[segments.length - 1]?.endMs ?? 0;
      if (!readSegment(mapper, bytes.slice(from, end), next)) return null;
      const endMs = Math.min(startMs + next.durationMs, integerMax);
      segments.push({ startMs, endMs, needs: next.needs, part: next.gap ? null : next.before });
      next.durationMs = -1;
      next.range = null;
      next.gap = false;
      next.needs = [];
    }
    start = lineEnd;
  }
  return segments;
}

/** How many segments, from the first on, begin before `headMs` milliseconds or are among the first `headSegments`. */
export function headCount(segments: TimelineSegment[], headMs: number, headSegments: number): number {
  let count = Math.min(headSegments, segments.length);
  // R-DELIVER-3
  while (count < segments.length && (segments[count]?.startMs ?? 0) < headMs) count += 1;
  return count;
}

/**
 * Whether a presentation plays far enough when what its first `count` segments need is there: to its end, or for
 * `enoughMs` milliseconds; 0 means to its end.
 */
export function playsEnough(segments: TimelineSegment[], count: number, enoughMs: number): boolean {
  // R-TIME-4
  if (count === 0) return false;
  const endMs = segments[count - 1]?.endMs ?? 0;
  return count === segments.length || (enoughMs > 0 && endMs >= enoughMs);
}

const hash = 0x23;
const infTag = "#EXTINF";
const keyTag = "#EXT-X-KEY";
const mapTag = "#EXT-X-MAP";
const rangeTag = "#EXT-X-BYTERANGE";

/** Tags with which it is not certain what the URIs mean, or which segments there are. */
const uncertainTags = ["#EXT-X-DEFINE", "#EXT-X-SKIP", "#EXT-X-STREAM-INF"];

/** What the tags say of the next segment; -1 while it has no duration; `before` is the part of the segment before it. */
type Next = {
  durationMs: number;
  range: string | null;
  gap: boolean;
  needs: PlaylistPart[];
  before: PlaylistPart | null;
};

/** Takes a tag in; false when it leaves uncertain what is asked for. */
function readTag(bytes: string, from: number, end: number, mapper: UriMapper, next: Next): boolean {
  const is = (tag: string): boolean => isTag(bytes, from, end, tag);
  // R-TIME-1
  if (uncertainTags.some(is)) return false;
  if (is(infTag)) {
    const value = bytes.slice(contentStart(bytes, from + infTag.length + 1, end), end);
    const comma = value.indexOf(",");
    next.durationMs = milliseconds(comma < 0 ? value : value.slice(0, comma));
  } else if (is(rangeTag)) {
    next.range = bytes.slice(contentStart(bytes, from + rangeTag.length + 1, end), end);
  } else if (is("#EXT-X-GAP")) {
    next.gap = true;
  } else if (is(keyTag)) {
    const attributes = attributeList(bytes, from + keyTag.length + 1, end);
    const uri = onlyQuoted(bytes, attributes, "URI");
    if (uri.includes("{$")) return false;
    // R-TIME-2: a key with another scheme (skd:, data:) does not come through the proxy.
    const url = partUrl(mapper, uri);
    if (url !== "") next.needs.push({ url, start: 0, end: -1 });
  } else if (is(mapTag)) {
    const part = mapPart(bytes, mapper, from + mapTag.length + 1, end);
    if (part === null) return false;
    next.needs.push(part);
  }
  return true;
}

/** Takes the URI of a segment in; false when it is uncertain what it means. */
function readSegment(mapper: UriMapper, uri: string, next: Next): boolean {
  if (next.durationMs < 0) return false;
  const url = partUrl(mapper, uri);
  const { before } = next;
  // R-TIME-3
  next.before = rangedPart(url, next.range, before !== null && before.url === url ? before.end : -1);
  return next.before !== null;
}
