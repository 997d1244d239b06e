/// Fetches ahead what a player asks for next when it begins to play: the proxy knows it as soon as the media playlist is
/// here. Nothing is fetched of which it is not certain that the player asks for it (SPEC: R-AHEAD-1).

/// The playlists that a multivariant playlist names, and the groups of which a player begins with one each: cache keys.
package struct StartNames: Sendable {
  package let named: [ByteString]
  package let groups: [[ByteString]]
}

/// Reads the names off a multivariant playlist, whose playlists have these URLs; nil when nothing is fetched ahead.
package func startNames(
  _ state: ProxyState,
  _ bytes: ByteString,
  _ baseUrl: ByteString,
  _ playlists: [ByteString]
) -> StartNames? {
  if !state.options.startAhead { return nil }
  func key(_ url: ByteString) -> ByteString { keyOf(state.options, url) }
  return StartNames(named: playlists.map(key), groups: startGroups(bytes, baseUrl).map { $0.map(key) })
}

/// A multivariant playlist goes out to a player: it begins with one playlist of each group.
package func armStarts(_ state: ProxyState, _ exchange: Exchange, _ names: StartNames?, _ nowMs: Int) {
  guard let names, exchange.method == .get else { return }
  // R-AHEAD-4
  rememberStarts(state.starts, names.named, names.groups, nowMs + state.options.limits.startAheadMs)
}

/// A playlist goes out to a player, wherever it comes from: whatever group it is of, the player has chosen.
package func noteChoice(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  if !state.options.startAhead || exchange.method != .get || exchange.startClaim != nil { return }
  exchange.startClaim = claimStart(state.starts, exchange.key, nowMs)
}

/// A complete media playlist went out to a player: fetches ahead what it asks for next, if that is certain.
package func startAhead(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ bytes: ByteString,
  _ baseUrl: ByteString,
  _ nowMs: Int
) {
  guard mayStart(state, exchange), let start = playlistStart(bytes, baseUrl) else { return }
  for part in startParts(start.map, start.segment) where mayFetch(state, part, nowMs) {
    state.actions.append(.begin(exchange: aheadExchange(state, exchange, part, nowMs)))
  }
}

/// Whether anything of what an exchange was begun for is still to be fetched ahead.
package func isWorthFetching(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) -> Bool {
  mayFetch(state, PlaylistPart(url: exchange.url, start: 0, end: -1), nowMs)
}

/// Whether an exchange that fetches ahead ends here, at the head of what it asked for: what its player could not be
/// given afterwards is not worth a byte.
package func endsAhead(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) -> Bool {
  // R-AHEAD-10
  if !exchange.ahead || isOfUse(state, exchange, body, nowMs) { return false }
  let isEmpty = body.entry.spans.isEmpty
  finishExchange(state, exchange, nowMs)
  let wanted = body.uses > 0 || body.flights.contains { !$0.waiters.isEmpty }
  if isEmpty && !wanted { doomBody(state, body) }
  return true
}

/// Whether an exchange that fetches ahead has as much of a body of unknown length as it may.
package func hasEnoughAhead(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ offset: Int) -> Bool {
  exchange.ahead && body.entry.total == -1 && offset >= state.options.limits.startAheadBytesMax
}

/// A player joins a flight that was sent ahead for it: the very request that it would send itself is its own.
package func takeOver(_ state: ProxyState, _ exchange: Exchange, _ flight: Flight) {
  guard let asker = state.exchanges[flight.asker], asker.ahead, exchange.method == .get else { return }
  if fieldFirst(exchange.fields, "if-range") != nil { return }
  if fieldFirst(exchange.fields, "range") != fieldFirst(asker.fields, "range") { return }
  let forward = forwardedFields(state, exchange)
  // R-AHEAD-9
  if forward == flight.forward { flight.asker = exchange.id }
}

/// Whether a flight runs for nobody but who fetches ahead: its failure is no player's.
package func isAheadOnly(_ state: ProxyState, _ flight: Flight) -> Bool {
  flight.lane == .background && state.exchanges[flight.asker]?.ahead == true
}

/// Whether the exchange's own request brought a playlist with which its player begins.
private func mayStart(_ state: ProxyState, _ exchange: Exchange) -> Bool {
  let note = exchange.note
  // R-AHEAD-6
  let isFetched = note.fwdStatus == 200 && !note.collapsed
  let isBeginning =
    exchange.startClaim == .armed || (exchange.startClaim == .unnamed && note.fwd == "uri-miss")
  // R-LL-7
  if !isFetched || !isBeginning || exchange.directed { return false }
  // R-AHEAD-7
  if carriesCredentials(exchange.fields) || forbidsStoring(exchange.fields) { return false }
  return state.options.policy == .media && state.reserveShortfallBytes == 0
}

/// Whether a part is worth asking for: it may be asked for, is no playlist, and is neither here nor on its way.
private func mayFetch(_ state: ProxyState, _ part: PlaylistPart, _ nowMs: Int) -> Bool {
  // R-AHEAD-7
  if !upstreamUrlAllowed(part.url, state.options.allowUpstream) || isPlaylistUrl(part.url) { return false }
  if breakerOpenUntil(state.breakers, originOf(part.url)) >= 0 { return false }
  if part.end - part.start > state.options.limits.startAheadBytesMax { return false }
  guard let slot = findSlot(state.table, keyOf(state.options, part.url)) else { return true }
  guard let body = slot.current, isReusable(state, body, nowMs) else { return false }
  let end = part.end == -1 ? body.entry.total : min(part.end, body.entry.total)
  return firstUncovered(body, part.start, end) != -1
}

/// What is asked for: two parts, or one when they lie side by side.
private func startParts(_ map: PlaylistPart?, _ segment: PlaylistPart) -> [PlaylistPart] {
  guard let map else { return [segment] }
  // R-AHEAD-8
  if map.url == segment.url && map.end == segment.start {
    return [PlaylistPart(url: map.url, start: map.start, end: segment.end)]
  }
  return [map, segment]
}

private func isOfUse(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) -> Bool {
  if !body.storing || body.entry.kind != .media || !exchange.cookies.isEmpty { return false }
  let isTooLarge = exchange.range == .none && body.entry.total > state.options.limits.startAheadBytesMax
  return !isTooLarge && (isReusable(state, body, nowMs) || entryCombinable(body.entry))
}
