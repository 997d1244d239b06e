/**
 * reelcache as a library: start a proxy, convert URLs, play through it.
 *
 * @example
 * const server = await startServer({ cacheDir: "/tmp/reel", port: 0 });
 * player.load(server.convertUrl("https://cdn.example.com/show/index.m3u8"));
 * await server.stop();
 */
import { EventEmitter } from "node:events";
import { spanBytes } from "./core/cache/span-set.ts";
import type { Body } from "./core/download/flight.ts";
import type { LaneCounts } from "./core/download/lane-queue.ts";
import { laneCounts } from "./core/download/lane-queue.ts";
import { priorityMax } from "./core/exchange/control-command.ts";
import type { Presentation, TextShelf } from "./core/exchange/presentation.ts";
import { entriesPage, pinPresentation, presentationStatus, removePresentation } from "./core/exchange/presentation.ts";
import type { Validation } from "./core/exchange/proxy-state.ts";
import { proxiedUrl, proxyPrefix } from "./core/route/proxied-url.ts";
import type { App, AppListeners, ExchangeReport } from "./edge/app.ts";
import { StartError, startApp } from "./edge/app.ts";
import type { LocalPage } from "./edge/local-pages.ts";
import { withTexts } from "./edge/text-shelf.ts";
import type { PreloadHandle, PreloadOptions, PreloadProgress, StoredEntry, WindowOptions } from "./library-types.ts";
import { amountOf, natural, nothingStored, variantOf } from "./library-types.ts";
import type { Options, PartialOptions } from "./options.ts";
import { resolveOptions } from "./options.ts";
import { resourceUrl, upstreamBytes } from "./upstream-bytes.ts";

export type { Limits } from "./core/base/limits.ts";
export { defaultLimits } from "./core/base/limits.ts";
export type { Validation } from "./core/exchange/proxy-state.ts";
export type { ExchangeReport } from "./edge/app.ts";
export { StartError } from "./edge/app.ts";
export type {
  Amount,
  Missing,
  PlayableWay,
  PreloadHandle,
  PreloadOptions,
  PreloadProgress,
  Presentation,
  StoredEntry,
  WindowOptions,
} from "./library-types.ts";
export type { Options, PartialOptions } from "./options.ts";
export { defaultOptions, optionTable } from "./options.ts";

/** Figures of a running server. Bytes and counts are since its start, unless they are sizes. */
export type Stats = {
  /** Resources that are stored, whole or in part. */
  entries: number;
  /** Bytes stored. */
  bytes: number;
  /** Origin fetches under way. */
  flights: number;
  /** Requests under way. */
  exchanges: number;
  /** Bytes received from origins. */
  bytesFromOrigin: number;
  /** Bytes served from files. */
  bytesFromDisk: number;
  /** Requests answered from the cache alone. */
  hits: number;
  /** Requests that were answered otherwise, refused ones among them. */
  misses: number;
  evictions: number;
  lanes: LaneCounts;
  connections: { open: number; idle: number; active: number };
  index: "ok" | "degraded";
};

/** Why a URL was not converted. */
export type Fallback = "not-running" | "not-http";

/** Events and what they carry. */
export type ServerEvents = {
  /** A request is over. */
  exchange: [ExchangeReport];
  /** A resource left the cache to make room; its URL. */
  evicted: [string];
  /** An origin's circuit breaker opened; the origin. */
  breaker: [string];
  stopped: [];
};

/** What a caller decides while the server runs. */
export type Hooks = {
  /**
   * Names the resource that a URL is of, by a URL without what changes from visit to visit: two URLs with one name
   * share what is stored. Null leaves the URL as it is. The options' rules for query parameters apply to what comes
   * back. Called for every request: it must be quick, and give the same name for a URL always.
   */
  cacheKeyUrl?: (url: string) => string | null;
  /**
   * Gives a URL that the origin takes in place of one that it refused with 401 or 403, as when a signature has run out;
   * null passes the refusal on. What comes from it is of the same resource, and what is stored of that goes on.
   */
  resign?: (url: string, status: number) => Promise<string | null> | string | null;
};

/** A running server. */
export type Server = {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** False from the moment that `stop` is called. */
  readonly running: boolean;
  /**
   * The proxied URL of an upstream URL, or the URL itself when the server is not running or it is not http or https:
   * what comes back can always be played. Synchronous, never throws. `why` hears the reason of a fallback.
   */
  convertUrl(url: string, why?: (reason: Fallback) => void): string;
  /** Empties the cache and its index. Responses under way complete; the next request of each is a miss. */
  clearCache(): Promise<void>;
  /**
   * Fetches what a player will ask for, in the background, for slots that players leave: of a multivariant playlist one
   * variant with its audio, of a media playlist the first seconds or segments with their keys and sections, or a file.
   */
  preload(url: string, options?: PreloadOptions): PreloadHandle;
  /**
   * Preloads what is near the item of a feed that is watched, the nearest first. To be called whenever the feed moves:
   * what stays near goes on, what is left behind is cancelled. An empty list ends it.
   */
  setWindow(urls: string[], index: number, options?: WindowOptions): PreloadProgress[];
  /** What is stored of a URL and of all that its playlists name: does it play without a network, and which seconds? */
  status(url: string): Promise<Presentation>;
  /** Keeps what is stored of a presentation from eviction; resolves with the number of resources that it changed. */
  pin(url: string): Promise<number>;
  unpin(url: string): Promise<number>;
  /** Drops what is stored of a presentation, pinned or not; resolves with the number of resources. */
  remove(url: string): Promise<number>;
  /** Stored resources by id, at most `limit` (100) with ids above `after` (0). */
  entries(page?: { after?: number; limit?: number }): StoredEntry[];
  /**
   * Asks the origin of a URL whether what is stored of it is current, fresh or not. "updated": another version takes
   * its place; "gone": the origin says 404 or 410, and what is stored stays; "offline": the origin is out of reach;
   * "absent": nothing is stored, and nobody was asked. `fields` are those of the requests that it is stored for.
   */
  validate(url: string, fields?: Record<string, string>): Promise<Validation>;
  /**
   * Tells that the network changed: origins given up are tried again at once. With `false` it is gone: until told
   * otherwise no origin is asked, and what is stored is served as it is when one is out of reach.
   */
  networkChanged(isOnline?: boolean): void;
  stats(): Stats;
  /** Lets go of all memory that is held only to be quick: stored bytes and buffers. The cache stays as it is. */
  trimMemory(): void;
  /** Adds pages of the caller's own below the proxy's address. */
  servePages(find: (path: string) => LocalPage | null): void;
  on<Name extends keyof ServerEvents>(name: Name, listener: (...args: ServerEvents[Name]) => void): void;
  off<Name extends keyof ServerEvents>(name: Name, listener: (...args: ServerEvents[Name]) => void): void;
  /** Ends transfers, writes the index, closes the port. Calling it again waits for the same end. */
  stop(): Promise<void>;
};

/**
 * Starts a server and waits until it listens. Rejects with a `StartError` (options, cache directory; its message says
 * what to do) or the socket's error, such as EADDRINUSE: a taken port is never exchanged for another.
 */
export async function startServer(input: PartialOptions = {}, hooks: Hooks = {}): Promise<Server> {
  const resolved = resolveOptions(input);
  if (!resolved.ok) throw new StartError(resolved.message);
  const events = new EventEmitter<ServerEvents>();
  const tally = { hits: 0, misses: 0, evictions: 0 };
  const listeners: AppListeners = {
    onExchange: (report) => {
      if (report.cacheStatus.startsWith("reelcache; hit")) tally.hits += 1;
      else tally.misses += 1;
      events.emit("exchange", report);
    },
    onEvent: (name, detail) => {
      if (name === "evicted") tally.evictions += 1;
      events.emit(name, detail);
    },
  };
  const app = await startApp(resolved.options, listeners, {
    keyUrl: (url) => keyUrl(hooks, url),
    resign: hooks.resign === undefined ? null : (url, status, done) => void resign(hooks, url, status).then(done),
  });
  const server = makeServer(app, resolved.options, events, tally);
  latest = server;
  return server;
}

/** Stops the server that was started last; nothing to do when there is none. */
export async function stopServer(): Promise<void> {
  await latest?.stop();
}

/** `convertUrl` of the server that was started last; without one the URL itself. Synchronous, never throws. */
export function convertUrl(url: string, why?: (reason: Fallback) => void): string {
  if (latest !== null) return latest.convertUrl(url, why);
  why?.("not-running");
  return url;
}

/** `clearCache` of the server that was started last; nothing to do when there is none. */
export async function clearCache(): Promise<void> {
  await latest?.clearCache();
}

/** An app has one proxy: the module's functions speak of the one that was started last. */
let latest: Server | null = null;

function makeServer(
  app: App,
  options: Options,
  events: EventEmitter<ServerEvents>,
  tally: { hits: number; misses: number; evictions: number },
): Server {
  let stopped: Promise<void> | null = null;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const url = `http://${host}:${app.port}`;
  const prefix = proxyPrefix("http", `${host}:${app.port}`, app.state.options.secret);
  return {
    url,
    port: app.port,
    get running() {
      return stopped === null;
    },
    convertUrl: (upstream, why) => convert(upstream, prefix, options, stopped === null, why),
    clearCache: async () => app.clear(),
    ...storage(app, () => stopped === null),
    validate: (upstream, fields = {}) =>
      new Promise((resolve) => {
        if (stopped !== null) resolve("failed");
        else app.validate(upstreamBytes(upstream), Object.entries(fields).flat(), resolve);
      }),
    networkChanged: (isOnline) => app.networkChanged(isOnline ?? true),
    trimMemory: app.trimMemory,
    stats: () => ({ ...figures(app), ...tally }),
    servePages: (find) => {
      app.pages.find = find;
    },
    on: (name, listener) => {
      events.on(name, listener as never);
    },
    off: (name, listener) => {
      events.off(name, listener as never);
    },
    stop: () => {
      stopped ??= app.stop().then(() => {
        events.emit("stopped");
      });
      return stopped;
    },
  };
}

/** Preloading, and what is stored. */
function storage(
  app: App,
  running: () => boolean,
): Pick<Server, "preload" | "setWindow" | "status" | "pin" | "unpin" | "remove" | "entries"> {
  const { engine, state } = app;
  const ask = <T>(question: (shelf: TextShelf) => T, otherwise: T): Promise<T> =>
    new Promise((resolve) => {
      if (!running()) resolve(otherwise);
      else
        withTexts(
          engine,
          (shelf) => wholeAnswer(shelf, question),
          (answer) => resolve(answer ?? otherwise),
        );
    });
  const repin = (url: string, pinned: boolean): Promise<number> =>
    ask((shelf) => pinPresentation(state, resourceUrl(url), pinned, shelf), 0);
  return {
    preload: (url, options = {}) => beginPreload(app, running, resourceUrl(url), options),
    setWindow: (urls, index, options = {}) => {
      const { ahead = 1, behind = 0, ...amount } = options;
      const shape = { ahead: natural(ahead), behind: natural(behind), amount: amountOf(amount) };
      return running() ? engine.preloads.setWindow(urls.map(resourceUrl), natural(index), shape) : [];
    },
    status: (url) => ask((shelf) => presentationStatus(state, resourceUrl(url), shelf), nothingStored(url)),
    pin: (url) => repin(url, true),
    unpin: (url) => repin(url, false),
    remove: (url) => ask((shelf) => removePresentation(state, resourceUrl(url), shelf), 0),
    entries: ({ after = 0, limit = 100 } = {}) => entriesPage(state, after, limit).map(storedEntry),
  };
}

/** The answer, or null while texts are needed for it: nothing was done then. */
function wholeAnswer<T>(shelf: TextShelf, question: (shelf: TextShelf) => T): T | null {
  shelf.needed = [];
  const answer = question(shelf);
  return shelf.needed.length > 0 ? null : answer;
}

function beginPreload(app: App, running: () => boolean, url: string, options: PreloadOptions): PreloadHandle {
  const { variant, subtitles = false, priority = 0, onProgress, ...given } = options;
  const order = {
    url,
    amount: amountOf(given),
    variant: variantOf(variant),
    subtitles,
    // R-PRE-2
    priority: Math.min(natural(priority), priorityMax),
  };
  const desk = app.engine.preloads;
  let finish: (progress: PreloadProgress) => void = () => undefined;
  const done = new Promise<PreloadProgress>((resolve) => {
    finish = resolve;
  });
  let progress: PreloadProgress | null = null;
  const hear = (now: PreloadProgress): void => {
    progress = now;
    onProgress?.(now);
    if (now.state !== "active") finish(now);
  };
  const begun = running() ? desk.start(order, hear) : null;
  if (begun === null) hear(refusedPreload(url, running() ? "too-busy" : "stopping"));
  const first: PreloadProgress = progress ?? begun ?? refusedPreload(url, "too-busy");
  return {
    id: first.id,
    get progress() {
      return progress ?? first;
    },
    done,
    cancel: () => desk.cancel(first.id),
  };
}

function refusedPreload(url: string, cause: string): PreloadProgress {
  return {
    id: 0,
    url,
    state: "failed",
    cause,
    bytes: 0,
    segments: 0,
    seconds: 0,
    segmentsAll: 0,
    secondsAll: 0,
  };
}

function storedEntry(body: Body): StoredEntry {
  const { id, url, kind, total, spans, pinned, accessMs } = body.entry;
  return { id, url, kind, bytes: spanBytes(spans), total, spans: spans.slice(), pinned, accessMs };
}

function convert(
  upstream: string,
  prefix: string,
  options: Options,
  running: boolean,
  why: ((reason: Fallback) => void) | undefined,
): string {
  if (!running) {
    why?.("not-running");
    return upstream;
  }
  const bytes = upstreamBytes(upstream);
  // A fragment is the player's own and never travels.
  const hash = bytes.indexOf("#");
  const bare = hash === -1 ? bytes : bytes.slice(0, hash);
  const converted = proxiedUrl(prefix, options.form, bare);
  if (converted !== bare) return converted + bytes.slice(bare.length);
  why?.("not-http");
  return upstream;
}

/** The URL by which the caller names a URL's resource, the URL itself when it does not. */
function keyUrl(hooks: Hooks, url: string): string {
  try {
    const named = hooks.cacheKeyUrl?.(Buffer.from(url, "latin1").toString("utf8")) ?? null;
    return named === null ? url : upstreamBytes(named);
  } catch {
    // What the caller's code throws is no reason not to play.
    return url;
  }
}

/** The URL that the caller signed anew; null when it has none, or fails. */
async function resign(hooks: Hooks, url: string, status: number): Promise<string | null> {
  try {
    const signed = await hooks.resign?.(Buffer.from(url, "latin1").toString("utf8"), status);
    return typeof signed === "string" ? resourceUrl(signed) : null;
  } catch {
    return null;
  }
}

function figures(app: App): Omit<Stats, "hits" | "misses" | "evictions"> {
  const { state, engine, index } = app;
  return {
    entries: state.table.bodies.length,
    bytes: state.table.bytes,
    flights: state.flights.size,
    exchanges: state.exchanges.size,
    bytesFromOrigin: engine.bytesFromOrigin,
    bytesFromDisk: engine.bytesFromDisk,
    lanes: laneCounts(state.lanes),
    connections: engine.origin.counts(),
    index: index.health(),
  };
}
