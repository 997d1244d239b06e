/** What a media playlist plays when: its segments on a line of time, with the section and the keys that each needs. */
import { isPlaylistBody, milliseconds, playlistSummary } from "./playlist-kind.ts";
import { attributeList, attributeText, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";
import { isTag, mapPart, onlyQuoted, type PlaylistPart, partUrl, rangedPart } from "./playlist-part.ts";
import { type UriMapper, uriReader } from "./uri-mapper.ts";

/**
 * A segment that is played from `startMs` to `endMs`, with its initialization section (null: none) and the URLs of its
 * keys. `part` is null when there is nothing that can be fetched for certain; `gap` says that nothing is to be.
 */
export type TimelineSegment = {
  startMs: number;
  endMs: number;
  gap: boolean;
  part: PlaylistPart | null;
  map: PlaylistPart | null;
  keys: string[];
};

/**
 * The segments in order, where playing begins, and the length of all. `certain` when the playlist is complete and there
 * is no doubt about what a player would ask for.
 */
export type Timeline = { segments: TimelineSegment[]; beginMs: number; endMs: number; certain: boolean };

/** Reads a whole media playlist (a byte string). `baseUrl` is its final absolute URL. Tags that make no sense are skipped. */
export function mediaTimeline(bytes: string, baseUrl: string): Timeline {
  const mapper = uriReader(baseUrl);
  // R-TIME-1
  const isComplete = isPlaylistBody(bytes) === "yes" && playlistSummary(bytes).kind === "vod";
  const timeline: Timeline = { segments: [], beginMs: 0, endMs: 0, certain: isComplete };
  const next = newNext();
  let start = 0;
  while (start < bytes.length) {
    const lineEnd = lineNext(bytes, start);
    const from = contentStart(bytes, start, lineEnd);
    const end = contentEnd(bytes, from, lineEnd);
    if (bytes.startsWith("#EXT", from)) {
      if (!readTag(bytes, from, end, mapper, next)) timeline.certain = false;
    } else if (from < end && bytes.charCodeAt(from) !== hash) {
      if (!addSegment(timeline, mapper, bytes.slice(from, end), next)) timeline.certain = false;
    }
    start = lineEnd;
  }
  // R-PRE-7
  timeline.beginMs = beginOf(next.offset, timeline.endMs);
  return timeline;
}

/** Where a playlist says that playing begins: the text of its EXT-X-START's TIME-OFFSET, "" for none. */
export function startOffset(bytes: string): string {
  let offset = "";
  let start = 0;
  while (start < bytes.length) {
    const lineEnd = lineNext(bytes, start);
    const from = contentStart(bytes, start, lineEnd);
    const end = contentEnd(bytes, from, lineEnd);
    if (isTag(bytes, from, end, startTag)) offset = tagOffset(bytes, from, end);
    start = lineEnd;
  }
  return offset;
}

/**
 * The timeline of a media playlist of which the multivariant playlist says where playing begins ("": it does not).
 * What the media playlist says itself, whose text `bytes` is, comes first.
 */
export function beginningAt(timeline: Timeline, bytes: string, offset: string): Timeline {
  // R-PRE-7
  if (offset === "" || startOffset(bytes) !== "") return timeline;
  return { ...timeline, beginMs: beginOf(offset, timeline.endMs) };
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

/** Longest line of time, in milliseconds: sums of it stay exact in both languages. */
const timeMaxMs = 1_000_000_000_000_000;
const infTag = "#EXTINF";
const keyTag = "#EXT-X-KEY";
const mapTag = "#EXT-X-MAP";
const rangeTag = "#EXT-X-BYTERANGE";
const startTag = "#EXT-X-START";

/** Tags with which it is not certain what the URIs mean, or which segments there are. */
const uncertainTags = ["#EXT-X-DEFINE", "#EXT-X-SKIP", "#EXT-X-STREAM-INF"];

/** `whole`: all bytes are encrypted with it, those of an initialization section too. */
type Key = { format: string; url: string; whole: boolean };

/** Formats of keys at once: each segment needs a key of each. */
const keyFormatsMax = 16;

/**
 * What the tags say of the next segment; -1 while it has no duration; `lost` says that nobody can fetch its section;
 * `urls` are those of its keys that can be fetched, its section's, `mapKeys`, among them; `before` is the part of the
 * segment before it.
 */
type Next = {
  durationMs: number;
  range: string | null;
  gap: boolean;
  map: PlaylistPart | null;
  lost: boolean;
  keys: Key[];
  mapKeys: string[];
  urls: string[];
  before: PlaylistPart | null;
  offset: string;
};

function newNext(): Next {
  return {
    durationMs: -1,
    range: null,
    gap: false,
    map: null,
    lost: false,
    keys: [],
    mapKeys: [],
    urls: [],
    before: null,
    offset: "",
  };
}

/** Takes a tag in; false when it leaves uncertain what is asked for. */
function readTag(bytes: string, from: number, end: number, mapper: UriMapper, next: Next): boolean {
  const is = (tag: string): boolean => isTag(bytes, from, end, tag);
  if (is(infTag)) {
    const at = contentStart(bytes, from + infTag.length + 1, end);
    const comma = bytes.slice(at, end).indexOf(",");
    next.durationMs = milliseconds(bytes.slice(at, contentEnd(bytes, at, comma < 0 ? end : at + comma)));
  } else if (is(rangeTag)) {
    next.range = bytes.slice(contentStart(bytes, from + rangeTag.length + 1, end), end);
  } else if (is("#EXT-X-GAP")) {
    next.gap = true;
  } else if (is(keyTag)) {
    return readKey(bytes, from, end, mapper, next);
  } else if (is(mapTag)) {
    next.map = mapPart(bytes, mapper, from + mapTag.length + 1, end);
    next.lost = next.map === null;
    next.mapKeys = next.keys.filter((key) => key.whole && key.url !== "").map((key) => key.url);
    next.urls = neededKeys(next);
    return !next.lost;
  } else if (is(startTag)) {
    next.offset = tagOffset(bytes, from, end);
  }
  // R-TIME-1
  return !uncertainTags.some(is);
}

function tagOffset(bytes: string, from: number, end: number): string {
  return attributeText(bytes, attributeList(bytes, from + startTag.length + 1, end), "TIME-OFFSET") ?? "";
}

/** A key holds until the next of its format; METHOD=NONE ends all. */
function readKey(bytes: string, from: number, end: number, mapper: UriMapper, next: Next): boolean {
  const attributes = attributeList(bytes, from + keyTag.length + 1, end);
  const method = attributeText(bytes, attributes, "METHOD") ?? "";
  if (method === "NONE") {
    next.keys = [];
    next.urls = neededKeys(next);
    return true;
  }
  const format = attributeText(bytes, attributes, "KEYFORMAT") ?? "identity";
  const uri = onlyQuoted(bytes, attributes, "URI");
  const others = next.keys.filter((key) => key.format !== format);
  // R-TIME-5
  if (others.length >= keyFormatsMax) return false;
  next.keys = others.concat({ format, url: partUrl(mapper, uri), whole: method.startsWith("AES-") });
  next.urls = neededKeys(next);
  return !uri.includes("{$");
}

function neededKeys(next: Next): string[] {
  // R-TIME-2: a key with another scheme (skd:, data:) does not come through the proxy.
  const urls = next.keys.map((key) => key.url).filter((url) => url !== "");
  return urls.concat(next.mapKeys.filter((url) => !urls.includes(url)));
}

/** Takes the URI of a segment in; false when it is uncertain what it means. */
function addSegment(timeline: Timeline, mapper: UriMapper, uri: string, next: Next): boolean {
  const url = partUrl(mapper, uri);
  const { before } = next;
  // R-TIME-3
  const part = rangedPart(url, next.range, before !== null && before.url === url ? before.end : -1);
  const isCertain = part !== null && next.durationMs >= 0;
  const startMs = timeline.endMs;
  timeline.endMs = Math.min(startMs + Math.max(0, next.durationMs), timeMaxMs);
  timeline.segments.push({
    startMs,
    endMs: timeline.endMs,
    gap: next.gap,
    part: next.gap || next.lost ? null : part,
    map: next.map,
    keys: next.urls,
  });
  next.before = part;
  next.durationMs = -1;
  next.range = null;
  next.gap = false;
  return isCertain;
}

/** A negative offset counts from the end; either is held to the playlist (rfc8216bis section 4.4.2.2). */
function beginOf(offset: string, endMs: number): number {
  const negative = offset.startsWith("-");
  const ms = Math.min(milliseconds(negative ? offset.slice(1) : offset), endMs);
  return negative ? endMs - ms : ms;
}
