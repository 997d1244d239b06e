/// Opens, sends, promotes and ends flights: between the lanes, the breakers and the bodies that they fill.

/// Starts a flight that decides what the resource is. The exchange waits for its head.
package func openOpening(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ revalidates: Body?,
  _ nowMs: Int
) -> Flight {
  let flight = newFlight(state, body, .opening, exchange, nowMs)
  flight.revalidates = revalidates
  flight.method = exchange.method == .head && !exchange.playlist ? .head : .get
  waitFor(exchange, flight)
  if asksWhole(exchange) { return flight }
  // R-RANGE-12
  if case .from(let first, let last) = exchange.range {
    flight.askStart = first
    flight.askEnd = last == -1 ? -1 : last + 1
  }
  if case .suffix(let length) = exchange.range, length > 0 {
    flight.askStart = -1
    flight.askSuffix = length
  }
  return flight
}

/// Starts a flight for the hole at `offset`, up to the next stored byte, the next flight or `end`.
package func openHole(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ offset: Int,
  _ end: Int,
  _ nowMs: Int
) -> Flight {
  let flight = newFlight(state, body, .hole, exchange, nowMs)
  // R-FLIGHT-9
  flight.askStart = body.rangeless ? 0 : offset
  flight.start = flight.askStart
  flight.limit = body.rangeless ? body.entry.total : holeEnd(body, flight, offset, end)
  flight.askEnd = body.rangeless ? -1 : flight.limit
  resetPositions(flight, flight.start)
  if !body.rangeless { clipFlights(body, flight) }
  return flight
}

private let failedBefore: ByteString = "the origin failed just before; waiting before the next try"

/// Puts a flight that was just opened into its lane: it is sent now, later, or fails at once.
package func launchFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  let origin = originOf(flight.url)
  // R-BREAKER-3, R-OFFLINE-8
  let allowed = state.offline ? .no : breakerAllows(state.breakers, origin, nowMs)
  flight.probe = allowed == .probe && !flight.directed
  // R-LL-6: as long as its origin held it, no other request could go out.
  if allowed == .probe && flight.directed { breakerAbandoned(state.breakers, origin) }
  if allowed == .no {
    // R-BREAKER-10
    flightFailed(state, flight, .offline, state.offline ? "the network is gone" : failedBefore, nowMs)
    return
  }
  switch laneEnter(state.lanes, flight.id, flight.lane, origin, nowMs) {
  case .granted: sendFlight(state, flight, nowMs)
  case .queued: return
  case .full: flightFailed(state, flight, .tooBusy, "the queue is full", nowMs)
  }
}

/// Lets an exchange wait for the head of a flight; a player's wait makes the flight a player's (R-LANE-11).
package func joinFlight(_ state: ProxyState, _ exchange: Exchange, _ flight: Flight, _ nowMs: Int) {
  waitFor(exchange, flight)
  takeOver(state, exchange, flight)
  promoteFlight(state, flight, laneOf(state, exchange), nowMs)
}

/// Moves a flight to a better lane.
package func promoteFlight(_ state: ProxyState, _ flight: Flight, _ lane: Lane, _ nowMs: Int) {
  if flight.lane != .background || lane == .background { return }
  flight.lane = lane
  grantFlights(state, lanePromote(state.lanes, flight.id, lane, nowMs), nowMs)
}

/// Sends the request of every flight that a lane let go.
package func grantFlights(_ state: ProxyState, _ ids: [Int], _ nowMs: Int) {
  for id in ids {
    if let flight = state.flights[id], flight.state == .queued { sendFlight(state, flight, nowMs) }
  }
}

/// Sends the flight's request to its current URL.
package func sendFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  flight.state = .asked
  flight.requestMs = nowMs
  state.actions.append(.send(flight: flight, fields: flightRequest(flight)))
}

/// Takes a flight out of everything that knows it, and lets the next ones go. Its waiters must be served already.
package func removeFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  if flight.state == .ended { return }
  // However it ends, what it brought is found again after the next start.
  journalFlight(state, flight)
  let unheard = flight.state == .queued || flight.state == .asked
  if flight.probe && unheard { breakerAbandoned(state.breakers, originOf(flight.url)) }
  flight.state = .ended
  state.flights[flight.id] = nil
  leaveSlot(state, flight)
  leaveBody(state, flight)
  state.actions.append(.landed(flight: flight))
  grantFlights(state, laneLeave(state.lanes, flight.id, nowMs), nowMs)
}

/// Tells the index what of the flight is in the file and not yet in a row (R-CACHE-6).
package func journalFlight(_ state: ProxyState, _ flight: Flight) {
  if !flight.body.journalled || flight.written <= flight.journalled { return }
  state.actions.append(.span(body: flight.body, start: flight.journalled, end: flight.written))
  flight.journalled = flight.written
}

/// Gives up a flight: its connection is closed, what it brought stays.
package func abortFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  if flight.state == .ended || flight.state == .draining { return }
  if flight.state != .queued { state.actions.append(.abort(flight: flight)) }
  if !drainFlight(state, flight, nowMs) { removeFlight(state, flight, nowMs) }
}

/// The origin's part is over. While bytes are in memory only that the disk or a reader has yet to take, the flight
/// stays and holds them (R-FLIGHT-12); false when there are none.
package func drainFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) -> Bool {
  if flight.state != .flowing && flight.state != .draining { return false }
  flight.state = .draining
  flight.limit = flight.position
  // There is no origin any more that could be told to go on.
  flight.paused = false
  if flight.body.storing { return flight.written < flight.position }
  // Without a file there is no disk to wait for: the slot is free, whatever pace the readers keep.
  grantFlights(state, laneLeave(state.lanes, flight.id, nowMs), nowMs)
  for cursor in flight.body.cursors {
    if flightHoldsByte(flight, cursor.offset) { return true }
  }
  return false
}

/// Ends the flights of a body that were held for a disk or readers that need them no more.
package func endDrained(_ state: ProxyState, _ body: Body, _ nowMs: Int) {
  for flight in body.flights {
    if flight.state == .draining && !drainFlight(state, flight, nowMs) { removeFlight(state, flight, nowMs) }
  }
}

/// Lets a flight that nobody reads finish when little is left, else parks it: its spans stay (R-FLIGHT-10).
package func detachFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  if flightWanted(flight) {
    flight.detachLimit = -1
    return
  }
  // R-LL-5: an answer that comes in seconds is worth nothing to anybody else.
  if flight.state == .queued || (flight.state == .asked && flight.directed) {
    abortFlight(state, flight, nowMs)
    return
  }
  if flight.state != .flowing { return }
  // Nothing more comes but the end, which leaves the connection fit for another request.
  if flight.position == flight.limit { return }
  let max = state.options.limits.detachBytesMax
  // What nobody can find any more is not worth finishing.
  if !flight.body.storing || flight.body.doomed || flight.limit - flight.position > max {
    abortFlight(state, flight, nowMs)
    return
  }
  if flight.detachLimit == -1 { flight.detachLimit = flight.position + max }
  unpause(state, flight)
}

/// Frees slots for requests that have waited `queueWaitMs`: flights whose players left before the origin answered are
/// given up; those that slow readers have kept paused as long are parked, their bytes stay, and the reader's next hole
/// is fetched when it gets there (R-FLIGHT-14).
package func parkPaused(_ state: ProxyState, _ wanted: Int, _ nowMs: Int) {
  var left = wanted
  for flight in flightsByAge(state) {
    if left <= 0 { return }
    // A request without an answer yet, whose player has left, is worth less than one whose player waits.
    if flight.state == .asked && flight.lane != .express && !flightWanted(flight) {
      left -= 1
      abortFlight(state, flight, nowMs)
      continue
    }
    if !flight.paused || flight.state != .flowing || nowMs - flight.pausedMs < state.options.limits.queueWaitMs {
      continue
    }
    // What waits for the disk keeps its slot until it is written: ending it now would help nobody.
    if flight.written < flight.position { continue }
    let body = flight.body
    if !body.storing || body.doomed || body.rangeless || body.entry.total == -1 || !entryCombinable(body.entry) {
      continue
    }
    left -= 1
    abortFlight(state, flight, nowMs)
  }
}

/// Detaches every flight of a body that lost a reader.
package func detachFlights(_ state: ProxyState, _ body: Body, _ nowMs: Int) {
  endDrained(state, body, nowMs)
  for flight in body.flights { detachFlight(state, flight, nowMs) }
}

/// Takes the flight from its slot: what it decides, if anything, is decided.
package func leaveSlot(_ state: ProxyState, _ flight: Flight) {
  if flight.key.isEmpty { return }
  guard let slot = findSlot(state.table, flight.key), slot.opening === flight else { return }
  slot.opening = nil
  dropEmptySlot(state.table, flight.key)
}

/// Takes the flight from its body.
package func leaveBody(_ state: ProxyState, _ flight: Flight) {
  if let place = flight.body.flights.firstIndex(where: { $0 === flight }) { flight.body.flights.remove(at: place) }
  releaseBody(state, flight.body)
}

/// Sets where a flight starts to deliver.
package func resetPositions(_ flight: Flight, _ start: Int) {
  flight.start = start
  flight.position = start
  flight.written = start
  flight.journalled = start
  flight.tailStart = start
}

/// Lets the origin go on.
package func unpause(_ state: ProxyState, _ flight: Flight) {
  if !flight.paused { return }
  flight.paused = false
  state.actions.append(.resume(flight: flight))
}

/// Whether the origin is asked for the whole although the player may want a part.
private func asksWhole(_ exchange: Exchange) -> Bool {
  // R-SERVE-5
  if exchange.playlist { return true }
  // R-COND-3: whether the range counts is known when the version is.
  if fieldFirst(exchange.fields, "if-range") != nil { return true }
  // R-FLIGHT-15: what its own range brought was not enough, and will not be the next time.
  return exchange.replans > 1
}

private func newFlight(
  _ state: ProxyState,
  _ body: Body,
  _ purpose: FlightPurpose,
  _ exchange: Exchange,
  _ nowMs: Int
) -> Flight {
  let flight = Flight(
    id: state.nextFlightId,
    body: body,
    asker: exchange.id,
    purpose: purpose,
    verb: exchange.verb,
    lane: laneOf(state, exchange),
    // R-FLIGHT-16: the URL that was asked for just now is the one whose signature holds.
    url: exchange.url,
    forward: forwardedFields(state, exchange),
    space: exchange.space,
    credentials: credentialFields(exchange.fields),
    unstorable: forbidsStoring(exchange.fields),
    playlist: exchange.playlist,
    directed: exchange.directed,
    requestMs: nowMs
  )
  state.nextFlightId += 1
  state.flights[flight.id] = flight
  body.flights.append(flight)
  return flight
}

private func waitFor(_ exchange: Exchange, _ flight: Flight) {
  exchange.state = .waiting
  exchange.waitingOn = flight
  flight.waiters.append(exchange.id)
}

private func holeEnd(_ body: Body, _ flight: Flight, _ offset: Int, _ end: Int) -> Int {
  var nearest = end
  let span = spanNextStart(body.entry.spans, offset)
  if span != -1 && span < nearest { nearest = span }
  for other in body.flights {
    // R-FLIGHT-3
    if other !== flight && other.start > offset && other.start < nearest { nearest = other.start }
  }
  return nearest
}

private func clipFlights(_ body: Body, _ flight: Flight) {
  for other in body.flights {
    // R-FLIGHT-5
    let overlaps = other !== flight && other.position <= flight.start && other.limit > flight.start
    if !overlaps { continue }
    other.limit = flight.start
    other.clipped = true
  }
}
