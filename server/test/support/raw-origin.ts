/**
 * A scripted origin on a raw TCP (or TLS) socket: tests decide every byte and when it is sent.
 *
 * `rawOrigin(t, handler)` listens on 127.0.0.1, port 0. It parses request heads only (requests with bodies are not
 * expected) and calls the handler once per request, one at a time per connection. The handler writes whatever it
 * likes, also nonsense. Everything is logged: requests in order of arrival, connections, bytes the kernel accepted.
 */
import net from "node:net";
import { performance } from "node:perf_hooks";
import tls from "node:tls";
import { resetSocket } from "./socket-reset.ts";

/** One request head as it was on the wire (latin1: one character is one byte). */
export type RawRequest = {
  method: string;
  target: string;
  /** Field names and values, flat, in order, as on the wire. */
  fields: string[];
  /** The exact head, up to and including the empty line. */
  head: string;
  /** Index of its connection in `origin.connections`. */
  connection: number;
  /** 0 for the first request of its connection. */
  turn: number;
  /** performance.now() when the head was complete, in milliseconds. */
  at: number;
};

/** The origin's end of one connection. */
export type RawConnection = {
  index: number;
  socket: net.Socket;
  /** Bytes that the kernel has taken so far (not those still queued in this process). */
  bytesAccepted: number;
  /** performance.now() of the first and of the latest write since the current request, or -1. */
  firstWriteAt: number;
  lastWriteAt: number;
  closed: boolean;
  /** Resolves when the connection is fully closed, whoever closed it. */
  whenClosed: Promise<void>;
  /** Queues bytes (strings are latin1); resolves true once the kernel took them, false when the connection broke. */
  write(bytes: string | Uint8Array): Promise<boolean>;
  /** Writes `total` pattern bytes from `offset` on, piece by piece, waiting for the kernel; resolves bytes accepted. */
  writePattern(offset: number, total: number): Promise<number>;
  /** Sends FIN after what is queued. */
  end(): void;
  /** Sends RST. */
  reset(): void;
};

export type RawHandler = (request: RawRequest, connection: RawConnection) => unknown;

export type RawOriginOptions = {
  /** Runs at each new connection, before anything is read: for origins that speak or hang up first. */
  onConnection?: (connection: RawConnection) => unknown;
  /** Key and certificate (PEM): the origin then speaks TLS. */
  tls?: { key: string; cert: string };
  /** Port to listen on, 0 (any) when absent: for an origin that comes back. */
  port?: number;
};

export type RawOrigin = {
  port: number;
  /** `http://127.0.0.1:PORT` (or https), without a trailing slash. */
  url: string;
  requests: RawRequest[];
  connections: RawConnection[];
  /** Connections now open. */
  openCount(): number;
  /** Bytes accepted by the kernel over all connections. */
  bytesAccepted(): number;
  /** Resolves when the condition holds; looked at after every event of the origin and every 5 ms. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Stops listening and resets all connections. Called at teardown too. */
  stop(): Promise<void>;
};

/** What this file needs of a tap test. */
export type RawTest = { teardown(fn: () => unknown): unknown; fail(message: string): unknown };

/** A gate: `wait()` resolves once `open()` was called, before or after. */
export type Barrier = { wait(): Promise<void>; open(): void; isOpen(): boolean };

export function barrier(): Barrier {
  let opened = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    wait: () => promise,
    open: () => {
      opened = true;
      resolve();
    },
    isOpen: () => opened,
  };
}

/** Resolves when the condition holds; fails after `withinMs` with the name of what was waited for. */
export async function until(condition: () => boolean, what: string, withinMs: number = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Byte number `index` of the endless test body: not periodic in any power of two, so that a shifted body shows. */
export function patternByte(index: number): number {
  return (index * 31 + Math.floor(index / 251) * 17 + Math.floor(index / 65_521) * 7) & 0xff;
}

/** `length` bytes of the test body from `offset` on. */
export function patternBytes(offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i += 1) bytes[i] = patternByte(offset + i);
  return bytes;
}

/** The first value of a field, name compared without case, or null. */
export function rawField(fields: string[], name: string): string | null {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === name.toLowerCase()) return fields[i + 1] ?? "";
  }
  return null;
}

const pieceBytes = 65_536;

/** Starts the origin; it is stopped at the test's teardown. */
export async function rawOrigin(t: RawTest, handler: RawHandler, options: RawOriginOptions = {}): Promise<RawOrigin> {
  const requests: RawRequest[] = [];
  const connections: RawConnection[] = [];
  const accept = (socket: net.Socket): void => {
    const connection = rawConnection(socket, connections.length);
    connections.push(connection);
    readHeads(connection, requests, handler, t);
    if (options.onConnection) guarded(t, () => options.onConnection?.(connection));
  };
  const server =
    options.tls === undefined
      ? net.createServer({ noDelay: true, allowHalfOpen: true }, accept)
      : tls.createServer({ ...options.tls, noDelay: true, allowHalfOpen: true }, accept);
  // A handshake that fails is the client's business in these tests.
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port ?? 0, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the origin has no port");
  const stop = async (): Promise<void> => {
    // The callback of close() is not waited for: after a failed TLS handshake it never comes.
    if (server.listening) server.close();
    for (const connection of connections) if (!connection.closed) connection.reset();
    await Promise.all(connections.map((connection) => connection.whenClosed));
  };
  t.teardown(stop);
  return {
    port: address.port,
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`,
    requests,
    connections,
    openCount: () => connections.filter((connection) => !connection.closed).length,
    bytesAccepted: () => connections.reduce((sum, connection) => sum + connection.bytesAccepted, 0),
    until,
    stop,
  };
}

function rawConnection(socket: net.Socket, index: number): RawConnection {
  const gone = Promise.withResolvers<void>();
  const connection: RawConnection = {
    index,
    socket,
    bytesAccepted: 0,
    firstWriteAt: -1,
    lastWriteAt: -1,
    closed: false,
    whenClosed: gone.promise,
    write(bytes) {
      const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
      if (socket.destroyed || socket.writableEnded) return Promise.resolve(false);
      connection.lastWriteAt = performance.now();
      if (connection.firstWriteAt < 0) connection.firstWriteAt = connection.lastWriteAt;
      return new Promise((resolve) => {
        socket.write(buffer, (error) => {
          if (!error) connection.bytesAccepted += buffer.length;
          resolve(!error);
        });
      });
    },
    async writePattern(offset, total) {
      let sent = 0;
      while (sent < total) {
        const size = Math.min(pieceBytes, total - sent);
        if (!(await connection.write(patternBytes(offset + sent, size)))) break;
        sent += size;
      }
      return sent;
    },
    end: () => void socket.end(),
    reset: () => resetSocket(socket),
  };
  socket.on("error", () => undefined);
  socket.on("close", () => {
    connection.closed = true;
    gone.resolve();
  });
  return connection;
}

function readHeads(connection: RawConnection, requests: RawRequest[], handler: RawHandler, t: RawTest): void {
  let pending = "";
  let turn = 0;
  let chain: Promise<unknown> = Promise.resolve();
  connection.socket.on("data", (bytes: Buffer) => {
    pending += bytes.toString("latin1");
    for (let end = pending.indexOf("\r\n\r\n"); end >= 0; end = pending.indexOf("\r\n\r\n")) {
      const request = parseHead(pending.slice(0, end + 4), connection.index, turn);
      pending = pending.slice(end + 4);
      turn += 1;
      requests.push(request);
      // One answer after the other: a pipelined request waits for the handler of the one before it.
      chain = chain.then(() => {
        connection.firstWriteAt = -1;
        return guarded(t, () => handler(request, connection));
      });
    }
  });
  // The other side sent FIN: once the handlers are done nothing more will come.
  connection.socket.on("end", () => void chain.then(() => connection.socket.end()));
}

function parseHead(head: string, connection: number, turn: number): RawRequest {
  const lines = head.slice(0, -4).split("\r\n");
  const parts = (lines[0] ?? "").split(" ");
  const fields: string[] = [];
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    fields.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { method: parts[0] ?? "", target: parts[1] ?? "", fields, head, connection, turn, at: performance.now() };
}

async function guarded(t: RawTest, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    t.fail(`the scripted origin failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
