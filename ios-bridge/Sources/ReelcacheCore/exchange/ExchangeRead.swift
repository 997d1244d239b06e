/// A reader at work: the edge asks for its next step, carries it out, and says how far it came.

/// The reader's next step. `open` never comes back: the flight is opened here and the reader waits for it. The edge
/// calls this again after each step that it carried out, and on every `pump`.
package func nextStep(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) -> ReaderStep {
  guard let body = exchange.body, let cursor = exchange.cursor else { return .wait }
  let step = readerStep(body, cursor, state.options.limits, nowMs)
  if step != .open { return step }
  let flight = openHole(state, exchange, body, cursor.offset, cursor.end, nowMs)
  launchFlight(state, flight, nowMs)
  // It may have failed at once, and have been the last resume.
  return readerStep(body, cursor, state.options.limits, nowMs) == .cut ? .cut : .wait
}

/// The reader took the bytes up to `offset`.
package func readerAdvanced(_ state: ProxyState, _ exchange: Exchange, _ offset: Int, _ nowMs: Int) {
  guard let body = exchange.body, let cursor = exchange.cursor else { return }
  cursor.offset = offset
  if !body.storing { endDrained(state, body, nowMs) }
  // R-AHEAD-10
  if hasEnoughAhead(state, exchange, body, offset) {
    finishExchange(state, exchange, nowMs)
    return
  }
  if cursor.end != -1 && offset >= cursor.end {
    detachFlights(state, body, nowMs)
    return
  }
  resumeReading(state, exchange, nowMs)
}

/// Lets origins go on that the reader has caught up with, and fetches the next hole while the file is read.
package func resumeReading(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  guard let body = exchange.body, exchange.cursor != nil else { return }
  for flight in body.flights {
    if flight.paused && !flightShouldPause(flight, state.options.limits) { unpause(state, flight) }
  }
  prefetchHole(state, exchange, nowMs)
}

/// The file could not be read: what it was thought to hold is fetched anew, into a new file where that is possible.
package func readFailed(_ state: ProxyState, _ exchange: Exchange, _ entryId: Int, _ nowMs: Int) {
  guard let body = exchange.body else { return }
  // R-CACHE-5; a file that another reader has already found broken is replaced by now.
  if body.entry.id != entryId {
    state.actions.append(.pump(exchange: exchange))
    return
  }
  if body.storing && !body.doomed && body.flights.isEmpty {
    healBody(state, body)
  } else {
    // Counted out of the table before they go; flights go on without them.
    stopStoring(state, body)
    body.entry.spans.removeAll()
    bodyWriteFailed(state, body, nowMs)
  }
  state.actions.append(.pump(exchange: exchange))
}

/// Goes on with a body of the same version and a new, empty file; all who read the old one move over.
private func healBody(_ state: ProxyState, _ old: Body) {
  let entry = old.entry
  let body = newBody(
    Entry(
      id: state.nextEntryId,
      key: entry.key,
      url: entry.url,
      finalUrl: entry.finalUrl,
      kind: entry.kind,
      fields: entry.fields,
      total: entry.total,
      spans: [],
      requestMs: entry.requestMs,
      responseMs: entry.responseMs,
      targetDurationMs: entry.targetDurationMs,
      accessMs: entry.accessMs,
      pinned: entry.pinned
    )
  )
  state.nextEntryId += 1
  body.rangeless = old.rangeless
  for cursor in old.cursors {
    guard let reader = state.exchanges[cursor.owner] else { continue }
    reader.body = body
    body.cursors.append(cursor)
    body.uses += 1
  }
  old.cursors = []
  old.uses -= body.uses
  publishBody(state, body)
  storeBody(state, body)
}

/// Opens the flight for the hole behind the span that is being read, once the reader is near it (R-READ-4).
private func prefetchHole(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  guard let body = exchange.body, let cursor = exchange.cursor else { return }
  if cursor.end == -1 || exchange.state != .sending { return }
  let spanEnd = spanEndAt(body.entry.spans, cursor.offset)
  if spanEnd == -1 || spanEnd >= cursor.end || spanEnd - cursor.offset > state.options.limits.readAheadBytesMax {
    return
  }
  if coveringFlight(body, spanEnd) != nil || tailFlight(body, spanEnd) != nil { return }
  if body.passing || body.doomed || body.rangeless || !entryCombinable(body.entry) || nowMs < cursor.notBeforeMs
    || cursor.failures > 0
  {
    return
  }
  launchFlight(state, openHole(state, exchange, body, spanEnd, cursor.end, nowMs), nowMs)
}
