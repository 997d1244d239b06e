/**
 * What players fetch from its origin by themselves and the proxy fetches as well, in the background, so that the next
 * play has it. A little at a time: the player's own downloads come over the same network.
 */
import { forbidsStoring } from "../cache/storability.ts";
import { carriesCredentials } from "../cache/variant.ts";
import { breakerOpenUntil } from "../download/breaker.ts";
import { originOf } from "../http/uri-reference.ts";
import type { PlaylistPart } from "../playlist/playlist-part.ts";
import { upstreamUrlAllowed } from "../route/upstream-access.ts";
import { isStored } from "./playlist-survey.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { partExchange } from "./request-admission.ts";

/** A part that waits, for the playlist with this cache key; `player` asked for that playlist. */
export type LaterPart = { playlist: string; part: PlaylistPart; player: Exchange };

/** What waits, first come first served, and how many exchanges are under way. */
export type LaterQueue = { waiting: LaterPart[]; running: number };

/** An empty queue. */
export function newLaterQueue(): LaterQueue {
  return { waiting: [], running: 0 };
}

/** Fetches the parts of a playlist that a player was answered with, in order; what waited for that playlist goes. */
export function fetchLater(state: ProxyState, player: Exchange, parts: PlaylistPart[], nowMs: number): void {
  // R-DELIVER-6
  if (carriesCredentials(player.fields) || forbidsStoring(player.fields)) return;
  const { later } = state;
  const room = state.options.limits.laterMax;
  const own = parts.slice(0, room).map((part) => ({ playlist: player.key, part, player }));
  const others = later.waiting.filter((waiting) => waiting.playlist !== player.key);
  later.waiting = others.slice(Math.max(0, others.length + own.length - room)).concat(own);
  beginLater(state, nowMs);
}

/** An exchange that fetched a part is over: the next begins. */
export function laterEnded(state: ProxyState, nowMs: number): void {
  state.later.running -= 1;
  beginLater(state, nowMs);
}

/** Forgets what waits. */
export function dropLater(state: ProxyState): void {
  state.later.waiting = [];
}

function beginLater(state: ProxyState, nowMs: number): void {
  const { later } = state;
  while (later.running < state.options.limits.laterAtOnceMax) {
    const next = later.waiting.shift();
    if (next === undefined) return;
    if (!isWanted(state, next.player, next.part, nowMs)) continue;
    const exchange = partExchange(state, next.player, next.part, nowMs);
    exchange.later = true;
    later.running += 1;
    state.actions.push({ kind: "begin", exchange });
  }
}

/** Whether a part is still to be fetched, and can be. */
function isWanted(state: ProxyState, player: Exchange, part: PlaylistPart, nowMs: number): boolean {
  // R-DELIVER-6
  if (state.offline || state.reserveShortfallBytes > 0) return false;
  if (breakerOpenUntil(state.breakers, originOf(part.url)) >= 0) return false;
  return upstreamUrlAllowed(part.url, state.options.allowUpstream) && !isStored(state, player, part, nowMs);
}
