/** The state of the whole proxy as the core sees it, and the actions that the edge carries out, in order. */
import type { Limits } from "../base/limits.ts";
import type { KeyRules } from "../cache/cache-key.ts";
import { cacheKey } from "../cache/cache-key.ts";
import type { ReusePolicy } from "../cache/freshness.ts";
import type { BreakerTable } from "../download/breaker.ts";
import { breakerTable } from "../download/breaker.ts";
import type { Body, Cursor, Flight } from "../download/flight.ts";
import type { LaneQueue } from "../download/lane-queue.ts";
import { laneQueue } from "../download/lane-queue.ts";
import type { ResourceTable } from "../download/resource-table.ts";
import { newResourceTable } from "../download/resource-table.ts";
import type { RangeSpec } from "../http/byte-range.ts";
import type { FieldList } from "../http/field-list.ts";
import { isHttpUrl } from "../http/uri-reference.ts";
import type { CacheNote } from "../response/cache-status.ts";
import type { ResponseHead } from "../response/response-head.ts";
import type { OwnParameters } from "../route/own-parameters.ts";
import type { UrlForm } from "../route/request-target.ts";
import type { LaterQueue } from "./fetch-later.ts";
import { newLaterQueue } from "./fetch-later.ts";
import type { OriginAnswer } from "./flight-head.ts";
import type { PlaylistMemory } from "./playlist-memory.ts";
import { newPlaylistMemory } from "./playlist-memory.ts";
import type { Survey } from "./playlist-survey.ts";
import type { PreloadTask } from "./preload-run.ts";
import type { Preload, PreloadTable } from "./preload-table.ts";
import { newPreloadTable } from "./preload-table.ts";
import type { DeliveryPolicy } from "./segment-delivery.ts";
import type { StartClaim, StartMemory } from "./start-memory.ts";
import { newStartMemory } from "./start-memory.ts";
import type { TargetMemory } from "./target-memory.ts";
import { newTargetMemory } from "./target-memory.ts";
import type { UrlMemory } from "./url-memory.ts";
import { newUrlMemory } from "./url-memory.ts";

/** Bytes of request targets that are remembered, with what they name. */
const targetMemoryBytes = 1_048_576;

/** What the core must know of the options. */
export type CoreOptions = {
  limits: Limits;
  policy: ReusePolicy;
  keyRules: KeyRules;
  /** Gives the URL that stands for a URL in its cache key: itself, unless the library's caller knows better. */
  keyUrl: (url: string) => string;
  secret: string;
  allowedHosts: string[];
  allowUpstream: string[];
  /** Freshness of a finished playlist that names none, in milliseconds. */
  playlistFreshMs: number;
  ignoreNoStore: boolean;
  /** What was given a lifetime is validated once it is over, under the media policy too. */
  validateOutdated: boolean;
  /** What depends on who asks is kept apart, not passed through. */
  apart: boolean;
  /** The proxy counts as a cache that several users share. */
  shared: boolean;
  /** Share of the time since Last-Modified for which what states no freshness is fresh under the http policy. */
  heuristicPercent: number;
  /** What a player that begins to play asks for next is fetched at once. */
  startAhead: boolean;
  /** Which segments of a complete playlist come through the proxy. */
  delivery: DeliveryPolicy;
  /** Under `head`: those that begin before, in milliseconds, and so many of the first. */
  headMs: number;
  headSegments: number;
  /** Out of reach, a multivariant playlist goes out with what is stored only. */
  offlineFilter: boolean;
  /** How much of a playlist's beginning must be stored for that, in milliseconds; 0 is all of it. */
  offlineMs: number;
  /** The first variant whose beginning is stored comes first. */
  warmFirst: boolean;
  cors: boolean;
  keepAlive: boolean;
  /** Names of further player fields to forward, lower case. */
  forwardFields: string[];
  /** Fields set on every upstream request, flat. */
  requestFields: FieldList;
  /** Names of further origin fields to pass on, lower case. */
  responseFields: string[];
  maxCacheBytes: number;
  /** The library's caller signs URLs anew that an origin refuses. */
  resigns: boolean;
};

/** A request as it came off the wire. */
export type PlayerRequest = {
  method: string;
  target: string;
  /** HTTP/1.x minor version. */
  httpMinor: 0 | 1;
  fields: FieldList;
  /** The address and port that the connection came in on. */
  localAddress: string;
  localPort: number;
  /** The player asked for, or the edge insists on, closing after this response. */
  close: boolean;
};

/** What asking an origin after a stored response came to. */
export type Validation = "current" | "updated" | "gone" | "offline" | "absent" | "failed";

export type ExchangeState = "waiting" | "gathering" | "sending" | "done";

/** One request and its response. */
export type Exchange = {
  id: number;
  state: ExchangeState;
  /** "" runs without a player: fetched for later. */
  method: "GET" | "HEAD" | "";
  /** The method of a request that passes through, "" for any other; its response is like one to GET. */
  verb: string;
  url: string;
  key: string;
  /** The key of what is for its player alone: `key`, unless who asks is kept apart. */
  space: string;
  form: UrlForm;
  /** The proxy's own parameters of the URL that was asked for. */
  own: OwnParameters;
  /** The options allow its upstream host. */
  allowed: boolean;
  /** What a proxied URL of this exchange begins with. */
  prefix: string;
  fields: FieldList;
  range: RangeSpec;
  httpMinor: 0 | 1;
  keepAlive: boolean;
  /** Its URL or type says playlist, or it is JSON that names more: the whole body is gathered and rewritten. */
  playlist: boolean;
  /** It is a directed reload: its origin answers it, whatever is stored. */
  directed: boolean;
  /** It has no player yet, and fetches what one will ask for next. */
  ahead: boolean;
  /** It has no player, and fetches what one fetches from the origin by itself. */
  later: boolean;
  /** It asks the origin although what is stored is fresh. */
  renews: boolean;
  /** What of a preload it fetches. */
  task: PreloadTask | null;
  /** Whether its playlist is where its player begins; null before it is answered with one. */
  startClaim: StartClaim | null;
  /** What it looks up before it is answered with a multivariant playlist. */
  survey: Survey | null;
  /** Its response is not shared: it neither waits for others nor is found by them. */
  solo: boolean;
  /** It takes only what is stored: no origin is asked for it. */
  onlyStored: boolean;
  /** It only validates what is stored, and this is what it found; null for any other. */
  found: Validation | null;
  body: Body | null;
  cursor: Cursor | null;
  waitingOn: Flight | null;
  note: CacheNote;
  /** Set-Cookie fields of the answer that it asked for itself. */
  cookies: FieldList;
  startMs: number;
  /** Times that a version it was to be served from could not be completed. */
  replans: number;
  /** Status that went out, 0 before. */
  status: number;
};

export type Action =
  /** Ask the origin: a new request of this flight, with these fields. */
  | { kind: "send"; flight: Flight; fields: FieldList }
  /** Close the origin's connection of this flight. */
  | { kind: "abort"; flight: Flight }
  | { kind: "pause"; flight: Flight }
  | { kind: "resume"; flight: Flight }
  /** Ask the library's caller for a URL that the origin takes; its answer comes as `flightResigned`. */
  | { kind: "resign"; flight: Flight; answer: OriginAnswer }
  /** The flight is over: nothing of it is needed any more. */
  | { kind: "landed"; flight: Flight }
  /** Send a response head; with `content`, the whole response. */
  | { kind: "head"; exchange: Exchange; head: ResponseHead; content: string | null }
  /** Let the reader of this exchange take its next steps. */
  | { kind: "pump"; exchange: Exchange }
  /** Take on an exchange that has no player, then let the core plan it. */
  | { kind: "begin"; exchange: Exchange }
  /** An exchange that validates is over. */
  | { kind: "validated"; exchange: Exchange; found: Validation }
  /** Write the entry's row. */
  | { kind: "store"; body: Body }
  /** Write a span's row: its bytes are in the file. */
  | { kind: "span"; body: Body; start: number; end: number }
  /** Note the entry's access time. */
  | { kind: "touch"; body: Body }
  /** Drop the entry's row. */
  | { kind: "forget"; body: Body }
  /** Delete the entry's file: nobody uses it any more. */
  | { kind: "remove"; body: Body }
  /** The preload came further, or is over. */
  | { kind: "preload"; preload: Preload }
  /** Something that a listener may want to know. */
  | { kind: "event"; name: "evicted" | "breaker"; detail: string };

/** Everything. */
export type ProxyState = {
  options: CoreOptions;
  table: ResourceTable;
  lanes: LaneQueue;
  breakers: BreakerTable;
  /** The network is gone, as far as the edge was told: no origin is asked. */
  offline: boolean;
  flights: Map<number, Flight>;
  exchanges: Map<number, Exchange>;
  /** Initialization sections and keys that playlists named: they travel express. */
  expressUrls: UrlMemory;
  /** Playlists that were live or events, by cache key. */
  liveUrls: UrlMemory;
  /** What is fetched in the background although no player waits for it. */
  later: LaterQueue;
  /** Rewritten playlists. */
  playlists: PlaylistMemory;
  /** Media playlists with which a player may begin. */
  starts: StartMemory;
  /** What is fetched for later. */
  preloads: PreloadTable;
  /** The preloads of the feed's window, the nearest first. */
  window: Preload[];
  /** What players asked for. */
  targets: TargetMemory;
  nextEntryId: number;
  nextFlightId: number;
  nextExchangeId: number;
  /** Bytes that the disk lacks to keep its reserve; above 0 nothing new is stored. */
  reserveShortfallBytes: number;
  /** Bytes in the cache after the last eviction run, -1 before any: without change another is in vain. */
  evictionIdleBytes: number;
  /** Evictions wait until then, in milliseconds since the epoch. */
  evictAfterMs: number;
  /** Cursors that wait before they resume. */
  sleepers: Cursor[];
  actions: Action[];
};

/**
 * Every flight, oldest first: the order of a map differs from language to language, and from run to run in some, so
 * nothing is decided by it.
 */
export function flightsByAge(state: ProxyState): Flight[] {
  const flights = Array.from(state.flights.values());
  flights.sort((a, b) => a.id - b.id);
  return flights;
}

/** The cache key of a URL. */
export function keyOf(options: CoreOptions, url: string): string {
  const named = options.keyUrl(url);
  // R-KEY-7
  return cacheKey(named === url || isHttpUrl(named) ? named : url, options.keyRules);
}

/** A proxy with an empty cache. */
export function newProxyState(options: CoreOptions, nextEntryId: number, evictAfterMs: number): ProxyState {
  return {
    options,
    table: newResourceTable(),
    lanes: laneQueue(options.limits),
    breakers: breakerTable(options.limits),
    offline: false,
    flights: new Map(),
    exchanges: new Map(),
    expressUrls: newUrlMemory(options.limits.expressUrlsMax),
    liveUrls: newUrlMemory(options.limits.expressUrlsMax),
    later: newLaterQueue(),
    playlists: newPlaylistMemory(options.limits.playlistMemoryBytesMax),
    starts: newStartMemory(options.limits.startAheadUrlsMax),
    preloads: newPreloadTable(),
    window: [],
    targets: newTargetMemory(targetMemoryBytes),
    nextEntryId,
    nextFlightId: 1,
    nextExchangeId: 1,
    reserveShortfallBytes: 0,
    evictionIdleBytes: -1,
    evictAfterMs,
    sleepers: [],
    actions: [],
  };
}
