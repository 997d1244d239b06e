/**
 * The connections to origins: one client of the library per connection, idle ones kept for the next request.
 *
 * The pool is ours rather than the library's because a transfer must know its own connection: whether it was reused
 * (only then a silent loss is retried), and which socket to close when the transfer is given up while connecting.
 */
import { createRequire } from "node:module";
import type net from "node:net";
import type { Client as LibraryClient } from "undici";
import type { Limits } from "../core/base/limits.ts";
import { type ConnectorOptions, type OriginLink, originConnector } from "./origin-connector.ts";

/** The library's client by itself: with all that stands beside it (fetch, mocks, caches) it takes 4 MB more. */
const Client: typeof LibraryClient = createRequire(import.meta.url)("undici/lib/dispatcher/client.js");

/** One connection: free, or used by exactly one transfer. */
export type OriginConnection = { key: string; client: LibraryClient; link: OriginLink; discarded: boolean };

export class OriginPool {
  private limits: Limits;
  private options: ConnectorOptions;
  private connections: Set<OriginConnection> = new Set();
  /** Newest last; the key is `scheme://host:port`. */
  private idle: OriginConnection[] = [];
  private onEmpty: (() => void) | null = null;
  /** Told when a connection has come to rest or is gone. */
  onFree: (() => void) | null = null;

  constructor(limits: Limits, options: ConnectorOptions) {
    this.limits = limits;
    this.options = options;
  }

  /** The newest idle connection of that origin, or a new one. */
  take(key: string, connectMs: number): OriginConnection {
    for (let i = this.idle.length - 1; i >= 0; i -= 1) {
      const connection = this.idle[i];
      if (connection?.key !== key) continue;
      this.idle.splice(i, 1);
      if (isUsable(connection)) return connection;
      this.discard(connection);
    }
    return this.open(key, connectMs);
  }

  /** A new connection; it connects with the first request dispatched on it. Throws when the key is no URL. */
  open(key: string, connectMs: number): OriginConnection {
    const link: OriginLink = { socket: null, phase: "resolving", turns: 0, error: null, connectMs };
    const client = new Client(key, {
      connect: originConnector(this.options, link, (socket) => this.closed(connection, socket)),
      // R-ORIGIN-2
      allowH2: false,
      pipelining: 1,
      // The timers of a transfer are our own: the library's are coarse and go on while a transfer is paused.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: this.limits.originHeadBytesMax,
      keepAliveTimeout: this.limits.keepAliveMs,
      keepAliveMaxTimeout: this.limits.keepAliveMs,
    });
    const connection: OriginConnection = { key, client, link, discarded: false };
    this.connections.add(connection);
    return connection;
  }

  /** Gives back a connection whose response is complete; it is kept when the origin keeps it open. */
  release(connection: OriginConnection): void {
    if (!isUsable(connection)) {
      this.discard(connection);
      return;
    }
    this.idle.push(connection);
    // R-ORIGIN-3
    const oldest = this.idle.length > this.idleMax() ? this.idle.shift() : undefined;
    if (oldest) this.discard(oldest);
    this.onFree?.();
  }

  /** Closes a connection at once, in whatever state it is. */
  discard(connection: OriginConnection): void {
    if (connection.discarded) return;
    connection.discarded = true;
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    const socket = connection.link.socket;
    socket?.destroy();
    if (socket === null || socket.closed) this.forget(connection);
    // Later: this may run inside one of the client's own callbacks, which it does not survive.
    queueMicrotask(() => connection.client.destroy(null, () => undefined));
  }

  /** Closes everything; `done` is called once the last socket is closed. */
  close(done: () => void): void {
    for (const connection of [...this.connections]) this.discard(connection);
    if (this.connections.size === 0) queueMicrotask(done);
    else this.onEmpty = done;
  }

  /** Connections open or being opened, and those of them without a transfer. */
  counts(): { open: number; idle: number } {
    return { open: this.connections.size, idle: this.idle.length };
  }

  /** Connections to that origin that rest, and those that are used or being opened. */
  countsOf(key: string): { idle: number; busy: number } {
    const idle = this.idle.filter((connection) => connection.key === key).length;
    let all = 0;
    for (const connection of this.connections) if (connection.key === key) all += 1;
    return { idle, busy: all - idle };
  }

  private idleMax(): number {
    return this.limits.slotsMax + this.limits.expressMax;
  }

  private closed(connection: OriginConnection, socket: net.Socket): void {
    // The library may have connected anew in the meantime, for a request that it had not written yet.
    if (connection.link.socket !== socket) return;
    if (this.idle.includes(connection)) this.discard(connection);
    if (connection.discarded) this.forget(connection);
  }

  private forget(connection: OriginConnection): void {
    this.connections.delete(connection);
    this.onFree?.();
    if (this.connections.size > 0 || this.onEmpty === null) return;
    queueMicrotask(this.onEmpty);
    this.onEmpty = null;
  }
}

/** Whether a request may be written to the connection, as far as this process has heard. */
export function isUsable(connection: OriginConnection): boolean {
  const socket = connection.link.socket;
  return !connection.discarded && socket !== null && !socket.destroyed && socket.writable && socket.readable;
}
