/** Where a player begins that plays a presentation from its beginning: what to fetch before it is asked for. */
import { isPlaylistBody, playlistSummary } from "./playlist-kind.ts";
import { attributeList, attributeText, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";
import { isTag, mapPart, onlyQuoted, type PlaylistPart, partUrl, rangedPart } from "./playlist-part.ts";
import { type UriMapper, uriReader } from "./uri-mapper.ts";

/** The first media segment, and the initialization section that applies to it, null when there is none. */
export type PlaylistStart = { map: PlaylistPart | null; segment: PlaylistPart };

/**
 * What a player of a complete media playlist asks for first; null wherever it is not certain. `bytes` is the whole
 * playlist (a byte string), `baseUrl` its final absolute URL.
 */
export function playlistStart(bytes: string, baseUrl: string): PlaylistStart | null {
  // R-AHEAD-2
  if (isPlaylistBody(bytes) !== "yes" || playlistSummary(bytes).kind !== "vod") return null;
  const mapper = uriReader(baseUrl);
  const first: First = { map: null, timed: false, range: null, uri: "" };
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    const end = contentEnd(bytes, from, next);
    if (bytes.startsWith("#EXT", from)) {
      if (!readTag(bytes, from, end, first)) return null;
    } else if (from < end && first.uri === "" && bytes.charCodeAt(from) !== hash) {
      first.uri = bytes.slice(from, end);
    }
    start = next;
  }
  if (!first.timed) return null;
  const segment = rangedPart(partUrl(mapper, first.uri), first.range, -1);
  const map = first.map === null ? null : mapPart(bytes, mapper, first.map.start, first.map.end);
  return segment === null || (first.map !== null && map === null) ? null : { map, segment };
}

/**
 * The playlists of a multivariant playlist of which a player begins with one each: its variants, its audio renditions,
 * its video renditions. None when it says that playing begins elsewhere.
 */
export function startGroups(bytes: string, baseUrl: string): string[][] {
  const variants: string[] = [];
  const audio: string[] = [];
  const video: string[] = [];
  const mapper = uriReader(baseUrl);
  let isVariant = false;
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    const end = contentEnd(bytes, from, next);
    // R-AHEAD-4
    if (isTag(bytes, from, end, "#EXT-X-START")) return [];
    if (isTag(bytes, from, end, "#EXT-X-STREAM-INF")) {
      isVariant = true;
    } else if (isTag(bytes, from, end, mediaTag)) {
      const attributes = attributeList(bytes, from + mediaTag.length + 1, end);
      const type = attributeText(bytes, attributes, "TYPE");
      const uri = onlyQuoted(bytes, attributes, "URI");
      if (type === "AUDIO") addUrl(audio, mapper, uri);
      if (type === "VIDEO") addUrl(video, mapper, uri);
    } else if (from < end && bytes.charCodeAt(from) !== hash) {
      if (isVariant) addUrl(variants, mapper, bytes.slice(from, end));
      isVariant = false;
    }
    start = next;
  }
  return [variants, audio, video];
}

const hash = 0x23;
const mediaTag = "#EXT-X-MEDIA";
const mapTag = "#EXT-X-MAP";
const rangeTag = "#EXT-X-BYTERANGE";
const dateTag = "#EXT-X-DATERANGE";

/** What comes before the first segment, and its URI, "" before that came: the offsets of a line, a range's text. */
type First = { map: { start: number; end: number } | null; timed: boolean; range: string | null; uri: string };

/** Tags that make it uncertain what is asked for first, wherever they stand, and those that do so before the first segment. */
const elsewhereTags = [
  "#EXT-X-START",
  "#EXT-X-DEFINE",
  "#EXT-X-I-FRAMES-ONLY",
  "#EXT-X-IMAGES-ONLY",
  "#EXT-X-SKIP",
  "#EXT-X-STREAM-INF",
];
const firstElsewhereTags = ["#EXT-X-GAP", "#EXT-X-PART"];

/** Takes a tag in; false when it makes the start uncertain. */
function readTag(bytes: string, from: number, end: number, first: First): boolean {
  const is = (tag: string): boolean => isTag(bytes, from, end, tag);
  // R-AHEAD-2
  if (elsewhereTags.some(is)) return false;
  if (is(dateTag)) {
    const attributes = attributeList(bytes, from + dateTag.length + 1, end);
    return attributeText(bytes, attributes, "CLASS") !== "com.apple.hls.interstitial";
  }
  // What comes later is of later segments.
  if (first.uri !== "") return true;
  if (firstElsewhereTags.some(is)) return false;
  if (is("#EXTINF")) first.timed = true;
  // R-AHEAD-1
  else if (is(mapTag)) first.map = { start: from + mapTag.length + 1, end };
  else if (is(rangeTag)) first.range = bytes.slice(contentStart(bytes, from + rangeTag.length + 1, end), end);
  return true;
}

function addUrl(urls: string[], mapper: UriMapper, uri: string): void {
  const url = partUrl(mapper, uri);
  if (url !== "") urls.push(url);
}
