/** Finds what is stored for a request among the variants of its resource, and says which requests are for one answer. */
import { isVariantOf, resourceKey, selectingNames, variantKey } from "../cache/variant.ts";
import type { Body, Flight } from "../download/flight.ts";
import { findSlot, variantsOf } from "../download/resource-table.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldCombined } from "../http/field-list.ts";
import { passedRequestFields, upstreamRequestFields } from "../http/field-table.ts";
import { doomBody, stopStoring } from "./body-life.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { keyOf } from "./proxy-state.ts";

/** The fields of an exchange's request as they reach the origin; what tells variants apart is among them. */
export function forwardedFields(state: ProxyState, exchange: Exchange): FieldList {
  // R-PASS-1
  if (exchange.verb !== "") return passedRequestFields(exchange.fields, state.options.requestFields);
  return upstreamRequestFields(exchange.fields, state.options.forwardFields, state.options.requestFields);
}

/** The newest of what is stored for an exchange's request; null when nothing is. */
export function findStored(state: ProxyState, exchange: Exchange): Body | null {
  return newestFor(state, exchange, exchange.key, exchange.space);
}

/** The same for another URL that the exchange's player would ask for with the same fields. */
export function findStoredOf(state: ProxyState, exchange: Exchange, url: string): Body | null {
  const key = keyOf(state.options, url);
  // What follows a resource's key in `space` is the identity's alone, whatever the resource.
  return newestFor(state, exchange, key, key + exchange.space.slice(exchange.key.length));
}

/** Whether a response is for an exchange's request: the keys that both have by the response's Vary are the same. */
export function isFor(state: ProxyState, exchange: Exchange, body: Body): boolean {
  return isForKeys(state, exchange, exchange.key, exchange.space, body);
}

/** Whether a response is stored that an exchange may have, but for the request fields that it varies on. */
export function missesByVary(state: ProxyState, exchange: Exchange): boolean {
  // R-CS-7
  return variantsOf(state.table, exchange.key).some(({ entry }) => {
    if (isVariantOf(entry.key, exchange.space)) return true;
    return isPublic(entry.fields) && isVariantOf(entry.key, exchange.key);
  });
}

/** The key under which requests wait for one answer; `current` is the stored version that it is to renew, if any. */
export function openingKey(state: ProxyState, exchange: Exchange, current: Body | null): string {
  const variants = variantsOf(state.table, exchange.key);
  const newest = current ?? variants[variants.length - 1] ?? null;
  // R-VARY-5
  const names = newest === null ? [] : namesOf(state, newest.entry.fields);
  return variantKey(exchange.space, names, names.length === 0 ? [] : forwardedFields(state, exchange));
}

/** The key under which the response to a flight's request is kept. */
export function responseKey(state: ProxyState, flight: Flight, fields: FieldList): string {
  // R-VARY-1: what says public is for every identity.
  const space = isPublic(fields) ? resourceKey(flight.space) : flight.space;
  return variantKey(space, namesOf(state, fields), flight.selecting);
}

/**
 * Lets go of the variants of a resource beyond the bound, those first that were asked for longest ago; of `body`, which
 * has just come, when all others are pinned.
 */
export function boundVariants(state: ProxyState, body: Body): void {
  const others = variantsOf(state.table, resourceKey(body.entry.key)).filter((other) => other !== body);
  others.sort((a, b) =>
    a.entry.accessMs === b.entry.accessMs ? a.entry.id - b.entry.id : a.entry.accessMs - b.entry.accessMs,
  );
  // R-VARY-6
  const excess = others.length + 1 - state.options.limits.variantsMax;
  const free = others.filter((other) => !other.entry.pinned);
  for (const other of free.slice(0, Math.max(0, excess))) doomBody(state, other);
  if (excess > free.length) stopStoring(state, body);
}

function newestFor(state: ProxyState, exchange: Exchange, key: string, space: string): Body | null {
  let found = findSlot(state.table, key)?.current ?? null;
  if (found !== null && !isForKeys(state, exchange, key, space, found)) found = null;
  for (const body of variantsOf(state.table, key)) {
    // R-VARY-4
    const isNewer = found === null || body.entry.id > found.entry.id;
    if (isNewer && isForKeys(state, exchange, key, space, body)) found = body;
  }
  return found;
}

function isForKeys(state: ProxyState, exchange: Exchange, key: string, space: string, body: Body): boolean {
  const names = namesOf(state, body.entry.fields);
  const selecting = names.length === 0 ? [] : forwardedFields(state, exchange);
  // R-VARY-4
  if (body.entry.key === variantKey(space, names, selecting)) return true;
  return isPublic(body.entry.fields) && body.entry.key === variantKey(key, names, selecting);
}

/** The request fields that tell the variants of a response apart. */
function namesOf(state: ProxyState, fields: FieldList): string[] {
  return selectingNames(fieldCombined(fields, "vary"), state.options.forwardFields);
}

function isPublic(fields: FieldList): boolean {
  return parseCacheControl(fieldCombined(fields, "cache-control")).isPublic;
}
