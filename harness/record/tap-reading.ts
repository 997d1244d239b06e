/** Reads the HTTP/1.1 messages out of a tap's bytes. The tap kept the exact bytes; this only says where each one ends. */
import { fieldValue, type Moment, type RecordedConnection, type RecordedRequest, type Recording } from "./recording.ts";
import type { Tap, TapChunk, TapConnection, TapEnd } from "./tcp-tap.ts";

/** Everything that a tap saw. Throws on bytes that are no HTTP/1.1: a recording is of whole messages or it is none. */
export function readTap(tap: Tap, player: string): Recording {
  const connections = tap.connections.filter((connection) => connection.fromPlayer.length > 0);
  const requests = connections.flatMap(readConnection);
  requests.sort((a, b) => a.sent.order - b.sent.order);
  return { player, startedAt: tap.startedAt, connections: connections.map(recordedConnection), requests };
}

function recordedConnection(connection: TapConnection): RecordedConnection {
  const { name, order, ms, playerPort, playerEnd, proxyEnd } = connection;
  const proxyFirst = proxyEnd !== null && (playerEnd === null || proxyEnd.order < playerEnd.order);
  return { name, opened: { order, ms }, playerPort, ended: proxyFirst ? proxyEnd : null, left: playerEnd };
}

/** A stream of chunks as one text, with the moment at which each byte came. */
type Stream = { bytes: Buffer; chunks: TapChunk[]; at: number; end: TapEnd | null };

function streamOf(chunks: TapChunk[], end: TapEnd | null): Stream {
  return { bytes: Buffer.concat(chunks.map((chunk) => chunk.bytes)), chunks, at: 0, end };
}

/** When the last byte before an offset came. */
function momentBefore(stream: Stream, offset: number): Moment {
  let upTo = 0;
  for (const chunk of stream.chunks) {
    upTo += chunk.bytes.length;
    if (upTo >= offset) return { order: chunk.order, ms: chunk.ms };
  }
  const last = stream.chunks.at(-1);
  return { order: last?.order ?? 0, ms: last?.ms ?? 0 };
}

function readConnection(connection: TapConnection): RecordedRequest[] {
  const sent = streamOf(connection.fromPlayer, connection.playerEnd);
  const received = streamOf(connection.fromProxy, connection.proxyEnd);
  const requests: RecordedRequest[] = [];
  while (sent.at < sent.bytes.length) {
    const request = readRequest(sent, connection.name);
    request.response = readResponse(received, request.method);
    requests.push(request);
  }
  return requests;
}

function readRequest(stream: Stream, connection: string): RecordedRequest {
  const head = readHead(stream);
  if (head === null) throw new Error(`${connection}: a request head that does not end`);
  const { first, fields, text } = parseHeadText(head);
  const [method = "", target = "", version = ""] = first.split(" ");
  if (!version.startsWith("HTTP/1.")) throw new Error(`${connection}: no HTTP/1 request: ${first}`);
  const sent = momentBefore(stream, stream.at);
  // Players send no bodies; one that did would be passed on, and is no part of a case.
  stream.at += Number(fieldValue(fields, "content-length") ?? 0);
  return { connection, head: text, method, target, version: version.slice(5), fields, sent, response: null };
}

function readResponse(stream: Stream, method: string): RecordedRequest["response"] {
  const head = readHead(stream);
  if (head === null) return null;
  const { first, fields, text } = parseHeadText(head);
  const [version = "", status = "", ...reason] = first.split(" ");
  const headAt = momentBefore(stream, stream.at);
  const code = Number(status);
  const { body, complete } = readBody(stream, method, code, fields);
  const endAt = momentBefore(stream, stream.at);
  const rest = { head: text, version: version.slice(5), status: code, reason: reason.join(" "), fields };
  return { ...rest, body, complete, headAt, endAt };
}

/** The next head with its empty line; null when it is not there to its end. */
function readHead(stream: Stream): string | null {
  const end = stream.bytes.indexOf("\r\n\r\n", stream.at);
  if (end < 0) return null;
  const text = stream.bytes.toString("latin1", stream.at, end + 4);
  stream.at = end + 4;
  return text;
}

type HeadText = { text: string; first: string; fields: [string, string][] };

function parseHeadText(text: string): HeadText {
  const [first = "", ...lines] = text.slice(0, -4).split("\r\n");
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
  });
  return { text, first, fields };
}

function readBody(
  stream: Stream,
  method: string,
  status: number,
  fields: [string, string][],
): { body: Buffer; complete: boolean } {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { body: Buffer.alloc(0), complete: true };
  }
  if (fieldValue(fields, "transfer-encoding") !== null) return readChunked(stream);
  const length = fieldValue(fields, "content-length");
  const wanted = length === null ? stream.bytes.length - stream.at : Number(length);
  const body = stream.bytes.subarray(stream.at, stream.at + wanted);
  stream.at += body.length;
  return { body, complete: length === null ? stream.end?.how === "close" : body.length === wanted };
}

function readChunked(stream: Stream): { body: Buffer; complete: boolean } {
  const pieces: Buffer[] = [];
  for (;;) {
    const lineEnd = stream.bytes.indexOf("\r\n", stream.at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(stream.bytes.toString("latin1", stream.at, lineEnd), 16);
    const from = lineEnd + 2;
    const isWhole = !Number.isNaN(size) && from + size + 2 <= stream.bytes.length;
    if (!Number.isNaN(size)) pieces.push(stream.bytes.subarray(from, Math.min(from + size, stream.bytes.length)));
    stream.at = isWhole ? from + size + 2 : stream.bytes.length;
    if (!isWhole || size === 0) return { body: Buffer.concat(pieces), complete: isWhole };
  }
}
