/**
 * The scripted origin: a CDN on a raw socket that holds what the case says and misbehaves as the case says, request by
 * request. Everything that it saw and sent is logged.
 */
import net from "node:net";
import { resetSocket } from "../../server/test/support/socket-reset.ts";
import { type Body, openBody, wholeBody } from "../case/body-source.ts";
import type { OriginScript, Reply, Resource } from "../case/case-types.ts";
import { expandOrigins } from "../case/placeholders.ts";
import type { OriginEntry } from "../case/result-types.ts";
import { type Barriers, barriers } from "./barriers.ts";
import { closeAndHold, type HeldPort } from "./held-port.ts";
import type { OriginPlace } from "./origin-place.ts";
import { type OriginRequest, planReply, type ReplyPlan, type Version } from "./reply-plan.ts";
import { type Sink, sendReply } from "./reply-writer.ts";
import { type Watch, watch } from "./watch.ts";

export type Origin = {
  originUrl: string;
  otherUrl: string;
  log: LogEntry[];
  barriers: Barriers;
  /** Told after every event: a request, a barrier reached, a connection gone, a reply done. */
  changes: Watch;
  /** Requests so far, of a target or of all. */
  requests: (target?: string) => number;
  /** True when the connection of some request for the target has gone. */
  closed: (target: string) => boolean;
  /** Every version of a resource so far, oldest first. */
  versions: (target: string) => Buffer[];
  /** Refuses and cuts connections, or listens again on the same ports. */
  turn: (state: "off" | "on") => Promise<void>;
  stop: () => Promise<void>;
};

/** What the log keeps beyond the report's entry. */
export type LogEntry = OriginEntry & { gone: boolean; done: boolean };

type Held = { resource: Resource; served: number; version: Version; versions: Body[] };

/** Starts both origins on ports of their own; `beganAt` is `performance.now()` of the case's begin. */
export async function startOrigin(script: OriginScript, beganAt: number, place: OriginPlace): Promise<Origin> {
  const log: LogEntry[] = [];
  const changes = watch();
  const gates = barriers(changes);
  const urls = { origin: "", other: "" };
  const expandText = (text: string): string => expandOrigins(text, urls.origin, urls.other);
  const held = new Map<string, Held>();
  const serve = (which: "origin" | "other", connection: number, request: OriginRequest, sink: Sink): Promise<void> =>
    answer({ which, connection, request, sink, script, held, log, changes, gates, expandText, beganAt });
  const first = await listen("origin", serve, place);
  const second = await listen("other", serve, place);
  urls.origin = `http://${place.host}:${first.port}`;
  urls.other = `http://${place.host}:${second.port}`;
  return {
    originUrl: urls.origin,
    otherUrl: urls.other,
    log,
    barriers: gates,
    changes,
    requests: (target) => log.filter((entry) => target === undefined || entry.target === target).length,
    closed: (target) => log.some((entry) => entry.target === target && entry.gone),
    versions: (target) => {
      const known = held.get(target) ?? open(held, script, target, expandText);
      return known === null ? [] : known.versions.map(wholeBody);
    },
    turn: async (state) => {
      for (const one of [first, second]) await one[state]();
    },
    stop: async () => {
      gates.openAll();
      await Promise.all([first.stop(), second.stop()]);
    },
  };
}

type Ask = {
  which: "origin" | "other";
  connection: number;
  request: OriginRequest;
  sink: Sink;
  script: OriginScript;
  held: Map<string, Held>;
  log: LogEntry[];
  changes: Watch;
  gates: Barriers;
  expandText: (text: string) => string;
  beganAt: number;
};

async function answer(ask: Ask): Promise<void> {
  const { request, log, changes, sink, expandText } = ask;
  const own = ask.which === "other" ? `{other}${request.target}` : request.target;
  const held = find(ask.held, ask.script, own, expandText) ?? find(ask.held, ask.script, request.target, expandText);
  const entry: LogEntry = {
    origin: ask.which,
    connection: ask.connection,
    method: request.method,
    target: request.target,
    fields: request.fields,
    status: 0,
    from: 0,
    bodyBytes: 0,
    startMs: performance.now() - ask.beganAt,
    endMs: -1,
    gone: false,
    done: false,
  };
  log.push(entry);
  sink.onGone(() => {
    entry.gone = true;
    if (entry.endMs < 0) entry.endMs = performance.now() - ask.beganAt;
    changes.tell();
  });
  const { reply, version, fields } = held === null ? missing : nextReply(held, expandText);
  changes.tell();
  const plan =
    reply.kind === "raw" ? rawPlan(reply, version, expandText) : planReply(request, reply, version, fields, expandText);
  await sendReply(reply, plan, sink, ask.gates, (status, from, bytes) => {
    entry.status = status;
    entry.from = from;
    entry.bodyBytes += bytes;
  });
  entry.done = true;
  // An answer that stays silent is under way until somebody leaves.
  if (entry.endMs < 0 && reply.kind !== "silent" && reply.end !== "silent")
    entry.endMs = performance.now() - ask.beganAt;
  changes.tell();
}

const missing: { reply: Reply; version: Version; fields: [string, string][] } = {
  reply: { kind: "serve", status: 404 },
  version: { body: { bytes: 0, slice: () => Buffer.alloc(0) }, type: null, etag: null, lastModified: null },
  fields: [],
};

function find(
  held: Map<string, Held>,
  script: OriginScript,
  key: string,
  expandText: (text: string) => string,
): Held | null {
  return held.get(key) ?? open(held, script, key, expandText);
}

function open(
  held: Map<string, Held>,
  script: OriginScript,
  key: string,
  expandText: (text: string) => string,
): Held | null {
  const resource = Object.hasOwn(script.resources, key) ? script.resources[key] : undefined;
  if (resource === undefined) return null;
  const body = openBody(resource.body, expandText);
  const version: Version = { body, type: resource.type, etag: resource.etag, lastModified: resource.lastModified };
  const made: Held = { resource, served: 0, version, versions: [body] };
  held.set(key, made);
  return made;
}

/** The reply that is due, with the version that it serves. */
function nextReply(held: Held, expandText: (text: string) => string): typeof missing {
  const { replies, fields } = held.resource;
  const reply = replies[Math.min(held.served, replies.length - 1)] ?? { kind: "serve" as const };
  held.served += 1;
  const passing = reply.status !== undefined && reply.status >= 300;
  const body = reply.body === undefined ? held.version.body : openBody(reply.body, expandText);
  const version: Version = {
    body,
    type: held.version.type,
    etag: reply.etag === undefined ? held.version.etag : reply.etag,
    lastModified: reply.lastModified === undefined ? held.version.lastModified : reply.lastModified,
  };
  if (passing) return { reply, version, fields };
  // The last reply repeats; a version that is served again is not another one.
  if (reply.body !== undefined && held.served <= Math.max(1, replies.length)) held.versions.push(body);
  if (reply.kind === "serve") held.version = version;
  return { reply, version, fields };
}

function rawPlan(reply: Reply, version: Version, expandText: (text: string) => string): ReplyPlan {
  const head = expandText(reply.head ?? "");
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0);
  return {
    status,
    head: (reply.interim ?? "") + head,
    body: version.body,
    from: 0,
    chunked: reply.framing === "chunked",
    trailers: reply.trailers ?? [],
    closes: reply.framing === "close",
  };
}

type Listener = { port: number; on: () => Promise<void>; off: () => Promise<void>; stop: () => Promise<void> };

async function listen(
  which: "origin" | "other",
  serve: (which: "origin" | "other", connection: number, request: OriginRequest, sink: Sink) => Promise<void>,
  place: OriginPlace,
): Promise<Listener> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    if (!place.admits(socket.remoteAddress ?? "")) {
      resetSocket(socket);
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    connections += 1;
    readRequests(socket, connections, (connection, request, sink) => serve(which, connection, request, sink));
  });
  const start = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: place.host }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    });
  await start(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the origin has no port");
  const { port } = address;
  const cut = (): void => {
    for (const socket of sockets) resetSocket(socket);
  };
  let held: HeldPort | null = null;
  const letGo = async (): Promise<void> => {
    await held?.release();
    held = null;
  };
  return {
    port,
    on: async () => {
      await letGo();
      await start(port);
    },
    off: async () => {
      if (!server.listening) return;
      held = await closeAndHold(server, port, place.host, cut);
    },
    stop: async () => {
      await letGo();
      await new Promise<void>((resolve) => {
        if (server.listening) server.close(() => resolve());
        else resolve();
        cut();
      });
    },
  };
}

function readRequests(
  socket: net.Socket,
  connection: number,
  serve: (connection: number, request: OriginRequest, sink: Sink) => Promise<void>,
): void {
  let pending = "";
  let chain: Promise<void> = Promise.resolve();
  const gone = new Set<() => void>();
  const sink: Sink = {
    write: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) resolve(false);
        else socket.write(bytes, (error) => resolve(!error));
      }),
    end: () => void socket.end(),
    reset: () => resetSocket(socket),
    onGone: (callback) => void gone.add(callback),
    isGone: () => socket.destroyed,
  };
  socket.on("error", () => undefined);
  const left = (): void => {
    for (const tell of gone) tell();
  };
  socket.on("close", left);
  // A client that has no more to say while an answer is under way has left: nobody half-closes towards an origin.
  socket.on("end", left);
  socket.on("data", (bytes: Buffer) => {
    pending += bytes.toString("latin1");
    for (let end = pending.indexOf("\r\n\r\n"); end >= 0; end = pending.indexOf("\r\n\r\n")) {
      const request = readRequest(pending.slice(0, end));
      pending = pending.slice(end + 4);
      chain = chain.then(() => serve(connection, request, sink));
    }
  });
  // The proxy said that it has no more to ask: what is under way is finished first.
  socket.on("end", () => void chain.then(() => socket.end()));
}

function readRequest(head: string): OriginRequest {
  const [line, ...rest] = head.split("\r\n");
  const [method = "", target = "", version = ""] = (line ?? "").split(" ");
  const fields = rest.map((text): [string, string] => {
    const colon = text.indexOf(":");
    return [text.slice(0, colon), text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
  });
  return { method, target, version, fields };
}
