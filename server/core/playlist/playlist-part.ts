/** What a URI and a byte range of a playlist name: bytes of a resource, as a player asks for them. */
import { integerMax, parseDigits } from "../base/bytes.ts";
import { withoutFragment } from "../http/uri-reference.ts";
import { type Attribute, attributeList } from "./playlist-lines.ts";
import { type UriMapper, upstreamUri } from "./uri-mapper.ts";

/** Bytes of the resource at an absolute upstream URL: from `start` to `end`, exclusive, -1 for all of it. */
export type PlaylistPart = { url: string; start: number; end: number };

/** Whether the line's content, between two offsets, is this tag, with a value or without. */
export function isTag(bytes: string, from: number, end: number, tag: string): boolean {
  const after = from + tag.length;
  return bytes.startsWith(tag, from) && (after >= end || bytes.charCodeAt(after) === colon);
}

/** The quoted text of the one attribute of that name; "" when there is none, more than one, or it has no quotes. */
export function onlyQuoted(bytes: string, attributes: Attribute[], name: string): string {
  const found = attributes.filter((attribute) => attribute.name === name);
  const one = found.length === 1 ? found[0] : undefined;
  return one?.quoted === true ? bytes.slice(one.valueStart, one.valueEnd) : "";
}

/** The absolute upstream URL that a URI means, without fragment; "" for none, and for one with a variable. */
export function partUrl(mapper: UriMapper, uri: string): string {
  return uri === "" || uri.includes("{$") ? "" : withoutFragment(upstreamUri(mapper, uri));
}

/**
 * The bytes that a URL and a byte range (null: none) name; null when that is nothing that can be fetched for certain.
 * A range without an offset begins at `before`, -1 when it has none to begin at.
 */
export function rangedPart(url: string, range: string | null, before: number): PlaylistPart | null {
  if (url === "") return null;
  if (range === null) return { url, start: 0, end: -1 };
  // R-AHEAD-3
  const mark = range.indexOf("@");
  const length = parseDigits(mark < 0 ? range : range.slice(0, mark));
  const start = mark < 0 ? before : parseDigits(range.slice(mark + 1));
  return length < 1 || start < 0 || length >= integerMax - start ? null : { url, start, end: start + length };
}

/** The initialization section that the attributes of an EXT-X-MAP name, which stand between two offsets. */
export function mapPart(bytes: string, mapper: UriMapper, from: number, end: number): PlaylistPart | null {
  const attributes = attributeList(bytes, from, end);
  const isRanged = attributes.some((attribute) => attribute.name === "BYTERANGE");
  const url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"));
  return rangedPart(url, isRanged ? onlyQuoted(bytes, attributes, "BYTERANGE") : null, -1);
}

const colon = 0x3a;
