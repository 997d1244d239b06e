/// How a flight ends: complete, short, failed; and what becomes of those who wait for it.

/// The origin's response ended: `failure` is nil when it came to its own end.
package func flightDone(
  _ state: ProxyState,
  _ flight: Flight,
  _ failure: (code: ErrorCode, detail: ByteString)?,
  _ nowMs: Int
) {
  if flight.state != .flowing && flight.state != .asked { return }
  if failure != nil || flight.state == .asked {
    let code = failure?.code ?? .upstreamProtocol
    flightFailed(state, flight, code, failure?.detail ?? "no response head", nowMs)
    return
  }
  // R-BODY-1
  if flight.limit != -1 && flight.position < flight.limit {
    flightFailed(state, flight, .upstreamTruncated, "the response ended before its length", nowMs)
    return
  }
  flightComplete(state, flight, nowMs)
}

/// The flight delivered all that it will: its last bytes may still be on their way to the disk.
package func flightComplete(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  let body = flight.body
  if flight.limit == -1 {
    // R-BODY-2
    body.entry.total = flight.position
    storeBody(state, body)
  }
  let holds = drainFlight(state, flight, nowMs)
  pumpReaders(state, body)
  if holds { return }
  removeFlight(state, flight, nowMs)
  evictIfNeeded(state, nowMs)
}

/// Bytes below `upTo` are in the file now (R-CACHE-6: the row comes after the bytes).
package func flightWritten(_ state: ProxyState, _ flight: Flight, _ upTo: Int, _ nowMs: Int) {
  let body = flight.body
  if !body.storing { return }
  let before = spanBytes(body.entry.spans)
  spanAdd(&body.entry.spans, flight.written, upTo)
  flight.written = upTo
  if !body.hidden { state.table.bytes += spanBytes(body.entry.spans) - before }
  let drained = flight.state == .draining && flight.written == flight.position
  let due = drained || flight.written - flight.journalled >= state.options.limits.commitBytes
  if due { journalFlight(state, flight) }
  if drained { removeFlight(state, flight, nowMs) }
  settlePreloads(state, nowMs)
  evictIfNeeded(state, nowMs)
}

/// The flight failed: those who wait for its head hear of it, those who read its bytes try again or are cut.
package func flightFailed(
  _ state: ProxyState,
  _ flight: Flight,
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) {
  if flight.state == .ended || flight.state == .draining { return }
  // R-BREAKER-1, R-AHEAD-10
  let counts = !isAheadOnly(state, flight) && !isHeldTooLong(flight, code)
  if flight.state == .asked && isNetworkFailure(code) && counts {
    noteFailure(state, flight, nowMs)
  }
  let body = flight.body
  let waiters = takeWaiters(state, flight)
  let began = flight.state == .flowing
  leaveSlot(state, flight)
  failCursors(state, flight, code, nowMs)
  if !drainFlight(state, flight, nowMs) { removeFlight(state, flight, nowMs) }
  // R-CACHE-3: what has no known length and no end is of no use.
  if began && body.entry.total == -1 { doomBody(state, body) }
  for exchange in waiters { failWaiter(state, exchange, flight, code, detail, nowMs) }
  pumpReaders(state, body)
}

/// Fails those of the flights that wait in a lane, and all that fetch in the background.
package func failWaiting(
  _ state: ProxyState,
  _ flights: [Flight],
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) {
  // First who waits in a lane, or the slots that the others free would send them to a closed door.
  for flight in flights where flight.state == .queued { flightFailed(state, flight, code, detail, nowMs) }
  for flight in flights {
    if flight.lane != .background || flight.state == .draining || flight.state == .ended { continue }
    state.actions.append(.abort(flight: flight))
    flightFailed(state, flight, code, detail, nowMs)
  }
}

/// The exchange that has waited longest for the flight's head, and waits no longer; nil when nobody waits.
package func nextWaiter(_ state: ProxyState, _ flight: Flight) -> Exchange? {
  while !flight.waiters.isEmpty {
    guard let exchange = state.exchanges[flight.waiters.removeFirst()] else { continue }
    exchange.waitingOn = nil
    return exchange
  }
  return nil
}

/// The exchanges that wait for the flight's head; they wait no longer.
package func takeWaiters(_ state: ProxyState, _ flight: Flight) -> [Exchange] {
  var waiters: [Exchange] = []
  while let exchange = nextWaiter(state, flight) {
    waiters.append(exchange)
  }
  return waiters
}

/// Lets every reader of the body look again.
package func pumpReaders(_ state: ProxyState, _ body: Body) {
  for cursor in body.cursors {
    if let exchange = state.exchanges[cursor.owner], exchange.state != .waiting {
      state.actions.append(.pump(exchange: exchange))
    }
  }
}

/// Counts a failure against every reader whose next missing byte the flight was to bring; a resume waits longer each
/// time (R-READ-3). What fails further ahead was fetched for others.
package func failCursors(_ state: ProxyState, _ flight: Flight, _ code: ErrorCode, _ nowMs: Int) {
  let limits = state.options.limits
  for cursor in flight.body.cursors where dependsOn(cursor, flight) {
    cursor.failures += 1
    cursor.failure = code
    if code == .upstreamBadRange { cursor.failures = limits.resumeMax + 1 }
    cursor.notBeforeMs = nowMs + doubled(limits.resumeBackoffMs, cursor.failures - 1)
    state.sleepers.append(cursor)
  }
}

private func dependsOn(_ cursor: Cursor, _ flight: Flight) -> Bool {
  let missing = firstMissing(flight.body, cursor.offset, cursor.end)
  if missing < flight.position || (flight.limit != -1 && missing >= flight.limit) { return false }
  guard let nearer = coveringFlight(flight.body, missing) else { return true }
  return nearer.position <= flight.position
}

private func failWaiter(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ flight: Flight,
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) {
  // R-REVAL-2
  if let known = flight.revalidates, !known.doomed, isOutOfReach(code) {
    let control = parseCacheControl(fieldCombined(known.entry.fields, "cache-control"))
    if mayServeStale(known.entry.kind, state.options.policy, control, state.options.shared) {
      exchange.note = newNote("offline")
      exchange.note.fwd = "stale"
      serveBody(state, exchange, known, nowMs)
      return
    }
    // R-REVAL-3
    answerProblem(state, exchange, .offline, detail, nowMs)
    return
  }
  answerProblem(state, exchange, code, detail, nowMs)
}

private func noteFailure(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  let origin = originOf(flight.url)
  let wasOpen = breakerOpenUntil(state.breakers, origin) > nowMs
  breakerFailed(state.breakers, origin, nowMs)
  if wasOpen || breakerOpenUntil(state.breakers, origin) <= nowMs { return }
  state.actions.append(.event(name: .breaker, detail: origin))
  let others = flightsByAge(state).filter { $0 !== flight && originOf($0.url) == origin }
  // R-BREAKER-9
  failWaiting(state, others, .offline, "the origin cannot be reached", nowMs)
}

private func isNetworkFailure(_ code: ErrorCode) -> Bool {
  code == .upstreamRefused || code == .upstreamDns || code == .upstreamTls || code == .upstreamTimeout
}

/// An origin that has nothing new to say for too long is not out of reach (R-LL-6).
private func isHeldTooLong(_ flight: Flight, _ code: ErrorCode) -> Bool {
  flight.directed && code == .upstreamTimeout
}

private func isOutOfReach(_ code: ErrorCode) -> Bool {
  isNetworkFailure(code) || code == .upstreamTruncated || code == .offline
}

/// `value` doubled so many times, at most `integerMax`.
private func doubled(_ value: Int, _ times: Int) -> Int {
  var result = value
  var left = times
  while left > 0 && result > 0 && result < integerMax {
    result = min(result * 2, integerMax)
    left -= 1
  }
  return result
}
