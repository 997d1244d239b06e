import ReelcacheCore

/// Preloads as callers see them: begun with one call, followed by progress, over once.
package final class PreloadDesk: @unchecked Sendable {
  package typealias ProgressListener = (Preload) -> Void

  private unowned let engine: Engine
  private var listeners: [Int: ProgressListener] = [:]

  init(_ engine: Engine) {
    self.engine = engine
  }

  /// Begins a preload and tells its progress until it is over; nil when too many are at work.
  package func start(_ order: PreloadOrder, _ listener: @escaping ProgressListener) -> Preload? {
    var preload: Preload?
    engine.run { nowMs in
      preload = startPreload(engine.state, order, nowMs)
      // Before its first action is carried out.
      if let preload { listeners[preload.id] = listener }
    }
    return preload
  }

  package func cancel(_ id: Int) {
    engine.run { nowMs in _ = cancelPreload(engine.state, id, nowMs) }
  }

  package func setWindow(_ urls: [ByteString], _ index: Int, _ shape: WindowShape) -> [Preload] {
    var preloads: [Preload] = []
    engine.run { nowMs in preloads = setFeedWindow(engine.state, urls, index, shape, nowMs) }
    return preloads
  }

  /// A preload came further, or is over.
  func tell(_ preload: Preload) {
    let listener = listeners[preload.id]
    if preload.state != .active { listeners[preload.id] = nil }
    listener?(preload)
  }
}
