/**
 * A small origin on loopback: serves fixtures/media as a CDN would, and the same sets in the shapes that make proxies
 * stumble (live, signed, redirected, compressed, without length, slow). For demonstrations and tests.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Reply } from "./demo-routes.ts";
import { routeReply } from "./demo-routes.ts";
import { sendRepresentation } from "./representation.ts";

export { blobByte, blobFill } from "./blob.ts";
export type { DemoSet } from "./demo-sets.ts";
export { demoSets, signedQuery } from "./demo-sets.ts";

/** One request as the log keeps it. `bytes`: body bytes handed to the connection. `complete`: the response ended. */
export type RequestEntry = {
  atMs: number;
  method: string;
  url: string;
  /** The Range field, or "". */
  range: string;
  /** Raw request fields: name, value, name, value … */
  fields: string[];
  /** 0 until the response has begun. */
  status: number;
  bytes: number;
  complete: boolean;
};

/** `now` is the clock of the live and event playlists, in milliseconds; `log` hears of every finished request. */
export type DemoOriginOptions = {
  port?: number;
  host?: string;
  mediaDir?: string;
  now?: () => number;
  log?: (entry: RequestEntry) => void;
};

export type DemoOrigin = {
  /** `http://host:port`, without a slash at the end. */
  url: string;
  port: number;
  /** The last requests, oldest first, as copies. */
  log: () => RequestEntry[];
  clearLog: () => void;
  /** Stops at once: open connections are cut. */
  close: () => Promise<void>;
};

/** Requests that the log remembers. */
const logEntriesMax = 10_000;

/** Starts the origin; port 0 takes a free one. Rejects when it cannot listen (code EADDRINUSE and so on). */
export async function startDemoOrigin(options: DemoOriginOptions = {}): Promise<DemoOrigin> {
  const now = options.now ?? Date.now;
  const mediaDir = options.mediaDir ?? fileURLToPath(new URL("../../fixtures/media", import.meta.url));
  const host = options.host ?? "127.0.0.1";
  const startMs = now();
  const entries: RequestEntry[] = [];
  let port = 0;
  const server = createServer((request, response) => {
    const entry = newEntry(request, now());
    entries.push(entry);
    if (entries.length > logEntriesMax) entries.shift();
    response.once("close", () => {
      entry.complete = response.writableFinished;
      options.log?.({ ...entry });
    });
    const [path = "", ...rest] = (request.url ?? "").split("?");
    const { host = "", "accept-encoding": acceptEncoding = "" } = request.headers;
    const place = { mediaDir, startMs, port, path, query: rest.join("?"), host, acceptEncoding };
    const answer = (): void => {
      if (response.destroyed) return;
      const reply = methodReply(request.method ?? "") ?? routeReply({ ...place, nowMs: now() });
      if (reply.kind === "held") setTimeout(answer, reply.untilMs - now());
      else send(request, response, reply, entry, now);
    };
    answer();
  });
  // Longer than any client keeps an idle connection, so that none meets a close with its next request.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  port = (server.address() as AddressInfo).port;
  return {
    url: `http://${host}:${port}`,
    port,
    log: () => entries.map((entry) => ({ ...entry })),
    clearLog: () => {
      entries.length = 0;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The answer to anything but GET and HEAD, which are routed (null). */
function methodReply(method: string): Reply | null {
  if (method === "GET" || method === "HEAD") return null;
  const allow = "GET, HEAD, OPTIONS";
  if (method !== "OPTIONS") return { kind: "message", status: 405, body: `Only ${allow}\n`, fields: { Allow: allow } };
  const fields = { "Access-Control-Allow-Methods": allow, "Access-Control-Max-Age": "600" };
  return { kind: "message", status: 204, body: "", fields };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Exclude<Reply, { kind: "held" }>,
  entry: RequestEntry,
  now: () => number,
): void {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Allow-Headers", "*");
  response.setHeader("Access-Control-Expose-Headers", "*");
  const count = (bytes: number): void => {
    entry.bytes += bytes;
  };
  if (reply.kind === "representation") {
    sendRepresentation(request, response, reply.representation, reply.delivery, count);
  } else if (reply.kind === "growing") {
    sendGrowing(request, response, reply, now, count);
  } else {
    const length = Buffer.byteLength(reply.body);
    response.writeHead(
      reply.status,
      reply.status === 204 ? reply.fields : { ...reply.fields, "Content-Length": length },
    );
    if (request.method !== "HEAD") count(length);
    response.end(request.method === "HEAD" ? undefined : reply.body);
  }
  entry.status = response.statusCode;
}

/** Sends each piece of what is still being made at its time. */
function sendGrowing(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Extract<Reply, { kind: "growing" }>,
  now: () => number,
  sent: (bytes: number) => void,
): void {
  response.writeHead(200, { ...reply.fields, "Transfer-Encoding": "chunked" });
  response.flushHeaders();
  const pieces = request.method === "HEAD" ? [] : reply.pieces;
  const step = (at: number): void => {
    const piece = pieces[at];
    if (response.destroyed) return;
    if (piece === undefined) {
      response.end();
      return;
    }
    const waitMs = piece.atMs - now();
    if (waitMs > 0) {
      setTimeout(step, waitMs, at);
      return;
    }
    response.write(piece.bytes);
    sent(piece.bytes.length);
    step(at + 1);
  };
  step(0);
}

function newEntry(request: IncomingMessage, atMs: number): RequestEntry {
  return {
    atMs,
    method: request.method ?? "",
    url: request.url ?? "",
    range: request.headers.range ?? "",
    fields: [...request.rawHeaders],
    status: 0,
    bytes: 0,
    complete: false,
  };
}
