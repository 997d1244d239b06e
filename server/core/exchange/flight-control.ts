/** Opens, sends, promotes and ends flights: between the lanes, the breakers and the bodies that they fill. */
import { entryCombinable } from "../cache/entry.ts";
import { spanNextStart } from "../cache/span-set.ts";
import { forbidsStoring } from "../cache/storability.ts";
import { credentialFields } from "../cache/variant.ts";
import { breakerAbandoned, breakerAllows } from "../download/breaker.ts";
import type { Body, Flight } from "../download/flight.ts";
import { flightHoldsByte, flightWanted } from "../download/flight.ts";
import type { Lane } from "../download/lane-queue.ts";
import { laneEnter, laneLeave, lanePromote } from "../download/lane-queue.ts";
import { dropEmptySlot, findSlot } from "../download/resource-table.ts";
import { fieldFirst } from "../http/field-list.ts";
import { originOf } from "../http/uri-reference.ts";
import { releaseBody } from "./body-life.ts";
import { laneOf } from "./exchange-lane.ts";
import { forwardedFields } from "./exchange-variant.ts";
import { flightFailed } from "./flight-end.ts";
import { flightRequest } from "./flight-request.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { flightsByAge } from "./proxy-state.ts";
import { takeOver } from "./start-ahead.ts";

/** Starts a flight that decides what the resource is. The exchange waits for its head. */
export function openOpening(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  revalidates: Body | null,
  nowMs: number,
): Flight {
  const flight = newFlight(state, body, "opening", exchange, nowMs);
  flight.revalidates = revalidates;
  flight.method = exchange.method === "HEAD" && !exchange.playlist ? "HEAD" : "GET";
  waitFor(exchange, flight);
  if (asksWhole(exchange)) return flight;
  const range = exchange.range;
  // R-RANGE-12
  if (range.kind === "from") {
    flight.askStart = range.first;
    flight.askEnd = range.last === -1 ? -1 : range.last + 1;
  }
  if (range.kind === "suffix" && range.length > 0) {
    flight.askStart = -1;
    flight.askSuffix = range.length;
  }
  return flight;
}

/** Starts a flight for the hole at `offset`, up to the next stored byte, the next flight or `end`. */
export function openHole(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  offset: number,
  end: number,
  nowMs: number,
): Flight {
  const flight = newFlight(state, body, "hole", exchange, nowMs);
  // R-FLIGHT-9
  flight.askStart = body.rangeless ? 0 : offset;
  flight.start = flight.askStart;
  flight.limit = body.rangeless ? body.entry.total : holeEnd(body, flight, offset, end);
  flight.askEnd = body.rangeless ? -1 : flight.limit;
  resetPositions(flight, flight.start);
  if (!body.rangeless) clipFlights(body, flight);
  return flight;
}

const failedBefore = "the origin failed just before; waiting before the next try";

/** Puts a flight that was just opened into its lane: it is sent now, later, or fails at once. */
export function launchFlight(state: ProxyState, flight: Flight, nowMs: number): void {
  const origin = originOf(flight.url);
  // R-BREAKER-3, R-OFFLINE-8
  const allowed = state.offline ? "no" : breakerAllows(state.breakers, origin, nowMs);
  flight.probe = allowed === "probe" && !flight.directed;
  // R-LL-6: as long as its origin held it, no other request could go out.
  if (allowed === "probe" && flight.directed) breakerAbandoned(state.breakers, origin);
  if (allowed === "no") {
    // R-BREAKER-10
    flightFailed(state, flight, "offline", state.offline ? "the network is gone" : failedBefore, nowMs);
    return;
  }
  const place = laneEnter(state.lanes, flight.id, flight.lane, origin, nowMs);
  if (place === "granted") sendFlight(state, flight, nowMs);
  else if (place === "full") flightFailed(state, flight, "too-busy", "the queue is full", nowMs);
}

/** Lets an exchange wait for the head of a flight; a player's wait makes the flight a player's (R-LANE-11). */
export function joinFlight(state: ProxyState, exchange: Exchange, flight: Flight, nowMs: number): void {
  waitFor(exchange, flight);
  takeOver(state, exchange, flight);
  promoteFlight(state, flight, laneOf(state, exchange), nowMs);
}

/** Moves a flight to a better lane. */
export function promoteFlight(state: ProxyState, flight: Flight, lane: Lane, nowMs: number): void {
  if (flight.lane !== "background" || lane === "background") return;
  flight.lane = lane;
  grantFlights(state, lanePromote(state.lanes, flight.id, lane, nowMs), nowMs);
}

/** Sends the request of every flight that a lane let go. */
export function grantFlights(state: ProxyState, ids: number[], nowMs: number): void {
  for (const id of ids) {
    const flight = state.flights.get(id);
    if (flight !== undefined && flight.state === "queued") sendFlight(state, flight, nowMs);
  }
}

/** Sends the flight's request to its current URL. */
export function sendFlight(state: ProxyState, flight: Flight, nowMs: number): void {
  flight.state = "asked";
  flight.requestMs = nowMs;
  state.actions.push({ kind: "send", flight, fields: flightRequest(flight) });
}

/** Takes a flight out of everything that knows it, and lets the next ones go. Its waiters must be served already. */
export function removeFlight(state: ProxyState, flight: Flight, nowMs: number): void {
  if (flight.state === "ended") return;
  // However it ends, what it brought is found again after the next start.
  journalFlight(state, flight);
  const unheard = flight.state === "queued" || flight.state === "asked";
  if (flight.probe && unheard) breakerAbandoned(state.breakers, originOf(flight.url));
  flight.state = "ended";
  state.flights.delete(flight.id);
  leaveSlot(state, flight);
  leaveBody(state, flight);
  state.actions.push({ kind: "landed", flight });
  grantFlights(state, laneLeave(state.lanes, flight.id, nowMs), nowMs);
}

/** Tells the index what of the flight is in the file and not yet in a row (R-CACHE-6). */
export function journalFlight(state: ProxyState, flight: Flight): void {
  if (!flight.body.journalled || flight.written <= flight.journalled) return;
  state.actions.push({ kind: "span", body: flight.body, start: flight.journalled, end: flight.written });
  flight.journalled = flight.written;
}

/** Gives up a flight: its connection is closed, what it brought stays. */
export function abortFlight(state: ProxyState, flight: Flight, nowMs: number): void {
  if (flight.state === "ended" || flight.state === "draining") return;
  if (flight.state !== "queued") state.actions.push({ kind: "abort", flight });
  if (!drainFlight(state, flight, nowMs)) removeFlight(state, flight, nowMs);
}

/**
 * The origin's part is over. While bytes are in memory only that the disk or a reader has yet to take, the flight
 * stays and holds them (R-FLIGHT-12); false when there are none.
 */
export function drainFlight(state: ProxyState, flight: Flight, nowMs: number): boolean {
  if (flight.state !== "flowing" && flight.state !== "draining") return false;
  flight.state = "draining";
  flight.limit = flight.position;
  // There is no origin any more that could be told to go on.
  flight.paused = false;
  if (flight.body.storing) return flight.written < flight.position;
  // Without a file there is no disk to wait for: the slot is free, whatever pace the readers keep.
  grantFlights(state, laneLeave(state.lanes, flight.id, nowMs), nowMs);
  for (const cursor of flight.body.cursors) {
    if (flightHoldsByte(flight, cursor.offset)) return true;
  }
  return false;
}

/** Ends the flights of a body that were held for a disk or readers that need them no more. */
export function endDrained(state: ProxyState, body: Body, nowMs: number): void {
  for (const flight of body.flights.slice()) {
    if (flight.state === "draining" && !drainFlight(state, flight, nowMs)) removeFlight(state, flight, nowMs);
  }
}

/** Lets a flight that nobody reads finish when little is left, else parks it: its spans stay (R-FLIGHT-10). */
export function detachFlight(state: ProxyState, flight: Flight, nowMs: number): void {
  if (flightWanted(flight)) {
    flight.detachLimit = -1;
    return;
  }
  // R-LL-5: an answer that comes in seconds is worth nothing to anybody else.
  if (flight.state === "queued" || (flight.state === "asked" && flight.directed)) {
    abortFlight(state, flight, nowMs);
    return;
  }
  if (flight.state !== "flowing") return;
  // Nothing more comes but the end, which leaves the connection fit for another request.
  if (flight.position === flight.limit) return;
  const max = state.options.limits.detachBytesMax;
  // What nobody can find any more is not worth finishing.
  if (!flight.body.storing || flight.body.doomed || flight.limit - flight.position > max) {
    abortFlight(state, flight, nowMs);
    return;
  }
  if (flight.detachLimit === -1) flight.detachLimit = flight.position + max;
  unpause(state, flight);
}

/**
 * Frees slots for requests that have waited `queueWaitMs`: flights whose players left before the origin answered are
 * given up; those that slow readers have kept paused as long are parked, their bytes stay, and the reader's next hole is
 * fetched when it gets there (R-FLIGHT-14).
 */
export function parkPaused(state: ProxyState, wanted: number, nowMs: number): void {
  let left = wanted;
  for (const flight of flightsByAge(state)) {
    if (left <= 0) return;
    // A request without an answer yet, whose player has left, is worth less than one whose player waits.
    if (flight.state === "asked" && flight.lane !== "express" && !flightWanted(flight)) {
      left -= 1;
      abortFlight(state, flight, nowMs);
      continue;
    }
    if (!flight.paused || flight.state !== "flowing" || nowMs - flight.pausedMs < state.options.limits.queueWaitMs)
      continue;
    // What waits for the disk keeps its slot until it is written: ending it now would help nobody.
    if (flight.written < flight.position) continue;
    const body = flight.body;
    if (!body.storing || body.doomed || body.rangeless || body.entry.total === -1 || !entryCombinable(body.entry))
      continue;
    left -= 1;
    abortFlight(state, flight, nowMs);
  }
}

/** Detaches every flight of a body that lost a reader. */
export function detachFlights(state: ProxyState, body: Body, nowMs: number): void {
  endDrained(state, body, nowMs);
  for (const flight of body.flights.slice()) detachFlight(state, flight, nowMs);
}

/** Takes the flight from its slot: what it decides, if anything, is decided. */
export function leaveSlot(state: ProxyState, flight: Flight): void {
  if (flight.key === "") return;
  const slot = findSlot(state.table, flight.key);
  if (slot === null || slot.opening !== flight) return;
  slot.opening = null;
  dropEmptySlot(state.table, flight.key);
}

/** Takes the flight from its body. */
export function leaveBody(state: ProxyState, flight: Flight): void {
  const place = flight.body.flights.indexOf(flight);
  if (place !== -1) flight.body.flights.splice(place, 1);
  releaseBody(state, flight.body);
}

/** Sets where a flight starts to deliver. */
export function resetPositions(flight: Flight, start: number): void {
  flight.start = start;
  flight.position = start;
  flight.written = start;
  flight.journalled = start;
  flight.tailStart = start;
}

/** Lets the origin go on. */
export function unpause(state: ProxyState, flight: Flight): void {
  if (!flight.paused) return;
  flight.paused = false;
  state.actions.push({ kind: "resume", flight });
}

/** Whether the origin is asked for the whole although the player may want a part. */
function asksWhole(exchange: Exchange): boolean {
  // R-SERVE-5
  if (exchange.playlist) return true;
  // R-COND-3: whether the range counts is known when the version is.
  if (fieldFirst(exchange.fields, "if-range") !== null) return true;
  // R-FLIGHT-15: what its own range brought was not enough, and will not be the next time.
  return exchange.replans > 1;
}

function newFlight(
  state: ProxyState,
  body: Body,
  purpose: "opening" | "hole",
  exchange: Exchange,
  nowMs: number,
): Flight {
  const flight = flightOf(state, body, purpose, exchange, nowMs);
  state.nextFlightId += 1;
  state.flights.set(flight.id, flight);
  body.flights.push(flight);
  return flight;
}

function flightOf(
  state: ProxyState,
  body: Body,
  purpose: "opening" | "hole",
  exchange: Exchange,
  nowMs: number,
): Flight {
  const forward = forwardedFields(state, exchange);
  return {
    id: state.nextFlightId,
    body,
    asker: exchange.id,
    purpose,
    key: "",
    method: "GET",
    verb: exchange.verb,
    lane: laneOf(state, exchange),
    // R-FLIGHT-16: the URL that was asked for just now is the one whose signature holds.
    url: exchange.url,
    redirects: 0,
    source: exchange.url,
    resigned: 0,
    forward,
    space: exchange.space,
    selecting: forward,
    credentials: credentialFields(exchange.fields),
    unstorable: forbidsStoring(exchange.fields),
    probe: false,
    playlist: exchange.playlist,
    directed: exchange.directed,
    askStart: 0,
    askEnd: -1,
    askSuffix: -1,
    revalidates: null,
    state: "queued",
    start: 0,
    position: 0,
    limit: -1,
    written: 0,
    journalled: 0,
    tailStart: 0,
    paused: false,
    pausedMs: 0,
    clipped: false,
    unpublished: false,
    detachLimit: -1,
    requestMs: nowMs,
    waiters: [],
  };
}

function waitFor(exchange: Exchange, flight: Flight): void {
  exchange.state = "waiting";
  exchange.waitingOn = flight;
  flight.waiters.push(exchange.id);
}

function holeEnd(body: Body, flight: Flight, offset: number, end: number): number {
  let nearest = end;
  const span = spanNextStart(body.entry.spans, offset);
  if (span !== -1 && span < nearest) nearest = span;
  for (const other of body.flights) {
    // R-FLIGHT-3
    if (other !== flight && other.start > offset && other.start < nearest) nearest = other.start;
  }
  return nearest;
}

function clipFlights(body: Body, flight: Flight): void {
  for (const other of body.flights) {
    // R-FLIGHT-5
    const overlaps = other !== flight && other.position <= flight.start && other.limit > flight.start;
    if (!overlaps) continue;
    other.limit = flight.start;
    other.clipped = true;
  }
}
