/**
 * Opens connections to origins, and refuses addresses that a proxy must not be talked into reaching.
 *
 * The rule is applied to the address connected to, not to the name: to literals before connecting, to every resolved
 * address, and once more to the peer's address of the open socket (a resolver may change its mind in between).
 */
import dns from "node:dns";
import net from "node:net";
import tls from "node:tls";
import type { buildConnector } from "undici";
import { upstreamAddressAllowed } from "../core/route/upstream-access.ts";
import { OriginError } from "./origin-failure.ts";
import type { ReadMemory } from "./read-memory.ts";

/** How far a connection is; a failure is named after the phase it happened in. */
export type ConnectPhase = "resolving" | "connecting" | "securing" | "open";

/** What the pool knows of one connection, kept current by the connector. */
export type OriginLink = {
  socket: net.Socket | null;
  phase: ConnectPhase;
  /** Requests written to the present socket: more than one means it was reused. */
  turns: number;
  /** The socket's own error, once it had one: tells a reset from an orderly end. */
  error: Error | null;
  /** Time to be open in, in milliseconds; counts resolution, connection and TLS handshake. */
  connectMs: number;
};

export type OriginTls = { ca?: string | Buffer; rejectUnauthorized?: boolean };

/** A resolver in the manner of dns.lookup with `all`; a parameter so that tests decide what names mean. */
export type OriginLookup = (
  name: string,
  options: dns.LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void;

export type ConnectorOptions = { allowPrivate: string[]; tls: OriginTls; lookup: OriginLookup; memory: ReadMemory };

/** Time after which the kernel probes a silent peer, in milliseconds. */
const tcpKeepAliveMs = 60_000;

/** A read has at least so much room, in bytes. */
const readRoomBytesMin = 32_768;

/** The system's resolver. */
export const systemLookup: OriginLookup = (name, options, done) => dns.lookup(name, options, done);

/** A connector for one connection; `onClose` tells of the socket's end, once for each socket. */
export function originConnector(
  options: ConnectorOptions,
  link: OriginLink,
  onClose: (socket: net.Socket) => void,
): buildConnector.connector {
  return (target, callback) => {
    const secure = target.protocol === "https:";
    const host = target.hostname;
    const port = target.port === "" || target.port === undefined ? (secure ? 443 : 80) : Number(target.port);
    const allowed = (address: string): boolean => upstreamAddressAllowed(address, host, port, options.allowPrivate);
    link.socket = null;
    link.turns = 0;
    link.error = null;
    link.phase = net.isIP(host) === 0 ? "resolving" : "connecting";
    // R-ORIGIN-6
    if (net.isIP(host) !== 0 && !allowed(host)) {
      queueMicrotask(() => callback(forbidden(host), null));
      return;
    }
    const lookup = filteredLookup(options.lookup, allowed, link);
    const tcp = { host, port, lookup, noDelay: true, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs };
    const socket = secure
      ? tls.connect({ ...tcp, ...tlsOptions(options.tls, host) })
      : readingConnection(tcp, options.memory);
    link.socket = socket;
    watch(socket, secure, link, allowed, (error) => (error ? callback(error, null) : callback(null, socket)));
    socket.once("close", () => onClose(socket));
  };
}

/**
 * A connection whose bytes are read into blocks of `memory`, one read behind the other. The library's own reading
 * allocates 64 KiB each time and gives most of it back, which costs more than the reading.
 */
function readingConnection(tcp: net.NetConnectOpts, memory: ReadMemory): net.Socket {
  /** Blocks that hold bytes of this connection, and how many bytes had come when each was full; the last is filled. */
  const blocks: Buffer[] = [];
  const ends: number[] = [];
  let used = 0;
  let received = 0;
  const room = (): Buffer => {
    const last = blocks[blocks.length - 1];
    if (last !== undefined && last.length - used >= readRoomBytesMin) return last.subarray(used);
    if (last !== undefined) ends.push(received);
    const taken = received - (socket === null ? 0 : socket.readableLength);
    // One block more stays: a head that is not complete yet may begin in it, and is no longer than a block.
    while (ends.length > 1 && (ends[0] ?? 0) <= taken) {
      ends.shift();
      const done = blocks.shift();
      if (done !== undefined) memory.release(done);
    }
    const block = memory.take();
    blocks.push(block);
    used = 0;
    return block;
  };
  const read = (bytes: number): boolean => {
    const piece = blocks[blocks.length - 1]?.subarray(used, used + bytes);
    used += bytes;
    received += bytes;
    return socket === null || socket.push(piece);
  };
  let socket: net.Socket | null = null;
  socket = net.connect({ ...tcp, onread: { buffer: room, callback: read } });
  // Whoever hears of the end after this may still look at the last bytes.
  socket.once("close", () => setImmediate(releaseAll, memory, blocks));
  return socket;
}

function releaseAll(memory: ReadMemory, blocks: Buffer[]): void {
  for (const block of blocks.splice(0)) memory.release(block);
}

function watch(
  socket: net.Socket,
  secure: boolean,
  link: OriginLink,
  allowed: (address: string) => boolean,
  done: (error: Error | null) => void,
): void {
  let settled = false;
  const settle = (error: Error | null): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (error) socket.destroy();
    else link.phase = "open";
    done(error);
  };
  // R-ORIGIN-10
  const timer = setTimeout(
    () => settle(new OriginError("upstream-timeout", `no connection after ${link.connectMs} ms (${link.phase})`)),
    link.connectMs,
  );
  socket.on("connect", () => {
    const address = socket.remoteAddress ?? "";
    // R-ORIGIN-6
    if (!allowed(address)) settle(forbidden(address));
    else if (secure) link.phase = "securing";
    else settle(null);
  });
  socket.on("secureConnect", () => settle(null));
  socket.on("error", (error) => {
    link.error = error;
    settle(connectFailure(error, link.phase));
  });
  // A socket destroyed before it was open (an abort) has no error; the timer must not outlive it.
  socket.on("close", () => settle(new OriginError("upstream-refused", "the connection ended before it was open")));
}

function connectFailure(error: NodeJS.ErrnoException, phase: ConnectPhase): OriginError {
  if (error instanceof OriginError) return error;
  const detail = `${error.code ?? "error"}: ${error.message} (${phase})`;
  // R-ORIGIN-7
  if (phase === "resolving" && error.syscall === "getaddrinfo") return new OriginError("upstream-dns", detail);
  // R-ORIGIN-9
  if (phase === "securing") return new OriginError("upstream-tls", detail);
  // R-ORIGIN-10
  if (error.code === "ETIMEDOUT") return new OriginError("upstream-timeout", detail);
  // R-ORIGIN-8
  return new OriginError("upstream-refused", detail);
}

function filteredLookup(
  lookup: OriginLookup,
  allowed: (address: string) => boolean,
  link: OriginLink,
): net.LookupFunction {
  return (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      // R-ORIGIN-7
      if (error) return done(new OriginError("upstream-dns", `${error.code ?? "error"}: ${error.message}`), []);
      const usable = addresses.filter((entry) => allowed(entry.address));
      const first = usable[0];
      // R-ORIGIN-6
      if (first === undefined) return done(forbidden(addresses[0]?.address ?? name), []);
      link.phase = "connecting";
      return options.all ? done(null, usable) : done(null, first.address, first.family);
    });
  };
}

function tlsOptions(options: OriginTls, host: string): tls.ConnectionOptions {
  // The name for SNI is the URL's host; an address has none (RFC 6066 section 3).
  const servername = net.isIP(host) === 0 ? host : "";
  return { ...options, servername, ALPNProtocols: ["http/1.1"] };
}

function forbidden(address: string): OriginError {
  return new OriginError("forbidden-upstream", `the address ${address} is not public`);
}
