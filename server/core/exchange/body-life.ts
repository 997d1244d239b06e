/** The life of a body: made, found by its key, used, doomed, gone. */
import type { Entry } from "../cache/entry.ts";
import type { Body } from "../download/flight.ts";
import { newBody } from "../download/flight.ts";
import { installBody, removeBody, slotFor } from "../download/resource-table.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";

/** A new, hidden body for a resource of which nothing is known yet. */
export function blankBody(state: ProxyState, key: string, url: string, nowMs: number): Body {
  const entry: Entry = {
    id: state.nextEntryId,
    key,
    url,
    finalUrl: url,
    kind: "media",
    fields: [],
    total: -1,
    spans: [],
    requestMs: nowMs,
    responseMs: nowMs,
    targetDurationMs: 0,
    accessMs: nowMs,
    pinned: false,
  };
  state.nextEntryId += 1;
  return newBody(entry);
}

/** Makes the body the one that its key finds; the version before it is doomed. */
export function publishBody(state: ProxyState, body: Body): void {
  const slot = slotFor(state.table, body.entry.key);
  if (slot.current !== null) {
    // R-PIN-1
    body.entry.pinned ||= slot.current.entry.pinned;
    doomBody(state, slot.current);
  }
  installBody(state.table, slotFor(state.table, body.entry.key), body);
}

/** Writes the body's row, when it has one to write: a length is known and its key finds it. */
export function storeBody(state: ProxyState, body: Body): void {
  if (body.hidden || body.doomed || body.entry.total === -1) return;
  body.journalled = true;
  state.actions.push({ kind: "store", body });
}

/** Takes the body from its key at once; its file goes with its last use (R-CACHE-1). */
export function doomBody(state: ProxyState, body: Body): void {
  if (body.doomed) return;
  removeBody(state.table, body);
  body.doomed = true;
  if (body.journalled) state.actions.push({ kind: "forget", body });
  body.journalled = false;
  releaseBody(state, body);
}

/** Stops keeping the body's bytes: what comes from now on passes from memory only (R-CACHE-4). */
export function stopStoring(state: ProxyState, body: Body): void {
  if (!body.storing) return;
  // The table counts the spans of what it holds, so it lets go first.
  doomBody(state, body);
  body.storing = false;
}

/** Removes the file of a doomed body that nobody uses. */
export function releaseBody(state: ProxyState, body: Body): void {
  const free = body.uses === 0 && body.flights.length === 0;
  // An eviction that could not help may now: this one was in use.
  if (free && !body.hidden && !body.entry.pinned) state.evictionIdleBytes = -1;
  if (!body.doomed || body.uses > 0 || body.flights.length > 0 || !body.onDisk) return;
  body.onDisk = false;
  state.actions.push({ kind: "remove", body });
}

/** Lets an exchange hold a body. */
export function holdBody(exchange: Exchange, body: Body): void {
  exchange.body = body;
  body.uses += 1;
}

/** Lets an exchange go of its body. */
export function dropBody(state: ProxyState, exchange: Exchange): void {
  const body = exchange.body;
  if (body === null) return;
  exchange.body = null;
  body.uses -= 1;
  const cursor = exchange.cursor;
  exchange.cursor = null;
  if (cursor !== null) {
    const place = body.cursors.indexOf(cursor);
    if (place !== -1) body.cursors.splice(place, 1);
  }
  releaseBody(state, body);
}
