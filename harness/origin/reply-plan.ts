/** What a reply puts on the wire: the good origin's answer (RFC 9110), then the script's deviations. */
import { STATUS_CODES } from "node:http";
import { gzipSync } from "node:zlib";
import { type Body, wholeBody } from "../case/body-source.ts";
import type { Reply } from "../case/case-types.ts";
import { rangeOf, type Span } from "./origin-range.ts";

/** One version of a resource, as the origin holds it now. */
export type Version = { body: Body; type: string | null; etag: string | null; lastModified: string | null };

/** A request as the origin reads it. */
export type OriginRequest = { method: string; target: string; version: string; fields: [string, string][] };

/** Bytes to write, in order. `head` is exact; `body` is sliced while it is sent. */
export type ReplyPlan = {
  status: number;
  head: string;
  /** Body bytes on the wire, before chunking. */
  body: Body;
  /** Where the body begins within the representation. */
  from: number;
  chunked: boolean;
  trailers: [string, string][];
  /** The connection ends after this reply. */
  closes: boolean;
};

/** Builds the reply to a request. `extraFields` are those of the resource. */
export function planReply(
  request: OriginRequest,
  reply: Reply,
  version: Version,
  extraFields: [string, string][],
  expandText: (text: string) => string,
): ReplyPlan {
  const answer = answerOf(request, reply, version);
  const framing = reply.framing ?? "length";
  const bare = request.method === "HEAD" || answer.status === 304 || answer.status === 204;
  const asksClose = fieldOf(request.fields, "connection")?.toLowerCase() === "close" || request.version !== "HTTP/1.1";
  const closes = asksClose || framing === "close";
  const fields: [string, string][] = [];
  const put = (name: string, value: string | null): void => {
    if (value !== null) fields.push([name, value]);
  };
  put("Date", new Date().toUTCString());
  put("Content-Type", answer.type);
  if (framing === "chunked") put("Transfer-Encoding", "chunked");
  else if (framing === "length" && answer.status !== 304 && answer.status !== 204) {
    put("Content-Length", reply.contentLength === undefined ? `${answer.body.bytes}` : text(reply.contentLength));
  }
  if (framing !== "length" && reply.contentLength !== undefined) put("Content-Length", text(reply.contentLength));
  put("Content-Range", reply.contentRange === undefined ? answer.contentRange : reply.contentRange);
  if (answer.status < 300) put("Accept-Ranges", "bytes");
  if (reply.encoding === "gzip") put("Content-Encoding", "gzip");
  if (answer.status < 300 || answer.status === 304) {
    put("ETag", version.etag);
    put("Last-Modified", version.lastModified);
  }
  if (reply.location !== undefined) put("Location", expandText(reply.location));
  fields.push(...extraFields, ...(reply.fields ?? []));
  if (closes) put("Connection", "close");
  const dropped = (reply.without ?? []).map((name) => name.toLowerCase());
  // A field that the script writes itself takes the place of the good origin's: duplicates are asked for by two of them.
  const own = new Set([...extraFields, ...(reply.fields ?? [])].map(([name]) => name.toLowerCase()));
  const scripted = fields.length - extraFields.length - (reply.fields ?? []).length - (closes ? 1 : 0);
  const kept = fields.filter(([name], index) => {
    const lower = name.toLowerCase();
    return !dropped.includes(lower) && (index >= scripted || !(lower === "date" && own.has(lower)));
  });
  const reason = reply.reason ?? STATUS_CODES[answer.status] ?? "";
  const lines = kept.map(([name, value]) => `${name}: ${expandText(value)}\r\n`).join("");
  return {
    status: answer.status,
    head: `${reply.interim ?? ""}HTTP/1.1 ${answer.status} ${reason}\r\n${lines}\r\n`,
    body: bare ? emptyBody : answer.body,
    from: answer.from,
    chunked: framing === "chunked" && !bare,
    trailers: reply.trailers ?? [],
    closes,
  };
}

type Answer = { status: number; body: Body; from: number; contentRange: string | null; type: string | null };

const emptyBody: Body = { bytes: 0, slice: () => Buffer.alloc(0) };

function answerOf(request: OriginRequest, reply: Reply, version: Version): Answer {
  const plain = { from: 0, contentRange: null, type: version.type };
  const body = reply.encoding === "gzip" ? bufferBody(gzipSync(wholeBody(version.body), { level: 9 })) : version.body;
  if (reply.location !== undefined) return { ...plain, status: reply.status ?? 302, body: emptyBody, type: null };
  const status = reply.status ?? 0;
  if (status === 416) {
    return { ...plain, status, body: emptyBody, contentRange: `bytes */${version.body.bytes}`, type: null };
  }
  if (status >= 300 && status !== 304) return errorAnswer(status, reply, version);
  if (status === 304 || (status === 0 && notModified(request.fields, version))) {
    return { ...plain, status: 304, body: emptyBody, type: null };
  }
  const ranged =
    request.method === "GET" && reply.ignoreRange !== true && reply.encoding === undefined && status !== 200;
  const range = ranged ? rangeOf(request.fields, version.body.bytes, version.etag, version.lastModified) : "whole";
  if (range === "unsatisfiable") {
    return { ...plain, status: 416, body: emptyBody, contentRange: `bytes */${version.body.bytes}`, type: null };
  }
  if (range !== "whole") return { ...plain, status: status === 0 ? 206 : status, ...part(version.body, range) };
  if (status === 206) return { ...plain, status, ...part(body, { from: 0, to: body.bytes }) };
  return { ...plain, status: status === 0 ? 200 : status, body };
}

/** An error's body is its own, and leaves the resource's version alone. */
function errorAnswer(status: number, reply: Reply, version: Version): Answer {
  const own = reply.body !== undefined;
  const said = bufferBody(Buffer.from(`${status} ${STATUS_CODES[status] ?? ""}\n`, "latin1"));
  return {
    status,
    body: own ? version.body : said,
    from: 0,
    contentRange: null,
    type: own ? version.type : "text/plain",
  };
}

function part(body: Body, span: Span): { body: Body; from: number; contentRange: string } {
  const { from, to } = span;
  return {
    body: { bytes: to - from, slice: (a, b) => body.slice(from + a, Math.min(from + b, to)) },
    from,
    contentRange: `bytes ${from}-${to - 1}/${body.bytes}`,
  };
}

function notModified(fields: [string, string][], version: Version): boolean {
  const tags = fieldOf(fields, "if-none-match");
  if (tags !== null) {
    const opaque = (tag: string): string => tag.trim().replace(/^W\//, "");
    const wanted = version.etag === null ? null : opaque(version.etag);
    return tags.trim() === "*" || tags.split(",").some((tag) => opaque(tag) === wanted);
  }
  const since = fieldOf(fields, "if-modified-since");
  return since !== null && version.lastModified !== null && Date.parse(version.lastModified) <= Date.parse(since);
}

export function bufferBody(bytes: Buffer): Body {
  return { bytes: bytes.length, slice: (from, to) => bytes.subarray(from, to) };
}

/** The first value of a field, name in lower case, or null. */
export function fieldOf(fields: [string, string][], lowerName: string): string | null {
  return fields.find(([name]) => name.toLowerCase() === lowerName)?.[1] ?? null;
}

function text(number: number | null): string | null {
  return number === null ? null : `${number}`;
}
