/// Decides where an exchange's response comes from: what is stored, a flight under way, or a new one.

/// Plans an exchange: called when it begins, and again when what it waited for came to nothing.
package func planExchange(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  // R-UPSTREAM-1
  if !exchange.allowed {
    answerProblem(state, exchange, .forbiddenUpstream, "no option allows this upstream host", nowMs)
    return
  }
  if !exchange.verb.isEmpty {
    openPass(state, exchange, nowMs)
    return
  }
  // R-LL-2: a directed reload asks for what nobody has seen yet.
  let current = exchange.directed ? nil : findStored(state, exchange)
  if let current { agreeOnKind(exchange, current) }
  if exchange.found != nil && current == nil {
    endUnfound(state, exchange, nowMs)
    return
  }
  let shares = !exchange.solo && mayShare(state, exchange, current)
  let fresh = current.map { isReusable(state, $0, nowMs) } ?? false
  let asksAnyway = exchange.found != nil || exchange.renews
  if shares, let current, !asksAnyway, mayTake(state, exchange, current, fresh, nowMs) {
    serveBody(state, exchange, current, nowMs)
    return
  }
  // R-REQ-6
  if exchange.onlyStored {
    answerProblem(state, exchange, .notStored, "the request says only-if-cached", nowMs)
    return
  }
  if !shares {
    openSolo(state, exchange, nowMs)
    return
  }
  if current != nil {
    exchange.note.fwd = fresh ? "request" : "stale"
  } else if exchange.note.fwd.isEmpty {
    exchange.note.fwd = missesByVary(state, exchange) ? "vary-miss" : "uri-miss"
  }
  if exchange.method == .head && !exchange.playlist && current == nil {
    // R-HTTP-7: asking for the body would fetch what nobody reads.
    openSolo(state, exchange, nowMs)
    return
  }
  let key = openingKey(state, exchange, current)
  if let opening = findSlot(state.table, key)?.opening {
    // R-FLIGHT-1
    exchange.note.collapsed = true
    joinFlight(state, exchange, opening, nowMs)
    return
  }
  openShared(state, exchange, key, current, nowMs)
}

/// What is stored and what is asked for are of one kind: either may know more of it than the other.
private func agreeOnKind(_ exchange: Exchange, _ body: Body) {
  // R-JSON-6: what somebody asked for as a file may be a manifest.
  if body.entry.kind == .media && exchange.own.as != .none { body.entry.kind = jsonEntryKind(exchange.own.as) }
  // R-SERVE-5: what was a playlist, whatever its URL looks like, is asked for as one.
  if body.entry.kind != .media { exchange.playlist = true }
}

/// A validation ends where nothing is stored: there was nothing, or what there was has gone meanwhile.
private func endUnfound(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  // R-CHECK-1
  exchange.found = exchange.note.fwd.isEmpty ? .absent : .updated
  finishExchange(state, exchange, nowMs)
}

/// Whether a stored version may be served without asking its origin (R-FRESH-1).
package func isReusable(_ state: ProxyState, _ body: Body, _ nowMs: Int) -> Bool {
  // R-FLIGHT-11: a playlist that is still coming in is as new as can be.
  if state.options.policy == .media && body.entry.kind != .media && isComingIn(body) { return true }
  let entry = body.entry
  let control = parseCacheControl(fieldCombined(entry.fields, "cache-control"))
  let verdict = reuse(
    entry.kind,
    state.options.policy,
    lifetimeMs(state, entry, control, nowMs),
    bodyAgeMs(body, nowMs),
    residentMs(entry.responseMs, nowMs),
    entry.targetDurationMs,
    state.options.playlistFreshMs,
    control.noCache,
    state.options.validateOutdated
  )
  return verdict == .fresh
}

/// Whether an exchange takes a stored version as it is; under the http policy its request has a say.
private func mayTake(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ fresh: Bool, _ nowMs: Int) -> Bool {
  let policy = state.options.policy
  if policy == .media { return fresh }
  let entry = body.entry
  let control = parseCacheControl(fieldCombined(entry.fields, "cache-control"))
  // R-FRESH-4
  let lifetime = control.noCache ? 0 : lifetimeMs(state, entry, control, nowMs)
  let isStrict = !mayServeStale(entry.kind, policy, control, state.options.shared)
  return requestTakes(requestControl(exchange.fields), lifetime, bodyAgeMs(body, nowMs), isStrict)
}

/// Freshness lifetime of an entry, in milliseconds, -1 when it has none.
private func lifetimeMs(_ state: ProxyState, _ entry: Entry, _ control: CacheControl, _ nowMs: Int) -> Int {
  let fields = entry.fields
  let parsedMs = dateField(fields, "date", nowMs)
  let dateMs = parsedMs < 0 ? entry.responseMs : parsedMs
  let options = state.options
  let explicitMs = explicitLifetimeMs(control, fieldFirst(fields, "expires"), dateMs, nowMs, options.shared)
  if explicitMs >= 0 || options.policy == .media { return explicitMs }
  return heuristicLifetimeMs(dateField(fields, "last-modified", nowMs), dateMs, options.heuristicPercent)
}

/// A field's date in milliseconds since the epoch, -1 when there is none.
private func dateField(_ fields: FieldList, _ name: ByteString, _ nowMs: Int) -> Int {
  fieldFirst(fields, name).map { parseHttpDate($0, nowMs) } ?? -1
}

private func isComingIn(_ body: Body) -> Bool {
  for flight in body.flights {
    if flight.state != .draining { return true }
  }
  return false
}

/// Whether what is stored may be found by this exchange, and what it fetches by others (R-STORE-3, R-STORE-5).
private func mayShare(_ state: ProxyState, _ exchange: Exchange, _ current: Body?) -> Bool {
  // R-STORE-3
  if forbidsStoring(exchange.fields) && !state.options.ignoreNoStore { return false }
  if state.options.apart || !carriesCredentials(exchange.fields) { return true }
  guard let current else { return false }
  return parseCacheControl(fieldCombined(current.entry.fields, "cache-control")).isPublic
}

private func openShared(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ key: ByteString,
  _ current: Body?,
  _ nowMs: Int
) {
  exchange.note.collapsed = false
  let body = blankBody(state, key, exchange.url, nowMs)
  if exchange.playlist { body.entry.kind = .live }
  let flight = openOpening(state, exchange, body, current, nowMs)
  flight.key = key
  slotFor(state.table, key).opening = flight
  launchFlight(state, flight, nowMs)
}

private func openSolo(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  exchange.note.collapsed = false
  if exchange.note.fwd.isEmpty { exchange.note.fwd = exchange.method == .head ? "method" : "bypass" }
  let body = blankBody(state, exchange.space, exchange.url, nowMs)
  if exchange.playlist { body.entry.kind = .live }
  launchFlight(state, openOpening(state, exchange, body, nil, nowMs), nowMs)
}
