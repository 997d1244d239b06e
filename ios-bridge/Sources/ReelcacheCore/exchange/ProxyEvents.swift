/// Events that concern the proxy as a whole: time, players that leave, clearing, loading, connectivity.

/// Time has come to `nowMs`: waiting requests take extra slots or are refused, resumes begin.
package func proxyTick(_ state: ProxyState, _ nowMs: Int) {
  let deadline = laneNextDeadline(state.lanes)
  if deadline != -1 && deadline <= nowMs { parkPaused(state, laneCounts(state.lanes).waiting.regular, nowMs) }
  let due = laneTick(state.lanes, nowMs)
  grantFlights(state, due.granted, nowMs)
  for id in due.refused {
    // R-LANE-8
    if let flight = state.flights[id] {
      flightFailed(state, flight, .tooBusy, "no transfer slot came free in time", nowMs)
    }
  }
  wakeSleepers(state, nowMs)
  if state.preloads.wakeMs != -1 && state.preloads.wakeMs <= nowMs { runPreloads(state, nowMs) }
  evictIfNeeded(state, nowMs)
}

/// When `proxyTick` must be called next, in milliseconds since the epoch; -1 when nothing waits.
package func proxyDeadline(_ state: ProxyState) -> Int {
  var deadline = laneNextDeadline(state.lanes)
  for cursor in state.sleepers {
    if deadline == -1 || cursor.notBeforeMs < deadline { deadline = cursor.notBeforeMs }
  }
  let wakeMs = state.preloads.wakeMs
  return wakeMs != -1 && (deadline == -1 || wakeMs < deadline) ? wakeMs : deadline
}

/// The player is gone, or has everything: its place, cursor and flights are given back.
package func exchangeEnded(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  finishExchange(state, exchange, nowMs)
}

/// The exchange's bytes cannot be had: a problem when no head went out yet (true), else the edge cuts it (R-READ-5).
package func exchangeLost(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) -> Bool {
  if let survey = exchange.survey {
    surveyGathered(state, exchange, survey, nil, nowMs)
    return true
  }
  let code = exchange.cursor?.failure ?? .upstreamTruncated
  if exchange.status == 0 {
    answerProblem(state, exchange, code, "the response broke off", nowMs)
    return true
  }
  finishExchange(state, exchange, nowMs)
  return false
}

/// Empties the cache: responses that are under way complete, the next request of each is a miss (R-CACHE-2).
package func clearProxy(_ state: ProxyState) {
  dropLater(state)
  for body in state.table.bodies { doomBody(state, body) }
  forgetPlaylists(state.playlists)
  for flight in flightsByAge(state) {
    leaveSlot(state, flight)
    flight.unpublished = true
  }
}

/// Takes in what the index holds, at start.
package func loadEntries(_ state: ProxyState, _ entries: [Entry]) {
  for entry in entries {
    let body = newBody(entry)
    body.journalled = true
    body.onDisk = true
    installBody(state.table, slotFor(state.table, entry.key), body)
    if entry.id >= state.nextEntryId { state.nextEntryId = entry.id + 1 }
  }
}

/// What the disk lacks to keep its reserve, in bytes; 0 when it has enough.
package func setReserveShortfall(_ state: ProxyState, _ bytes: Int, _ nowMs: Int) {
  state.reserveShortfallBytes = bytes
  state.evictionIdleBytes = -1
  evictIfNeeded(state, nowMs)
}

/// The network is back: origins that were given up are tried again (R-BREAKER-7). Or it is gone: none is tried.
package func connectivityChanged(_ state: ProxyState, _ isOnline: Bool, _ nowMs: Int) {
  breakerReset(state.breakers)
  state.offline = !isOnline
  // R-PRE-8
  for preload in state.preloads.active { preload.notBeforeMs = 0 }
  // R-OFFLINE-8
  if state.offline { failWaiting(state, flightsByAge(state), .offline, "the network is gone", nowMs) }
  runPreloads(state, nowMs)
}

/// Bytes stored of all resources, for checks: what `table.bytes` must equal.
package func countBytes(_ state: ProxyState) -> Int {
  var bytes = 0
  for body in state.table.bodies { bytes += spanBytes(body.entry.spans) }
  return bytes
}

private func wakeSleepers(_ state: ProxyState, _ nowMs: Int) {
  var asleep: [Cursor] = []
  for cursor in state.sleepers {
    guard let exchange = state.exchanges[cursor.owner], exchange.cursor === cursor else { continue }
    if cursor.notBeforeMs > nowMs {
      asleep.append(cursor)
    } else {
      state.actions.append(.pump(exchange: exchange))
    }
  }
  state.sleepers = asleep
}
