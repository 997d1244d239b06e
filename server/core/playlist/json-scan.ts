/**
 * Reads a JSON text (RFC 8259) as offsets into its bytes, so that what is not replaced survives byte for byte: order,
 * white space, number formats, escapes, members that nobody knows. JSON texts are byte strings.
 */
import { byteOrderMark } from "./playlist-lines.ts";

/**
 * A member or element that was wanted: a string from `start` to `end` without its quotes, and its decoded text; or an
 * object from behind its "{", `text` being "" when it has no members. `owner` is the offset of what holds it, `keyStart`
 * of its name's quotation mark.
 */
export type JsonPlace = {
  path: string;
  owner: number;
  name: string;
  keyStart: number;
  kind: "string" | "object";
  start: number;
  end: number;
  text: string;
};

/** The path of a member below the path of its object; exact, whatever the name is. */
export function memberPath(path: string, name: string): string {
  return `${path}.${name.length}:${name}`;
}

/** The path of any element below the path of its array. */
export function elementPath(path: string): string {
  return `${path}[]`;
}

/**
 * The strings and objects that stand directly below one of the wanted paths ("" is the path of the whole), in order; null
 * when the text is no JSON or is nested deeper than `depthMax`.
 */
export function scanJson(bytes: string, wanted: string[], depthMax: number): JsonPlace[] | null {
  const scan: Scan = { bytes, wanted, places: [] };
  const start = bytes.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
  const end = readValue(scan, skipSpace(bytes, start), "", depthMax);
  return end >= 0 && skipSpace(bytes, end) === bytes.length ? scan.places : null;
}

type Scan = { bytes: string; wanted: string[]; places: JsonPlace[] };

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;

/** Where the value at `at` ends, -1 when it is none. `path` is null where nothing below is wanted. */
function readValue(scan: Scan, at: number, path: string | null, depth: number): number {
  const { bytes } = scan;
  const first = bytes.charCodeAt(at);
  if (first === quote) return stringEnd(bytes, at);
  // R-JSON-3
  if (first === 0x7b) return depth > 0 ? readObject(scan, at, path, depth - 1) : -1;
  if (first === 0x5b) return depth > 0 ? readArray(scan, at, path, depth - 1) : -1;
  for (const word of words) {
    if (bytes.startsWith(word, at)) return at + word.length;
  }
  return numberEnd(bytes, at);
}

const words = ["true", "false", "null"];

function readObject(scan: Scan, open: number, path: string | null, depth: number): number {
  const { bytes } = scan;
  let at = skipSpace(bytes, open + 1);
  if (bytes.charCodeAt(at) === 0x7d) return at + 1;
  for (;;) {
    const nameEnd = bytes.charCodeAt(at) === quote ? stringEnd(bytes, at) : -1;
    if (nameEnd < 0) return -1;
    const after = skipSpace(bytes, nameEnd);
    if (bytes.charCodeAt(after) !== colon) return -1;
    const value = skipSpace(bytes, after + 1);
    let below: string | null = null;
    if (path !== null) {
      const name = decoded(bytes, at + 1, nameEnd - 1);
      notePlace(scan, path, open, name, at, value);
      below = wantedBelow(scan, memberPath(path, name));
    }
    const valueEnd = readValue(scan, value, below, depth);
    if (valueEnd < 0) return -1;
    at = skipSpace(bytes, valueEnd);
    if (bytes.charCodeAt(at) === 0x7d) return at + 1;
    if (bytes.charCodeAt(at) !== comma) return -1;
    at = skipSpace(bytes, at + 1);
  }
}

function readArray(scan: Scan, open: number, path: string | null, depth: number): number {
  const { bytes } = scan;
  const below = path === null ? null : wantedBelow(scan, elementPath(path));
  let at = skipSpace(bytes, open + 1);
  if (bytes.charCodeAt(at) === 0x5d) return at + 1;
  for (;;) {
    const valueEnd = readValue(scan, at, below, depth);
    if (valueEnd < 0) return -1;
    at = skipSpace(bytes, valueEnd);
    if (bytes.charCodeAt(at) === 0x5d) return at + 1;
    if (bytes.charCodeAt(at) !== comma) return -1;
    at = skipSpace(bytes, at + 1);
  }
}

/** The path when something at or below it is wanted; null otherwise, so that no path grows with what nobody wants. */
function wantedBelow(scan: Scan, path: string): string | null {
  return scan.wanted.some((wanted) => wanted.startsWith(path)) ? path : null;
}

function notePlace(scan: Scan, path: string, owner: number, name: string, keyStart: number, at: number): void {
  const { bytes, wanted, places } = scan;
  if (!wanted.includes(path)) return;
  const first = bytes.charCodeAt(at);
  if (first === quote) {
    const end = stringEnd(bytes, at) - 1;
    if (end < 0) return;
    const text = decoded(bytes, at + 1, end);
    places.push({ path, owner, name, keyStart, kind: "string", start: at + 1, end, text });
  } else if (first === 0x7b) {
    const inside = skipSpace(bytes, at + 1);
    const text = bytes.charCodeAt(inside) === 0x7d ? "" : "{";
    places.push({ path, owner, name, keyStart, kind: "object", start: at + 1, end: at + 1, text });
  }
}

/** Just past the closing quotation mark of the string that opens at `open`; -1 when it is malformed. */
function stringEnd(bytes: string, open: number): number {
  let at = open + 1;
  while (at < bytes.length) {
    const code = bytes.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code < 0x20) return -1;
    if (code !== backslash) {
      at += 1;
      continue;
    }
    const mark = bytes.charAt(at + 1);
    const length = mark === "u" ? 6 : 2;
    const isRight = mark === "u" ? hexOf(bytes, at + 2) >= 0 : mark !== "" && escapes.includes(mark);
    if (!isRight) return -1;
    at += length;
  }
  return -1;
}

const escapes = '"\\/bfnrt';
const escaped = '"\\/\b\f\n\r\t';

/** The text between two offsets with its escapes replaced, in UTF-8. */
function decoded(bytes: string, start: number, end: number): string {
  let text = "";
  let copied = start;
  let at = nextBackslash(bytes, start, end);
  while (at < end) {
    text += bytes.slice(copied, at);
    if (bytes.charAt(at + 1) === "u") {
      const high = hexOf(bytes, at + 2);
      const low = bytes.startsWith("\\u", at + 6) && at + 12 <= end ? hexOf(bytes, at + 8) : -1;
      const isPair = high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
      text += utf8(isPair ? 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00) : high);
      copied = at + (isPair ? 12 : 6);
    } else {
      text += escaped.charAt(escapes.indexOf(bytes.charAt(at + 1)));
      copied = at + 2;
    }
    at = nextBackslash(bytes, copied, end);
  }
  return text + bytes.slice(copied, end);
}

/** Where the next backslash stands before `end`, else `end`; never looks beyond, or many strings would cost a square. */
function nextBackslash(bytes: string, start: number, end: number): number {
  let at = start;
  while (at < end && bytes.charCodeAt(at) !== backslash) at += 1;
  return at;
}

/** A code point as bytes; half a pair becomes U+FFFD, as a player reads it. */
function utf8(point: number): string {
  const code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
  if (code < 0x80) return String.fromCharCode(code);
  const last = 0x80 | (code & 0x3f);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), last);
  const middle = 0x80 | ((code >> 6) & 0x3f);
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), middle, last);
  return String.fromCharCode(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), middle, last);
}

/** The number of four hexadecimal digits; -1 when there are not four. */
function hexOf(bytes: string, start: number): number {
  let value = 0;
  for (let at = start; at < start + 4; at += 1) {
    const code = bytes.charCodeAt(at);
    const lower = code | 0x20;
    const isDigitCode = code >= 0x30 && code <= 0x39;
    if (!isDigitCode && !(lower >= 0x61 && lower <= 0x66)) return -1;
    value = value * 16 + (isDigitCode ? code - 0x30 : lower - 0x57);
  }
  return value;
}

/** Where the number at `start` ends (RFC 8259 section 6); -1 when there is none. */
function numberEnd(bytes: string, start: number): number {
  let at = bytes.charAt(start) === "-" ? start + 1 : start;
  const whole = digitsEnd(bytes, at);
  if (whole === at || (bytes.charAt(at) === "0" && whole > at + 1)) return -1;
  at = whole;
  if (bytes.charAt(at) === ".") {
    const fraction = digitsEnd(bytes, at + 1);
    if (fraction === at + 1) return -1;
    at = fraction;
  }
  if (bytes.charAt(at) !== "e" && bytes.charAt(at) !== "E") return at;
  const sign = bytes.charAt(at + 1);
  const from = sign === "+" || sign === "-" ? at + 2 : at + 1;
  const exponent = digitsEnd(bytes, from);
  return exponent === from ? -1 : exponent;
}

function digitsEnd(bytes: string, start: number): number {
  let at = start;
  while (bytes.charCodeAt(at) >= 0x30 && bytes.charCodeAt(at) <= 0x39) at += 1;
  return at;
}

function skipSpace(bytes: string, start: number): number {
  let at = start;
  while (at < bytes.length && isSpace(bytes.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
