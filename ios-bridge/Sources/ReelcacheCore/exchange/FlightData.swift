/// Bytes of a flight: received, taken by readers, written. Called for every chunk, so nothing is allocated here.

/// Takes in `length` bytes that the origin sent. Returns how many of them belong to the flight: the rest lies beyond its
/// end and is dropped. The edge keeps and writes the accepted bytes, lets readers take them, then calls `flightSettle`.
package func flightData(_ flight: Flight, _ length: Int) -> Int {
  if flight.state != .flowing { return 0 }
  // R-BODY-3
  let accepted = flight.limit == -1 ? length : min(length, flight.limit - flight.position)
  flight.position += accepted
  return accepted
}

/// After readers took what they could: pauses the origin, or ends a flight that has come to its limit.
package func flightSettle(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  if flight.state != .flowing { return }
  // R-EVICT-8: of unknown length, it turns out to be larger than the cache.
  let endless = flight.limit == -1 && flight.position > state.options.maxCacheBytes
  if endless && flight.body.storing { bodyWriteFailed(state, flight.body, nowMs) }
  // R-FLIGHT-5
  if flight.clipped && flight.position == flight.limit {
    state.actions.append(.abort(flight: flight))
    flightComplete(state, flight, nowMs)
    return
  }
  // R-FLIGHT-10
  if flight.limit == -1 && flight.detachLimit != -1 && flight.position >= flight.detachLimit
    && flightFurthest(flight) < 0
  {
    state.actions.append(.abort(flight: flight))
    let body = flight.body
    removeFlight(state, flight, nowMs)
    // Not only doomed: a write that begins now would make the file again that is being removed.
    stopStoring(state, body)
    return
  }
  // Only the end is left to come, and a paused origin could not say it.
  if flight.position == flight.limit {
    unpause(state, flight)
    return
  }
  if !flight.paused && flightShouldPause(flight, state.options.limits) {
    flight.paused = true
    flight.pausedMs = nowMs
    state.actions.append(.pause(flight: flight))
  }
}

/// Forgets what memory need no longer hold; returns the oldest byte that it still holds.
package func flightTrim(_ state: ProxyState, _ flight: Flight) -> Int {
  flight.tailStart = flightTailFloor(flight, state.options.limits)
  return flight.tailStart
}

/// The body's bytes cannot be written: playback goes on from memory, nothing of the version is kept (R-CACHE-4).
package func bodyWriteFailed(_ state: ProxyState, _ body: Body, _ nowMs: Int) {
  stopStoring(state, body)
  endDrained(state, body, nowMs)
  settlePreloads(state, nowMs)
  for flight in body.flights {
    // No origin waits for the disk any more.
    if flight.paused && !flightShouldPause(flight, state.options.limits) { unpause(state, flight) }
  }
}
