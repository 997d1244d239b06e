/// Keeps the cache within its size: evicts what was used longest ago and is not in use.

/// Evicts when the cache is over its size, its number of entries, or the disk is short of its reserve.
package func evictIfNeeded(_ state: ProxyState, _ nowMs: Int) {
  let over = state.table.bytes > state.options.maxCacheBytes
  let many = state.table.bodies.count > state.options.limits.entriesMax
  if !over && !many && state.reserveShortfallBytes <= 0 { return }
  // R-EVICT-6
  if nowMs < state.evictAfterMs && state.reserveShortfallBytes <= 0 { return }
  // The plan sorts every entry: after a run that could not help, wait until something was added or set free.
  if state.evictionIdleBytes == state.table.bytes && !many { return }
  runEviction(state, many)
  state.evictionIdleBytes = state.table.bytes
}

/// Whether the disk may take a new body; makes room first (R-EVICT-8).
package func roomFor(_ state: ProxyState, _ body: Body, _ nowMs: Int) -> Bool {
  if body.entry.total > state.options.maxCacheBytes { return false }
  if state.reserveShortfallBytes > 0 { evictIfNeeded(state, nowMs) }
  return state.reserveShortfallBytes <= 0
}

/// Whether a body is read or filled: then it is never evicted (R-EVICT-4).
package func isInUse(_ body: Body) -> Bool {
  body.uses > 0 || !body.flights.isEmpty
}

private func runEviction(_ state: ProxyState, _ many: Bool) {
  var byId: [Int: Body] = [:]
  var rows: [EvictionRow] = []
  for body in state.table.bodies {
    let entry = body.entry
    byId[entry.id] = body
    rows.append(
      EvictionRow(
        id: entry.id,
        bytes: spanBytes(entry.spans),
        accessMs: entry.accessMs,
        inUse: isInUse(body),
        pinned: entry.pinned
      )
    )
  }
  let options = state.options
  var plan = evictionPlan(
    rows,
    state.table.bytes,
    options.maxCacheBytes,
    options.limits.lowWaterPercent,
    state.reserveShortfallBytes
  )
  if many && plan.isEmpty { oldestRows(rows, options.limits.entriesMax, &plan) }
  for id in plan {
    guard let body = byId[id] else { continue }
    state.reserveShortfallBytes = max(0, state.reserveShortfallBytes - spanBytes(body.entry.spans))
    state.actions.append(.event(name: .evicted, detail: body.entry.url))
    doomBody(state, body)
  }
}

private func oldestRows(_ rows: [EvictionRow], _ max: Int, _ plan: inout [Int]) {
  // R-EVICT-7
  let free = rows.filter { !$0.inUse && !$0.pinned }
    .sorted { $0.accessMs == $1.accessMs ? $0.id < $1.id : $0.accessMs < $1.accessMs }
  // Nine tenths, rounded down, by whole tens first so that the product stays below 2^53.
  let excess = rows.count - (max / 10 * 9 + max % 10 * 9 / 10)
  var at = 0
  while at < excess && at < free.count {
    plan.append(free[at].id)
    at += 1
  }
}
