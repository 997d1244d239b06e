/** Answers of the proxy's own: problems (RFC 9457) and the end of an exchange. */
import type { ErrorCode } from "../base/errors.ts";
import { errorRow } from "../base/errors.ts";
import type { CacheNote } from "../response/cache-status.ts";
import { problemBody } from "../response/problem-body.ts";
import type { HeadParts, ResponseHead } from "../response/response-head.ts";
import { responseHead } from "../response/response-head.ts";
import { dropBody } from "./body-life.ts";
import { evictIfNeeded } from "./eviction-run.ts";
import { laterEnded } from "./fetch-later.ts";
import { detachFlight, detachFlights } from "./flight-control.ts";
import { partEnded, partOutcome } from "./preload-run.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";

/** Answers an exchange whose head has not gone out with a problem; ends it. */
export function answerProblem(
  state: ProxyState,
  exchange: Exchange,
  code: ErrorCode,
  detail: string,
  nowMs: number,
): void {
  exchange.note.detail = code;
  // R-CHECK-2
  if (exchange.found !== null) exchange.found = code === "offline" ? "offline" : "failed";
  const content = problemBody(code, detail, null);
  const head = problemHead(state, code, content, exchange.note, exchange.httpMinor, exchange.keepAlive, nowMs);
  sendHead(state, exchange, head, exchange.method === "HEAD" ? "" : content);
  finishExchange(state, exchange, nowMs);
}

/** The head of a problem response. */
export function problemHead(
  state: ProxyState,
  code: ErrorCode,
  content: string,
  note: CacheNote | null,
  httpMinor: 0 | 1,
  keepAlive: boolean,
  nowMs: number,
): ResponseHead {
  const status = errorRow(code).status;
  const parts = plainParts(state, status, httpMinor, keepAlive, nowMs);
  parts.contentType = "application/problem+json";
  parts.contentLength = content.length;
  parts.note = note;
  // R-ERROR-3
  if (status === 503) parts.retryAfterSeconds = 1;
  if (status === 405) parts.allow = "GET, HEAD, OPTIONS";
  return responseHead(parts);
}

/** The parts that every response of an exchange begins from. */
export function plainParts(
  state: ProxyState,
  status: number,
  httpMinor: 0 | 1,
  keepAlive: boolean,
  nowMs: number,
): HeadParts {
  return {
    status,
    contentType: null,
    contentLength: 0,
    contentRange: null,
    acceptRanges: null,
    stored: [],
    ageSeconds: -1,
    retryAfterSeconds: -1,
    allow: null,
    note: null,
    cors: state.options.cors ? "simple" : "none",
    dateMs: nowMs,
    keepAlive,
    httpMinor,
  };
}

/** Hands a head to the edge. With `content` (null: the reader follows) it is the whole response. */
export function sendHead(state: ProxyState, exchange: Exchange, head: ResponseHead, content: string | null): void {
  exchange.status = head.status;
  if (exchange.method !== "") state.actions.push({ kind: "head", exchange, head, content });
}

/** Ends an exchange: its body and its flights learn that it is gone. */
export function finishExchange(state: ProxyState, exchange: Exchange, nowMs: number): void {
  if (exchange.state === "done") return;
  exchange.state = "done";
  state.exchanges.delete(exchange.id);
  if (exchange.found !== null) state.actions.push({ kind: "validated", exchange, found: exchange.found });
  if (exchange.later) laterEnded(state, nowMs);
  const flight = exchange.waitingOn;
  exchange.waitingOn = null;
  if (flight !== null) {
    const place = flight.waiters.indexOf(exchange.id);
    if (place !== -1) flight.waiters.splice(place, 1);
    // R-LANE-10: a place in the queue is given back, unless a reader waits for the flight as well.
    detachFlight(state, flight, nowMs);
  }
  const { body, task } = exchange;
  const outcome = task === null ? null : partOutcome(exchange, task);
  // R-EVICT-9: what has just been played is the last to go, however long ago its playing began.
  if (body?.journalled === true) {
    body.entry.accessMs = nowMs;
    state.actions.push({ kind: "touch", body });
  }
  dropBody(state, exchange);
  if (body !== null) detachFlights(state, body, nowMs);
  if (task !== null && outcome !== null) partEnded(state, exchange, task, outcome, nowMs);
  evictIfNeeded(state, nowMs);
}
