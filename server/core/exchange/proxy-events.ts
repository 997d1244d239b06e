/** Events that concern the proxy as a whole: time, players that leave, clearing, loading, connectivity. */
import type { Entry } from "../cache/entry.ts";
import { spanBytes } from "../cache/span-set.ts";
import { breakerReset } from "../download/breaker.ts";
import type { Cursor } from "../download/flight.ts";
import { newBody } from "../download/flight.ts";
import { laneCounts, laneNextDeadline, laneTick } from "../download/lane-queue.ts";
import { installBody, slotFor } from "../download/resource-table.ts";
import { doomBody } from "./body-life.ts";
import { evictIfNeeded } from "./eviction-run.ts";
import { dropLater } from "./fetch-later.ts";
import { grantFlights, leaveSlot, parkPaused } from "./flight-control.ts";
import { failWaiting, flightFailed } from "./flight-end.ts";
import { forgetPlaylists } from "./playlist-memory.ts";
import { surveyGathered } from "./playlist-survey.ts";
import { runPreloads } from "./preload-run.ts";
import { answerProblem, finishExchange } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { flightsByAge } from "./proxy-state.ts";

/** Time has come to `nowMs`: waiting requests take extra slots or are refused, resumes begin. */
export function proxyTick(state: ProxyState, nowMs: number): void {
  const deadline = laneNextDeadline(state.lanes);
  if (deadline !== -1 && deadline <= nowMs) parkPaused(state, laneCounts(state.lanes).waiting.regular, nowMs);
  const due = laneTick(state.lanes, nowMs);
  grantFlights(state, due.granted, nowMs);
  for (const id of due.refused) {
    const flight = state.flights.get(id);
    // R-LANE-8
    if (flight !== undefined) flightFailed(state, flight, "too-busy", "no transfer slot came free in time", nowMs);
  }
  wakeSleepers(state, nowMs);
  if (state.preloads.wakeMs !== -1 && state.preloads.wakeMs <= nowMs) runPreloads(state, nowMs);
  evictIfNeeded(state, nowMs);
}

/** When `proxyTick` must be called next, in milliseconds since the epoch; -1 when nothing waits. */
export function proxyDeadline(state: ProxyState): number {
  let deadline = laneNextDeadline(state.lanes);
  for (const cursor of state.sleepers) {
    if (deadline === -1 || cursor.notBeforeMs < deadline) deadline = cursor.notBeforeMs;
  }
  const { wakeMs } = state.preloads;
  return wakeMs !== -1 && (deadline === -1 || wakeMs < deadline) ? wakeMs : deadline;
}

/** The player is gone, or has everything: its place, cursor and flights are given back. */
export function exchangeEnded(state: ProxyState, exchange: Exchange, nowMs: number): void {
  finishExchange(state, exchange, nowMs);
}

/** The exchange's bytes cannot be had: a problem when no head went out yet (true), else the edge cuts it (R-READ-5). */
export function exchangeLost(state: ProxyState, exchange: Exchange, nowMs: number): boolean {
  if (exchange.survey !== null) {
    surveyGathered(state, exchange, exchange.survey, null, nowMs);
    return true;
  }
  const code = exchange.cursor === null ? "upstream-truncated" : exchange.cursor.failure;
  if (exchange.status === 0) {
    answerProblem(state, exchange, code, "the response broke off", nowMs);
    return true;
  }
  finishExchange(state, exchange, nowMs);
  return false;
}

/** Empties the cache: responses that are under way complete, the next request of each is a miss (R-CACHE-2). */
export function clearProxy(state: ProxyState): void {
  dropLater(state);
  for (const body of state.table.bodies.slice()) doomBody(state, body);
  forgetPlaylists(state.playlists);
  for (const flight of flightsByAge(state)) {
    leaveSlot(state, flight);
    flight.unpublished = true;
  }
}

/** Takes in what the index holds, at start. */
export function loadEntries(state: ProxyState, entries: Entry[]): void {
  for (const entry of entries) {
    const body = newBody(entry);
    body.journalled = true;
    body.onDisk = true;
    installBody(state.table, slotFor(state.table, entry.key), body);
    if (entry.id >= state.nextEntryId) state.nextEntryId = entry.id + 1;
  }
}

/** What the disk lacks to keep its reserve, in bytes; 0 when it has enough. */
export function setReserveShortfall(state: ProxyState, bytes: number, nowMs: number): void {
  state.reserveShortfallBytes = bytes;
  state.evictionIdleBytes = -1;
  evictIfNeeded(state, nowMs);
}

/** The network is back: origins that were given up are tried again (R-BREAKER-7). Or it is gone: none is tried. */
export function connectivityChanged(state: ProxyState, isOnline: boolean, nowMs: number): void {
  breakerReset(state.breakers);
  state.offline = !isOnline;
  // R-PRE-8
  for (const preload of state.preloads.active) preload.notBeforeMs = 0;
  // R-OFFLINE-8
  if (state.offline) failWaiting(state, flightsByAge(state), "offline", "the network is gone", nowMs);
  runPreloads(state, nowMs);
}

/** Bytes stored of all resources, for checks: what `table.bytes` must equal. */
export function countBytes(state: ProxyState): number {
  let bytes = 0;
  for (const body of state.table.bodies) bytes += spanBytes(body.entry.spans);
  return bytes;
}

function wakeSleepers(state: ProxyState, nowMs: number): void {
  const asleep: Cursor[] = [];
  for (const cursor of state.sleepers) {
    const exchange = state.exchanges.get(cursor.owner);
    if (exchange === undefined || exchange.cursor !== cursor) continue;
    if (cursor.notBeforeMs > nowMs) asleep.push(cursor);
    else state.actions.push({ kind: "pump", exchange });
  }
  state.sleepers = asleep;
}
