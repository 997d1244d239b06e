/**
 * Fetches ahead what a player asks for next when it begins to play: the proxy knows it as soon as the media playlist is
 * here. Nothing is fetched of which it is not certain that the player asks for it (SPEC: R-AHEAD-1).
 */
import { entryCombinable } from "../cache/entry.ts";
import { forbidsStoring } from "../cache/storability.ts";
import { carriesCredentials } from "../cache/variant.ts";
import { breakerOpenUntil } from "../download/breaker.ts";
import type { Body, Flight } from "../download/flight.ts";
import { findSlot } from "../download/resource-table.ts";
import { fieldFirst } from "../http/field-list.ts";
import { isPlaylistUrl } from "../http/media-type.ts";
import { originOf } from "../http/uri-reference.ts";
import type { PlaylistPart } from "../playlist/playlist-part.ts";
import { playlistStart, startGroups } from "../playlist/playlist-start.ts";
import { firstUncovered } from "../reader/reader-step.ts";
import { upstreamUrlAllowed } from "../route/upstream-access.ts";
import { doomBody } from "./body-life.ts";
import { isReusable } from "./exchange-plan.ts";
import { forwardedFields } from "./exchange-variant.ts";
import { finishExchange } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { keyOf } from "./proxy-state.ts";
import { aheadExchange } from "./request-admission.ts";
import { claimStart, rememberStarts } from "./start-memory.ts";

/** The playlists that a multivariant playlist names, and the groups of which a player begins with one each: cache keys. */
export type StartNames = { named: string[]; groups: string[][] };

/** Reads the names off a multivariant playlist, whose playlists have these URLs; null when nothing is fetched ahead. */
export function startNames(state: ProxyState, bytes: string, baseUrl: string, playlists: string[]): StartNames | null {
  if (!state.options.startAhead) return null;
  const key = (url: string): string => keyOf(state.options, url);
  return { named: playlists.map(key), groups: startGroups(bytes, baseUrl).map((urls) => urls.map(key)) };
}

/** A multivariant playlist goes out to a player: it begins with one playlist of each group. */
export function armStarts(state: ProxyState, exchange: Exchange, names: StartNames | null, nowMs: number): void {
  if (names === null || exchange.method !== "GET") return;
  // R-AHEAD-4
  rememberStarts(state.starts, names.named, names.groups, nowMs + state.options.limits.startAheadMs);
}

/** A playlist goes out to a player, wherever it comes from: whatever group it is of, the player has chosen. */
export function noteChoice(state: ProxyState, exchange: Exchange, nowMs: number): void {
  if (!state.options.startAhead || exchange.method !== "GET" || exchange.startClaim !== null) return;
  exchange.startClaim = claimStart(state.starts, exchange.key, nowMs);
}

/** A complete media playlist went out to a player: fetches ahead what it asks for next, if that is certain. */
export function startAhead(state: ProxyState, exchange: Exchange, bytes: string, baseUrl: string, nowMs: number): void {
  if (!mayStart(state, exchange)) return;
  const start = playlistStart(bytes, baseUrl);
  if (start === null) return;
  for (const part of startParts(start.map, start.segment)) {
    if (!mayFetch(state, part, nowMs)) continue;
    state.actions.push({ kind: "begin", exchange: aheadExchange(state, exchange, part, nowMs) });
  }
}

/** Whether anything of what an exchange was begun for is still to be fetched ahead. */
export function isWorthFetching(state: ProxyState, exchange: Exchange, nowMs: number): boolean {
  return mayFetch(state, { url: exchange.url, start: 0, end: -1 }, nowMs);
}

/**
 * Whether an exchange that fetches ahead ends here, at the head of what it asked for: what its player could not be
 * given afterwards is not worth a byte.
 */
export function endsAhead(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): boolean {
  // R-AHEAD-10
  if (!exchange.ahead || isOfUse(state, exchange, body, nowMs)) return false;
  const isEmpty = body.entry.spans.length === 0;
  finishExchange(state, exchange, nowMs);
  const wanted = body.uses > 0 || body.flights.some((flight) => flight.waiters.length > 0);
  if (isEmpty && !wanted) doomBody(state, body);
  return true;
}

/** Whether an exchange that fetches ahead has as much of a body of unknown length as it may. */
export function hasEnoughAhead(state: ProxyState, exchange: Exchange, body: Body, offset: number): boolean {
  return exchange.ahead && body.entry.total === -1 && offset >= state.options.limits.startAheadBytesMax;
}

/** A player joins a flight that was sent ahead for it: the very request that it would send itself is its own. */
export function takeOver(state: ProxyState, exchange: Exchange, flight: Flight): void {
  const asker = state.exchanges.get(flight.asker);
  if (asker?.ahead !== true || exchange.method !== "GET" || fieldFirst(exchange.fields, "if-range") !== null) return;
  if (fieldFirst(exchange.fields, "range") !== fieldFirst(asker.fields, "range")) return;
  const forward = forwardedFields(state, exchange);
  const isSame = forward.length === flight.forward.length && forward.every((text, at) => text === flight.forward[at]);
  // R-AHEAD-9
  if (isSame) flight.asker = exchange.id;
}

/** Whether a flight runs for nobody but who fetches ahead: its failure is no player's. */
export function isAheadOnly(state: ProxyState, flight: Flight): boolean {
  return flight.lane === "background" && state.exchanges.get(flight.asker)?.ahead === true;
}

/** Whether the exchange's own request brought a playlist with which its player begins. */
function mayStart(state: ProxyState, exchange: Exchange): boolean {
  const { note } = exchange;
  // R-AHEAD-6
  const isFetched = note.fwdStatus === 200 && !note.collapsed;
  const isBeginning = exchange.startClaim === "armed" || (exchange.startClaim === "unnamed" && note.fwd === "uri-miss");
  // R-LL-7
  if (!isFetched || !isBeginning || exchange.directed) return false;
  // R-AHEAD-7
  if (carriesCredentials(exchange.fields) || forbidsStoring(exchange.fields)) return false;
  return state.options.policy === "media" && state.reserveShortfallBytes === 0;
}

/** Whether a part is worth asking for: it may be asked for, is no playlist, and is neither here nor on its way. */
function mayFetch(state: ProxyState, part: PlaylistPart, nowMs: number): boolean {
  // R-AHEAD-7
  if (!upstreamUrlAllowed(part.url, state.options.allowUpstream) || isPlaylistUrl(part.url)) return false;
  if (breakerOpenUntil(state.breakers, originOf(part.url)) >= 0) return false;
  if (part.end - part.start > state.options.limits.startAheadBytesMax) return false;
  const slot = findSlot(state.table, keyOf(state.options, part.url));
  if (slot === null) return true;
  const body = slot.current;
  if (body === null || !isReusable(state, body, nowMs)) return false;
  const end = part.end === -1 ? body.entry.total : Math.min(part.end, body.entry.total);
  return firstUncovered(body, part.start, end) !== -1;
}

/** What is asked for: two parts, or one when they lie side by side. */
function startParts(map: PlaylistPart | null, segment: PlaylistPart): PlaylistPart[] {
  if (map === null) return [segment];
  // R-AHEAD-8
  if (map.url === segment.url && map.end === segment.start) {
    return [{ url: map.url, start: map.start, end: segment.end }];
  }
  return [map, segment];
}

function isOfUse(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): boolean {
  if (!body.storing || body.entry.kind !== "media" || exchange.cookies.length > 0) return false;
  const isTooLarge = exchange.range.kind === "none" && body.entry.total > state.options.limits.startAheadBytesMax;
  return !isTooLarge && (isReusable(state, body, nowMs) || entryCombinable(body.entry));
}
