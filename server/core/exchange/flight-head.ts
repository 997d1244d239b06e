/** The origin answered: what its head means for the flight, the resource, and those who wait. */
import { lowerAscii } from "../base/bytes.ts";
import { storable } from "../cache/storability.ts";
import { breakerSucceeded } from "../download/breaker.ts";
import type { Body, Flight } from "../download/flight.ts";
import type { Framing, HeadVerdict } from "../download/head-verdict.ts";
import { headVerdict } from "../download/head-verdict.ts";
import { resolveRange } from "../http/byte-range.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldFirst, fieldRemove } from "../http/field-list.ts";
import { passedResponseFields, storedResponseFields } from "../http/field-table.ts";
import { isPlaylistType } from "../http/media-type.ts";
import { isHttpUrl, originOf } from "../http/uri-reference.ts";
import { upstreamUrlAllowed } from "../route/upstream-access.ts";
import { doomBody, publishBody, storeBody } from "./body-life.ts";
import { roomFor } from "./eviction-run.ts";
import { acceptPass } from "./exchange-pass.ts";
import { planExchange } from "./exchange-plan.ts";
import { answerUnsatisfied, serveBody } from "./exchange-serve.ts";
import { boundVariants, isFor, responseKey } from "./exchange-variant.ts";
import { detachFlight, leaveSlot, resetPositions, sendFlight } from "./flight-control.ts";
import { failCursors, flightFailed, nextWaiter, pumpReaders, takeWaiters } from "./flight-end.ts";
import { acceptHole, dropWaiters, moveFlight, versionChanged } from "./flight-hole.ts";
import { acceptNotModified, isSameHead } from "./flight-renewal.ts";
import { finishExchange } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";

/** An origin's response head as the edge read it. */
export type OriginAnswer = { status: number; reason: string; fields: FieldList; framing: Framing };

/** Takes in the head of the origin's response to the flight's request. */
export function flightHead(state: ProxyState, flight: Flight, answer: OriginAnswer, nowMs: number): void {
  if (flight.state !== "asked") return;
  breakerSucceeded(state.breakers, originOf(flight.url));
  if (flight.verb !== "") {
    acceptPass(state, flight, answer, nowMs);
    return;
  }
  // R-SIGN-1
  if (mayResign(state, flight, answer)) {
    flight.resigned += 1;
    state.actions.push({ kind: "resign", flight, answer });
    return;
  }
  judgeHead(state, flight, answer, nowMs);
}

/** The library's caller was asked for a URL that the origin takes: it has one, or null. */
export function flightResigned(
  state: ProxyState,
  flight: Flight,
  answer: OriginAnswer,
  url: string | null,
  nowMs: number,
): void {
  if (flight.state !== "asked") return;
  // R-SIGN-2
  if (url === null || !isHttpUrl(url) || !upstreamUrlAllowed(url, state.options.allowUpstream)) {
    judgeHead(state, flight, answer, nowMs);
    return;
  }
  // R-REDIRECT-3
  const isElsewhere = originOf(url) !== originOf(flight.source);
  flight.forward = isElsewhere ? withoutCredentials(flight.selecting) : flight.selecting;
  flight.url = url;
  flight.redirects = 0;
  sendFlight(state, flight, nowMs);
}

function mayResign(state: ProxyState, flight: Flight, answer: OriginAnswer): boolean {
  const isRefused = answer.status === 401 || answer.status === 403;
  return state.options.resigns && isRefused && flight.resigned < state.options.limits.resignMax;
}

/** What the head of the origin's response means. */
function judgeHead(state: ProxyState, flight: Flight, answer: OriginAnswer, nowMs: number): void {
  const verdict = headVerdict(
    {
      method: flight.method,
      url: flight.url,
      start: flight.askStart,
      end: flight.askEnd,
      suffix: flight.askSuffix,
      conditional: flight.revalidates !== null,
    },
    answer.status,
    answer.fields,
    answer.framing,
  );
  switch (verdict.kind) {
    case "redirect":
      followRedirect(state, flight, verdict.url, nowMs);
      return;
    case "not-modified":
      acceptNotModified(state, flight, answer, nowMs);
      return;
    case "ask-whole":
      askWhole(state, flight, nowMs);
      return;
    case "fail":
      abortAndFail(state, flight, verdict.code, verdict.detail, nowMs);
      return;
    case "whole":
    case "part":
      if (flight.purpose === "opening") acceptOpening(state, flight, answer, verdict, nowMs);
      else acceptHole(state, flight, answer, verdict, nowMs);
      return;
    case "unsatisfied":
      if (flight.purpose === "opening") answerNoSuchRange(state, flight, verdict.total, nowMs);
      else versionChanged(state, flight, nowMs);
      return;
    case "pass":
      passOn(state, flight, answer, verdict.total, nowMs);
      return;
  }
}

/** Ends a flight whose head or body cannot be used. */
export function abortAndFail(
  state: ProxyState,
  flight: Flight,
  code: Parameters<typeof flightFailed>[2],
  detail: string,
  nowMs: number,
): void {
  state.actions.push({ kind: "abort", flight });
  flightFailed(state, flight, code, detail, nowMs);
}

function followRedirect(state: ProxyState, flight: Flight, url: string, nowMs: number): void {
  flight.redirects += 1;
  // R-REDIRECT-1
  if (flight.redirects > state.options.limits.redirectsMax) {
    abortAndFail(state, flight, "upstream-redirects", "more redirects than the limit", nowMs);
    return;
  }
  // R-REDIRECT-2
  if (!upstreamUrlAllowed(url, state.options.allowUpstream)) {
    abortAndFail(state, flight, "forbidden-upstream", "redirected to a host that no option allows", nowMs);
    return;
  }
  // R-REDIRECT-3: what identifies the player is for the host that it chose.
  if (originOf(url) !== originOf(flight.url)) flight.forward = withoutCredentials(flight.forward);
  flight.url = url;
  sendFlight(state, flight, nowMs);
}

function askWhole(state: ProxyState, flight: Flight, nowMs: number): void {
  flight.askStart = 0;
  flight.askEnd = -1;
  flight.askSuffix = -1;
  flight.body.rangeless = true;
  sendFlight(state, flight, nowMs);
}

function acceptOpening(
  state: ProxyState,
  flight: Flight,
  answer: OriginAnswer,
  verdict: HeadVerdict & { kind: "whole" | "part" },
  nowMs: number,
): void {
  const ranged = flight.askStart !== 0 || flight.askEnd !== -1;
  // R-SERVE-6: a playlist is rewritten as a whole, so a part of one is of no use.
  if (isPlaylistType(fieldFirst(answer.fields, "content-type")) && !flight.playlist) {
    flight.playlist = true;
    // HEAD of a playlist has the length of the rewritten one, so that its text is needed as well.
    if (verdict.kind === "part" || flight.method === "HEAD") {
      flight.method = "GET";
      askWhole(state, flight, nowMs);
      return;
    }
  }
  const known = flight.revalidates;
  // R-REVAL-5
  if (flight.method === "HEAD" && known !== null && isSameHead(known, answer, verdict.total)) {
    acceptNotModified(state, flight, answer, nowMs);
    return;
  }
  if (ranged && verdict.kind === "whole") flight.body.rangeless = true;
  openBody(state, flight, answer, verdict, nowMs);
}

/** The flight decided what the resource is: its body is published, and those who waited are served from it. */
export function openBody(
  state: ProxyState,
  flight: Flight,
  answer: OriginAnswer,
  verdict: HeadVerdict & { kind: "whole" | "part" },
  nowMs: number,
): void {
  const body = flight.body;
  describeBody(state, flight, body, answer, nowMs);
  body.entry.total = verdict.total;
  const start = verdict.kind === "part" ? verdict.start : 0;
  const end = verdict.kind === "part" ? verdict.end : verdict.total;
  startFlowing(flight, start, flight.method === "HEAD" ? start : end);
  const stores = mayStore(state, flight, flight.method, answer.status, answer.fields);
  // R-HEAD-1: whether a body that only the connection's end closes is whole, nobody knows.
  const whole = answer.framing !== "close" && flight.method === "GET" && !flight.unpublished;
  // R-LL-2: of no use to who asks later, and it may be a delta.
  body.storing = stores && whole && !flight.directed && roomFor(state, body, nowMs);
  leaveSlot(state, flight);
  body.entry.key = responseKey(state, flight, body.entry.fields);
  if (body.storing) {
    publishBody(state, body);
    boundVariants(state, body);
    storeBody(state, body);
  }
  // What took its place may be for others, and has another key then.
  if (flight.revalidates !== null) doomBody(state, flight.revalidates);
  serveWaiters(state, flight, answer, stores, nowMs);
}

/** Whether an answer to a flight's request may be stored. */
export function mayStore(
  state: ProxyState,
  flight: Flight,
  method: string,
  status: number,
  fields: FieldList,
): boolean {
  // What the operator sets on every request tells nobody apart; what the player sent does.
  // R-STORE-5: a redirect takes the credentials off, and has been answered to whom they name.
  const identity = withoutCredentials(flight.forward).concat(flight.credentials);
  const asked = flight.unstorable ? identity.concat("Cache-Control", "no-store") : identity;
  const verdict = storable(method, asked, status, fields, {
    overrideNoStore: state.options.ignoreNoStore,
    apart: state.options.apart,
    shared: state.options.shared,
    extraRequestFields: state.options.forwardFields,
  });
  return verdict.store;
}

function serveWaiters(state: ProxyState, flight: Flight, answer: OriginAnswer, shared: boolean, nowMs: number): void {
  // One after the other: as long as one waits, the flight is wanted.
  for (let exchange = nextWaiter(state, flight); exchange !== null; exchange = nextWaiter(state, flight)) {
    if (!shared && exchange.id !== flight.asker) {
      fetchAlone(state, exchange, nowMs);
      continue;
    }
    // R-VARY-5
    if (exchange.id !== flight.asker && !isFor(state, exchange, flight.body)) {
      planExchange(state, exchange, nowMs);
      continue;
    }
    if (exchange.id === flight.asker) exchange.cookies = cookiesOf(answer.fields);
    exchange.note.fwdStatus = answer.status;
    exchange.note.stored = flight.body.storing && !exchange.note.collapsed;
    serveBody(state, exchange, flight.body, nowMs);
  }
  detachFlight(state, flight, nowMs);
}

/** What is not for all is fetched by each (R-STORE-8). */
function fetchAlone(state: ProxyState, exchange: Exchange, nowMs: number): void {
  if (exchange.task !== null) exchange.task.failure = "not-stored";
  // R-AHEAD-10, R-PRE-9; who validates has its answer: what is stored is replaced.
  if (exchange.ahead || exchange.found !== null || exchange.task !== null) {
    if (exchange.found !== null) exchange.found = "updated";
    finishExchange(state, exchange, nowMs);
    return;
  }
  exchange.solo = true;
  exchange.note.fwd = "bypass";
  planExchange(state, exchange, nowMs);
}

/** An answer that is not stored: passed to everyone who waited for it, as the origin said it (R-ERROR-2). */
export function passOn(state: ProxyState, flight: Flight, answer: OriginAnswer, total: number, nowMs: number): void {
  const old = flight.body;
  if (flight.purpose === "hole") {
    failCursors(state, flight, answer.status < 500 ? "upstream-bad-range" : "upstream-refused", nowMs);
    moveFlight(state, flight, nowMs);
    dropWaiters(state, flight);
    pumpReaders(state, old);
  }
  leaveSlot(state, flight);
  const body = flight.body;
  describeBody(state, flight, body, answer, nowMs);
  body.entry.kind = "media";
  body.entry.fields = passedResponseFields(answer.fields, state.options.responseFields);
  fieldRemove(body.entry.fields, "set-cookie");
  body.entry.total = total;
  body.status = answer.status;
  body.reason = answer.reason;
  body.passing = true;
  body.storing = false;
  startFlowing(flight, 0, flight.method === "HEAD" ? 0 : total);
  for (let exchange = nextWaiter(state, flight); exchange !== null; exchange = nextWaiter(state, flight)) {
    if (!state.options.apart && flight.credentials.length > 0 && exchange.id !== flight.asker) {
      fetchAlone(state, exchange, nowMs);
      continue;
    }
    if (exchange.id === flight.asker) exchange.cookies = cookiesOf(answer.fields);
    exchange.playlist = false;
    exchange.note.fwdStatus = answer.status;
    serveBody(state, exchange, body, nowMs);
  }
  detachFlight(state, flight, nowMs);
}

/** 416 to an opening: the answer to its asker, and to who asked for what lies beyond the end as well. */
function answerNoSuchRange(state: ProxyState, flight: Flight, total: number, nowMs: number): void {
  const waiters = takeWaiters(state, flight);
  leaveSlot(state, flight);
  flight.body.passing = true;
  flight.body.storing = false;
  startFlowing(flight, 0, 0);
  for (const exchange of waiters) {
    if (exchange.id !== flight.asker && !isBeyondEnd(exchange, total)) {
      planExchange(state, exchange, nowMs);
      continue;
    }
    exchange.note.fwdStatus = 416;
    answerUnsatisfied(state, exchange, total, nowMs);
  }
}

function isBeyondEnd(exchange: Exchange, total: number): boolean {
  if (total < 0 || exchange.playlist || fieldFirst(exchange.fields, "if-range") !== null) return false;
  return resolveRange(exchange.range, total).kind === "unsatisfiable";
}

function describeBody(state: ProxyState, flight: Flight, body: Body, answer: OriginAnswer, nowMs: number): void {
  const entry = body.entry;
  // Until its text is read, what says it is a playlist is one that may change at any time.
  if (flight.playlist || isPlaylistType(fieldFirst(answer.fields, "content-type"))) entry.kind = "live";
  entry.fields = storedResponseFields(answer.fields, state.options.responseFields);
  entry.finalUrl = flight.url;
  entry.requestMs = flight.requestMs;
  entry.responseMs = nowMs;
}

/** The flight delivers bytes from `start` to `end` (exclusive, -1 unknown) from now on. */
export function startFlowing(flight: Flight, start: number, end: number): void {
  flight.state = "flowing";
  resetPositions(flight, start);
  flight.limit = end;
}

function withoutCredentials(fields: FieldList): FieldList {
  const kept = fields.slice();
  fieldRemove(kept, "authorization");
  fieldRemove(kept, "cookie");
  return kept;
}

/** Set-Cookie is for the one who asked: passed on once, never stored (R-STORE-9). */
function cookiesOf(fields: FieldList): FieldList {
  const cookies: FieldList = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (lowerAscii(fields[at] ?? "") === "set-cookie") cookies.push("Set-Cookie", fields[at + 1] ?? "");
  }
  return cookies;
}
