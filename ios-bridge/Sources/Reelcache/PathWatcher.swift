import Dispatch
import Network

/// What counts about a network path.
struct PathFacts: Equatable, Sendable {
  /// Whether anything can be reached at all.
  var satisfied: Bool
  /// Name of the interface that traffic takes, such as en0 or pdp_ip0; empty for none.
  var interface: String
}

/// Tells changes that give unreachable origins another chance from those that do not.
struct PathMemory {
  private var last: PathFacts?

  /// Takes note of the path as it is now. True when there is a network again, or another one than before; what the first
  /// call says is no change.
  mutating func changes(_ now: PathFacts) -> Bool {
    defer { last = now }
    guard let last, now.satisfied else { return false }
    return !last.satisfied || last.interface != now.interface
  }
}

/// Watches the system's network path and calls back when it has changed for the better, on a queue of its own.
final class PathWatcher: @unchecked Sendable {
  private let monitor = NWPathMonitor()
  private let queue = DispatchQueue(label: "reelcache.path")
  private var memory = PathMemory()

  func start(_ onChange: @escaping @Sendable () -> Void) {
    monitor.pathUpdateHandler = { [weak self] path in
      let facts = PathFacts(
        satisfied: path.status == .satisfied,
        interface: path.availableInterfaces.first?.name ?? ""
      )
      if self?.memory.changes(facts) == true { onChange() }
    }
    monitor.start(queue: queue)
  }

  func stop() {
    monitor.cancel()
  }
}
