/**
 * The listening socket: fastify for its life cycle, its server answering ahead of the router, so that status line,
 * field order and field case are the core's. What the HTTP parser refuses is answered here, from the same table of errors.
 */
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import fastify from "fastify";
import { isToken } from "../core/base/bytes.ts";
import type { ErrorCode } from "../core/base/errors.ts";
import type { Limits } from "../core/base/limits.ts";
import type { PlayerRequest } from "../core/exchange/proxy-state.ts";
import { fieldCombined } from "../core/http/field-list.ts";
import type { ResponseHead } from "../core/response/response-head.ts";
import { isClosing, markClosing } from "./response-writer.ts";

export type ListenerParts = {
  limits: Limits;
  /** Content of a request may take its time; it has a time limit of its own. */
  takesContent: boolean;
  /** A request whose head is complete; its content follows. True when the content is taken. */
  onRequest: (request: PlayerRequest, response: ServerResponse, content: IncomingMessage) => boolean;
  /** The answer to bytes that are no request. */
  problem: (code: ErrorCode, detail: string) => { head: ResponseHead; content: string };
};

/** Not imported: an import reads every export, and with `WebSocket` comes all of Node's fetch and HTTP/2, 14 MB. */
const { createServer } = process.getBuiltinModule("node:http");

export type Listener = { port: number; close: () => Promise<void> };

/** Listens on `host` and `port`; rejects when the port is taken, never takes another. */
export async function listen(host: string, port: number, parts: ListenerParts): Promise<Listener> {
  const { limits } = parts;
  const app: FastifyInstance = fastify({
    forceCloseConnections: true,
    // There are no routes and no schemas: the compilers for them would take 4 MB.
    schemaController: { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, parts),
    // Ahead of the router: every target is one route, what it means is the core's to say, from its own bytes.
    serverFactory: () => createServer(serverOptions(parts), (raw, response) => onRequest(raw, response, parts)),
  });
  app.server.maxConnections = limits.connectionsMax;
  // R-HTTP-11: the HTTP library would answer 100 or 417 in its own words.
  for (const event of ["checkContinue", "checkExpectation"]) {
    app.server.on(event, (request, response) => app.server.emit("request", request, response));
  }
  app.server.on("connect", (_request, socket) => answerClientError({ code: "CONNECT" }, socket as Socket, parts));
  await app.listen({ host, port });
  const address = app.server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return { port: actualPort, close: () => app.close() };
}

function noSchema(): never {
  throw new Error("no route has a schema");
}

function serverOptions({ limits, takesContent }: ListenerParts): ServerOptions {
  // R-HTTP-10: the HTTP library ends a connection whose player ended its side; it is left so.
  return {
    maxHeaderSize: limits.requestHeadBytesMax,
    requireHostHeader: false,
    headersTimeout: limits.requestHeadMs,
    connectionsCheckingInterval: Math.min(1_000, limits.requestHeadMs),
    insecureHTTPParser: false,
    // R-HTTP-4: no request with content is served, and one without need not be a stream that begins and ends.
    optimizeEmptyRequests: true,
    keepAliveTimeout: limits.keepAliveMs,
    requestTimeout: takesContent ? 0 : limits.requestHeadMs,
  };
}

function onRequest(raw: IncomingMessage, response: ServerResponse, parts: ListenerParts): void {
  const { socket } = raw;
  // R-HTTP-5, R-HTTP-13: behind a last response, or what will be refused, nothing counts.
  if (isClosing(socket) || refusals.has(socket) || contents.has(socket)) return;
  // R-HTTP-6: without a version the parser takes what follows for another request, and it speaks other protocols.
  if (raw.httpVersionMajor !== 1 || foreignMethods.has(raw.method ?? "")) {
    answerClientError({ code: "VERSION" }, socket, parts);
    return;
  }
  watchAnswer(socket, response, parts);
  // R-PASS-2: content that nobody takes is passed over, and the next request counts.
  if (parts.onRequest(playerRequest(raw), response, raw)) contents.set(socket, raw);
}

/** Methods of RTSP, which the parser takes only in a request of that protocol. */
const foreignMethods = new Set(
  "DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH".split(" "),
);

/** Responses under way on a connection. */
const answers = new WeakMap<Socket, number>();

/** Requests with content that an origin takes: each is the last of its connection. */
const contents = new WeakMap<Socket, IncomingMessage>();

/** What is to be refused on a connection once the responses before it are through. */
const refusals = new WeakMap<Socket, ClientError>();

function watchAnswer(socket: Socket, response: ServerResponse, parts: ListenerParts): void {
  answers.set(socket, (answers.get(socket) ?? 0) + 1);
  response.on("close", () => {
    const left = (answers.get(socket) ?? 0) - 1;
    answers.set(socket, left);
    const refusal = refusals.get(socket);
    if (left === 0 && refusal !== undefined) refuse(refusal, socket, parts);
  });
}

function playerRequest(raw: IncomingMessage): PlayerRequest {
  return {
    method: raw.method ?? "",
    target: raw.url ?? "",
    httpMinor: raw.httpVersionMinor === 0 ? 0 : 1,
    fields: raw.rawHeaders,
    localAddress: raw.socket.localAddress ?? "",
    localPort: raw.socket.localPort ?? 0,
    close: closes(raw),
  };
}

/** Whether the player wants the connection closed after this response (RFC 9112 section 9.3). */
function closes(raw: IncomingMessage): boolean {
  const connection = fieldCombined(raw.rawHeaders, "connection");
  if (connection === null) return raw.httpVersionMinor === 0;
  const options = connection.split(",").map((option) => option.trim().toLowerCase());
  if (options.includes("close")) return true;
  return raw.httpVersionMinor === 0 && !options.includes("keep-alive");
}

/** What the HTTP parser threw: `rawPacket` holds the bytes just received, of which it took `bytesParsed`. */
type ClientError = { code?: string | undefined; rawPacket?: unknown; bytesParsed?: number };

function answerClientError(error: ClientError, socket: Socket, parts: ListenerParts): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroySoon();
  } else if (contents.get(socket)?.complete === false) {
    // R-HTTP-10: its content broke off, and whoever takes it hears of that.
    contents.get(socket)?.destroy();
    socket.destroySoon();
  } else if ((answers.get(socket) ?? 0) > 0) {
    // R-HTTP-13: bytes inside or behind another response would be a second reading of the connection.
    if (!refusals.has(socket)) refusals.set(socket, error);
  } else {
    refuse(error, socket, parts);
  }
}

/** Answers what is no request, unless the response before it ends the connection. */
function refuse(error: ClientError, socket: Socket, parts: ListenerParts): void {
  if (!socket.writable || isClosing(socket)) {
    socket.destroySoon();
    return;
  }
  markClosing(socket);
  const code = clientErrorCode(error);
  const { head, content } = parts.problem(code, "");
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (let at = 0; at + 1 < head.fields.length; at += 2) text += `${head.fields[at]}: ${head.fields[at + 1]}\r\n`;
  socket.end(Buffer.from(`${text}\r\n${content}`, "latin1"));
}

function clientErrorCode(error: ClientError): ErrorCode {
  // R-HTTP-6
  if (error.code === "HPE_HEADER_OVERFLOW") return "head-too-large";
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return "request-timeout";
  if (error.code === "CONNECT") return "method-not-allowed";
  // R-HTTP-3: the parser knows a list of methods, HTTP knows any token. R-HTTP-12: it takes no byte from 0x80 on in a target.
  return error.code === "HPE_INVALID_METHOD" && isRequestLine(error) ? "method-not-allowed" : "bad-request";
}

/** Whether the line at which the parser stopped is a request line, its method aside. */
function isRequestLine(error: ClientError): boolean {
  const text = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString("latin1") : "";
  const start = text.lastIndexOf("\n", (error.bytesParsed ?? 0) - 1) + 1;
  const end = text.indexOf("\r\n", start);
  const [method = "", target = "", version = "", ...more] = text.slice(start, end).split(" ");
  const shaped = isToken(method) && target !== "" && more.length === 0;
  return end > start && shaped && (version === "HTTP/1.1" || version === "HTTP/1.0");
}
