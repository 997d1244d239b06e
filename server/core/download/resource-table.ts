/**
 * Every resource by its cache key: the version that is served, and the flight, if one is under way, that decides a
 * new one. While a flight decides, whoever needs the decision waits for it (SPEC: R-FLIGHT-1).
 */
import { spanBytes } from "../cache/span-set.ts";
import { resourceKey } from "../cache/variant.ts";
import type { Body, Flight } from "./flight.ts";

/** One resource. */
export type Slot = { key: string; current: Body | null; opening: Flight | null };

/** All resources, and the bodies that may be evicted. */
export type ResourceTable = {
  slots: Map<string, Slot>;
  /** Current bodies that are variants, by the key of their resource, oldest first. */
  variants: Map<string, Body[]>;
  /** Current bodies, in no order. */
  bodies: Body[];
  /** Place of a body in `bodies`, by entry id. */
  places: Map<number, number>;
  /** Bytes in files of current bodies. */
  bytes: number;
};

/** An empty table. */
export function newResourceTable(): ResourceTable {
  return { slots: new Map(), variants: new Map(), bodies: [], places: new Map(), bytes: 0 };
}

/** The slot of a key, or null. */
export function findSlot(table: ResourceTable, key: string): Slot | null {
  return table.slots.get(key) ?? null;
}

/** The slot of a key, made when missing. */
export function slotFor(table: ResourceTable, key: string): Slot {
  const found = table.slots.get(key);
  if (found !== undefined) return found;
  const slot: Slot = { key, current: null, opening: null };
  table.slots.set(key, slot);
  return slot;
}

/** Makes a body the one that its key finds. The slot must have none. */
export function installBody(table: ResourceTable, slot: Slot, body: Body): void {
  slot.current = body;
  body.hidden = false;
  table.places.set(body.entry.id, table.bodies.length);
  table.bodies.push(body);
  table.bytes += spanBytes(body.entry.spans);
  const resource = resourceKey(body.entry.key);
  if (resource === body.entry.key) return;
  const others = table.variants.get(resource);
  if (others === undefined) table.variants.set(resource, [body]);
  else others.push(body);
}

/** Takes a body out of the table; it lives on for those who use it. */
export function removeBody(table: ResourceTable, body: Body): void {
  const place = table.places.get(body.entry.id);
  if (place === undefined) return;
  const last = table.bodies.pop();
  if (last !== undefined && last !== body) {
    table.bodies[place] = last;
    table.places.set(last.entry.id, place);
  }
  table.places.delete(body.entry.id);
  table.bytes -= spanBytes(body.entry.spans);
  body.hidden = true;
  const slot = table.slots.get(body.entry.key);
  if (slot !== undefined && slot.current === body) slot.current = null;
  dropEmptySlot(table, body.entry.key);
  dropVariant(table, body);
}

/** The stored variants of a resource, oldest first. */
export function variantsOf(table: ResourceTable, resource: string): Body[] {
  return table.variants.get(resource) ?? [];
}

/** Forgets the slot of a key that holds nothing. */
export function dropEmptySlot(table: ResourceTable, key: string): void {
  const slot = table.slots.get(key);
  if (slot !== undefined && slot.current === null && slot.opening === null) table.slots.delete(key);
}

function dropVariant(table: ResourceTable, body: Body): void {
  const resource = resourceKey(body.entry.key);
  const others = table.variants.get(resource);
  const place = others === undefined ? -1 : others.indexOf(body);
  if (others === undefined || place === -1) return;
  others.splice(place, 1);
  if (others.length === 0) table.variants.delete(resource);
}
