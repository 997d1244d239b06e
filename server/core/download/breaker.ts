/**
 * The circuit breaker of each origin (SPEC: R-BREAKER-1).
 *
 * An origin ("scheme://host:port") that cannot be reached fails fast instead of costing every request its timeouts.
 * *Closed* lets all fetches through; *open* none until its pause is over; then *half-open* lets one *probe* through.
 * Only network failures (refused, DNS, TLS, silence) are reported as failures: any HTTP status is a success here.
 * Only origins that have failed are remembered, so the table is empty as long as all is well. Times in milliseconds.
 */
import type { Limits } from "../base/limits.ts";

type BreakerRow = {
  origin: string;
  /** Consecutive failures while closed. */
  failures: number;
  /** End of the pause; -1 while closed. */
  openUntilMs: number;
  pauseMs: number;
  /** When the probe that is under way was let through; -1 when there is none. */
  probeSinceMs: number;
};

export type BreakerTable = {
  limits: Limits;
  /** Oldest first failure first. */
  rows: BreakerRow[];
};

/** A table in which every breaker is closed. */
export function breakerTable(limits: Limits): BreakerTable {
  return { limits, rows: [] };
}

/** Whether a fetch from `origin` may begin; "probe" means yes, and claims the only probe. */
export function breakerAllows(table: BreakerTable, origin: string, nowMs: number): "yes" | "probe" | "no" {
  const row = rowOf(table, origin);
  // R-BREAKER-1
  if (row === null || row.openUntilMs < 0) {
    return "yes";
  }
  if (nowMs < row.openUntilMs) {
    return "no";
  }
  // R-BREAKER-4, R-BREAKER-6
  if (row.probeSinceMs >= 0 && nowMs - row.probeSinceMs < table.limits.breakerPauseMsMax) {
    return "no";
  }
  row.probeSinceMs = nowMs;
  return "probe";
}

/** The origin has answered, whatever the status: its breaker closes and its failures are forgotten. */
export function breakerSucceeded(table: BreakerTable, origin: string): void {
  // R-BREAKER-2
  const index = rowIndex(table, origin);
  if (index >= 0) {
    table.rows.splice(index, 1);
  }
}

/** A fetch from `origin` failed in the network. */
export function breakerFailed(table: BreakerTable, origin: string, nowMs: number): void {
  const limits = table.limits;
  let row = rowOf(table, origin);
  if (row === null) {
    makeRoom(table);
    row = { origin, failures: 0, openUntilMs: -1, pauseMs: 0, probeSinceMs: -1 };
    table.rows.push(row);
  }
  if (row.openUntilMs < 0) {
    row.failures += 1;
    // R-BREAKER-3
    if (row.failures >= limits.breakerFailures) {
      row.pauseMs = Math.min(limits.breakerPauseMs, limits.breakerPauseMsMax);
      row.openUntilMs = nowMs + row.pauseMs;
    }
    return;
  }
  // R-BREAKER-5: a fetch that began before the breaker opened says nothing new, only a probe does.
  if (row.probeSinceMs >= 0) {
    row.pauseMs = Math.min(row.pauseMs * 2, limits.breakerPauseMsMax);
    row.openUntilMs = nowMs + row.pauseMs;
    row.probeSinceMs = -1;
  }
}

/** The probe ended without a word from the origin or the network (its player left): the next request may probe. */
export function breakerAbandoned(table: BreakerTable, origin: string): void {
  const row = rowOf(table, origin);
  if (row !== null) {
    // R-BREAKER-6
    row.probeSinceMs = -1;
  }
}

/** The device's connectivity has changed: every breaker closes. */
export function breakerReset(table: BreakerTable): void {
  // R-BREAKER-7
  table.rows.splice(0, table.rows.length);
}

/** End of the pause of an open breaker (it may lie in the past while half-open); -1 when closed. For Retry-After. */
export function breakerOpenUntil(table: BreakerTable, origin: string): number {
  const row = rowOf(table, origin);
  return row === null ? -1 : row.openUntilMs;
}

/** Drops one row when the table is full: the oldest closed one, else the oldest. */
function makeRoom(table: BreakerTable): void {
  if (table.rows.length < table.limits.breakersMax) {
    return;
  }
  let dropped = 0;
  // R-BREAKER-8
  for (let index = 0; index < table.rows.length; index += 1) {
    const row = table.rows[index];
    if (row !== undefined && row.openUntilMs < 0) {
      dropped = index;
      break;
    }
  }
  table.rows.splice(dropped, 1);
}

/** Index of the origin's row, -1 when it has none. Only failing origins have one, so the scan is short. */
function rowIndex(table: BreakerTable, origin: string): number {
  for (let index = 0; index < table.rows.length; index += 1) {
    if (table.rows[index]?.origin === origin) {
      return index;
    }
  }
  return -1;
}

function rowOf(table: BreakerTable, origin: string): BreakerRow | null {
  return table.rows[rowIndex(table, origin)] ?? null;
}
