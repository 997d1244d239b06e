/**
 * The client for origins: HTTP/1.1 over kept-alive connections, bytes as they were on the wire, real back-pressure,
 * and failures told apart. It follows no redirect, decodes no body and limits no concurrency: the core decides those.
 */
import type { Limits } from "../core/base/limits.ts";
import { parseAuthority, parseUri } from "../core/http/uri-reference.ts";
import { upstreamUrlAllowed } from "../core/route/upstream-access.ts";
import { type OriginLookup, type OriginTls, systemLookup } from "./origin-connector.ts";
import type { OriginFailure } from "./origin-failure.ts";
import { OriginPool } from "./origin-pool.ts";
import {
  type OriginCall,
  type OriginEvents,
  type OriginPass,
  OriginRun,
  type OriginTransfer,
} from "./origin-transfer.ts";
import { ReadMemory } from "./read-memory.ts";

export type { OriginFailure } from "./origin-failure.ts";
export type { OriginFraming, OriginHead } from "./origin-head.ts";
export type { OriginEvents, OriginPass, OriginTransfer } from "./origin-transfer.ts";

/** A request: an absolute http(s) URL and fields (flat, latin1), without Host, Connection and framing fields. */
export type OriginRequest = {
  method: "GET" | "HEAD";
  url: string;
  fields: string[];
  limits: Limits;
  /** Silence before the head after which the transfer fails, in milliseconds. */
  headSilenceMs: number;
  /** What a request that passes through has in place of the method; null for any other. */
  passes: OriginPass | null;
};

export type OriginClientOptions = {
  limits: Limits;
  /** Host patterns that may be reached; empty: every host. */
  allow: string[];
  /** Host or address patterns whose addresses need not be public. */
  allowPrivate: string[];
  tls?: OriginTls;
  lookup?: OriginLookup;
  /** What connections read into; without, bytes stay as they are for ever. */
  memory?: ReadMemory;
  log: OriginLog;
};

/** What the client needs of the log. */
export type OriginLog = { debug(fields: object, message: string): void };

/** Size of a block that connections read into: more than a head may have, in bytes. */
export const readBlockBytes = 131_072;

export class OriginClient {
  private options: OriginClientOptions;
  private pool: OriginPool;
  private active: Set<OriginRun> = new Set();
  private closing = false;

  constructor(options: OriginClientOptions) {
    this.options = options;
    this.pool = new OriginPool(options.limits, {
      allowPrivate: options.allowPrivate,
      tls: options.tls ?? {},
      lookup: options.lookup ?? systemLookup,
      memory: options.memory ?? new ReadMemory(readBlockBytes, 0),
    });
  }

  /** Starts a transfer. No event is called before this returns. */
  start(request: OriginRequest, events: OriginEvents): OriginTransfer {
    const call = originCall(request);
    const run = new OriginRun(call ?? emptyCall(request), events, this.pool, (finished) =>
      this.active.delete(finished),
    );
    this.active.add(run);
    const refusal = this.refusal(request, call);
    if (refusal !== null) this.options.log.debug({ url: request.url, ...refusal }, "an origin request is refused");
    // R-ORIGIN-23: later, also because the library may not be entered from inside one of its callbacks.
    queueMicrotask(() => {
      if (refusal === null) run.begin();
      else run.fail(refusal);
    });
    return run;
  }

  /** Fails every transfer with `stopping`, closes every connection, and says when the last is closed. */
  close(done: () => void): void {
    // R-ORIGIN-22
    this.closing = true;
    for (const run of [...this.active]) run.fail({ code: "stopping", detail: "the origin client is closing" });
    this.pool.close(done);
  }

  /** Told whenever a connection has come to rest or is gone. */
  set onFree(told: () => void) {
    this.pool.onFree = told;
  }

  /** Connections to the origin of a URL that rest, and those that are used or being opened; none for no usable URL. */
  connectionsTo(url: string): { idle: number; busy: number } {
    const key = originKey(url);
    return key === null ? { idle: 0, busy: 0 } : this.pool.countsOf(key);
  }

  /** Connections open (or opening), those of them idle, and transfers under way. */
  counts(): { open: number; idle: number; active: number } {
    return { ...this.pool.counts(), active: this.active.size };
  }

  private refusal(request: OriginRequest, call: OriginCall | null): OriginFailure | null {
    if (this.closing) return { code: "stopping", detail: "the origin client is closed" };
    if (call === null) return { code: "bad-url", detail: "the upstream URL is not a usable http or https URL" };
    // R-ORIGIN-6
    if (upstreamUrlAllowed(request.url, this.options.allow)) return null;
    return { code: "forbidden-upstream", detail: `the host of ${call.key} is not in the allow-list` };
  }
}

/** The parts of a request that go on the wire, or null when the URL cannot be asked for. */
function originCall(request: OriginRequest): OriginCall | null {
  const parts = parseUri(request.url);
  const key = originKey(request.url);
  if (key === null || parts.authority === null) return null;
  const target = (parts.path === "" ? "/" : parts.path) + (parts.query === null ? "" : `?${parts.query}`);
  // The library reads the key as a WHATWG URL; what that refuses has no host to connect to.
  if (!URL.canParse(key) || !isVisible(target)) return null;
  // R-ORIGIN-1
  const { method, fields, limits, headSilenceMs, passes } = request;
  return { method, key, host: parts.authority, target, fields, limits, headSilenceMs, passes };
}

/** What connections are kept under; null for what is no http or https URL of a host alone. */
function originKey(url: string): string | null {
  const parts = parseUri(url);
  const scheme = parts.scheme?.toLowerCase() ?? "";
  if ((scheme !== "http" && scheme !== "https") || parts.authority === null) return null;
  const authority = parseAuthority(parts.authority, scheme);
  if (authority === null || authority.userinfo !== null) return null;
  return `${scheme}://${authority.host.toLowerCase()}:${authority.port}`;
}

function emptyCall(request: OriginRequest): OriginCall {
  const { method, limits, headSilenceMs } = request;
  return { method, key: "", host: "", target: "/", fields: [], limits, headSilenceMs, passes: null };
}

/** Whether every character is a byte that may stand in a request target: no control, no space, nothing above 0xff. */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (char <= 0x20 || char === 0x7f || char > 0xff) return false;
  }
  return true;
}
