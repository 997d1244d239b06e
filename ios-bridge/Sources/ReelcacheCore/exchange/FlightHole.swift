/// The answer to a request for a hole: of the same version, or of another, with which nothing may be mixed.

/// A whole or a part came for a hole (R-FLIGHT-8).
package func acceptHole(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ verdict: Delivery,
  _ nowMs: Int
) {
  let body = flight.body
  let same = isSameVersion(body, answer, verdict.total, !verdict.isPart)
  if !verdict.isPart && !same {
    replaceVersion(state, flight, answer, verdict, nowMs)
    return
  }
  if !same {
    versionChanged(state, flight, nowMs)
    return
  }
  let limit = flight.limit
  if !verdict.isPart {
    // R-FLIGHT-9
    body.rangeless = true
    startFlowing(flight, 0, verdict.total)
  } else {
    startFlowing(flight, verdict.start, limit == -1 || verdict.end < limit ? verdict.end : limit)
  }
  while let exchange = nextWaiter(state, flight) {
    exchange.note.fwdStatus = answer.status
    exchange.note.stored = body.storing && !exchange.note.collapsed
    serveBody(state, exchange, body, nowMs)
  }
  // A reader that waits far ahead may fetch for itself, now that the flight flows.
  pumpReaders(state, body)
  detachFlight(state, flight, nowMs)
}

/// A 200 of another version to a request for a hole: the flight goes on as the new version's (R-VERSION-1).
private func replaceVersion(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ verdict: Delivery,
  _ nowMs: Int
) {
  let old = flight.body
  moveFlight(state, flight, nowMs)
  let others = sealBody(state, old, nowMs)
  dropWaiters(state, flight)
  flight.purpose = .opening
  openBody(state, flight, answer, verdict, nowMs)
  beginAnew(state, others, nowMs)
}

/// The hole belongs to another version: nothing is mixed, whoever has no head yet begins anew (R-VERSION-2).
package func versionChanged(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  let old = flight.body
  let waiters = takeWaiters(state, flight)
  abortFlight(state, flight, nowMs)
  let others = sealBody(state, old, nowMs)
  beginAnew(state, waiters, nowMs)
  beginAnew(state, others, nowMs)
}

/// Lets those who wait for a flight's head go of the body that it was to fill.
package func dropWaiters(_ state: ProxyState, _ flight: Flight) {
  for id in flight.waiters {
    if let exchange = state.exchanges[id] { dropBody(state, exchange) }
  }
}

/// Nothing more of a version is fetched: the origin has another. Returns who waited for more of it.
private func sealBody(_ state: ProxyState, _ body: Body, _ nowMs: Int) -> [Exchange] {
  var others: [Exchange] = []
  body.passing = true
  doomBody(state, body)
  for other in body.flights {
    // What still comes for the old version cannot be trusted to be of it, unless its head has been checked.
    if other.state != .queued && other.state != .asked { continue }
    others += takeWaiters(state, other)
    abortFlight(state, other, nowMs)
  }
  pumpReaders(state, body)
  return others
}

private func beginAnew(_ state: ProxyState, _ exchanges: [Exchange], _ nowMs: Int) {
  for exchange in exchanges {
    dropBody(state, exchange)
    exchange.note.fwd = "stale"
    planExchange(state, exchange, nowMs)
  }
}

/// Gives a flight a body of its own.
package func moveFlight(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  let old = flight.body
  leaveBody(state, flight)
  flight.body = blankBody(state, old.entry.key, old.entry.url, nowMs)
  flight.body.flights.append(flight)
  releaseBody(state, old)
}

/// Whether an answer is of the version that the body holds. A 200 proves it only by an equal strong ETag.
private func isSameVersion(_ body: Body, _ answer: OriginAnswer, _ total: Int, _ whole: Bool) -> Bool {
  let etag = fieldFirst(answer.fields, "etag")
  let known = entryEtag(body.entry)
  if whole {
    if isEncoded(answer.fields) || total != body.entry.total { return false }
    if let known, let etag { return etagEqualStrong(known, etag) }
    return known == nil && etag == nil && sameLastModified(body, answer)
  }
  let lastModified = fieldFirst(answer.fields, "last-modified")
  return sameVersion(known, entryLastModified(body.entry), body.entry.total, etag, lastModified, total)
}

private func sameLastModified(_ body: Body, _ answer: OriginAnswer) -> Bool {
  let known = entryLastModified(body.entry)
  return known != nil && known == fieldFirst(answer.fields, "last-modified")
}
