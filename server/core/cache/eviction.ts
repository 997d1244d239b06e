/**
 * Which resources leave the cache, and in which order (SPEC: R-EVICT-1).
 *
 * The plan is made over a snapshot; the edge carries it out. It never chooses what is playing or pinned, so that a
 * full cache costs misses, not playback.
 */
export type EvictionRow = {
  /** Id of the entry, unique; older entries have lower ids. */
  id: number;
  /** Bytes on disk that go when the entry goes. */
  bytes: number;
  /** Last access, in milliseconds since the epoch. */
  accessMs: number;
  /** A reader or a flight works on it. */
  inUse: boolean;
  pinned: boolean;
};

/**
 * Ids to evict, in this order. `sizeBytes` is what the cache holds, `maxBytes` its limit, `lowWaterPercent` the share
 * of the limit to shrink to, `reserveShortfallBytes` what the free disk space is short of its reserve (0 when it is not).
 */
export function evictionPlan(
  entries: EvictionRow[],
  sizeBytes: number,
  maxBytes: number,
  lowWaterPercent: number,
  reserveShortfallBytes: number,
): number[] {
  // R-EVICT-1, R-EVICT-2, R-EVICT-3
  const overBytes = sizeBytes > maxBytes ? sizeBytes - lowWaterBytes(maxBytes, lowWaterPercent) : 0;
  let wantedBytes = Math.max(overBytes, reserveShortfallBytes);
  const plan: number[] = [];
  if (wantedBytes <= 0) {
    return plan;
  }
  // R-EVICT-4; an entry without bytes frees nothing.
  const candidates = entries.filter((row) => !row.inUse && !row.pinned && row.bytes > 0);
  // R-EVICT-5
  candidates.sort((a, b) => (a.accessMs === b.accessMs ? a.id - b.id : a.accessMs - b.accessMs));
  for (const row of candidates) {
    if (wantedBytes <= 0) {
      break;
    }
    plan.push(row.id);
    wantedBytes -= row.bytes;
  }
  return plan;
}

/** `percent` of `maxBytes`, rounded down, by whole hundreds first so that the product stays below 2^53. */
function lowWaterBytes(maxBytes: number, percent: number): number {
  const rest = maxBytes % 100;
  return ((maxBytes - rest) / 100) * percent + Math.floor((rest * percent) / 100);
}
