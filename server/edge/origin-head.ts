/** The head of an origin's response as it was on the wire, and how its body is delimited (RFC 9112 section 6.3). */

/** Terms: `length` by Content-Length, `chunked` by the chunked coding, `close` by the connection's end, `none` no body. */
export type OriginFraming = "length" | "chunked" | "close" | "none";

/** Names and values flat, latin1, in the order and case of the wire, without surrounding white space. */
export type OriginHead = { status: number; reason: string; fields: string[]; framing: OriginFraming };

/** `length` is the announced body length in bytes, -1 when there is none; `fault` is "" for a usable head. */
export type FramingResult = { framing: OriginFraming; length: number; fault: string };

/** Field lines of a head: what goes on or is stored of them is compared with each other. */
const fieldLinesMax = 1_000;

/** Decides the framing of a final response, or says what is wrong with it. */
export function originFraming(method: "GET" | "HEAD", status: number, fields: string[]): FramingResult {
  // R-ORIGIN-12
  if (fields.length > 2 * fieldLinesMax) return fault("too many field lines");
  const codings = fieldValues(fields, "transfer-encoding");
  const lengths = fieldValues(fields, "content-length");
  // R-ORIGIN-13
  if (codings.length > 0 && lengths.length > 0) return fault("both Content-Length and Transfer-Encoding");
  if (status === 101) return fault("101 without a request to upgrade");
  if (lengths.length > 1) return fault("several Content-Length fields");
  const length = lengths.length === 0 ? -1 : digitsValue(lengths[0] ?? "");
  if (lengths.length === 1 && length < 0) return fault("Content-Length is not a number");
  if (codings.length > 1 || (codings.length === 1 && codings[0]?.toLowerCase() !== "chunked")) {
    return fault("a transfer coding other than chunked");
  }
  // R-ORIGIN-11
  if (method === "HEAD" || status === 204 || status === 304) return { framing: "none", length, fault: "" };
  if (codings.length === 1) return { framing: "chunked", length: -1, fault: "" };
  if (lengths.length === 1) return { framing: "length", length, fault: "" };
  return { framing: "close", length: -1, fault: "" };
}

/**
 * Whether white space stands behind the value of a framing field: parsers differ in what they make of it, this one's
 * among them, so that no two readings of one response are possible (R-ORIGIN-13).
 */
export function hasPaddedFraming(raw: readonly (Buffer | string)[]): boolean {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = String(raw[i]).toLowerCase();
    if (name !== "transfer-encoding" && name !== "content-length") continue;
    const value = raw[i + 1] ?? "";
    const last = typeof value === "string" ? value.charCodeAt(value.length - 1) : (value.at(-1) ?? 0);
    if (isBlank(last)) return true;
  }
  return false;
}

/** Turns the raw bytes of names and values into byte strings, white space around values removed (RFC 9110 5.5). */
export function originFields(raw: readonly (Buffer | string)[]): string[] {
  const fields: string[] = [];
  for (const item of raw) fields.push(trimmed(typeof item === "string" ? item : item.toString("latin1")));
  return fields;
}

/** The reason phrase, or "" when it has anything but visible ASCII, space and tab: it is passed on to the player. */
export function originReason(text: string): string {
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    // R-ORIGIN-16
    if (char !== 0x09 && (char < 0x20 || char > 0x7e)) return "";
  }
  return text;
}

function fault(text: string): FramingResult {
  return { framing: "none", length: -1, fault: text };
}

function fieldValues(fields: string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === name) values.push(fields[i + 1] ?? "");
  }
  return values;
}

/** The value of an all-digit text, -1 for anything else or beyond 2^53-1. */
function digitsValue(text: string): number {
  if (text === "") return -1;
  let value = 0;
  for (let i = 0; i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return value;
}

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09;
}
