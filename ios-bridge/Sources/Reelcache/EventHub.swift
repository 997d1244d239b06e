/// Names a listener, to take it off again.
public struct EventToken: Sendable, Hashable {
  let id: Int
}

/// Who listens to a server. Events come from the server's loop; listeners come and go on any thread.
final class EventHub: Sendable {
  private struct Listeners {
    var next = 1
    var all: [(id: Int, call: @Sendable (ServerEvent) -> Void)] = []
  }

  private let listeners = Locked(Listeners())

  var isEmpty: Bool { listeners.with { $0.all.isEmpty } }

  @discardableResult
  func add(_ listener: @escaping @Sendable (ServerEvent) -> Void) -> EventToken {
    listeners.with { listeners in
      let id = listeners.next
      listeners.next += 1
      listeners.all.append((id: id, call: listener))
      return EventToken(id: id)
    }
  }

  func remove(_ token: EventToken) {
    listeners.with { listeners in listeners.all.removeAll { $0.id == token.id } }
  }

  /// Calls every listener, in the order in which they came. They are called without the lock, so that they may come and
  /// go meanwhile.
  func emit(_ event: ServerEvent) {
    for listener in listeners.with({ $0.all }) { listener.call(event) }
  }

  /// The events from now on, as a sequence that ends after `stopped`. Who does not keep up misses the oldest beyond
  /// `kept`.
  func stream(_ kept: Int) -> AsyncStream<ServerEvent> {
    AsyncStream(bufferingPolicy: .bufferingNewest(kept)) { continuation in
      let token = add { event in
        continuation.yield(event)
        if event == .stopped { continuation.finish() }
      }
      continuation.onTermination = { [weak self] _ in self?.remove(token) }
    }
  }
}
