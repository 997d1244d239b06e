/// Carries out preloads: asks in the background for what a player will ask for, reads playlists, counts, tries again.

/// What an exchange of a preload asks for; `failure` says why it is of no use, "" while it may be.
package final class PreloadTask {
  package let preload: Preload
  package let part: PreloadPart
  package var read = false
  package var failure: ByteString = ""

  init(preload: Preload, part: PreloadPart) {
    self.preload = preload
    self.part = part
  }
}

/// How a part ended: "" when it is here, else why not; the bytes that it brought, and what of them is not in a file yet.
package struct Outcome {
  package let failure: ByteString
  package let bytes: Int
  package let landing: [Landing]
}

/// Begins a preload; nil when `preloadsMax` are at work.
package func startPreload(_ state: ProxyState, _ order: PreloadOrder, _ nowMs: Int) -> Preload? {
  let table = state.preloads
  // R-PRE-3
  if table.active.count >= state.options.limits.preloadsMax { return nil }
  let preload = addPreload(table, order)
  runPreloads(state, nowMs)
  return preload
}

/// Ends a preload: what it brought stays. False when it is over or unknown.
package func cancelPreload(_ state: ProxyState, _ id: Int, _ nowMs: Int) -> Bool {
  guard let preload = findPreload(state.preloads, id), preload.state == .active else { return false }
  // R-PRE-10
  endPreload(state, preload, .cancelled, "", nowMs)
  runPreloads(state, nowMs)
  return true
}

/// Ends every preload: the proxy stops.
package func cancelPreloads(_ state: ProxyState, _ nowMs: Int) {
  let active = state.preloads.active
  // None goes on because another ends.
  for preload in active { preload.todo = [] }
  for preload in active { endPreload(state, preload, .cancelled, "", nowMs) }
}

/// Asks for the next parts, as far as the bounds allow.
package func runPreloads(_ state: ProxyState, _ nowMs: Int) {
  let table = state.preloads
  if table.held { return }
  table.wakeMs = -1
  for preload in table.active {
    while table.running < state.options.limits.preloadTransfersMax {
      guard let part = nextPart(state, preload, nowMs) else { break }
      preload.todo.removeFirst()
      beginPart(state, preload, part, nowMs)
    }
  }
}

/// A playlist that an exchange of a preload asked for is here, whole.
package func preloadPlaylist(
  _ state: ProxyState,
  _ task: PreloadTask,
  _ bytes: ByteString,
  _ baseUrl: ByteString,
  _ sources: VariableSources
) {
  let (preload, part) = (task.preload, task.part)
  let order = preload.order
  task.read = true
  let kind = playlistSummary(bytes).kind
  let plain = plainPlaylist(bytes, sources, state.options.limits.urisBytesMax)
  if kind == .multivariant {
    let list = variantList(plain, baseUrl)
    let chosen = part.kind == .root ? chooseVariant(list, order.variant) : nil
    guard let variant = chosen, !variant.url.isEmpty else {
      task.failure = "no-variant"
      return
    }
    preload.imports = exportsText(bytes, sources)
    preload.offset = startOffset(plain)
    for url in variantPlaylists(list, variant, order.subtitles) {
      // R-PRE-12
      var more = part
      more.kind = url == variant.url ? .playlist : .rendition
      more.url = url
      more.start = 0
      more.end = -1
      addParts(preload, [more])
    }
  } else if kind == .vod {
    let most = state.options.limits.preloadSegmentsMax
    let timeline = beginningAt(mediaTimeline(plain, baseUrl), plain, preload.offset)
    var parts = preloadParts(timeline, order.amount, most)
    // R-PRE-12
    if part.kind == .rendition {
      for at in parts.indices {
        parts[at].segments = 0
        parts[at].durationMs = 0
      }
    }
    addParts(preload, parts)
  } else {
    // R-PRE-9
    task.failure = "live"
  }
}

/// Whether an exchange of a preload ends here, at the head of what it asked for: what cannot be kept is not fetched.
package func endsPreload(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) -> Bool {
  guard let task = exchange.task, !body.storing, !exchange.playlist, body.entry.kind == .media else { return false }
  // R-PRE-9
  task.failure = body.passing ? "status-\(body.status)" : "not-stored"
  finishExchange(state, exchange, nowMs)
  return true
}

/// What an exchange of a preload came to; called before it lets go of its body.
package func partOutcome(_ exchange: Exchange, _ task: PreloadTask) -> Outcome {
  func failed(_ failure: ByteString) -> Outcome { Outcome(failure: failure, bytes: 0, landing: []) }
  if !task.failure.isEmpty { return failed(task.failure) }
  let (note, status) = (exchange.note, exchange.status)
  if status >= 400 { return failed(note.detail.isEmpty ? "status-\(status)" : note.detail) }
  if task.read, let body = exchange.body { return brought(body, 0, body.entry.total) }
  guard let body = exchange.body, let cursor = exchange.cursor, cursor.end != -1, cursor.offset >= cursor.end else {
    let code = exchange.cursor?.failure ?? .upstreamTruncated
    return failed(ByteString(utf8: code.rawValue))
  }
  // What was written to no file is gone with its reader.
  if !body.storing { return failed("not-stored") }
  return brought(body, status == 206 ? task.part.start : 0, cursor.end)
}

private func brought(_ body: Body, _ start: Int, _ end: Int) -> Outcome {
  var landing: [Landing] = []
  for flight in body.flights {
    let upTo = min(end, flight.position)
    if body.storing && flight.written < upTo { landing.append(Landing(flight: flight, upTo: upTo)) }
  }
  return Outcome(failure: "", bytes: end - start, landing: landing)
}

/// An exchange of a preload is over.
package func partEnded(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ task: PreloadTask,
  _ outcome: Outcome,
  _ nowMs: Int
) {
  let (preload, part) = (task.preload, task.part)
  state.preloads.running -= 1
  if let place = preload.running.firstIndex(of: exchange.id) { preload.running.remove(at: place) }
  if preload.state != .active { return }
  if outcome.failure.isEmpty {
    preload.failures = 0
    preload.bytes += outcome.bytes
    preload.segments += part.segments
    preload.durationMs += part.durationMs
    preload.landing += outcome.landing
    state.preloads.landing += outcome.landing.count
    if isOver(preload) {
      endPreload(state, preload, .done, "", nowMs)
    } else {
      state.actions.append(.preload(preload: preload))
    }
  } else {
    failPart(state, preload, part, outcome.failure, nowMs)
  }
  runPreloads(state, nowMs)
}

/// Bytes have come to the disk, or will never: what was preloaded is done when all of it is there.
package func settlePreloads(_ state: ProxyState, _ nowMs: Int) {
  let table = state.preloads
  if table.landing == 0 { return }
  var isFreed = false
  for preload in table.active {
    let left = preload.landing.filter { !isLanded($0) }
    if left.count == preload.landing.count { continue }
    let isLost = preload.landing.contains { !$0.flight.body.storing }
    table.landing -= preload.landing.count - left.count
    preload.landing = left
    // R-PRE-9, R-PRE-13
    if isLost {
      endPreload(state, preload, .failed, "not-stored", nowMs)
      isFreed = true
    } else if isOver(preload) {
      endPreload(state, preload, .done, "", nowMs)
    }
  }
  // What it still asked for leaves its place to the next.
  if isFreed { runPreloads(state, nowMs) }
}

private func isLanded(_ one: Landing) -> Bool {
  one.flight.state == .ended || !one.flight.body.storing || one.flight.written >= one.upTo
}

private func isOver(_ preload: Preload) -> Bool {
  let isAsked = preload.running.isEmpty && (preload.todo.isEmpty || hasEnough(preload))
  return isAsked && preload.landing.isEmpty
}

/// Failures of the network and of crowding, after which another try may succeed.
private let passingFailures: [ByteString] = [
  "upstream-refused",
  "upstream-dns",
  "upstream-tls",
  "upstream-timeout",
  "upstream-truncated",
  "too-busy",
  "offline",
]

private func failPart(
  _ state: ProxyState,
  _ preload: Preload,
  _ part: PreloadPart,
  _ failure: ByteString,
  _ nowMs: Int
) {
  let limits = state.options.limits
  let isPassing = passingFailures.contains(failure)
  // What failed together is one failure.
  let isFirst = preload.notBeforeMs <= nowMs
  if isFirst { preload.failures += 1 }
  // R-PRE-8
  if !isPassing || preload.failures > limits.preloadTriesMax {
    endPreload(state, preload, .failed, failure, nowMs)
    return
  }
  putBack(preload, part)
  if !isFirst { return }
  var waitMs = limits.resumeBackoffMs
  for _ in 1..<preload.failures { waitMs = min(waitMs * 2, limits.breakerPauseMsMax) }
  preload.notBeforeMs = nowMs + waitMs
}

private func endPreload(
  _ state: ProxyState,
  _ preload: Preload,
  _ end: PreloadState,
  _ cause: ByteString,
  _ nowMs: Int
) {
  preload.state = end
  preload.cause = cause
  retirePreload(state.preloads, preload, state.options.limits.preloadsMax)
  for id in preload.running {
    if let exchange = state.exchanges[id] { finishExchange(state, exchange, nowMs) }
  }
  state.actions.append(.preload(preload: preload))
}

/// The part to ask for now; nil when there is none, or it must wait.
private func nextPart(_ state: ProxyState, _ preload: Preload, _ nowMs: Int) -> PreloadPart? {
  guard let part = preload.todo.first, preload.state == .active else { return nil }
  // R-PRE-8: when the network is back, all go on.
  if state.offline { return nil }
  // R-PRE-7: what is known by its bytes alone is counted as it comes.
  if preload.order.amount.unit == .bytes && part.kind == .media && !preload.running.isEmpty { return nil }
  if hasEnough(preload) { return nil }
  let openUntilMs = breakerOpenUntil(state.breakers, originOf(part.url))
  let readyMs = max(preload.notBeforeMs, openUntilMs)
  if readyMs > nowMs {
    let table = state.preloads
    if table.wakeMs == -1 || readyMs < table.wakeMs { table.wakeMs = readyMs }
    return nil
  }
  // R-PRE-8: after the pause one request goes out, to see whether the origin is back.
  return openUntilMs != -1 && state.preloads.running > 0 ? nil : part
}

private func hasEnough(_ preload: Preload) -> Bool {
  let amount = preload.order.amount
  return amount.unit == .bytes && preload.bytes >= amount.count
}

private func beginPart(_ state: ProxyState, _ preload: Preload, _ part: PreloadPart, _ nowMs: Int) {
  let asked = part.kind == .root ? rootPart(state, preload, part) : part
  let range = PlaylistPart(url: asked.url, start: asked.start, end: asked.end)
  // What a variant's playlist names is no playlist, and imports nothing.
  let isNamed = part.kind == .playlist || part.kind == .rendition
  let own = OwnParameters(as: .none, define: isNamed ? preload.imports : "")
  let exchange = backgroundExchange(state, range, own, nowMs)
  exchange.task = PreloadTask(preload: preload, part: asked)
  preload.running.append(exchange.id)
  state.preloads.running += 1
  state.actions.append(.begin(exchange: exchange))
}

/// Of what may be a plain file only its beginning is asked for, unless all of it is wanted.
private func rootPart(_ state: ProxyState, _ preload: Preload, _ part: PreloadPart) -> PreloadPart {
  let amount = preload.order.amount
  // R-PRE-11
  if amount.unit == .all || isPlaylistUrl(part.url) { return part }
  var first = part
  first.end = amount.unit == .bytes ? amount.count : state.options.limits.preloadFileBytes
  return first
}
