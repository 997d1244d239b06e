/**
 * The head of every response: one order and one case of fields, for hit and miss alike (SPEC: R-RESP-1).
 *
 * The proxy owns framing, ranges, CORS, Age, Cache-Status, Date and Connection; of what the origin said, it sends what
 * an entry keeps. A field that is not in the order below stands after Vary, as the origin wrote its name.
 */
import { equalIgnoreCase, isToken, lowerAscii } from "../base/bytes.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldFirst, isFieldValue } from "../http/field-list.ts";
import { formatHttpDate } from "../http/http-date.ts";
import type { CacheNote } from "./cache-status.ts";
import { cacheStatusText } from "./cache-status.ts";
import { reasonPhrase } from "./reason-phrase.ts";

export type ResponseHead = { status: number; reason: string; fields: FieldList };

/** What a head is made of. */
export type HeadParts = {
  status: number;
  contentType: string | null;
  /** Length of the body in bytes; -1 = unknown, which a 206 must not be. */
  contentLength: number;
  contentRange: string | null;
  acceptRanges: "bytes" | "none" | null;
  /** The fields that the entry keeps, or that a pass-through response passes on. */
  stored: FieldList;
  /** -1 = no Age field. */
  ageSeconds: number;
  /** -1 = none of our own; one that the origin sent is then passed on. */
  retryAfterSeconds: number;
  allow: string | null;
  note: CacheNote | null;
  cors: "none" | "simple" | "preflight";
  /** Time of the response, milliseconds since the epoch. */
  dateMs: number;
  keepAlive: boolean;
  /** Minor version of the player's HTTP/1. */
  httpMinor: 0 | 1;
};

/** Origin fields with a place of their own, in their order; the rest of the origin's follows. */
const leadingStored: string[] = ["ETag", "Last-Modified", "Cache-Control", "Expires", "Vary"];

/** Never taken from the origin: hop-by-hop, framing of another message, or the proxy's own (lower case). */
const neverStored: string[] = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-type",
  "content-length",
  "content-encoding",
  "content-range",
  "accept-ranges",
  "age",
  "allow",
  "cache-status",
  "cross-origin-resource-policy",
  "date",
  "location",
  "retry-after",
];

const corsExposed =
  "Accept-Ranges, Age, Cache-Status, Content-Length, Content-Range, Date, ETag, Last-Modified, Retry-After";

/** The head made of `parts`. A 206 without length or Content-Range is a programmer's error and asserts. */
export function responseHead(parts: HeadParts): ResponseHead {
  // R-RESP-5: AVPlayer refuses a 206 that is chunked or has no Content-Range.
  if (parts.status === 206 && (parts.contentLength < 0 || parts.contentRange === null)) {
    throw new Error("response head: a 206 needs Content-Length and Content-Range");
  }
  // R-RESP-1
  const fields: FieldList = [];
  addContent(fields, parts);
  addStored(fields, parts);
  addOwn(fields, parts);
  addCors(fields, parts);
  addConnection(fields, parts);
  return { status: parts.status, reason: reasonPhrase(parts.status), fields };
}

/** Content-Type, Content-Length, Content-Range, Accept-Ranges. */
function addContent(fields: FieldList, parts: HeadParts): void {
  // R-RESP-6
  if (!isBodyless(parts.status)) {
    addForeign(fields, "Content-Type", parts.contentType);
    add(fields, "Content-Length", parts.contentLength < 0 ? null : `${parts.contentLength}`);
    add(fields, "Content-Range", parts.contentRange);
  }
  add(fields, "Accept-Ranges", parts.acceptRanges);
}

/** ETag, Last-Modified, Cache-Control, Expires, Vary, and whatever else the origin's response keeps. */
function addStored(fields: FieldList, parts: HeadParts): void {
  for (const name of leadingStored) {
    addForeign(fields, name, fieldFirst(parts.stored, name));
  }
  for (let index = 0; index + 1 < parts.stored.length; index += 2) {
    const name = parts.stored[index] ?? "";
    if (mayPass(fields, name, parts.status)) {
      addForeign(fields, name, parts.stored[index + 1] ?? null);
    }
  }
}

/** Whether an origin field of this name may still be added. */
function mayPass(fields: FieldList, name: string, status: number): boolean {
  // R-RESP-4: asked first, as it is true of most: they have their own places.
  if (fieldFirst(fields, name) !== null && !equalIgnoreCase(name, "set-cookie")) {
    return false;
  }
  const lowerName = lowerAscii(name);
  // R-RESP-3
  if (neverStored.includes(lowerName) || lowerName.startsWith("access-control-")) {
    return false;
  }
  // R-RESP-6
  return !isBodyless(status) || !lowerName.startsWith("content-") || lowerName === "content-location";
}

/** Age, Retry-After, Allow, Cache-Status. */
function addOwn(fields: FieldList, parts: HeadParts): void {
  add(fields, "Age", parts.ageSeconds < 0 ? null : `${parts.ageSeconds}`);
  // R-RESP-12
  if (parts.retryAfterSeconds < 0) {
    addForeign(fields, "Retry-After", fieldFirst(parts.stored, "retry-after"));
  } else {
    add(fields, "Retry-After", `${parts.retryAfterSeconds}`);
  }
  addForeign(fields, "Allow", parts.allow ?? fieldFirst(parts.stored, "allow"));
  add(fields, "Cache-Status", parts.note === null ? null : cacheStatusText(parts.note));
}

/** The CORS fields (Fetch standard section 3.3): any page may read, without credentials. */
function addCors(fields: FieldList, parts: HeadParts): void {
  switch (parts.cors) {
    case "none":
      return;
    case "simple":
      // R-RESP-13
      add(fields, "Access-Control-Allow-Origin", "*");
      add(fields, "Access-Control-Expose-Headers", corsExposed);
      add(fields, "Cross-Origin-Resource-Policy", "cross-origin");
      return;
    case "preflight":
      // R-RESP-14: "*" does not stand for Authorization, so that one is named.
      add(fields, "Access-Control-Allow-Origin", "*");
      add(fields, "Access-Control-Allow-Methods", parts.allow ?? "GET, HEAD, OPTIONS");
      add(fields, "Access-Control-Allow-Headers", "*, Authorization");
      add(fields, "Access-Control-Max-Age", "86400");
      return;
  }
}

/** Transfer-Encoding, Date, Connection. */
function addConnection(fields: FieldList, parts: HeadParts): void {
  const unknownLength = parts.contentLength < 0 && !isBodyless(parts.status);
  // R-RESP-7
  if (unknownLength && parts.httpMinor === 1) {
    add(fields, "Transfer-Encoding", "chunked");
  }
  add(fields, "Date", formatHttpDate(parts.dateMs));
  // R-RESP-8: to HTTP/1.0 the end of the connection is the end of a body of unknown length.
  const closes = !parts.keepAlive || (unknownLength && parts.httpMinor === 0);
  add(fields, "Connection", closes ? "close" : "keep-alive");
}

/** Statuses whose responses have no content and no field that describes it (RFC 9110 sections 8.6 and 15.4.5). */
function isBodyless(status: number): boolean {
  return status === 204 || status === 304;
}

/** Appends a field of the proxy's own, unless it has no value. */
function add(fields: FieldList, name: string, value: string | null): void {
  if (value !== null) {
    fields.push(name, value);
  }
}

/** Appends a field that came from outside, unless it has no value or could not stand in a head. */
function addForeign(fields: FieldList, name: string, value: string | null): void {
  // R-RESP-2
  if (value !== null && isToken(name) && isFieldValue(value)) {
    fields.push(name, value);
  }
}
