/// The origin answered: what its head means for the flight, the resource, and those who wait.

/// An origin's response head as the edge read it.
package struct OriginAnswer: Sendable {
  package var status: Int
  package var reason: ByteString
  package var fields: FieldList
  package var framing: Framing

  package init(status: Int, reason: ByteString, fields: FieldList, framing: Framing) {
    self.status = status
    self.reason = reason
    self.fields = fields
    self.framing = framing
  }
}

/// A verdict that is a whole or a part: TypeScript narrows the union where Swift needs a type.
package struct Delivery: Sendable {
  package let isPart: Bool
  /// First byte that comes, end exclusive, -1 unknown.
  package let start: Int
  package let end: Int
  /// Length of the whole representation in bytes, -1 unknown.
  package let total: Int
}

/// Takes in the head of the origin's response to the flight's request.
package func flightHead(_ state: ProxyState, _ flight: Flight, _ answer: OriginAnswer, _ nowMs: Int) {
  if flight.state != .asked { return }
  breakerSucceeded(state.breakers, originOf(flight.url))
  if !flight.verb.isEmpty {
    acceptPass(state, flight, answer, nowMs)
    return
  }
  // R-SIGN-1
  if mayResign(state, flight, answer) {
    flight.resigned += 1
    state.actions.append(.resign(flight: flight, answer: answer))
    return
  }
  judgeHead(state, flight, answer, nowMs)
}

/// The library's caller was asked for a URL that the origin takes: it has one, or nil.
package func flightResigned(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ url: ByteString?,
  _ nowMs: Int
) {
  if flight.state != .asked { return }
  // R-SIGN-2
  guard let url, isHttpUrl(url), upstreamUrlAllowed(url, state.options.allowUpstream) else {
    judgeHead(state, flight, answer, nowMs)
    return
  }
  // R-REDIRECT-3
  let isElsewhere = originOf(url) != originOf(flight.source)
  flight.forward = isElsewhere ? withoutCredentials(flight.selecting) : flight.selecting
  flight.url = url
  flight.redirects = 0
  sendFlight(state, flight, nowMs)
}

private func mayResign(_ state: ProxyState, _ flight: Flight, _ answer: OriginAnswer) -> Bool {
  let isRefused = answer.status == 401 || answer.status == 403
  return state.options.resigns && isRefused && flight.resigned < state.options.limits.resignMax
}

/// What the head of the origin's response means.
private func judgeHead(_ state: ProxyState, _ flight: Flight, _ answer: OriginAnswer, _ nowMs: Int) {
  let ask = Ask(
    method: flight.method,
    url: flight.url,
    start: flight.askStart,
    end: flight.askEnd,
    suffix: flight.askSuffix,
    conditional: flight.revalidates != nil
  )
  switch headVerdict(ask, answer.status, answer.fields, answer.framing) {
  case .redirect(let url):
    followRedirect(state, flight, url, nowMs)
  case .notModified:
    acceptNotModified(state, flight, answer, nowMs)
  case .askWhole:
    askWhole(state, flight, nowMs)
  case .fail(let code, let detail):
    abortAndFail(state, flight, code, detail, nowMs)
  case .whole(let total):
    accept(state, flight, answer, Delivery(isPart: false, start: 0, end: total, total: total), nowMs)
  case .part(let start, let end, let total):
    accept(state, flight, answer, Delivery(isPart: true, start: start, end: end, total: total), nowMs)
  case .unsatisfied(let total):
    if flight.purpose == .opening {
      answerNoSuchRange(state, flight, total, nowMs)
    } else {
      versionChanged(state, flight, nowMs)
    }
  case .pass(let total):
    passOn(state, flight, answer, total, nowMs)
  }
}

private func accept(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ verdict: Delivery,
  _ nowMs: Int
) {
  if flight.purpose == .opening {
    acceptOpening(state, flight, answer, verdict, nowMs)
  } else {
    acceptHole(state, flight, answer, verdict, nowMs)
  }
}

/// Ends a flight whose head or body cannot be used.
package func abortAndFail(
  _ state: ProxyState,
  _ flight: Flight,
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) {
  state.actions.append(.abort(flight: flight))
  flightFailed(state, flight, code, detail, nowMs)
}

private func followRedirect(_ state: ProxyState, _ flight: Flight, _ url: ByteString, _ nowMs: Int) {
  flight.redirects += 1
  // R-REDIRECT-1
  if flight.redirects > state.options.limits.redirectsMax {
    abortAndFail(state, flight, .upstreamRedirects, "more redirects than the limit", nowMs)
    return
  }
  // R-REDIRECT-2
  if !upstreamUrlAllowed(url, state.options.allowUpstream) {
    abortAndFail(state, flight, .forbiddenUpstream, "redirected to a host that no option allows", nowMs)
    return
  }
  // R-REDIRECT-3: what identifies the player is for the host that it chose.
  if originOf(url) != originOf(flight.url) { flight.forward = withoutCredentials(flight.forward) }
  flight.url = url
  sendFlight(state, flight, nowMs)
}

private func askWhole(_ state: ProxyState, _ flight: Flight, _ nowMs: Int) {
  flight.askStart = 0
  flight.askEnd = -1
  flight.askSuffix = -1
  flight.body.rangeless = true
  sendFlight(state, flight, nowMs)
}

private func acceptOpening(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ verdict: Delivery,
  _ nowMs: Int
) {
  let ranged = flight.askStart != 0 || flight.askEnd != -1
  // R-SERVE-6: a playlist is rewritten as a whole, so a part of one is of no use.
  if isPlaylistType(fieldFirst(answer.fields, "content-type")) && !flight.playlist {
    flight.playlist = true
    // HEAD of a playlist has the length of the rewritten one, so that its text is needed as well.
    if verdict.isPart || flight.method == .head {
      flight.method = .get
      askWhole(state, flight, nowMs)
      return
    }
  }
  // R-REVAL-5
  if flight.method == .head, let known = flight.revalidates, isSameHead(known, answer, verdict.total) {
    acceptNotModified(state, flight, answer, nowMs)
    return
  }
  if ranged && !verdict.isPart { flight.body.rangeless = true }
  openBody(state, flight, answer, verdict, nowMs)
}

/// The flight decided what the resource is: its body is published, and those who waited are served from it.
package func openBody(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ verdict: Delivery,
  _ nowMs: Int
) {
  let body = flight.body
  describeBody(state, flight, body, answer, nowMs)
  body.entry.total = verdict.total
  startFlowing(flight, verdict.start, flight.method == .head ? verdict.start : verdict.end)
  let stores = mayStore(state, flight, flight.method == .get ? "GET" : "HEAD", answer.status, answer.fields)
  // R-HEAD-1: whether a body that only the connection's end closes is whole, nobody knows.
  let whole = answer.framing != .close && flight.method == .get && !flight.unpublished
  // R-LL-2: of no use to who asks later, and it may be a delta.
  body.storing = stores && whole && !flight.directed && roomFor(state, body, nowMs)
  leaveSlot(state, flight)
  body.entry.key = responseKey(state, flight, body.entry.fields)
  if body.storing {
    publishBody(state, body)
    boundVariants(state, body)
    storeBody(state, body)
  }
  // What took its place may be for others, and has another key then.
  if let known = flight.revalidates { doomBody(state, known) }
  serveWaiters(state, flight, answer, stores, nowMs)
}

/// Whether an answer to a flight's request may be stored.
package func mayStore(
  _ state: ProxyState,
  _ flight: Flight,
  _ method: ByteString,
  _ status: Int,
  _ fields: FieldList
) -> Bool {
  // What the operator sets on every request tells nobody apart; what the player sent does.
  // R-STORE-5: a redirect takes the credentials off, and has been answered to whom they name.
  var asked = withoutCredentials(flight.forward)
  asked += flight.credentials
  if flight.unstorable { asked += ["Cache-Control", "no-store"] }
  let options = StoreOptions(
    overrideNoStore: state.options.ignoreNoStore,
    apart: state.options.apart,
    shared: state.options.shared,
    extraRequestFields: state.options.forwardFields
  )
  return storable(method, asked, status, fields, options).store
}

private func serveWaiters(
  _ state: ProxyState,
  _ flight: Flight,
  _ answer: OriginAnswer,
  _ shared: Bool,
  _ nowMs: Int
) {
  // One after the other: as long as one waits, the flight is wanted.
  while let exchange = nextWaiter(state, flight) {
    if !shared && exchange.id != flight.asker {
      fetchAlone(state, exchange, nowMs)
      continue
    }
    // R-VARY-5
    if exchange.id != flight.asker && !isFor(state, exchange, flight.body) {
      planExchange(state, exchange, nowMs)
      continue
    }
    if exchange.id == flight.asker { exchange.cookies = cookiesOf(answer.fields) }
    exchange.note.fwdStatus = answer.status
    exchange.note.stored = flight.body.storing && !exchange.note.collapsed
    serveBody(state, exchange, flight.body, nowMs)
  }
  detachFlight(state, flight, nowMs)
}

/// What is not for all is fetched by each (R-STORE-8).
private func fetchAlone(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  exchange.task?.failure = "not-stored"
  // R-AHEAD-10, R-PRE-9; who validates has its answer: what is stored is replaced.
  if exchange.ahead || exchange.found != nil || exchange.task != nil {
    if exchange.found != nil { exchange.found = .updated }
    finishExchange(state, exchange, nowMs)
    return
  }
  exchange.solo = true
  exchange.note.fwd = "bypass"
  planExchange(state, exchange, nowMs)
}

/// An answer that is not stored: passed to everyone who waited for it, as the origin said it (R-ERROR-2).
package func passOn(_ state: ProxyState, _ flight: Flight, _ answer: OriginAnswer, _ total: Int, _ nowMs: Int) {
  let old = flight.body
  if flight.purpose == .hole {
    failCursors(state, flight, answer.status < 500 ? .upstreamBadRange : .upstreamRefused, nowMs)
    moveFlight(state, flight, nowMs)
    dropWaiters(state, flight)
    pumpReaders(state, old)
  }
  leaveSlot(state, flight)
  let body = flight.body
  describeBody(state, flight, body, answer, nowMs)
  body.entry.kind = .media
  body.entry.fields = passedResponseFields(answer.fields, state.options.responseFields)
  fieldRemove(&body.entry.fields, "set-cookie")
  body.entry.total = total
  body.status = answer.status
  body.reason = answer.reason
  body.passing = true
  body.storing = false
  startFlowing(flight, 0, flight.method == .head ? 0 : total)
  while let exchange = nextWaiter(state, flight) {
    if !state.options.apart && !flight.credentials.isEmpty && exchange.id != flight.asker {
      fetchAlone(state, exchange, nowMs)
      continue
    }
    if exchange.id == flight.asker { exchange.cookies = cookiesOf(answer.fields) }
    exchange.playlist = false
    exchange.note.fwdStatus = answer.status
    serveBody(state, exchange, body, nowMs)
  }
  detachFlight(state, flight, nowMs)
}

/// 416 to an opening: the answer to its asker, and to who asked for what lies beyond the end as well.
private func answerNoSuchRange(_ state: ProxyState, _ flight: Flight, _ total: Int, _ nowMs: Int) {
  let waiters = takeWaiters(state, flight)
  leaveSlot(state, flight)
  flight.body.passing = true
  flight.body.storing = false
  startFlowing(flight, 0, 0)
  for exchange in waiters {
    if exchange.id != flight.asker && !isBeyondEnd(exchange, total) {
      planExchange(state, exchange, nowMs)
      continue
    }
    exchange.note.fwdStatus = 416
    answerUnsatisfied(state, exchange, total, nowMs)
  }
}

private func isBeyondEnd(_ exchange: Exchange, _ total: Int) -> Bool {
  if total < 0 || exchange.playlist || fieldFirst(exchange.fields, "if-range") != nil { return false }
  return resolveRange(exchange.range, total) == .unsatisfiable
}

private func describeBody(
  _ state: ProxyState,
  _ flight: Flight,
  _ body: Body,
  _ answer: OriginAnswer,
  _ nowMs: Int
) {
  let entry = body.entry
  // Until its text is read, what says it is a playlist is one that may change at any time.
  if flight.playlist || isPlaylistType(fieldFirst(answer.fields, "content-type")) { entry.kind = .live }
  entry.fields = storedResponseFields(answer.fields, state.options.responseFields)
  entry.finalUrl = flight.url
  entry.requestMs = flight.requestMs
  entry.responseMs = nowMs
}

/// The flight delivers bytes from `start` to `end` (exclusive, -1 unknown) from now on.
package func startFlowing(_ flight: Flight, _ start: Int, _ end: Int) {
  flight.state = .flowing
  resetPositions(flight, start)
  flight.limit = end
}

private func withoutCredentials(_ fields: FieldList) -> FieldList {
  var kept = fields
  fieldRemove(&kept, "authorization")
  fieldRemove(&kept, "cookie")
  return kept
}

/// Set-Cookie is for the one who asked: passed on once, never stored (R-STORE-9).
private func cookiesOf(_ fields: FieldList) -> FieldList {
  var cookies: FieldList = []
  var at = 0
  while at + 1 < fields.count {
    if lowerAscii(fields[at]) == "set-cookie" { cookies += ["Set-Cookie", fields[at + 1]] }
    at += 2
  }
  return cookies
}
