/** What a playlist is, read from its tags alone (rfc8216bis section 4.4). Playlists are byte strings. */
import { parseDigits } from "../base/bytes.ts";
import { attributeList, attributeText, byteOrderMark, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";

/** *vod*: complete (ENDLIST). *event*: only appended to. *live*: a sliding window, or anything undeclared. */
export type PlaylistKind = "multivariant" | "vod" | "event" | "live";

/** The tags that decide about reuse. Milliseconds, 0 when the tag is absent or malformed. */
export type PlaylistSummary = {
  kind: PlaylistKind;
  targetDurationMs: number;
  endList: boolean;
  mediaSequence: number;
  partTargetMs: number;
  canBlockReload: boolean;
};

/** Reads a whole playlist. Never fails: tags that make no sense count as absent. */
export function playlistSummary(bytes: string): PlaylistSummary {
  const seen = { multivariant: false, segment: false, event: false };
  const summary: PlaylistSummary = {
    kind: "live",
    targetDurationMs: 0,
    endList: false,
    mediaSequence: 0,
    partTargetMs: 0,
    canBlockReload: false,
  };
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    if (bytes.startsWith("#EXT", from)) {
      const end = contentEnd(bytes, from, next);
      if (bytes.startsWith("INF:", from + 4)) {
        seen.segment = true;
      } else {
        noteTag(bytes, from, end, summary, seen);
      }
    }
    start = next;
  }
  summary.kind = kindOf(seen, summary.endList);
  return summary;
}

/**
 * Whether a body is a playlist, from its first bytes: a byte order mark or none, then `#EXTM3U`. "more" when the bytes
 * so far could still begin one.
 */
export function isPlaylistBody(bytes: string): "yes" | "no" | "more" {
  const marked = byteOrderMark + firstTag;
  // R-PL-5
  if (bytes.startsWith(firstTag) || bytes.startsWith(marked)) {
    return "yes";
  }
  return firstTag.startsWith(bytes) || marked.startsWith(bytes) ? "more" : "no";
}

/** Decimal seconds as whole milliseconds, rounded down; 0 when malformed. */
export function milliseconds(text: string): number {
  const dot = text.indexOf(".");
  const seconds = parseDigits(dot < 0 ? text : text.slice(0, dot));
  const fraction = dot < 0 ? "" : text.slice(dot + 1);
  // R-PL-9
  if (seconds < 0 || seconds > 1_000_000_000 || (fraction !== "" && parseDigits(fraction) < 0)) {
    return 0;
  }
  return seconds * 1000 + parseDigits(`${fraction}000`.slice(0, 3));
}

const firstTag = "#EXTM3U";

type Seen = { multivariant: boolean; segment: boolean; event: boolean };

/** Tags that only a multivariant playlist may hold (rfc8216bis section 4.4.6). */
const multivariantTags: string[] = [
  "#EXT-X-STREAM-INF",
  "#EXT-X-I-FRAME-STREAM-INF",
  "#EXT-X-IMAGE-STREAM-INF",
  "#EXT-X-MEDIA",
  "#EXT-X-SESSION-DATA",
  "#EXT-X-SESSION-KEY",
  "#EXT-X-CONTENT-STEERING",
];

function kindOf(seen: Seen, endList: boolean): PlaylistKind {
  // R-PL-6
  if (seen.multivariant && !seen.segment) {
    return "multivariant";
  }
  // R-PL-7
  if (endList) {
    return "vod";
  }
  // R-PL-8
  return seen.event ? "event" : "live";
}

function noteTag(bytes: string, start: number, end: number, summary: PlaylistSummary, seen: Seen): void {
  const nameEnd = nameStop(bytes, start, end);
  const name = bytes.slice(start, nameEnd);
  const value = bytes.slice(contentStart(bytes, nameEnd + 1, end), end);
  if (name === "#EXT-X-ENDLIST") {
    summary.endList = true;
  } else if (name === "#EXT-X-TARGETDURATION") {
    summary.targetDurationMs = milliseconds(value);
  } else if (name === "#EXT-X-MEDIA-SEQUENCE") {
    const sequence = parseDigits(value);
    summary.mediaSequence = sequence < 0 ? 0 : sequence;
  } else if (name === "#EXT-X-PLAYLIST-TYPE") {
    seen.event = value === "EVENT";
  } else if (name === "#EXT-X-PART-INF") {
    summary.partTargetMs = milliseconds(attributeOf(bytes, nameEnd + 1, end, "PART-TARGET"));
  } else if (name === "#EXT-X-SERVER-CONTROL") {
    summary.canBlockReload = attributeOf(bytes, nameEnd + 1, end, "CAN-BLOCK-RELOAD") === "YES";
  } else if (multivariantTags.includes(name)) {
    seen.multivariant = true;
  }
}

/** Where a tag's name ends: at its colon, or with its line; never looks beyond, or many lines would cost a square. */
function nameStop(bytes: string, start: number, end: number): number {
  let offset = start;
  while (offset < end && bytes.charCodeAt(offset) !== colon) {
    offset += 1;
  }
  return offset;
}

const colon = 0x3a;

function attributeOf(bytes: string, start: number, end: number, name: string): string {
  return attributeText(bytes, attributeList(bytes, start, end), name) ?? "";
}
