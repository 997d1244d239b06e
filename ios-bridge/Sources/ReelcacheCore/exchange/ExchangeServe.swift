/// Answers an exchange from a body: status, head, and the cursor that reads the rest.

/// Serves an exchange from a body whose head is known: at once, or when the flight for its first byte has an answer.
package func serveBody(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) {
  if exchange.found != nil {
    exchange.found = validation(exchange, body)
    finishExchange(state, exchange, nowMs)
    return
  }
  if exchange.body == nil { holdBody(exchange, body) }
  if endsAhead(state, exchange, body, nowMs) || endsPreload(state, exchange, body, nowMs) { return }
  if body.entry.kind != .media { noteChoice(state, exchange, nowMs) }
  body.entry.accessMs = nowMs
  if body.journalled { state.actions.append(.touch(body: body)) }
  // R-OFFLINE-5, R-DELIVER-5: what the player has was true of another moment.
  let isLasting = surveyPurpose(state, exchange, body) != .offline && !isMomentary(state, body)
  if !body.passing && isLasting && isNotModified(exchange, body, nowMs) {
    answerNotModified(state, exchange, body, nowMs)
    return
  }
  // R-SERVE-1
  if exchange.playlist || body.entry.kind != .media {
    exchange.playlist = true
    if lacksStored(state, exchange, body, 0, body.entry.total, nowMs) { return }
    noteSource(exchange, body, 0, body.entry.total)
    // Who fetches for later reads what the origin sent.
    if exchange.method != .background && answerKnownPlaylist(state, exchange, body, nowMs) { return }
    beginReading(state, exchange, body, 0, body.entry.total, .gathering, nowMs)
    return
  }
  serveRange(state, exchange, body, nowMs)
}

/// What an exchange that validates found: the body is what it would be served from.
private func validation(_ exchange: Exchange, _ body: Body) -> Validation {
  // R-CHECK-2
  if exchange.note.detail == "offline" { return .offline }
  if body.passing { return body.status == 404 || body.status == 410 ? .gone : .failed }
  return exchange.note.fwdStatus == 304 ? .current : .updated
}

/// The head of a response from a body; `start` and `end` are the bytes that follow, end -1 for an unknown length.
package func bodyHead(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ status: Int,
  _ start: Int,
  _ end: Int,
  _ nowMs: Int
) -> ResponseHead {
  var parts = bodyParts(state, exchange, body, status, nowMs)
  parts.contentLength = end == -1 ? -1 : end - start
  // R-RANGE-13: an error that is passed on has no ranges to offer.
  parts.acceptRanges = body.passing ? nil : .bytes
  if status == 206 { parts.contentRange = contentRangeText(start, end, body.entry.total) }
  var head = responseHead(parts)
  if body.passing && !body.reason.isEmpty { head.reason = body.reason }
  // R-PASS-4
  if !body.location.isEmpty { addLocation(&head, proxiedUrl(exchange.prefix, exchange.form, body.location)) }
  return head
}

/// Location stands before Cache-Status, which every head has (R-RESP-1).
private func addLocation(_ head: inout ResponseHead, _ url: ByteString) {
  let place = head.fields.firstIndex(of: "Cache-Status") ?? head.fields.count
  head.fields.insert(contentsOf: ["Location", url], at: place)
}

/// What every response from a body says of it.
package func bodyParts(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ status: Int,
  _ nowMs: Int
) -> HeadParts {
  var parts = plainParts(state, status, exchange.httpMinor, exchange.keepAlive, nowMs)
  let entry = body.entry
  let type = fieldFirst(entry.fields, "content-type")
  // R-ERROR-2: the page that says why there is no segment is no segment.
  parts.contentType = body.passing ? type : contentTypeFor(type, entry.finalUrl)
  parts.stored = exchange.cookies.isEmpty ? entry.fields : entry.fields + exchange.cookies
  parts.note = exchange.note
  // R-RESP-15
  if exchange.note.hit { parts.ageSeconds = bodyAgeMs(body, nowMs) / 1_000 }
  return parts
}

/// Age of what a body holds, in milliseconds (RFC 9111 section 4.2.3).
package func bodyAgeMs(_ body: Body, _ nowMs: Int) -> Int {
  let entry = body.entry
  let age = fieldFirst(entry.fields, "age")
  let date = fieldFirst(entry.fields, "date")
  return currentAgeMs(
    age.map(parseDigits) ?? -1,
    date.map { parseHttpDate($0, nowMs) } ?? -1,
    entry.requestMs,
    entry.responseMs,
    nowMs
  )
}

/// Gives an exchange its cursor; a flight that brings the first byte is joined, a hole gets one.
package func beginReading(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ start: Int,
  _ end: Int,
  _ next: ExchangeState,
  _ nowMs: Int
) {
  let cursor = newCursor(exchange.id, start, end)
  exchange.cursor = cursor
  body.cursors.append(cursor)
  exchange.state = next
  for flight in body.flights {
    flight.detachLimit = -1
    // R-LANE-11: what a player reads is no background any more.
    if flight.limit == -1 || flight.limit > start { promoteFlight(state, flight, laneOf(state, exchange), nowMs) }
  }
  resumeReading(state, exchange, nowMs)
  state.actions.append(.pump(exchange: exchange))
}

private func serveRange(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) {
  let total = body.entry.total
  var start = 0
  var end = total
  var status = body.passing ? body.status : 200
  // R-SERVE-7: a range of unknown length is answered with the whole.
  let asked = body.passing || total == -1 ? .whole : resolveRange(usableRange(exchange, body, nowMs), total)
  switch asked {
  case .unsatisfiable:
    if exchange.note.fwd.isEmpty { exchange.note.hit = true }
    answerUnsatisfied(state, exchange, total, nowMs)
    return
  case .part(let first, let last):
    start = first
    end = last
    status = 206
  case .whole:
    break
  }
  if lacksStored(state, exchange, body, start, end, nowMs) { return }
  // R-FLIGHT-8; HEAD needs none of the bytes.
  if exchange.method != .head && isBeyondRepair(body, start, end) {
    dropBody(state, exchange)
    doomBody(state, body)
    exchange.replans += 1
    planExchange(state, exchange, nowMs)
    return
  }
  if exchange.method != .head && waitsForOrigin(state, exchange, body, start, end, nowMs) { return }
  noteSource(exchange, body, start, exchange.method == .head ? start : end)
  sendHead(state, exchange, bodyHead(state, exchange, body, status, start, end, nowMs), nil)
  if exchange.method == .head {
    finishExchange(state, exchange, nowMs)
  } else {
    beginReading(state, exchange, body, start, end, .sending, nowMs)
  }
}

/// Whether the first byte is neither stored nor on its way: then the origin's answer decides the head.
private func waitsForOrigin(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ start: Int,
  _ end: Int,
  _ nowMs: Int
) -> Bool {
  let probe = newCursor(exchange.id, start, end)
  let step = readerStep(body, probe, state.options.limits, nowMs)
  if step == .open {
    // R-FLIGHT-13
    if !exchange.note.hit && exchange.note.fwd.isEmpty {
      exchange.note.fwd = !body.entry.spans.isEmpty || !body.flights.isEmpty ? "partial" : "uri-miss"
    }
    let flight = openHole(state, exchange, body, start, end, nowMs)
    joinFlight(state, exchange, flight, nowMs)
    launchFlight(state, flight, nowMs)
    return true
  }
  guard step == .wait, let covering = coveringFlight(body, start) else { return false }
  if covering.state != .queued && covering.state != .asked { return false }
  if exchange.note.fwd.isEmpty {
    exchange.note.fwd = "uri-miss"
    exchange.note.collapsed = true
  }
  joinFlight(state, exchange, covering, nowMs)
  unpause(state, covering)
  return true
}

/// Answers an exchange that takes only what is stored when some of it is not; false when it may be served.
private func lacksStored(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ start: Int,
  _ end: Int,
  _ nowMs: Int
) -> Bool {
  // R-REQ-6
  if !exchange.onlyStored || (end != -1 && firstUncovered(body, start, end) == -1) { return false }
  answerProblem(state, exchange, .notStored, "the request says only-if-cached", nowMs)
  return true
}

/// Whether bytes are missing that nothing brings and that may not be added: the version has no validator.
private func isBeyondRepair(_ body: Body, _ start: Int, _ end: Int) -> Bool {
  if body.passing || end == -1 || entryCombinable(body.entry) { return false }
  return firstUncovered(body, start, end) != -1
}

private func usableRange(_ exchange: Exchange, _ body: Body, _ nowMs: Int) -> RangeSpec {
  // R-COND-3
  if let ifRange = fieldFirst(exchange.fields, "if-range"),
    !ifRangeHolds(ifRange, entryEtag(body.entry), entryLastModified(body.entry), nowMs)
  {
    return .ignored
  }
  return exchange.range
}

/// Says where the bytes come from, when nothing was said yet (R-CS-5). The first byte that is missing decides, so that
/// it does not matter how far the disk has come with those that are here.
private func noteSource(_ exchange: Exchange, _ body: Body, _ start: Int, _ end: Int) {
  if !exchange.note.fwd.isEmpty || exchange.note.hit { return }
  let missing = firstMissing(body, start, end)
  if missing == -1 {
    exchange.note.hit = true
  } else if coveringFlight(body, missing) != nil {
    exchange.note.fwd = "uri-miss"
    exchange.note.collapsed = true
  } else {
    exchange.note.fwd = "partial"
  }
}

private func isNotModified(_ exchange: Exchange, _ body: Body, _ nowMs: Int) -> Bool {
  // R-COND-1
  if let ifNoneMatch = fieldCombined(exchange.fields, "if-none-match") {
    return !ifNoneMatchHolds(ifNoneMatch, entryEtag(body.entry))
  }
  // R-COND-2
  guard let since = fieldFirst(exchange.fields, "if-modified-since") else { return false }
  return !ifModifiedSinceHolds(since, entryLastModified(body.entry), nowMs)
}

private func answerNotModified(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) {
  if exchange.note.fwd.isEmpty { exchange.note.hit = true }
  var parts = bodyParts(state, exchange, body, 304, nowMs)
  if exchange.playlist { parts.stored = playlistFields(parts.stored) }
  sendHead(state, exchange, responseHead(parts), "")
  finishExchange(state, exchange, nowMs)
}

/// 416, alike whether the origin or the stored length says so; `total` is -1 when the origin did not say it.
package func answerUnsatisfied(_ state: ProxyState, _ exchange: Exchange, _ total: Int, _ nowMs: Int) {
  var parts = plainParts(state, 416, exchange.httpMinor, exchange.keepAlive, nowMs)
  parts.note = exchange.note
  parts.acceptRanges = .bytes
  // R-SERVE-8
  if total >= 0 { parts.contentRange = unsatisfiedRangeText(total) }
  sendHead(state, exchange, responseHead(parts), "")
  finishExchange(state, exchange, nowMs)
}

/// A rewritten playlist is not the origin's bytes: its strong ETag becomes a weak one (R-SERVE-4).
package func playlistFields(_ stored: FieldList) -> FieldList {
  var fields = stored
  var at = 0
  while at + 1 < fields.count {
    let value = fields[at + 1]
    if equalIgnoreCase(fields[at], "etag") && value.startsWith("\"") { fields[at + 1] = "W/\(value)" }
    at += 2
  }
  return fields
}
