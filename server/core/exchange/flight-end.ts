/** How a flight ends: complete, short, failed; and what becomes of those who wait for it. */
import { integerMax } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import { mayServeStale } from "../cache/freshness.ts";
import { spanAdd, spanBytes } from "../cache/span-set.ts";
import { breakerFailed, breakerOpenUntil } from "../download/breaker.ts";
import type { Body, Cursor, Flight } from "../download/flight.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import { fieldCombined } from "../http/field-list.ts";
import { originOf } from "../http/uri-reference.ts";
import { coveringFlight, firstMissing } from "../reader/reader-step.ts";
import { doomBody, storeBody } from "./body-life.ts";
import { evictIfNeeded } from "./eviction-run.ts";
import { serveBody } from "./exchange-serve.ts";
import { drainFlight, journalFlight, leaveSlot, removeFlight } from "./flight-control.ts";
import { settlePreloads } from "./preload-run.ts";
import { answerProblem } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { flightsByAge } from "./proxy-state.ts";
import { isAheadOnly } from "./start-ahead.ts";

/** The origin's response ended: `failure` is null when it came to its own end. */
export function flightDone(
  state: ProxyState,
  flight: Flight,
  failure: { code: ErrorCode; detail: string } | null,
  nowMs: number,
): void {
  if (flight.state !== "flowing" && flight.state !== "asked") return;
  if (failure !== null || flight.state === "asked") {
    const code = failure === null ? "upstream-protocol" : failure.code;
    flightFailed(state, flight, code, failure === null ? "no response head" : failure.detail, nowMs);
    return;
  }
  // R-BODY-1
  if (flight.limit !== -1 && flight.position < flight.limit) {
    flightFailed(state, flight, "upstream-truncated", "the response ended before its length", nowMs);
    return;
  }
  flightComplete(state, flight, nowMs);
}

/** The flight delivered all that it will: its last bytes may still be on their way to the disk. */
export function flightComplete(state: ProxyState, flight: Flight, nowMs: number): void {
  const body = flight.body;
  if (flight.limit === -1) {
    // R-BODY-2
    body.entry.total = flight.position;
    storeBody(state, body);
  }
  const holds = drainFlight(state, flight, nowMs);
  pumpReaders(state, body);
  if (holds) return;
  removeFlight(state, flight, nowMs);
  evictIfNeeded(state, nowMs);
}

/** Bytes below `upTo` are in the file now (R-CACHE-6: the row comes after the bytes). */
export function flightWritten(state: ProxyState, flight: Flight, upTo: number, nowMs: number): void {
  const body = flight.body;
  if (!body.storing) return;
  const before = spanBytes(body.entry.spans);
  spanAdd(body.entry.spans, flight.written, upTo);
  flight.written = upTo;
  if (!body.hidden) state.table.bytes += spanBytes(body.entry.spans) - before;
  const drained = flight.state === "draining" && flight.written === flight.position;
  const due = drained || flight.written - flight.journalled >= state.options.limits.commitBytes;
  if (due) journalFlight(state, flight);
  if (drained) removeFlight(state, flight, nowMs);
  settlePreloads(state, nowMs);
  evictIfNeeded(state, nowMs);
}

/** The flight failed: those who wait for its head hear of it, those who read its bytes try again or are cut. */
export function flightFailed(state: ProxyState, flight: Flight, code: ErrorCode, detail: string, nowMs: number): void {
  if (flight.state === "ended" || flight.state === "draining") return;
  // R-BREAKER-1, R-AHEAD-10
  if (
    flight.state === "asked" &&
    isNetworkFailure(code) &&
    !isAheadOnly(state, flight) &&
    !isHeldTooLong(flight, code)
  ) {
    noteFailure(state, flight, nowMs);
  }
  const body = flight.body;
  const waiters = takeWaiters(state, flight);
  const began = flight.state === "flowing";
  leaveSlot(state, flight);
  failCursors(state, flight, code, nowMs);
  if (!drainFlight(state, flight, nowMs)) removeFlight(state, flight, nowMs);
  // R-CACHE-3: what has no known length and no end is of no use.
  if (began && body.entry.total === -1) doomBody(state, body);
  for (const exchange of waiters) failWaiter(state, exchange, flight, code, detail, nowMs);
  pumpReaders(state, body);
}

/** Fails those of the flights that wait in a lane, and all that fetch in the background. */
export function failWaiting(
  state: ProxyState,
  flights: Flight[],
  code: ErrorCode,
  detail: string,
  nowMs: number,
): void {
  // First who waits in a lane, or the slots that the others free would send them to a closed door.
  for (const flight of flights) {
    if (flight.state === "queued") flightFailed(state, flight, code, detail, nowMs);
  }
  for (const flight of flights) {
    if (flight.lane !== "background" || flight.state === "draining" || flight.state === "ended") continue;
    state.actions.push({ kind: "abort", flight });
    flightFailed(state, flight, code, detail, nowMs);
  }
}

/** The exchange that has waited longest for the flight's head, and waits no longer; null when nobody waits. */
export function nextWaiter(state: ProxyState, flight: Flight): Exchange | null {
  while (flight.waiters.length > 0) {
    const id = flight.waiters.shift();
    const exchange = id === undefined ? undefined : state.exchanges.get(id);
    if (exchange === undefined) continue;
    exchange.waitingOn = null;
    return exchange;
  }
  return null;
}

/** The exchanges that wait for the flight's head; they wait no longer. */
export function takeWaiters(state: ProxyState, flight: Flight): Exchange[] {
  const waiters: Exchange[] = [];
  for (let exchange = nextWaiter(state, flight); exchange !== null; exchange = nextWaiter(state, flight)) {
    waiters.push(exchange);
  }
  return waiters;
}

/** Lets every reader of the body look again. */
export function pumpReaders(state: ProxyState, body: Body): void {
  for (const cursor of body.cursors) {
    const exchange = state.exchanges.get(cursor.owner);
    if (exchange !== undefined && exchange.state !== "waiting") state.actions.push({ kind: "pump", exchange });
  }
}

/**
 * Counts a failure against every reader whose next missing byte the flight was to bring; a resume waits longer each
 * time (R-READ-3). What fails further ahead was fetched for others.
 */
export function failCursors(state: ProxyState, flight: Flight, code: ErrorCode, nowMs: number): void {
  const limits = state.options.limits;
  for (const cursor of flight.body.cursors) {
    if (!dependsOn(cursor, flight)) continue;
    cursor.failures += 1;
    cursor.failure = code;
    if (code === "upstream-bad-range") cursor.failures = limits.resumeMax + 1;
    cursor.notBeforeMs = nowMs + doubled(limits.resumeBackoffMs, cursor.failures - 1);
    state.sleepers.push(cursor);
  }
}

function dependsOn(cursor: Cursor, flight: Flight): boolean {
  const missing = firstMissing(flight.body, cursor.offset, cursor.end);
  if (missing < flight.position || (flight.limit !== -1 && missing >= flight.limit)) return false;
  const nearer = coveringFlight(flight.body, missing);
  return nearer === null || nearer.position <= flight.position;
}

function failWaiter(
  state: ProxyState,
  exchange: Exchange,
  flight: Flight,
  code: ErrorCode,
  detail: string,
  nowMs: number,
): void {
  const known = flight.revalidates;
  // R-REVAL-2
  if (known !== null && !known.doomed && isOutOfReach(code)) {
    const control = parseCacheControl(fieldCombined(known.entry.fields, "cache-control"));
    const { policy, shared } = state.options;
    if (mayServeStale(known.entry.kind, policy, control, shared)) {
      exchange.note = { hit: false, fwd: "stale", fwdStatus: 0, stored: false, collapsed: false, detail: "offline" };
      serveBody(state, exchange, known, nowMs);
      return;
    }
    // R-REVAL-3
    answerProblem(state, exchange, "offline", detail, nowMs);
    return;
  }
  answerProblem(state, exchange, code, detail, nowMs);
}

function noteFailure(state: ProxyState, flight: Flight, nowMs: number): void {
  const origin = originOf(flight.url);
  const wasOpen = breakerOpenUntil(state.breakers, origin) > nowMs;
  breakerFailed(state.breakers, origin, nowMs);
  if (wasOpen || breakerOpenUntil(state.breakers, origin) <= nowMs) return;
  state.actions.push({ kind: "event", name: "breaker", detail: origin });
  const others = flightsByAge(state).filter((other) => other !== flight && originOf(other.url) === origin);
  // R-BREAKER-9
  failWaiting(state, others, "offline", "the origin cannot be reached", nowMs);
}

function isNetworkFailure(code: ErrorCode): boolean {
  return (
    code === "upstream-refused" || code === "upstream-dns" || code === "upstream-tls" || code === "upstream-timeout"
  );
}

/** An origin that has nothing new to say for too long is not out of reach (R-LL-6). */
function isHeldTooLong(flight: Flight, code: ErrorCode): boolean {
  return flight.directed && code === "upstream-timeout";
}

function isOutOfReach(code: ErrorCode): boolean {
  return isNetworkFailure(code) || code === "upstream-truncated" || code === "offline";
}

/** `value` doubled so many times, at most `integerMax`. */
function doubled(value: number, times: number): number {
  let result = value;
  let left = times;
  while (left > 0 && result > 0 && result < integerMax) {
    result = Math.min(result * 2, integerMax);
    left -= 1;
  }
  return result;
}
