/**
 * Sends one representation as a careful origin does: conditional requests, one byte range, HEAD, pacing with
 * back-pressure. Written apart from the proxy's core on purpose, so that both cannot be wrong alike.
 */
import type { IncomingMessage, OutgoingMessage, ServerResponse } from "node:http";

/** What a URL stands for now. `read` gives the bytes of one interval; `cacheControl` and `lastModified` may be "". */
export type Representation = {
  contentType: string;
  length: number;
  read: (offset: number, length: number) => Uint8Array;
  /** Whether Range is honoured. Not for what changes with time: a client must not piece two versions together. */
  hasRanges: boolean;
  /** With quotes: `"abc"`. */
  etag: string;
  lastModified: string;
  cacheControl: string;
  /** Further fields, e.g. Content-Encoding. */
  fields: Record<string, string>;
};

/** `bytesPerSecond` 0: as fast as the client reads. `chunked`: chunked transfer coding instead of Content-Length. */
export type Delivery = { bytesPerSecond: number; chunked: boolean };

type Answer = { status: number; start: number; end: number; contentRange: string };

const pieceBytes = 65_536;
const tickMs = 50;

/** Answers the request; `sent` hears of body bytes as they are handed to the connection. */
export function sendRepresentation(
  request: IncomingMessage,
  response: ServerResponse,
  representation: Representation,
  delivery: Delivery,
  sent: (bytes: number) => void,
): void {
  const answer = chooseAnswer(request, representation);
  const fields: Record<string, string> = { ...representation.fields };
  fields["Accept-Ranges"] = representation.hasRanges ? "bytes" : "none";
  if (representation.etag !== "") fields.ETag = representation.etag;
  if (representation.lastModified !== "") fields["Last-Modified"] = representation.lastModified;
  if (representation.cacheControl !== "") fields["Cache-Control"] = representation.cacheControl;
  if (answer.contentRange !== "") fields["Content-Range"] = answer.contentRange;
  const hasBody = answer.status === 200 || answer.status === 206;
  if (hasBody) fields["Content-Type"] = representation.contentType;
  if (hasBody && !delivery.chunked) fields["Content-Length"] = String(answer.end - answer.start);
  if (answer.status >= 400) fields["Content-Length"] = "0";
  response.writeHead(answer.status, fields);
  if (!hasBody || request.method === "HEAD") {
    response.end();
    return;
  }
  response.flushHeaders();
  pump(response, representation, answer, delivery.bytesPerSecond, sent);
}

/** Preconditions, then the range, in the order of RFC 9110 section 13.2.2. */
function chooseAnswer(request: IncomingMessage, representation: Representation): Answer {
  const { headers } = request;
  const { length, etag, lastModified } = representation;
  const whole: Answer = { status: 200, start: 0, end: length, contentRange: "" };
  const empty = (status: number): Answer => ({ status, start: 0, end: 0, contentRange: "" });
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined && ifMatch !== "*" && !entityTags(ifMatch).includes(etag)) return empty(412);
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch !== undefined) {
    const weak = entityTags(ifNoneMatch).map((tag) => tag.replace(/^W\//, ""));
    if (ifNoneMatch === "*" || weak.includes(etag)) return empty(304);
  } else if (headers["if-modified-since"] !== undefined && lastModified !== "") {
    if (Date.parse(headers["if-modified-since"]) >= Date.parse(lastModified)) return empty(304);
  }
  if (!representation.hasRanges) return whole;
  const ifRange = headers["if-range"];
  if (headers.range === undefined || (ifRange !== undefined && ifRange !== etag && ifRange !== lastModified))
    return whole;
  return rangeAnswer(headers.range, length) ?? whole;
}

/** The 206 or 416 for a Range field of one byte range; null when the field is to be ignored. */
function rangeAnswer(range: string, length: number): Answer | null {
  const parts = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range);
  const [first, last] = [parts?.[1] ?? "", parts?.[2] ?? ""];
  if (first === "" && last === "") return null;
  if (first !== "" && last !== "" && Number(first) > Number(last)) return null;
  const start = first === "" ? Math.max(0, length - Number(last)) : Number(first);
  const end = first === "" || last === "" ? length : Math.min(length, Number(last) + 1);
  if (start >= end) return { status: 416, start: 0, end: 0, contentRange: `bytes */${length}` };
  return { status: 206, start, end, contentRange: `bytes ${start}-${end - 1}/${length}` };
}

function entityTags(field: string): string[] {
  return field.match(/(W\/)?"[^"]*"/g) ?? [];
}

/** Writes the interval in pieces, never ahead of the client's reading nor of the rate. */
function pump(
  response: OutgoingMessage,
  representation: Representation,
  answer: Answer,
  bytesPerSecond: number,
  sent: (bytes: number) => void,
): void {
  const startedAt = performance.now();
  let position = answer.start;
  const step = (): void => {
    if (response.destroyed) return;
    let room = pieceBytes;
    if (bytesPerSecond > 0) {
      const due = Math.floor(((performance.now() - startedAt + tickMs) * bytesPerSecond) / 1000);
      room = Math.min(pieceBytes, due - (position - answer.start));
    }
    const length = Math.min(room, answer.end - position);
    if (length <= 0 && position < answer.end) {
      setTimeout(step, tickMs);
      return;
    }
    const isFlowing = length === 0 || response.write(representation.read(position, length));
    position += length;
    sent(length);
    if (position >= answer.end) response.end();
    else if (!isFlowing) response.once("drain", step);
    else if (bytesPerSecond > 0) setTimeout(step, tickMs);
    else setImmediate(step);
  };
  step();
}
