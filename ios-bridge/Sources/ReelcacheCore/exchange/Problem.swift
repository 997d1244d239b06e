/// Answers of the proxy's own: problems (RFC 9457) and the end of an exchange.

/// Answers an exchange whose head has not gone out with a problem; ends it.
package func answerProblem(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) {
  exchange.note.detail = ByteString(utf8: code.rawValue)
  // R-CHECK-2
  if exchange.found != nil { exchange.found = code == .offline ? .offline : .failed }
  let content = problemBody(code, detail, nil)
  let head = problemHead(state, code, content, exchange.note, exchange.httpMinor, exchange.keepAlive, nowMs)
  sendHead(state, exchange, head, exchange.method == .head ? "" : content)
  finishExchange(state, exchange, nowMs)
}

/// The head of a problem response.
package func problemHead(
  _ state: ProxyState,
  _ code: ErrorCode,
  _ content: ByteString,
  _ note: CacheNote?,
  _ httpMinor: Int,
  _ keepAlive: Bool,
  _ nowMs: Int
) -> ResponseHead {
  let status = errorRow(code).status
  var parts = plainParts(state, status, httpMinor, keepAlive, nowMs)
  parts.contentType = "application/problem+json"
  parts.contentLength = content.count
  parts.note = note
  // R-ERROR-3
  if status == 503 { parts.retryAfterSeconds = 1 }
  if status == 405 { parts.allow = "GET, HEAD, OPTIONS" }
  return responseHead(parts)
}

/// The parts that every response of an exchange begins from.
package func plainParts(
  _ state: ProxyState,
  _ status: Int,
  _ httpMinor: Int,
  _ keepAlive: Bool,
  _ nowMs: Int
) -> HeadParts {
  HeadParts(
    status: status,
    contentType: nil,
    contentLength: 0,
    contentRange: nil,
    acceptRanges: nil,
    stored: [],
    ageSeconds: -1,
    retryAfterSeconds: -1,
    allow: nil,
    note: nil,
    cors: state.options.cors ? .simple : .none,
    dateMs: nowMs,
    keepAlive: keepAlive,
    httpMinor: httpMinor
  )
}

/// Hands a head to the edge. With `content` (nil: the reader follows) it is the whole response.
package func sendHead(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ head: ResponseHead,
  _ content: ByteString?
) {
  exchange.status = head.status
  if exchange.method != .background {
    state.actions.append(.head(exchange: exchange, head: head, content: content))
  }
}

/// Ends an exchange: its body and its flights learn that it is gone.
package func finishExchange(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  if exchange.state == .done { return }
  exchange.state = .done
  state.exchanges[exchange.id] = nil
  if let found = exchange.found { state.actions.append(.validated(exchange: exchange, found: found)) }
  if exchange.later { laterEnded(state, nowMs) }
  let flight = exchange.waitingOn
  exchange.waitingOn = nil
  if let flight {
    if let place = flight.waiters.firstIndex(of: exchange.id) { flight.waiters.remove(at: place) }
    // R-LANE-10: a place in the queue is given back, unless a reader waits for the flight as well.
    detachFlight(state, flight, nowMs)
  }
  let body = exchange.body
  let task = exchange.task
  let outcome = task.map { partOutcome(exchange, $0) }
  // R-EVICT-9: what has just been played is the last to go, however long ago its playing began.
  if let body, body.journalled {
    body.entry.accessMs = nowMs
    state.actions.append(.touch(body: body))
  }
  dropBody(state, exchange)
  if let body { detachFlights(state, body, nowMs) }
  if let task, let outcome { partEnded(state, exchange, task, outcome, nowMs) }
  evictIfNeeded(state, nowMs)
}
