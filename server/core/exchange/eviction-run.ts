/** Keeps the cache within its size: evicts what was used longest ago and is not in use. */
import type { EvictionRow } from "../cache/eviction.ts";
import { evictionPlan } from "../cache/eviction.ts";
import { spanBytes } from "../cache/span-set.ts";
import type { Body } from "../download/flight.ts";
import { doomBody } from "./body-life.ts";
import type { ProxyState } from "./proxy-state.ts";

/** Evicts when the cache is over its size, its number of entries, or the disk is short of its reserve. */
export function evictIfNeeded(state: ProxyState, nowMs: number): void {
  const over = state.table.bytes > state.options.maxCacheBytes;
  const many = state.table.bodies.length > state.options.limits.entriesMax;
  if (!over && !many && state.reserveShortfallBytes <= 0) return;
  // R-EVICT-6
  if (nowMs < state.evictAfterMs && state.reserveShortfallBytes <= 0) return;
  // The plan sorts every entry: after a run that could not help, wait until something was added or set free.
  if (state.evictionIdleBytes === state.table.bytes && !many) return;
  runEviction(state, many);
  state.evictionIdleBytes = state.table.bytes;
}

/** Whether the disk may take a new body; makes room first (R-EVICT-8). */
export function roomFor(state: ProxyState, body: Body, nowMs: number): boolean {
  if (body.entry.total > state.options.maxCacheBytes) return false;
  if (state.reserveShortfallBytes > 0) evictIfNeeded(state, nowMs);
  return state.reserveShortfallBytes <= 0;
}

/** Whether a body is read or filled: then it is never evicted (R-EVICT-4). */
export function isInUse(body: Body): boolean {
  return body.uses > 0 || body.flights.length > 0;
}

function runEviction(state: ProxyState, many: boolean): void {
  const byId = new Map<number, Body>();
  const rows: EvictionRow[] = [];
  for (const body of state.table.bodies) {
    const entry = body.entry;
    byId.set(entry.id, body);
    rows.push({
      id: entry.id,
      bytes: spanBytes(entry.spans),
      accessMs: entry.accessMs,
      inUse: isInUse(body),
      pinned: entry.pinned,
    });
  }
  const options = state.options;
  const plan = evictionPlan(
    rows,
    state.table.bytes,
    options.maxCacheBytes,
    options.limits.lowWaterPercent,
    state.reserveShortfallBytes,
  );
  if (many && plan.length === 0) oldestRows(rows, state.options.limits.entriesMax, plan);
  for (const id of plan) {
    const body = byId.get(id);
    if (body === undefined) continue;
    state.reserveShortfallBytes = Math.max(0, state.reserveShortfallBytes - spanBytes(body.entry.spans));
    state.actions.push({ kind: "event", name: "evicted", detail: body.entry.url });
    doomBody(state, body);
  }
}

function oldestRows(rows: EvictionRow[], max: number, plan: number[]): void {
  // R-EVICT-7
  const free = rows.filter((row) => !row.inUse && !row.pinned);
  free.sort((a, b) => (a.accessMs === b.accessMs ? a.id - b.id : a.accessMs - b.accessMs));
  const excess = rows.length - Math.floor(max * 0.9);
  for (let at = 0; at < excess; at += 1) {
    const row = free[at];
    if (row !== undefined) plan.push(row.id);
  }
}
