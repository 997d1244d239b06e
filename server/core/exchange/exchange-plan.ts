/** Decides where an exchange's response comes from: what is stored, a flight under way, or a new one. */

import type { Entry } from "../cache/entry.ts";
import { explicitLifetimeMs, heuristicLifetimeMs, mayServeStale, residentMs, reuse } from "../cache/freshness.ts";
import { requestControl, requestTakes } from "../cache/request-control.ts";
import { forbidsStoring } from "../cache/storability.ts";
import { carriesCredentials } from "../cache/variant.ts";
import type { Body } from "../download/flight.ts";
import { findSlot, slotFor } from "../download/resource-table.ts";
import type { CacheControl } from "../http/cache-control.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldCombined, fieldFirst } from "../http/field-list.ts";
import { parseHttpDate } from "../http/http-date.ts";
import { blankBody } from "./body-life.ts";
import { openPass } from "./exchange-pass.ts";
import { jsonEntryKind } from "./exchange-playlist.ts";
import { bodyAgeMs, serveBody } from "./exchange-serve.ts";
import { findStored, missesByVary, openingKey } from "./exchange-variant.ts";
import { joinFlight, launchFlight, openOpening } from "./flight-control.ts";
import { answerProblem, finishExchange } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";

/** Plans an exchange: called when it begins, and again when what it waited for came to nothing. */
export function planExchange(state: ProxyState, exchange: Exchange, nowMs: number): void {
  // R-UPSTREAM-1
  if (!exchange.allowed) {
    answerProblem(state, exchange, "forbidden-upstream", "no option allows this upstream host", nowMs);
    return;
  }
  if (exchange.verb !== "") {
    openPass(state, exchange, nowMs);
    return;
  }
  // R-LL-2: a directed reload asks for what nobody has seen yet.
  const current = exchange.directed ? null : findStored(state, exchange);
  if (current !== null) agreeOnKind(exchange, current);
  if (exchange.found !== null && current === null) {
    endUnfound(state, exchange, nowMs);
    return;
  }
  const shares = !exchange.solo && mayShare(state, exchange, current);
  const fresh = current !== null && isReusable(state, current, nowMs);
  const asksAnyway = exchange.found !== null || exchange.renews;
  if (shares && current !== null && !asksAnyway && mayTake(state, exchange, current, fresh, nowMs)) {
    serveBody(state, exchange, current, nowMs);
    return;
  }
  // R-REQ-6
  if (exchange.onlyStored) {
    answerProblem(state, exchange, "not-stored", "the request says only-if-cached", nowMs);
    return;
  }
  if (!shares) {
    openSolo(state, exchange, nowMs);
    return;
  }
  if (current !== null) exchange.note.fwd = fresh ? "request" : "stale";
  else if (exchange.note.fwd === "") exchange.note.fwd = missesByVary(state, exchange) ? "vary-miss" : "uri-miss";
  if (exchange.method === "HEAD" && !exchange.playlist && current === null) {
    // R-HTTP-7: asking for the body would fetch what nobody reads.
    openSolo(state, exchange, nowMs);
    return;
  }
  const key = openingKey(state, exchange, current);
  const opening = findSlot(state.table, key)?.opening ?? null;
  if (opening !== null) {
    // R-FLIGHT-1
    exchange.note.collapsed = true;
    joinFlight(state, exchange, opening, nowMs);
    return;
  }
  openShared(state, exchange, key, current, nowMs);
}

/** What is stored and what is asked for are of one kind: either may know more of it than the other. */
function agreeOnKind(exchange: Exchange, body: Body): void {
  // R-JSON-6: what somebody asked for as a file may be a manifest.
  if (body.entry.kind === "media" && exchange.own.as !== "none") body.entry.kind = jsonEntryKind(exchange.own.as);
  // R-SERVE-5: what was a playlist, whatever its URL looks like, is asked for as one.
  if (body.entry.kind !== "media") exchange.playlist = true;
}

/** A validation ends where nothing is stored: there was nothing, or what there was has gone meanwhile. */
function endUnfound(state: ProxyState, exchange: Exchange, nowMs: number): void {
  // R-CHECK-1
  exchange.found = exchange.note.fwd === "" ? "absent" : "updated";
  finishExchange(state, exchange, nowMs);
}

/** Whether a stored version may be served without asking its origin (R-FRESH-1). */
export function isReusable(state: ProxyState, body: Body, nowMs: number): boolean {
  // R-FLIGHT-11: a playlist that is still coming in is as new as can be.
  if (state.options.policy === "media" && body.entry.kind !== "media" && isComingIn(body)) return true;
  const entry = body.entry;
  const control = parseCacheControl(fieldCombined(entry.fields, "cache-control"));
  const verdict = reuse(
    entry.kind,
    state.options.policy,
    lifetimeMs(state, entry, control, nowMs),
    bodyAgeMs(body, nowMs),
    residentMs(entry.responseMs, nowMs),
    entry.targetDurationMs,
    state.options.playlistFreshMs,
    control.noCache,
    state.options.validateOutdated,
  );
  return verdict === "fresh";
}

/** Whether an exchange takes a stored version as it is; under the http policy its request has a say. */
function mayTake(state: ProxyState, exchange: Exchange, body: Body, fresh: boolean, nowMs: number): boolean {
  const { policy, shared } = state.options;
  if (policy === "media") return fresh;
  const entry = body.entry;
  const control = parseCacheControl(fieldCombined(entry.fields, "cache-control"));
  // R-FRESH-4
  const lifetime = control.noCache ? 0 : lifetimeMs(state, entry, control, nowMs);
  const isStrict = !mayServeStale(entry.kind, policy, control, shared);
  return requestTakes(requestControl(exchange.fields), lifetime, bodyAgeMs(body, nowMs), isStrict);
}

/** Freshness lifetime of an entry, in milliseconds, -1 when it has none. */
function lifetimeMs(state: ProxyState, entry: Entry, control: CacheControl, nowMs: number): number {
  const { fields } = entry;
  const parsedMs = dateField(fields, "date", nowMs);
  const dateMs = parsedMs < 0 ? entry.responseMs : parsedMs;
  const { shared, policy, heuristicPercent } = state.options;
  const explicitMs = explicitLifetimeMs(control, fieldFirst(fields, "expires"), dateMs, nowMs, shared);
  if (explicitMs >= 0 || policy === "media") return explicitMs;
  return heuristicLifetimeMs(dateField(fields, "last-modified", nowMs), dateMs, heuristicPercent);
}

/** A field's date in milliseconds since the epoch, -1 when there is none. */
function dateField(fields: FieldList, name: string, nowMs: number): number {
  const value = fieldFirst(fields, name);
  return value === null ? -1 : parseHttpDate(value, nowMs);
}

function isComingIn(body: Body): boolean {
  for (const flight of body.flights) {
    if (flight.state !== "draining") return true;
  }
  return false;
}

/** Whether what is stored may be found by this exchange, and what it fetches by others (R-STORE-3, R-STORE-5). */
function mayShare(state: ProxyState, exchange: Exchange, current: Body | null): boolean {
  // R-STORE-3
  if (forbidsStoring(exchange.fields) && !state.options.ignoreNoStore) return false;
  if (state.options.apart || !carriesCredentials(exchange.fields)) return true;
  if (current === null) return false;
  return parseCacheControl(fieldCombined(current.entry.fields, "cache-control")).isPublic;
}

function openShared(state: ProxyState, exchange: Exchange, key: string, current: Body | null, nowMs: number): void {
  exchange.note.collapsed = false;
  const body = blankBody(state, key, exchange.url, nowMs);
  if (exchange.playlist) body.entry.kind = "live";
  const flight = openOpening(state, exchange, body, current, nowMs);
  flight.key = key;
  slotFor(state.table, key).opening = flight;
  launchFlight(state, flight, nowMs);
}

function openSolo(state: ProxyState, exchange: Exchange, nowMs: number): void {
  exchange.note.collapsed = false;
  if (exchange.note.fwd === "") exchange.note.fwd = exchange.method === "HEAD" ? "method" : "bypass";
  const body = blankBody(state, exchange.space, exchange.url, nowMs);
  if (exchange.playlist) body.entry.kind = "live";
  launchFlight(state, openOpening(state, exchange, body, null, nowMs), nowMs);
}
