/** An answer after which the stored version is still the one: its fields and times are renewed. */
import { lowerAscii } from "../base/bytes.ts";
import { entryEtag, entryLastModified } from "../cache/entry.ts";
import type { Body, Flight } from "../download/flight.ts";
import { fieldFirst, fieldRemove, fieldSet } from "../http/field-list.ts";
import { storedResponseFields } from "../http/field-table.ts";
import { sameVersion } from "../http/validator.ts";
import { doomBody, storeBody } from "./body-life.ts";
import { planExchange } from "./exchange-plan.ts";
import { serveBody } from "./exchange-serve.ts";
import { responseKey } from "./exchange-variant.ts";
import { removeFlight } from "./flight-control.ts";
import { takeWaiters } from "./flight-end.ts";
import type { OriginAnswer } from "./flight-head.ts";
import { mayStore } from "./flight-head.ts";
import type { ProxyState } from "./proxy-state.ts";

/** 304: the stored version is still the one (RFC 9111 section 4.3.4). */
export function acceptNotModified(state: ProxyState, flight: Flight, answer: OriginAnswer, nowMs: number): void {
  const known = flight.revalidates;
  // R-REVAL-6
  if (known !== null && !isOfVersion(known, answer, -1)) doomBody(state, known);
  const waiters = takeWaiters(state, flight);
  const requestMs = flight.requestMs;
  removeFlight(state, flight, nowMs);
  if (known === null || known.doomed) {
    for (const exchange of waiters) planExchange(state, exchange, nowMs);
    return;
  }
  const entry = known.entry;
  const fresh = storedResponseFields(answer.fields, state.options.responseFields);
  // What they said was of the answer before.
  fieldRemove(entry.fields, "age");
  fieldRemove(entry.fields, "date");
  for (let at = 0; at + 1 < fresh.length; at += 2) {
    const name = fresh[at] ?? "";
    // R-REVAL-1: a 304 has no body of its own to describe, and its entity tag may be the weak form of the stored one.
    const isKept = lowerAscii(name) === "content-type" || (lowerAscii(name) === "etag" && entryEtag(entry) !== null);
    if (!isKept) fieldSet(entry.fields, name, fresh[at + 1] ?? "");
  }
  entry.requestMs = requestMs;
  entry.responseMs = nowMs;
  const isForOthers = entry.key !== responseKey(state, flight, entry.fields);
  // R-VARY-7, R-REVAL-7
  if (isForOthers || !mayStore(state, flight, "GET", 200, entry.fields)) doomBody(state, known);
  storeBody(state, known);
  for (const exchange of waiters) {
    exchange.note.fwdStatus = answer.status;
    // One before may have found that it cannot be completed.
    if (known.doomed) planExchange(state, exchange, nowMs);
    else serveBody(state, exchange, known, nowMs);
  }
}

/** Whether a 200 to HEAD shows, by a validator, that the stored version is still the one. */
export function isSameHead(known: Body, answer: OriginAnswer, total: number): boolean {
  const hasEtag = entryEtag(known.entry) !== null && fieldFirst(answer.fields, "etag") !== null;
  const hasDate = entryLastModified(known.entry) !== null && fieldFirst(answer.fields, "last-modified") !== null;
  return (hasEtag || hasDate) && isOfVersion(known, answer, total);
}

/** Whether nothing in an answer says that it is about another version than the stored one. */
function isOfVersion(known: Body, answer: OriginAnswer, total: number): boolean {
  const { entry } = known;
  const stored = entryEtag(entry);
  const etag = fieldFirst(answer.fields, "etag");
  // Beside entity tags a date says nothing: the same bytes may have been written anew.
  const isTagged = stored !== null && etag !== null;
  const storedDate = isTagged ? null : entryLastModified(entry);
  return sameVersion(stored, storedDate, entry.total, etag, fieldFirst(answer.fields, "last-modified"), total);
}
