/** The answer to a request for a hole: of the same version, or of another, with which nothing may be mixed. */
import { entryEtag, entryLastModified } from "../cache/entry.ts";
import type { Body, Flight } from "../download/flight.ts";
import type { HeadVerdict } from "../download/head-verdict.ts";
import { isEncoded } from "../download/head-verdict.ts";
import { fieldFirst } from "../http/field-list.ts";
import { etagEqualStrong, sameVersion } from "../http/validator.ts";
import { blankBody, doomBody, dropBody, releaseBody } from "./body-life.ts";
import { planExchange } from "./exchange-plan.ts";
import { serveBody } from "./exchange-serve.ts";
import { abortFlight, detachFlight, leaveBody } from "./flight-control.ts";
import { nextWaiter, pumpReaders, takeWaiters } from "./flight-end.ts";
import type { OriginAnswer } from "./flight-head.ts";
import { openBody, startFlowing } from "./flight-head.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";

/** A whole or a part came for a hole (R-FLIGHT-8). */
export function acceptHole(
  state: ProxyState,
  flight: Flight,
  answer: OriginAnswer,
  verdict: HeadVerdict & { kind: "whole" | "part" },
  nowMs: number,
): void {
  const body = flight.body;
  const same = isSameVersion(body, answer, verdict.total, verdict.kind === "whole");
  if (verdict.kind === "whole" && !same) {
    replaceVersion(state, flight, answer, verdict, nowMs);
    return;
  }
  if (!same) {
    versionChanged(state, flight, nowMs);
    return;
  }
  const limit = flight.limit;
  if (verdict.kind === "whole") {
    // R-FLIGHT-9
    body.rangeless = true;
    startFlowing(flight, 0, verdict.total);
  } else {
    startFlowing(flight, verdict.start, limit === -1 || verdict.end < limit ? verdict.end : limit);
  }
  for (let exchange = nextWaiter(state, flight); exchange !== null; exchange = nextWaiter(state, flight)) {
    exchange.note.fwdStatus = answer.status;
    exchange.note.stored = body.storing && !exchange.note.collapsed;
    serveBody(state, exchange, body, nowMs);
  }
  // A reader that waits far ahead may fetch for itself, now that the flight flows.
  pumpReaders(state, body);
  detachFlight(state, flight, nowMs);
}

/** A 200 of another version to a request for a hole: the flight goes on as the new version's (R-VERSION-1). */
function replaceVersion(
  state: ProxyState,
  flight: Flight,
  answer: OriginAnswer,
  verdict: HeadVerdict & { kind: "whole" | "part" },
  nowMs: number,
): void {
  const old = flight.body;
  moveFlight(state, flight, nowMs);
  const others = sealBody(state, old, nowMs);
  dropWaiters(state, flight);
  flight.purpose = "opening";
  openBody(state, flight, answer, verdict, nowMs);
  beginAnew(state, others, nowMs);
}

/** The hole belongs to another version: nothing is mixed, whoever has no head yet begins anew (R-VERSION-2). */
export function versionChanged(state: ProxyState, flight: Flight, nowMs: number): void {
  const old = flight.body;
  const waiters = takeWaiters(state, flight);
  abortFlight(state, flight, nowMs);
  const others = sealBody(state, old, nowMs);
  beginAnew(state, waiters, nowMs);
  beginAnew(state, others, nowMs);
}

/** Lets those who wait for a flight's head go of the body that it was to fill. */
export function dropWaiters(state: ProxyState, flight: Flight): void {
  for (const id of flight.waiters) {
    const exchange = state.exchanges.get(id);
    if (exchange !== undefined) dropBody(state, exchange);
  }
}

/** Nothing more of a version is fetched: the origin has another. Returns who waited for more of it. */
function sealBody(state: ProxyState, body: Body, nowMs: number): Exchange[] {
  const others: Exchange[] = [];
  body.passing = true;
  doomBody(state, body);
  for (const other of body.flights.slice()) {
    // What still comes for the old version cannot be trusted to be of it, unless its head has been checked.
    if (other.state !== "queued" && other.state !== "asked") continue;
    for (const exchange of takeWaiters(state, other)) others.push(exchange);
    abortFlight(state, other, nowMs);
  }
  pumpReaders(state, body);
  return others;
}

function beginAnew(state: ProxyState, exchanges: Exchange[], nowMs: number): void {
  for (const exchange of exchanges) {
    dropBody(state, exchange);
    exchange.note.fwd = "stale";
    planExchange(state, exchange, nowMs);
  }
}

/** Gives a flight a body of its own. */
export function moveFlight(state: ProxyState, flight: Flight, nowMs: number): void {
  const old = flight.body;
  leaveBody(state, flight);
  flight.body = blankBody(state, old.entry.key, old.entry.url, nowMs);
  flight.body.flights.push(flight);
  releaseBody(state, old);
}

/** Whether an answer is of the version that the body holds. A 200 proves it only by an equal strong ETag. */
function isSameVersion(body: Body, answer: OriginAnswer, total: number, whole: boolean): boolean {
  const etag = fieldFirst(answer.fields, "etag");
  const known = entryEtag(body.entry);
  if (whole) {
    if (isEncoded(answer.fields) || total !== body.entry.total) return false;
    if (known !== null && etag !== null) return etagEqualStrong(known, etag);
    return known === null && etag === null && sameLastModified(body, answer);
  }
  const lastModified = fieldFirst(answer.fields, "last-modified");
  return sameVersion(known, entryLastModified(body.entry), body.entry.total, etag, lastModified, total);
}

function sameLastModified(body: Body, answer: OriginAnswer): boolean {
  const known = entryLastModified(body.entry);
  return known !== null && known === fieldFirst(answer.fields, "last-modified");
}
