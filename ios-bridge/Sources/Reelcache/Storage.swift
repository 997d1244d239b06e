import ReelcacheCore
import ReelcacheEdge

/// Preloading, and what is stored.
extension Server {
  /// Fetches what a player will ask for, in the background, for slots that players leave: of a multivariant playlist one
  /// variant with its audio, of a media playlist the first seconds or segments with their keys and sections, or a file.
  @discardableResult
  public func preload(_ url: String, _ options: PreloadOptions = PreloadOptions()) -> PreloadHandle {
    let order = PreloadOrder(
      url: resourceUrl(url),
      amount: amountOf(options.amount),
      variant: variantOf(options.variant),
      subtitles: options.subtitles,
      priority: max(0, min(options.priority, priorityMax))
    )
    let cancel: @Sendable (PreloadHandle) -> Void = { [app, loop] handle in
      loop.later { app.engine.preloads.cancel(handle.progress.id) }
    }
    let handle = PreloadHandle(unstartedPreload(url, .active, ""), options.onProgress, cancel)
    loop.later { [app] in
      let begun = app.isStopping ? nil : app.engine.preloads.start(order) { handle.hear(progressOf($0)) }
      if let begun {
        handle.begin(progressOf(begun))
      } else {
        handle.hear(unstartedPreload(url, .failed, app.isStopping ? "stopping" : "too-busy"))
      }
    }
    return handle
  }

  /// Preloads what is near the item of a feed that is watched, the nearest first. To be called whenever the feed moves:
  /// what stays near goes on, what is left behind is cancelled. An empty list ends it.
  @discardableResult
  public func setWindow(
    _ urls: [String],
    index: Int,
    options: WindowOptions = WindowOptions()
  ) async -> [PreloadProgress] {
    let shape = WindowShape(
      ahead: max(0, options.ahead),
      behind: max(0, options.behind),
      amount: amountOf(options.amount)
    )
    return await onLoop { app in
      if app.isStopping { return [] }
      return app.engine.preloads.setWindow(urls.map(resourceUrl), index, shape).map(progressOf)
    }
  }

  /// What is stored of a URL and of all that its playlists name: does it play without a network, and which seconds?
  public func status(_ url: String) async -> Presentation {
    let bytes = resourceUrl(url)
    return await ask(presentation(ReelcacheCore.Presentation(url: bytes))) { app, shelf in
      presentation(presentationStatus(app.state, bytes, shelf))
    }
  }

  /// Keeps what is stored of a presentation from eviction; returns the number of resources that it changed.
  @discardableResult
  public func pin(_ url: String) async -> Int {
    await repin(url, true)
  }

  /// Lets what is stored of a presentation be evicted again; returns the number of resources that it changed.
  @discardableResult
  public func unpin(_ url: String) async -> Int {
    await repin(url, false)
  }

  /// Drops what is stored of a presentation, pinned or not; returns the number of resources.
  @discardableResult
  public func remove(_ url: String) async -> Int {
    await ask(0) { app, shelf in removePresentation(app.state, resourceUrl(url), shelf) }
  }

  /// Stored resources by id, at most `limit` with ids above `after`.
  public func entries(after: Int = 0, limit: Int = 100) async -> [StoredEntry] {
    await onLoop { app in entriesPage(app.state, after, max(0, limit)).map(storedEntry) }
  }

  private func repin(_ url: String, _ pinned: Bool) async -> Int {
    await ask(0) { app, shelf in pinPresentation(app.state, resourceUrl(url), pinned, shelf) }
  }

  /// Asks about what is stored, as often as texts of playlists are needed for the answer.
  private func ask<Answer: Sendable>(
    _ otherwise: Answer,
    _ question: @escaping @Sendable (App, TextShelf) -> Answer
  ) async -> Answer {
    await withCheckedContinuation { continuation in
      loop.later { [app] in
        if app.isStopping {
          continuation.resume(returning: otherwise)
          return
        }
        withTexts(app.engine) { shelf, _ -> Answer? in
          shelf.needed = []
          let answer = question(app, shelf)
          return shelf.needed.isEmpty ? answer : nil
        } _: { answer in
          continuation.resume(returning: answer ?? otherwise)
        }
      }
    }
  }
}

/// The URL of a resource: a fragment is the player's own and never travels.
private func resourceUrl(_ url: String) -> ByteString {
  withoutFragment(upstreamBytes(url))
}

private func amountOf(_ amount: PreloadAmount) -> ReelcacheCore.PreloadAmount {
  switch amount {
  case .all: .init(unit: .all, count: 0)
  // A number of seconds that is none, or more than a line of time holds, means all of that.
  case .seconds(let seconds): .init(unit: .milliseconds, count: Int(max(0.001, min(1e9, seconds)) * 1_000))
  case .segments(let count): .init(unit: .segments, count: max(1, count))
  case .bytes(let count): .init(unit: .bytes, count: max(1, count))
  }
}

private func variantOf(_ variant: PreloadVariant) -> VariantWish {
  switch variant {
  case .first: VariantWish(by: .first, value: 0)
  case .bandwidth(let value): VariantWish(by: .bandwidth, value: value)
  case .height(let value): VariantWish(by: .height, value: value)
  case .index(let value): VariantWish(by: .index, value: value)
  }
}

private func unstartedPreload(_ url: String, _ state: PreloadProgress.State, _ cause: String) -> PreloadProgress {
  PreloadProgress(
    id: 0,
    url: url,
    state: state,
    cause: cause,
    bytes: 0,
    segments: 0,
    seconds: 0,
    segmentsAll: 0,
    secondsAll: 0
  )
}

private func progressOf(_ preload: Preload) -> PreloadProgress {
  PreloadProgress(
    id: preload.id,
    url: preload.order.url.description,
    state: PreloadProgress.State(rawValue: preload.state.rawValue) ?? .failed,
    cause: preload.cause.description,
    bytes: preload.bytes,
    segments: preload.segments,
    seconds: Double(preload.durationMs) / 1_000,
    segmentsAll: preload.segmentsAll,
    secondsAll: Double(preload.durationAllMs) / 1_000
  )
}

private func storedEntry(_ body: Body) -> StoredEntry {
  let entry = body.entry
  return StoredEntry(
    id: entry.id,
    url: entry.url.description,
    kind: ResourceKind(rawValue: entry.kind.rawValue) ?? .media,
    bytes: spanBytes(entry.spans),
    total: entry.total,
    spans: entry.spans,
    pinned: entry.pinned,
    accessMs: entry.accessMs
  )
}

private func presentation(_ status: ReelcacheCore.Presentation) -> Presentation {
  Presentation(
    url: status.url.description,
    kind: status.kind.flatMap { ResourceKind(rawValue: $0.rawValue) },
    entries: status.entries,
    bytes: status.bytes,
    total: status.total,
    spans: status.spans,
    pinned: status.pinned,
    playable: status.playable,
    complete: status.complete,
    ways: status.ways.map(way),
    missing: status.missing.map {
      Presentation.Missing(what: $0.what.rawValue, url: $0.url.description, start: $0.start, end: $0.end)
    }
  )
}

private func way(_ way: PlayableWay) -> Presentation.Way {
  Presentation.Way(
    url: way.url.description,
    bandwidth: way.bandwidth,
    playable: way.playable,
    complete: way.complete,
    seconds: Double(way.lengthMs) / 1_000,
    times: stride(from: 0, to: way.times.count - 1, by: 2).map {
      Double(way.times[$0]) / 1_000..<Double(way.times[$0 + 1]) / 1_000
    }
  )
}
