/// What players fetch from its origin by themselves and the proxy fetches as well, in the background, so that the next
/// play has it. A little at a time: the player's own downloads come over the same network.

/// A part that waits, for the playlist with this cache key; `player` asked for that playlist.
package struct LaterPart {
  let playlist: ByteString
  let part: PlaylistPart
  let player: Exchange
}

/// What waits, first come first served, and how many exchanges are under way.
package struct LaterQueue {
  var waiting: [LaterPart]
  var running: Int
}

/// An empty queue.
package func newLaterQueue() -> LaterQueue {
  LaterQueue(waiting: [], running: 0)
}

/// Fetches the parts of a playlist that a player was answered with, in order; what waited for that playlist goes.
package func fetchLater(_ state: ProxyState, _ player: Exchange, _ parts: [PlaylistPart], _ nowMs: Int) {
  // R-DELIVER-6
  if carriesCredentials(player.fields) || forbidsStoring(player.fields) { return }
  let room = state.options.limits.laterMax
  let own = parts.prefix(room).map { LaterPart(playlist: player.key, part: $0, player: player) }
  let others = state.later.waiting.filter { $0.playlist != player.key }
  state.later.waiting = others.dropFirst(max(0, others.count + own.count - room)) + own
  beginLater(state, nowMs)
}

/// An exchange that fetched a part is over: the next begins.
package func laterEnded(_ state: ProxyState, _ nowMs: Int) {
  state.later.running -= 1
  beginLater(state, nowMs)
}

/// Forgets what waits.
package func dropLater(_ state: ProxyState) {
  state.later.waiting = []
}

private func beginLater(_ state: ProxyState, _ nowMs: Int) {
  while state.later.running < state.options.limits.laterAtOnceMax && !state.later.waiting.isEmpty {
    let next = state.later.waiting.removeFirst()
    if !isWanted(state, next.player, next.part, nowMs) { continue }
    let exchange = partExchange(state, next.player, next.part, nowMs)
    exchange.later = true
    state.later.running += 1
    state.actions.append(.begin(exchange: exchange))
  }
}

/// Whether a part is still to be fetched, and can be.
private func isWanted(_ state: ProxyState, _ player: Exchange, _ part: PlaylistPart, _ nowMs: Int) -> Bool {
  // R-DELIVER-6
  if state.offline || state.reserveShortfallBytes > 0 { return false }
  if breakerOpenUntil(state.breakers, originOf(part.url)) >= 0 { return false }
  return upstreamUrlAllowed(part.url, state.options.allowUpstream) && !isStored(state, player, part, nowMs)
}
