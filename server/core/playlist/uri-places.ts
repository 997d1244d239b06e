/**
 * Where the URIs of a playlist stand, as offsets. One table says which tag and attribute hold one and what it names.
 */
import { type Attribute, attributeList, attributeText, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";

/** What a URI names. *report*: a rendition report. *asset-list*, *steering*: JSON that names more. *data*: what is passed through. */
export type UriRole = "segment" | "playlist" | "key" | "map" | "report" | "asset-list" | "steering" | "data";

/** One row: a tag, the attribute that holds the URI ("" = the rest of the line), and a condition on another attribute. */
export type UriRow = { tag: string; attribute: string; role: UriRole; whenName: string; whenValue: string };

/** The closed table (rfc8216bis sections 4.4.4 to 4.4.6, appendices D and F); rows of one tag stand together, the first that fits counts. */
export const uriTable: UriRow[] = [
  { tag: "#EXT-X-PART", attribute: "URI", role: "segment", whenName: "", whenValue: "" },
  { tag: "#EXT-X-KEY", attribute: "URI", role: "key", whenName: "", whenValue: "" },
  { tag: "#EXT-X-MAP", attribute: "URI", role: "map", whenName: "", whenValue: "" },
  { tag: "#EXT-X-MEDIA", attribute: "URI", role: "playlist", whenName: "", whenValue: "" },
  { tag: "#EXT-X-I-FRAME-STREAM-INF", attribute: "URI", role: "playlist", whenName: "", whenValue: "" },
  { tag: "#EXT-X-IMAGE-STREAM-INF", attribute: "URI", role: "playlist", whenName: "", whenValue: "" },
  { tag: "#EXT-X-SESSION-KEY", attribute: "URI", role: "key", whenName: "", whenValue: "" },
  { tag: "#EXT-X-SESSION-DATA", attribute: "URI", role: "data", whenName: "", whenValue: "" },
  { tag: "#EXT-X-CONTENT-STEERING", attribute: "SERVER-URI", role: "steering", whenName: "", whenValue: "" },
  { tag: "#EXT-X-PRELOAD-HINT", attribute: "URI", role: "map", whenName: "TYPE", whenValue: "MAP" },
  { tag: "#EXT-X-PRELOAD-HINT", attribute: "URI", role: "segment", whenName: "", whenValue: "" },
  { tag: "#EXT-X-RENDITION-REPORT", attribute: "URI", role: "report", whenName: "", whenValue: "" },
  {
    tag: "#EXT-X-DATERANGE",
    attribute: "X-ASSET-URI",
    role: "data",
    whenName: "CLASS",
    whenValue: "com.apple.hls.interstitial",
  },
  {
    tag: "#EXT-X-DATERANGE",
    attribute: "X-ASSET-LIST",
    role: "asset-list",
    whenName: "CLASS",
    whenValue: "com.apple.hls.interstitial",
  },
  { tag: "#EXT-X-DATERANGE", attribute: "X-URI", role: "data", whenName: "CLASS", whenValue: "com.apple.hls.preload" },
  { tag: "#EXT-X-PREFETCH", attribute: "", role: "segment", whenName: "", whenValue: "" },
];

/** Row numbers of URIs that stand on a line of their own. */
export const segmentLine = -1;
export const variantLine = -2;

/**
 * The URIs of a playlist, flat: start, end, row of `uriTable` (or `segmentLine`, `variantLine`), and so on, in order.
 * Not among them: empty URIs and unquoted attribute values.
 */
export function uriPlaces(bytes: string): number[] {
  const places: number[] = [];
  let start = 0;
  let lineRow = segmentLine;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    const end = contentEnd(bytes, from, next);
    // R-PL-10
    if (from < end && bytes.charCodeAt(from) !== hash) {
      // R-PL-11
      addPlace(places, from, end, lineRow);
      lineRow = segmentLine;
    } else if (bytes.startsWith("EXT-X-", from + 1)) {
      if (bytes.startsWith(streamTag, from)) {
        lineRow = variantLine;
      }
      addTagPlaces(bytes, places, from, end);
    }
    start = next;
  }
  return places;
}

/** What the URI of a row names. */
export function uriRole(row: number): UriRole {
  if (row === segmentLine) {
    return "segment";
  }
  return row === variantLine ? "playlist" : (uriTable[row]?.role ?? "data");
}

const hash = 0x23;
const streamTag = "#EXT-X-STREAM-INF:";

function addTagPlaces(bytes: string, places: number[], start: number, end: number): void {
  const first = firstRow(bytes, start, end);
  if (first < 0) {
    return;
  }
  const valueStart = start + (uriTable[first]?.tag ?? "").length + 1;
  if (uriTable[first]?.attribute === "") {
    // R-PL-12
    addPlace(places, contentStart(bytes, valueStart, end), end, first);
    return;
  }
  const attributes = attributeList(bytes, valueStart, end);
  const rows = rowsOf(bytes, attributes, first);
  // R-PL-13
  for (const attribute of attributes) {
    const row = attribute.quoted ? rowFor(rows, attribute.name) : -1;
    if (row >= 0) {
      addPlace(places, attribute.valueStart, attribute.valueEnd, row);
    }
  }
}

/** The first row whose tag, followed by ":", starts the line; -1 when no row does. */
function firstRow(bytes: string, start: number, end: number): number {
  for (let row = 0; row < uriTable.length; row += 1) {
    const tag = uriTable[row]?.tag ?? "";
    if (start + tag.length < end && bytes.charCodeAt(start + tag.length) === colon && bytes.startsWith(tag, start)) {
      return row;
    }
  }
  return -1;
}

const colon = 0x3a;

/** The rows of the tag whose condition holds on this line. Looked up once a line: a hostile one repeats its attributes. */
function rowsOf(bytes: string, attributes: Attribute[], first: number): number[] {
  const rows: number[] = [];
  for (let number = first; number < uriTable.length; number += 1) {
    const row = uriTable[number];
    // R-PL-14
    if (row === undefined || row.tag !== uriTable[first]?.tag) {
      return rows;
    }
    // R-PL-15
    if (row.whenName === "" || attributeText(bytes, attributes, row.whenName) === row.whenValue) {
      rows.push(number);
    }
  }
  return rows;
}

/** The first of these rows that names this attribute; -1 when none does. */
function rowFor(rows: number[], name: string): number {
  for (const number of rows) {
    if (uriTable[number]?.attribute === name) {
      return number;
    }
  }
  return -1;
}

function addPlace(places: number[], start: number, end: number, row: number): void {
  if (start < end) {
    places.push(start, end, row);
  }
}
