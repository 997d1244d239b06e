/** Answers an exchange from a body: status, head, and the cursor that reads the rest. */

import { equalIgnoreCase, parseDigits } from "../base/bytes.ts";
import { entryCombinable, entryEtag, entryLastModified } from "../cache/entry.ts";
import { currentAgeMs } from "../cache/freshness.ts";
import type { Body } from "../download/flight.ts";
import { newCursor } from "../download/flight.ts";
import type { RangeSpec } from "../http/byte-range.ts";
import { contentRangeText, resolveRange, unsatisfiedRangeText } from "../http/byte-range.ts";
import { fieldCombined, fieldFirst } from "../http/field-list.ts";
import { parseHttpDate } from "../http/http-date.ts";
import { contentTypeFor } from "../http/media-type.ts";
import { ifModifiedSinceHolds, ifNoneMatchHolds, ifRangeHolds } from "../http/validator.ts";
import { coveringFlight, firstMissing, firstUncovered, readerStep } from "../reader/reader-step.ts";
import type { HeadParts, ResponseHead } from "../response/response-head.ts";
import { responseHead } from "../response/response-head.ts";
import { proxiedUrl } from "../route/proxied-url.ts";
import { doomBody, dropBody, holdBody } from "./body-life.ts";
import { laneOf } from "./exchange-lane.ts";
import { planExchange } from "./exchange-plan.ts";
import { answerKnownPlaylist } from "./exchange-playlist.ts";
import { resumeReading } from "./exchange-read.ts";
import { joinFlight, launchFlight, openHole, promoteFlight, unpause } from "./flight-control.ts";
import { surveyPurpose } from "./playlist-survey.ts";
import { endsPreload } from "./preload-run.ts";
import { answerProblem, finishExchange, plainParts, sendHead } from "./problem.ts";
import type { Exchange, ProxyState, Validation } from "./proxy-state.ts";
import { isMomentary } from "./segment-delivery.ts";
import { endsAhead, noteChoice } from "./start-ahead.ts";

/** Serves an exchange from a body whose head is known: at once, or when the flight for its first byte has an answer. */
export function serveBody(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): void {
  if (exchange.found !== null) {
    exchange.found = validation(exchange, body);
    finishExchange(state, exchange, nowMs);
    return;
  }
  if (exchange.body === null) holdBody(exchange, body);
  if (endsAhead(state, exchange, body, nowMs) || endsPreload(state, exchange, body, nowMs)) return;
  if (body.entry.kind !== "media") noteChoice(state, exchange, nowMs);
  body.entry.accessMs = nowMs;
  if (body.journalled) state.actions.push({ kind: "touch", body });
  // R-OFFLINE-5, R-DELIVER-5: what the player has was true of another moment.
  const isLasting = surveyPurpose(state, exchange, body) !== "offline" && !isMomentary(state, body);
  if (!body.passing && isLasting && isNotModified(exchange, body, nowMs)) {
    answerNotModified(state, exchange, body, nowMs);
    return;
  }
  // R-SERVE-1
  if (exchange.playlist || body.entry.kind !== "media") {
    exchange.playlist = true;
    if (lacksStored(state, exchange, body, 0, body.entry.total, nowMs)) return;
    noteSource(exchange, body, 0, body.entry.total);
    // Who fetches for later reads what the origin sent.
    if (exchange.method !== "" && answerKnownPlaylist(state, exchange, body, nowMs)) return;
    beginReading(state, exchange, body, 0, body.entry.total, "gathering", nowMs);
    return;
  }
  serveRange(state, exchange, body, nowMs);
}

/** What an exchange that validates found: the body is what it would be served from. */
function validation(exchange: Exchange, body: Body): Validation {
  const { detail, fwdStatus } = exchange.note;
  // R-CHECK-2
  if (detail === "offline") return "offline";
  if (body.passing) return body.status === 404 || body.status === 410 ? "gone" : "failed";
  return fwdStatus === 304 ? "current" : "updated";
}

/** The head of a response from a body; `start` and `end` are the bytes that follow, end -1 for an unknown length. */
export function bodyHead(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  status: number,
  start: number,
  end: number,
  nowMs: number,
): ResponseHead {
  const parts = bodyParts(state, exchange, body, status, nowMs);
  parts.contentLength = end === -1 ? -1 : end - start;
  // R-RANGE-13: an error that is passed on has no ranges to offer.
  parts.acceptRanges = body.passing ? null : "bytes";
  if (status === 206) parts.contentRange = contentRangeText(start, end, body.entry.total);
  const head = responseHead(parts);
  if (body.passing && body.reason !== "") head.reason = body.reason;
  // R-PASS-4
  if (body.location !== "") addLocation(head, proxiedUrl(exchange.prefix, exchange.form, body.location));
  return head;
}

/** Location stands before Cache-Status, which every head has (R-RESP-1). */
function addLocation(head: ResponseHead, url: string): void {
  const place = head.fields.indexOf("Cache-Status");
  head.fields.splice(place === -1 ? head.fields.length : place, 0, "Location", url);
}

/** What every response from a body says of it. */
export function bodyParts(state: ProxyState, exchange: Exchange, body: Body, status: number, nowMs: number): HeadParts {
  const parts = plainParts(state, status, exchange.httpMinor, exchange.keepAlive, nowMs);
  const entry = body.entry;
  const type = fieldFirst(entry.fields, "content-type");
  // R-ERROR-2: the page that says why there is no segment is no segment.
  parts.contentType = body.passing ? type : contentTypeFor(type, entry.finalUrl);
  parts.stored = exchange.cookies.length === 0 ? entry.fields : entry.fields.concat(exchange.cookies);
  parts.note = exchange.note;
  // R-RESP-15
  if (exchange.note.hit) parts.ageSeconds = Math.floor(bodyAgeMs(body, nowMs) / 1000);
  return parts;
}

/** Age of what a body holds, in milliseconds (RFC 9111 section 4.2.3). */
export function bodyAgeMs(body: Body, nowMs: number): number {
  const entry = body.entry;
  const age = fieldFirst(entry.fields, "age");
  const date = fieldFirst(entry.fields, "date");
  return currentAgeMs(
    age === null ? -1 : parseDigits(age),
    date === null ? -1 : parseHttpDate(date, nowMs),
    entry.requestMs,
    entry.responseMs,
    nowMs,
  );
}

/** Gives an exchange its cursor; a flight that brings the first byte is joined, a hole gets one. */
export function beginReading(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  start: number,
  end: number,
  next: "gathering" | "sending",
  nowMs: number,
): void {
  exchange.cursor = newCursor(exchange.id, start, end);
  body.cursors.push(exchange.cursor);
  exchange.state = next;
  for (const flight of body.flights.slice()) {
    flight.detachLimit = -1;
    // R-LANE-11: what a player reads is no background any more.
    if (flight.limit === -1 || flight.limit > start) promoteFlight(state, flight, laneOf(state, exchange), nowMs);
  }
  resumeReading(state, exchange, nowMs);
  state.actions.push({ kind: "pump", exchange });
}

function serveRange(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): void {
  const total = body.entry.total;
  // R-SERVE-7: a range of unknown length is answered with the whole.
  const asked = body.passing || total === -1 ? "whole" : resolveRange(usableRange(exchange, body, nowMs), total);
  if (asked !== "whole" && asked.kind === "unsatisfiable") {
    if (exchange.note.fwd === "") exchange.note.hit = true;
    answerUnsatisfied(state, exchange, total, nowMs);
    return;
  }
  const part = asked !== "whole" && asked.kind === "part";
  const start = part ? asked.start : 0;
  const end = part ? asked.end : total;
  if (lacksStored(state, exchange, body, start, end, nowMs)) return;
  // R-FLIGHT-8; HEAD needs none of the bytes.
  if (exchange.method !== "HEAD" && isBeyondRepair(body, start, end)) {
    dropBody(state, exchange);
    doomBody(state, body);
    exchange.replans += 1;
    planExchange(state, exchange, nowMs);
    return;
  }
  const status = body.passing ? body.status : part ? 206 : 200;
  if (exchange.method !== "HEAD" && waitsForOrigin(state, exchange, body, start, end, nowMs)) return;
  noteSource(exchange, body, start, exchange.method === "HEAD" ? start : end);
  sendHead(state, exchange, bodyHead(state, exchange, body, status, start, end, nowMs), null);
  if (exchange.method === "HEAD") finishExchange(state, exchange, nowMs);
  else beginReading(state, exchange, body, start, end, "sending", nowMs);
}

/** Whether the first byte is neither stored nor on its way: then the origin's answer decides the head. */
function waitsForOrigin(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  start: number,
  end: number,
  nowMs: number,
): boolean {
  const probe = newCursor(exchange.id, start, end);
  const step = readerStep(body, probe, state.options.limits, nowMs);
  if (step === "open") {
    // R-FLIGHT-13
    if (!exchange.note.hit && exchange.note.fwd === "") {
      exchange.note.fwd = body.entry.spans.length > 0 || body.flights.length > 0 ? "partial" : "uri-miss";
    }
    const flight = openHole(state, exchange, body, start, end, nowMs);
    joinFlight(state, exchange, flight, nowMs);
    launchFlight(state, flight, nowMs);
    return true;
  }
  const covering = step === "wait" ? coveringFlight(body, start) : null;
  if (covering === null || (covering.state !== "queued" && covering.state !== "asked")) return false;
  if (exchange.note.fwd === "") {
    exchange.note.fwd = "uri-miss";
    exchange.note.collapsed = true;
  }
  joinFlight(state, exchange, covering, nowMs);
  unpause(state, covering);
  return true;
}

/** Answers an exchange that takes only what is stored when some of it is not; false when it may be served. */
function lacksStored(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  start: number,
  end: number,
  nowMs: number,
): boolean {
  // R-REQ-6
  if (!exchange.onlyStored || (end !== -1 && firstUncovered(body, start, end) === -1)) return false;
  answerProblem(state, exchange, "not-stored", "the request says only-if-cached", nowMs);
  return true;
}

/** Whether bytes are missing that nothing brings and that may not be added: the version has no validator. */
function isBeyondRepair(body: Body, start: number, end: number): boolean {
  if (body.passing || end === -1 || entryCombinable(body.entry)) return false;
  return firstUncovered(body, start, end) !== -1;
}

function usableRange(exchange: Exchange, body: Body, nowMs: number): RangeSpec {
  const ifRange = fieldFirst(exchange.fields, "if-range");
  // R-COND-3
  if (ifRange !== null && !ifRangeHolds(ifRange, entryEtag(body.entry), entryLastModified(body.entry), nowMs)) {
    return { kind: "ignored" };
  }
  return exchange.range;
}

/**
 * Says where the bytes come from, when nothing was said yet (R-CS-5). The first byte that is missing decides, so that
 * it does not matter how far the disk has come with those that are here.
 */
function noteSource(exchange: Exchange, body: Body, start: number, end: number): void {
  const note = exchange.note;
  if (note.fwd !== "" || note.hit) return;
  const missing = firstMissing(body, start, end);
  if (missing === -1) {
    note.hit = true;
  } else if (coveringFlight(body, missing) !== null) {
    note.fwd = "uri-miss";
    note.collapsed = true;
  } else {
    note.fwd = "partial";
  }
}

function isNotModified(exchange: Exchange, body: Body, nowMs: number): boolean {
  const ifNoneMatch = fieldCombined(exchange.fields, "if-none-match");
  // R-COND-1
  if (ifNoneMatch !== null) return !ifNoneMatchHolds(ifNoneMatch, entryEtag(body.entry));
  const since = fieldFirst(exchange.fields, "if-modified-since");
  // R-COND-2
  return since !== null && !ifModifiedSinceHolds(since, entryLastModified(body.entry), nowMs);
}

function answerNotModified(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): void {
  if (exchange.note.fwd === "") exchange.note.hit = true;
  const parts = bodyParts(state, exchange, body, 304, nowMs);
  if (exchange.playlist) parts.stored = playlistFields(parts.stored);
  sendHead(state, exchange, responseHead(parts), "");
  finishExchange(state, exchange, nowMs);
}

/** 416, alike whether the origin or the stored length says so; `total` is -1 when the origin did not say it. */
export function answerUnsatisfied(state: ProxyState, exchange: Exchange, total: number, nowMs: number): void {
  const parts = plainParts(state, 416, exchange.httpMinor, exchange.keepAlive, nowMs);
  parts.note = exchange.note;
  parts.acceptRanges = "bytes";
  // R-SERVE-8
  if (total >= 0) parts.contentRange = unsatisfiedRangeText(total);
  sendHead(state, exchange, responseHead(parts), "");
  finishExchange(state, exchange, nowMs);
}

/** A rewritten playlist is not the origin's bytes: its strong ETag becomes a weak one (R-SERVE-4). */
export function playlistFields(stored: string[]): string[] {
  const fields = stored.slice();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = fields[at + 1] ?? "";
    if (equalIgnoreCase(fields[at] ?? "", "etag") && value.startsWith('"')) fields[at + 1] = `W/${value}`;
  }
  return fields;
}
