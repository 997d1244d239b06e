/** Judges an origin's response head against what was asked: what it delivers, or why it is not believed. */
import { lowerAscii, parseDigits } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import { parseContentRange } from "../http/byte-range.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldFirst } from "../http/field-list.ts";
import { isHttpUrl, parseUri, resolveReference } from "../http/uri-reference.ts";

/** What was asked of the origin. */
export type Ask = {
  method: "GET" | "HEAD";
  url: string;
  /** First byte, 0 for the whole, -1 for a suffix. */
  start: number;
  /** End, exclusive, -1 open. */
  end: number;
  /** Suffix length, -1 none. */
  suffix: number;
  /** A stored version was to be revalidated. */
  conditional: boolean;
};

/** How the body is framed on the wire: by length, by chunks, by close, or not at all. */
export type Framing = "length" | "chunked" | "close" | "none";

export type HeadVerdict =
  | { kind: "redirect"; url: string }
  | { kind: "not-modified" }
  /** The whole representation; total in bytes, -1 unknown. */
  | { kind: "whole"; total: number }
  /** Bytes start to end (exclusive) of total. */
  | { kind: "part"; start: number; end: number; total: number }
  /** 416; total in bytes, -1 unknown. */
  | { kind: "unsatisfied"; total: number }
  /** A partial answer of unknown total: ask again without a range. */
  | { kind: "ask-whole" }
  /** Passed to the player as it is, never stored; total in bytes, -1 unknown. */
  | { kind: "pass"; total: number }
  | { kind: "fail"; code: ErrorCode; detail: string };

/** Judges the head of an origin's response (RFC 9110 sections 14.4, 15.3.7, 15.4, 15.5.17). */
export function headVerdict(ask: Ask, status: number, fields: FieldList, framing: Framing): HeadVerdict {
  const length = contentLength(fields, framing, ask.method);
  const ranged = isRanged(ask);
  if (status === 200) return { kind: "whole", total: isEncoded(fields) ? -1 : length };
  if (status === 206) return partVerdict(ask, ranged, fields, length);
  // R-HEAD-2
  if (status === 304 && ask.conditional) return { kind: "not-modified" };
  if (status === 304)
    return { kind: "fail", code: "upstream-protocol", detail: "304 to a request without a condition" };
  if (status === 416 && ranged) {
    const range = parseContentRange(fieldFirst(fields, "content-range"));
    return { kind: "unsatisfied", total: range.kind === "unsatisfied" ? range.total : -1 };
  }
  if (isRedirect(status)) {
    const location = fieldFirst(fields, "location");
    if (location !== null) return redirectVerdict(ask.url, location);
  }
  // R-HEAD-3
  return { kind: "pass", total: isEncoded(fields) ? -1 : length };
}

/** Whether the ask carries a Range field: the whole is asked for without one, so that any origin can answer it. */
export function isRanged(ask: Ask): boolean {
  return ask.start !== 0 || ask.end !== -1;
}

/** Whether the body has a content coding that the proxy removes before it stores or passes anything. */
export function isEncoded(fields: FieldList): boolean {
  const encoding = fieldFirst(fields, "content-encoding");
  return encoding !== null && lowerAscii(encoding) !== "identity";
}

function partVerdict(ask: Ask, ranged: boolean, fields: FieldList, length: number): HeadVerdict {
  const range = parseContentRange(fieldFirst(fields, "content-range"));
  // R-HEAD-4
  if (range.kind !== "range") return badRange("206 without a valid Content-Range");
  if (isEncoded(fields)) return badRange("206 of an encoded body");
  const size = range.last - range.first + 1;
  if (length !== -1 && length !== size) return badRange("Content-Length contradicts Content-Range");
  if (!ranged) {
    // R-HEAD-5
    if (range.first === 0 && range.total === size) return { kind: "whole", total: size };
    return badRange("206 to a request without a range");
  }
  // R-HEAD-6
  if (range.total === -1) return { kind: "ask-whole" };
  if (ask.suffix >= 0) {
    if (range.first !== Math.max(0, range.total - ask.suffix) || range.last !== range.total - 1) {
      return badRange("Content-Range is not the suffix that was asked for");
    }
  } else {
    if (range.first !== ask.start) return badRange("Content-Range starts elsewhere");
    // R-HEAD-7
    if (ask.end !== -1 && range.last >= ask.end) return badRange("Content-Range is longer than asked for");
  }
  return { kind: "part", start: range.first, end: range.last + 1, total: range.total };
}

function redirectVerdict(url: string, location: string): HeadVerdict {
  const target = resolveReference(parseUri(url), location);
  const hash = target.indexOf("#");
  const bare = hash === -1 ? target : target.slice(0, hash);
  if (!isHttpUrl(bare))
    return { kind: "fail", code: "upstream-redirects", detail: "Location is not an http or https URL" };
  return { kind: "redirect", url: bare };
}

function badRange(detail: string): HeadVerdict {
  return { kind: "fail", code: "upstream-bad-range", detail };
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function contentLength(fields: FieldList, framing: Framing, method: "GET" | "HEAD"): number {
  if (framing === "chunked" || framing === "close") return -1;
  if (framing === "none" && method === "GET") return 0;
  const text = fieldFirst(fields, "content-length");
  return text === null ? -1 : parseDigits(text);
}
