/** A reader at work: the edge asks for its next step, carries it out, and says how far it came. */

import { entryCombinable } from "../cache/entry.ts";
import { spanEndAt } from "../cache/span-set.ts";
import type { Body } from "../download/flight.ts";
import { flightShouldPause, newBody } from "../download/flight.ts";
import type { ReaderStep } from "../reader/reader-step.ts";
import { coveringFlight, readerStep, tailFlight } from "../reader/reader-step.ts";
import { publishBody, stopStoring, storeBody } from "./body-life.ts";
import { detachFlights, endDrained, launchFlight, openHole, unpause } from "./flight-control.ts";
import { bodyWriteFailed } from "./flight-data.ts";
import { finishExchange } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { hasEnoughAhead } from "./start-ahead.ts";

/**
 * The reader's next step. `open` never comes back: the flight is opened here and the reader waits for it. The edge
 * calls this again after each step that it carried out, and on every `pump`.
 */
export function nextStep(state: ProxyState, exchange: Exchange, nowMs: number): ReaderStep {
  const body = exchange.body;
  const cursor = exchange.cursor;
  if (body === null || cursor === null) return "wait";
  const step = readerStep(body, cursor, state.options.limits, nowMs);
  if (step !== "open") return step;
  const flight = openHole(state, exchange, body, cursor.offset, cursor.end, nowMs);
  launchFlight(state, flight, nowMs);
  // It may have failed at once, and have been the last resume.
  return readerStep(body, cursor, state.options.limits, nowMs) === "cut" ? "cut" : "wait";
}

/** The reader took the bytes up to `offset`. */
export function readerAdvanced(state: ProxyState, exchange: Exchange, offset: number, nowMs: number): void {
  const cursor = exchange.cursor;
  const body = exchange.body;
  if (cursor === null || body === null) return;
  cursor.offset = offset;
  if (!body.storing) endDrained(state, body, nowMs);
  // R-AHEAD-10
  if (hasEnoughAhead(state, exchange, body, offset)) {
    finishExchange(state, exchange, nowMs);
    return;
  }
  if (cursor.end !== -1 && offset >= cursor.end) {
    detachFlights(state, body, nowMs);
    return;
  }
  resumeReading(state, exchange, nowMs);
}

/** Lets origins go on that the reader has caught up with, and fetches the next hole while the file is read. */
export function resumeReading(state: ProxyState, exchange: Exchange, nowMs: number): void {
  const body = exchange.body;
  const cursor = exchange.cursor;
  if (body === null || cursor === null) return;
  const limits = state.options.limits;
  for (const flight of body.flights) {
    if (flight.paused && !flightShouldPause(flight, limits)) unpause(state, flight);
  }
  prefetchHole(state, exchange, nowMs);
}

/** The file could not be read: what it was thought to hold is fetched anew, into a new file where that is possible. */
export function readFailed(state: ProxyState, exchange: Exchange, entryId: number, nowMs: number): void {
  const body = exchange.body;
  if (body === null) return;
  // R-CACHE-5; a file that another reader has already found broken is replaced by now.
  if (body.entry.id !== entryId) {
    state.actions.push({ kind: "pump", exchange });
    return;
  }
  if (body.storing && !body.doomed && body.flights.length === 0) {
    healBody(state, body);
  } else {
    // Counted out of the table before they go; flights go on without them.
    stopStoring(state, body);
    body.entry.spans.length = 0;
    bodyWriteFailed(state, body, nowMs);
  }
  state.actions.push({ kind: "pump", exchange });
}

/** Goes on with a body of the same version and a new, empty file; all who read the old one move over. */
function healBody(state: ProxyState, old: Body): void {
  const body = newBody({ ...old.entry, id: state.nextEntryId, spans: [] });
  state.nextEntryId += 1;
  body.rangeless = old.rangeless;
  for (const cursor of old.cursors) {
    const reader = state.exchanges.get(cursor.owner);
    if (reader === undefined) continue;
    reader.body = body;
    body.cursors.push(cursor);
    body.uses += 1;
  }
  old.cursors = [];
  old.uses -= body.uses;
  publishBody(state, body);
  storeBody(state, body);
}

/** Opens the flight for the hole behind the span that is being read, once the reader is near it (R-READ-4). */
function prefetchHole(state: ProxyState, exchange: Exchange, nowMs: number): void {
  const body = exchange.body;
  const cursor = exchange.cursor;
  if (body === null || cursor === null || cursor.end === -1 || exchange.state !== "sending") return;
  const spanEnd = spanEndAt(body.entry.spans, cursor.offset);
  if (spanEnd === -1 || spanEnd >= cursor.end || spanEnd - cursor.offset > state.options.limits.readAheadBytesMax)
    return;
  if (coveringFlight(body, spanEnd) !== null || tailFlight(body, spanEnd) !== null) return;
  if (
    body.passing ||
    body.doomed ||
    body.rangeless ||
    !entryCombinable(body.entry) ||
    nowMs < cursor.notBeforeMs ||
    cursor.failures > 0
  )
    return;
  launchFlight(state, openHole(state, exchange, body, spanEnd, cursor.end, nowMs), nowMs);
}
