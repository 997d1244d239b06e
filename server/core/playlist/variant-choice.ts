/**
 * A multivariant playlist with only what can be played without its origin, or with the variant first that is warm.
 * Lines are left out or moved; each that stays keeps its bytes. Playlists are byte strings.
 *
 * *Variant*: an EXT-X-STREAM-INF line and its URI line. *Rendition*: an EXT-X-MEDIA line; those with the same TYPE and
 * GROUP-ID are a *group*, which variants refer to.
 */
import { attributeList, attributeText, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";
import { isTag, onlyQuoted, partUrl } from "./playlist-part.ts";
import { type UriMapper, uriReader } from "./uri-mapper.ts";
import { variantList } from "./variant-list.ts";

/**
 * The playlist with only the variants, renditions and trick-play streams whose playlists are among `playable` (absolute
 * URLs); "" when no variant is left. `baseUrl` is its final absolute URL.
 */
export function playablePresentation(bytes: string, baseUrl: string, playable: string[]): string {
  const pieces = readPieces(bytes, uriReader(baseUrl));
  const known = new Set(playable);
  const defined = new Set<string>();
  const usable = new Set<string>();
  for (const { kind, group, url } of pieces) {
    if (kind !== "rendition") continue;
    defined.add(group);
    // R-OFFLINE-3: what has no playlist of its own comes with its variant.
    if (url === null || known.has(url)) usable.add(group);
  }
  const isThere = (group: string): boolean => !defined.has(group) || usable.has(group);
  const named = new Set<string>();
  let variants = 0;
  for (const piece of pieces) {
    if (piece.kind !== "variant") continue;
    // R-OFFLINE-3
    piece.keep = piece.url !== null && known.has(piece.url) && piece.needed.every(isThere);
    if (!piece.keep) continue;
    variants += 1;
    for (const group of piece.named) named.add(group);
  }
  if (variants === 0) return "";
  for (const piece of pieces) {
    const isStored = piece.url === null || known.has(piece.url);
    if (piece.kind === "trick") piece.keep = isStored;
    // R-OFFLINE-4: a variant names its subtitles whether they are there or not, and may not name what is not defined.
    if (piece.kind === "rendition") piece.keep = isStored || (named.has(piece.group) && !usable.has(piece.group));
  }
  return keptText(bytes, pieces);
}

/**
 * The playlist with the first variant whose playlist is among `warm` (absolute URLs) moved to the first variant's place;
 * as it is when there is none, when it is first, and when an EXT-X-MEDIA tag stands between.
 */
export function warmFirst(bytes: string, baseUrl: string, warm: string[]): string {
  const pieces = readPieces(bytes, uriReader(baseUrl));
  const isWarm = (piece: Piece): boolean => piece.kind === "variant" && piece.url !== null && warm.includes(piece.url);
  const first = pieces.findIndex((piece) => piece.kind === "variant");
  const found = pieces.findIndex(isWarm);
  if (found <= first) return bytes;
  const between = pieces.slice(first, found);
  // R-WARM-2
  if (between.some((piece) => piece.kind === "rendition")) return bytes;
  const start = between[0]?.start ?? 0;
  const moved = pieces[found];
  if (moved === undefined) return bytes;
  const block = bytes.slice(moved.start, moved.end);
  const passed = bytes.slice(start, moved.start);
  const rest = bytes.slice(moved.end);
  if (block.endsWith("\n")) return bytes.slice(0, start) + block + passed + rest;
  // R-WARM-3: the last line has no end; it takes that of the line that becomes the last.
  const lineEnd = passed.endsWith("\r\n") ? "\r\n" : "\n";
  return bytes.slice(0, start) + block + lineEnd + passed.slice(0, passed.length - lineEnd.length) + rest;
}

/** The absolute URLs of the variants' playlists, in order, each once. */
export function variantUrls(bytes: string, baseUrl: string): string[] {
  const urls: string[] = [];
  const seen = new Set<string>([""]);
  for (const { url } of variantList(bytes, baseUrl).variants) {
    if (seen.has(url)) continue;
    seen.add(url);
    urls.push(url);
  }
  return urls;
}

const hash = 0x23;
const streamTag = "#EXT-X-STREAM-INF";
const mediaTag = "#EXT-X-MEDIA";
const trickTags = ["#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-IMAGE-STREAM-INF"];

/** Attributes of a variant that name groups; of those that it cannot play without, the first two. */
const groupTypes = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];
const neededTypes = 2;

/**
 * Lines that stay or go together. `url` is that of their playlist, null when they have none, "" when it is no upstream
 * URL; `group` a rendition's; `named` and `needed` the groups that a variant names and cannot play without.
 */
type Piece = {
  kind: "variant" | "rendition" | "trick" | "other";
  start: number;
  end: number;
  url: string | null;
  group: string;
  named: string[];
  needed: string[];
  keep: boolean;
};

function newPiece(kind: Piece["kind"], start: number, end: number): Piece {
  return { kind, start, end, url: null, group: "", named: [], needed: [], keep: true };
}

/** The playlist as pieces, in order; joined they are the playlist. */
function readPieces(bytes: string, mapper: UriMapper): Piece[] {
  const pieces: Piece[] = [];
  let variant: Piece | null = null;
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    const end = contentEnd(bytes, from, next);
    const isUri = from < end && bytes.charCodeAt(from) !== hash;
    if (variant !== null && !isTag(bytes, from, end, streamTag)) {
      // What stands between a variant's two lines stays or goes with them.
      variant.end = next;
      if (isUri) {
        variant.url = partUrl(mapper, bytes.slice(from, end));
        variant = null;
      }
    } else {
      const piece = readPiece(bytes, mapper, start, from, end, next);
      pieces.push(piece);
      variant = piece.kind === "variant" ? piece : null;
    }
    start = next;
  }
  return pieces;
}

function readPiece(bytes: string, mapper: UriMapper, start: number, from: number, end: number, next: number): Piece {
  const tag = [streamTag, mediaTag, ...trickTags].find((name) => isTag(bytes, from, end, name));
  if (tag === undefined) return newPiece("other", start, next);
  const attributes = attributeList(bytes, from + tag.length + 1, end);
  if (tag === streamTag) {
    const piece = newPiece("variant", start, next);
    for (const [at, type] of groupTypes.entries()) {
      const id = onlyQuoted(bytes, attributes, type);
      if (id === "") continue;
      piece.named.push(`${type} ${id}`);
      if (at < neededTypes) piece.needed.push(`${type} ${id}`);
    }
    return piece;
  }
  const piece = newPiece(tag === mediaTag ? "rendition" : "trick", start, next);
  const hasUri = attributes.some((attribute) => attribute.name === "URI");
  if (hasUri) piece.url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"));
  if (tag === mediaTag) {
    piece.group = `${attributeText(bytes, attributes, "TYPE") ?? ""} ${onlyQuoted(bytes, attributes, "GROUP-ID")}`;
  }
  return piece;
}

function keptText(bytes: string, pieces: Piece[]): string {
  let text = "";
  for (const piece of pieces) {
    if (piece.keep) text += bytes.slice(piece.start, piece.end);
  }
  return text;
}
