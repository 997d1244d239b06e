/// Which resources leave the cache, and in which order (SPEC: R-EVICT-1).
///
/// The plan is made over a snapshot; the edge carries it out. It never chooses what is playing or pinned, so that a
/// full cache costs misses, not playback.
package struct EvictionRow: Equatable, Sendable {
  /// Id of the entry, unique; older entries have lower ids.
  package var id: Int
  /// Bytes on disk that go when the entry goes.
  package var bytes: Int
  /// Last access, in milliseconds since the epoch.
  package var accessMs: Int
  /// A reader or a flight works on it.
  package var inUse: Bool
  package var pinned: Bool
}

/// Ids to evict, in this order. `sizeBytes` is what the cache holds, `maxBytes` its limit, `lowWaterPercent` the share
/// of the limit to shrink to, `reserveShortfallBytes` what the free disk space is short of its reserve (0 when it is not).
package func evictionPlan(
  _ entries: [EvictionRow],
  _ sizeBytes: Int,
  _ maxBytes: Int,
  _ lowWaterPercent: Int,
  _ reserveShortfallBytes: Int
) -> [Int] {
  // R-EVICT-1, R-EVICT-2, R-EVICT-3
  let overBytes = sizeBytes > maxBytes ? sizeBytes - lowWaterBytes(maxBytes, lowWaterPercent) : 0
  var wantedBytes = max(overBytes, reserveShortfallBytes)
  var plan: [Int] = []
  if wantedBytes <= 0 { return plan }
  // R-EVICT-4; an entry without bytes frees nothing.
  var candidates = entries.filter { !$0.inUse && !$0.pinned && $0.bytes > 0 }
  // R-EVICT-5
  candidates.sort { a, b in a.accessMs == b.accessMs ? a.id < b.id : a.accessMs < b.accessMs }
  for row in candidates {
    if wantedBytes <= 0 { break }
    plan.append(row.id)
    wantedBytes -= row.bytes
  }
  return plan
}

/// `percent` of `maxBytes`, rounded down, by whole hundreds first so that the product stays below 2^53.
private func lowWaterBytes(_ maxBytes: Int, _ percent: Int) -> Int {
  let rest = maxBytes % 100
  return (maxBytes - rest) / 100 * percent + rest * percent / 100
}
