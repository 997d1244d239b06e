/// The circuit breaker of each origin (SPEC: R-BREAKER-1).
///
/// An origin ("scheme://host:port") that cannot be reached fails fast instead of costing every request its timeouts.
/// *Closed* lets all fetches through; *open* none until its pause is over; then *half-open* lets one *probe* through.
/// Only network failures (refused, DNS, TLS, silence) are reported as failures: any HTTP status is a success here.
/// Only origins that have failed are remembered, so the table is empty as long as all is well. Times in milliseconds.

final class BreakerRow {
  let origin: ByteString
  /// Consecutive failures while closed.
  var failures = 0
  /// End of the pause; -1 while closed.
  var openUntilMs = -1
  var pauseMs = 0
  /// When the probe that is under way was let through; -1 when there is none.
  var probeSinceMs = -1

  init(origin: ByteString) {
    self.origin = origin
  }
}

package final class BreakerTable {
  package let limits: Limits
  /// Oldest first failure first.
  var rows: [BreakerRow] = []

  init(limits: Limits) {
    self.limits = limits
  }
}

/// What `breakerAllows` says.
package enum BreakerAnswer: String, TextUnion, CaseIterable, Sendable {
  case yes
  case probe
  case no
}

/// A table in which every breaker is closed.
package func breakerTable(_ limits: Limits) -> BreakerTable {
  BreakerTable(limits: limits)
}

/// Whether a fetch from `origin` may begin; "probe" means yes, and claims the only probe.
package func breakerAllows(_ table: BreakerTable, _ origin: ByteString, _ nowMs: Int) -> BreakerAnswer {
  // R-BREAKER-1
  guard let row = rowOf(table, origin), row.openUntilMs >= 0 else { return .yes }
  if nowMs < row.openUntilMs { return .no }
  // R-BREAKER-4, R-BREAKER-6
  if row.probeSinceMs >= 0 && nowMs - row.probeSinceMs < table.limits.breakerPauseMsMax { return .no }
  row.probeSinceMs = nowMs
  return .probe
}

/// The origin has answered, whatever the status: its breaker closes and its failures are forgotten.
package func breakerSucceeded(_ table: BreakerTable, _ origin: ByteString) {
  // R-BREAKER-2
  let index = rowIndex(table, origin)
  if index >= 0 { table.rows.remove(at: index) }
}

/// A fetch from `origin` failed in the network.
package func breakerFailed(_ table: BreakerTable, _ origin: ByteString, _ nowMs: Int) {
  let limits = table.limits
  let row = rowOf(table, origin) ?? newRow(table, origin)
  if row.openUntilMs < 0 {
    row.failures += 1
    // R-BREAKER-3
    if row.failures >= limits.breakerFailures {
      row.pauseMs = min(limits.breakerPauseMs, limits.breakerPauseMsMax)
      row.openUntilMs = nowMs + row.pauseMs
    }
    return
  }
  // R-BREAKER-5: a fetch that began before the breaker opened says nothing new, only a probe does.
  if row.probeSinceMs >= 0 {
    row.pauseMs = min(row.pauseMs * 2, limits.breakerPauseMsMax)
    row.openUntilMs = nowMs + row.pauseMs
    row.probeSinceMs = -1
  }
}

/// The probe ended without a word from the origin or the network (its player left): the next request may probe.
package func breakerAbandoned(_ table: BreakerTable, _ origin: ByteString) {
  // R-BREAKER-6
  rowOf(table, origin)?.probeSinceMs = -1
}

/// The device's connectivity has changed: every breaker closes.
package func breakerReset(_ table: BreakerTable) {
  // R-BREAKER-7
  table.rows.removeAll()
}

/// End of the pause of an open breaker (it may lie in the past while half-open); -1 when closed. For Retry-After.
package func breakerOpenUntil(_ table: BreakerTable, _ origin: ByteString) -> Int {
  rowOf(table, origin)?.openUntilMs ?? -1
}

/// Makes the row of an origin that fails for the first time.
private func newRow(_ table: BreakerTable, _ origin: ByteString) -> BreakerRow {
  makeRoom(table)
  let row = BreakerRow(origin: origin)
  table.rows.append(row)
  return row
}

/// Drops one row when the table is full: the oldest closed one, else the oldest.
private func makeRoom(_ table: BreakerTable) {
  if table.rows.count < table.limits.breakersMax || table.rows.isEmpty { return }
  // R-BREAKER-8
  let dropped = table.rows.firstIndex { $0.openUntilMs < 0 } ?? 0
  table.rows.remove(at: dropped)
}

/// Index of the origin's row, -1 when it has none. Only failing origins have one, so the scan is short.
private func rowIndex(_ table: BreakerTable, _ origin: ByteString) -> Int {
  table.rows.firstIndex { $0.origin == origin } ?? -1
}

private func rowOf(_ table: BreakerTable, _ origin: ByteString) -> BreakerRow? {
  let index = rowIndex(table, origin)
  return index < 0 ? nil : table.rows[index]
}
