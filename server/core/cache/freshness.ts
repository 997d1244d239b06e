/**
 * How long a stored response may be reused without asking its origin (RFC 9111 section 4.2; SPEC: R-FRESH-1).
 *
 * *Age* is the time since the origin made or validated the response, *resident time* the time since this proxy
 * received it. Times are in milliseconds, wall clock since the epoch; differences of a clock that went back count as 0.
 */
import type { CacheControl } from "../http/cache-control.ts";
import { deltaSecondsMax } from "../http/cache-control.ts";
import { parseHttpDate } from "../http/http-date.ts";

/** "media": what never changes is reusable until evicted. "http": plain RFC 9111 for everything, whatever its kind. */
export type ReusePolicy = "media" | "http";

/** What a resource is: a playlist of some kind, or anything else ("media": segments, keys, maps, subtitles). */
export type EntryKind = "media" | "multivariant" | "vod" | "event" | "live";

/**
 * Age of a response now, in milliseconds. `ageValue` is its Age field in seconds (-1 absent), `dateMs` its Date
 * (-1 absent), `requestMs` and `responseMs` when it was asked for and received.
 */
export function currentAgeMs(
  ageValue: number,
  dateMs: number,
  requestMs: number,
  responseMs: number,
  nowMs: number,
): number {
  // R-FRESH-1
  const apparentMs = dateMs < 0 ? 0 : Math.max(0, responseMs - dateMs);
  const delayMs = Math.max(0, responseMs - requestMs);
  const correctedMs = (ageValue < 0 ? 0 : secondsToMs(ageValue)) + delayMs;
  return Math.max(apparentMs, correctedMs) + residentMs(responseMs, nowMs);
}

/** Time since the response was received, in milliseconds. */
export function residentMs(responseMs: number, nowMs: number): number {
  return Math.max(0, nowMs - responseMs);
}

/**
 * Freshness lifetime that the origin gave, in milliseconds; -1 when it gave none. `expires` is the field's value,
 * `dateMs` the Date field or, without one, the time of reception (RFC 9111 section 4.2.1).
 */
export function explicitLifetimeMs(
  cacheControl: CacheControl,
  expires: string | null,
  dateMs: number,
  nowMs: number,
  shared: boolean,
): number {
  // R-FRESH-2
  if (shared && cacheControl.sMaxAge >= 0) {
    return secondsToMs(cacheControl.sMaxAge);
  }
  if (cacheControl.maxAge >= 0) {
    return secondsToMs(cacheControl.maxAge);
  }
  if (expires === null) {
    return -1;
  }
  const expiresMs = parseHttpDate(expires, nowMs);
  // R-FRESH-3: a date that is none, as "0", means already expired (RFC 9111 section 5.3).
  return expiresMs < 0 ? 0 : Math.max(0, expiresMs - (dateMs < 0 ? nowMs : dateMs));
}

/**
 * Freshness lifetime that is guessed for a response without an explicit one, in milliseconds: `percent` of the time
 * that it had not changed for at `dateMs`. -1 without a Last-Modified date (`modifiedMs` is -1) or when nothing is guessed.
 */
export function heuristicLifetimeMs(modifiedMs: number, dateMs: number, percent: number): number {
  // R-FRESH-13
  if (percent === 0 || modifiedMs < 0) {
    return -1;
  }
  return Math.floor(Math.max(0, dateMs - modifiedMs) / 100) * percent;
}

/**
 * Whether a stored response may be reused as it is ("fresh") or must be validated first ("stale").
 * `explicitMs` is -1 when the origin gave no lifetime; `playlistDefaultMs` then holds for finished playlists.
 * `validateOutdated`: under the media policy too, what never changes is stale once a lifetime that it was given is over.
 */
export function reuse(
  kind: EntryKind,
  policy: ReusePolicy,
  explicitMs: number,
  ageMs: number,
  residentTimeMs: number,
  targetDurationMs: number,
  playlistDefaultMs: number,
  noCache: boolean,
  validateOutdated: boolean,
): "fresh" | "stale" {
  // R-FRESH-4
  if (noCache) {
    return "stale";
  }
  // R-FRESH-6
  if (policy === "http") {
    return ageMs < explicitMs ? "fresh" : "stale";
  }
  switch (kind) {
    case "media":
      // R-FRESH-5, R-FRESH-14
      return validateOutdated && explicitMs >= 0 && ageMs >= explicitMs ? "stale" : "fresh";
    case "multivariant":
    case "vod":
      // R-FRESH-7
      return ageMs < (explicitMs >= 0 ? explicitMs : playlistDefaultMs) ? "fresh" : "stale";
    case "event":
    case "live":
      // R-FRESH-8: the origin's lifetime may shorten this and never lengthens it, or a live playlist would freeze.
      if (explicitMs >= 0 && ageMs >= explicitMs) {
        return "stale";
      }
      return residentTimeMs * 2 < targetDurationMs ? "fresh" : "stale";
  }
}

/**
 * Whether a stale response may be served when its origin is out of reach (RFC 9111 section 4.2.4); `shared` when
 * several users share the cache.
 */
export function mayServeStale(
  kind: EntryKind,
  policy: ReusePolicy,
  cacheControl: CacheControl,
  shared: boolean,
): boolean {
  // R-FRESH-11
  if (policy === "http") {
    const isBound = shared && cacheControl.sMaxAge >= 0;
    return !(isBound || cacheControl.mustRevalidate || cacheControl.proxyRevalidate || cacheControl.noCache);
  }
  // R-FRESH-9: an old live playlist names segments that are gone; an honest error lets the player try again.
  // R-FRESH-10
  return kind !== "event" && kind !== "live";
}

function secondsToMs(seconds: number): number {
  // R-FRESH-12
  return Math.min(seconds, deltaSecondsMax) * 1000;
}
