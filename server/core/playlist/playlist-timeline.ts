/** What a media playlist plays when: its segments on a line of time, with the section and keys that each needs. */
import { milliseconds } from "./playlist-kind.ts";
import { attributeList, attributeText, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";
import { isTag, onlyQuoted, type PlaylistPart, partUrl, rangedPart } from "./playlist-part.ts";
import { type UriMapper, uriMapper } from "./uri-mapper.ts";

/**
 * A segment that is played from `atMs` for `durationMs`, with its initialization section (null: none) and the URLs of
 * its keys. `part` is null when there is nothing that can be fetched for certain, `gap` says that nothing is to be.
 */
export type TimedSegment = {
  part: PlaylistPart | null;
  gap: boolean;
  map: PlaylistPart | null;
  keys: string[];
  atMs: number;
  durationMs: number;
};

/** The segments in order, where playing begins, and the length of all. */
export type Timeline = { segments: TimedSegment[]; beginMs: number; endMs: number };

/** Reads a whole media playlist (a byte string). `baseUrl` is its final absolute URL. Tags that make no sense are skipped. */
export function playlistTimeline(bytes: string, baseUrl: string): Timeline {
  const mapper = uriMapper("", "path", baseUrl);
  const timeline: Timeline = { segments: [], beginMs: 0, endMs: 0 };
  const coming: Coming = { map: null, keys: [], durationMs: 0, range: null, gap: false, last: null, offset: "" };
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    const end = contentEnd(bytes, from, next);
    if (bytes.startsWith("#EXT", from)) {
      noteTag(bytes, from, end, mapper, coming);
    } else if (from < end && bytes.charCodeAt(from) !== hash) {
      addSegment(timeline, mapper, bytes.slice(from, end), coming);
    }
    start = next;
  }
  // R-PRE-7
  timeline.beginMs = beginOf(coming.offset, timeline.endMs);
  return timeline;
}

const hash = 0x23;

/** Longest line of time, in milliseconds: sums of it stay exact in both languages. */
const timeMaxMs = 1_000_000_000_000_000;
const mapTag = "#EXT-X-MAP";
const keyTag = "#EXT-X-KEY";
const infTag = "#EXTINF";
const rangeTag = "#EXT-X-BYTERANGE";
const startTag = "#EXT-X-START";

type Key = { format: string; url: string };

/** What the tags so far say of the next segment; `last` is the part before it. */
type Coming = {
  map: PlaylistPart | null;
  keys: Key[];
  durationMs: number;
  range: string | null;
  gap: boolean;
  last: PlaylistPart | null;
  offset: string;
};

function noteTag(bytes: string, from: number, end: number, mapper: UriMapper, coming: Coming): void {
  if (isTag(bytes, from, end, infTag)) {
    const at = contentStart(bytes, from + infTag.length + 1, end);
    const comma = bytes.slice(at, end).indexOf(",");
    coming.durationMs = milliseconds(bytes.slice(at, contentEnd(bytes, at, comma < 0 ? end : at + comma)));
  } else if (isTag(bytes, from, end, rangeTag)) {
    coming.range = bytes.slice(contentStart(bytes, from + rangeTag.length + 1, end), end);
  } else if (isTag(bytes, from, end, mapTag)) {
    const attributes = attributeList(bytes, from + mapTag.length + 1, end);
    const url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"));
    // A section's range without an offset begins at the first byte (rfc8216bis section 4.4.4.5).
    coming.map = rangedPart(url, attributeText(bytes, attributes, "BYTERANGE"), 0);
  } else if (isTag(bytes, from, end, keyTag)) {
    noteKey(bytes, from, end, mapper, coming);
  } else if (isTag(bytes, from, end, "#EXT-X-GAP")) {
    coming.gap = true;
  } else if (isTag(bytes, from, end, startTag)) {
    const attributes = attributeList(bytes, from + startTag.length + 1, end);
    coming.offset = attributeText(bytes, attributes, "TIME-OFFSET") ?? "";
  }
}

/** A key holds until the next of its format; METHOD=NONE ends all. */
function noteKey(bytes: string, from: number, end: number, mapper: UriMapper, coming: Coming): void {
  const attributes = attributeList(bytes, from + keyTag.length + 1, end);
  if (attributeText(bytes, attributes, "METHOD") === "NONE") {
    coming.keys = [];
    return;
  }
  const format = attributeText(bytes, attributes, "KEYFORMAT") ?? "identity";
  const others = coming.keys.filter((key) => key.format !== format);
  coming.keys = others.concat({ format, url: partUrl(mapper, onlyQuoted(bytes, attributes, "URI")) });
}

function addSegment(timeline: Timeline, mapper: UriMapper, uri: string, coming: Coming): void {
  const url = partUrl(mapper, uri);
  const { last } = coming;
  // R-PRE-6
  const part = rangedPart(url, coming.range, last !== null && last.url === url ? last.end : -1);
  timeline.segments.push({
    part: coming.gap ? null : part,
    gap: coming.gap,
    map: coming.map,
    keys: coming.keys.map((key) => key.url).filter((url) => url !== ""),
    atMs: timeline.endMs,
    durationMs: coming.durationMs,
  });
  timeline.endMs = Math.min(timeline.endMs + coming.durationMs, timeMaxMs);
  coming.last = part;
  coming.durationMs = 0;
  coming.range = null;
  coming.gap = false;
}

/** A negative offset counts from the end; either is held to the playlist (rfc8216bis section 4.4.2.2). */
function beginOf(offset: string, endMs: number): number {
  const negative = offset.startsWith("-");
  const ms = Math.min(milliseconds(negative ? offset.slice(1) : offset), endMs);
  return negative ? endMs - ms : ms;
}
