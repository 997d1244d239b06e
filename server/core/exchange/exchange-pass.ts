/** Requests that pass through: methods that change something go to the origin as they came, and end what was stored. */
import { parseDigits } from "../base/bytes.ts";
import { resourceKey } from "../cache/variant.ts";
import type { Flight } from "../download/flight.ts";
import { isEncoded } from "../download/head-verdict.ts";
import { findSlot, variantsOf } from "../download/resource-table.ts";
import { fieldFirst } from "../http/field-list.ts";
import { isHttpUrl, originOf, parseUri, resolveReference, withoutFragment } from "../http/uri-reference.ts";
import { blankBody, doomBody } from "./body-life.ts";
import { launchFlight, leaveSlot, openOpening } from "./flight-control.ts";
import type { OriginAnswer } from "./flight-head.ts";
import { abortAndFail, passOn } from "./flight-head.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { flightsByAge, keyOf } from "./proxy-state.ts";

/** Sends an exchange's request to its origin, for it alone. */
export function openPass(state: ProxyState, exchange: Exchange, nowMs: number): void {
  exchange.note.fwd = "method";
  const body = blankBody(state, exchange.space, exchange.url, nowMs);
  launchFlight(state, openOpening(state, exchange, body, null, nowMs), nowMs);
}

/** The origin answered a request that passes through. */
export function acceptPass(state: ProxyState, flight: Flight, answer: OriginAnswer, nowMs: number): void {
  // A part of what, nobody asked.
  if (answer.status === 206) {
    abortAndFail(state, flight, "upstream-bad-range", "206 to a request that passes through", nowMs);
    return;
  }
  const location = absolute(flight, answer, "location");
  // R-PASS-3
  if (answer.status < 400) {
    invalidate(state, flight.source);
    for (const url of [location, absolute(flight, answer, "content-location")]) {
      if (url !== "" && originOf(url) === originOf(flight.url)) invalidate(state, url);
    }
  }
  const length = fieldFirst(answer.fields, "content-length");
  const isKnown = answer.framing === "length" && length !== null && !isEncoded(answer.fields);
  flight.body.location = location;
  passOn(state, flight, answer, answer.framing === "none" ? 0 : isKnown ? parseDigits(length) : -1, nowMs);
}

/** Lets go of all that is stored of a URL, and of what is on its way to be (RFC 9111 section 4.4). */
function invalidate(state: ProxyState, url: string): void {
  const key = keyOf(state.options, url);
  const current = findSlot(state.table, key)?.current ?? null;
  if (current !== null) doomBody(state, current);
  for (const body of variantsOf(state.table, key).slice()) doomBody(state, body);
  for (const flight of flightsByAge(state)) {
    if (resourceKey(flight.space) !== key || flight.verb !== "") continue;
    leaveSlot(state, flight);
    flight.unpublished = true;
  }
}

/** The http or https URL that a field of an answer names, without fragment; "" when it names none. */
function absolute(flight: Flight, answer: OriginAnswer, name: string): string {
  const value = fieldFirst(answer.fields, name);
  const url = value === null ? "" : withoutFragment(resolveReference(parseUri(flight.url), value));
  return isHttpUrl(url) ? url : "";
}
