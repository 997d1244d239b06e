import Dispatch
import Network

/// What counts about a network path.
struct PathFacts: Equatable, Sendable {
  /// Whether anything can be reached at all.
  var satisfied: Bool
  /// Whether nothing can be: a path that comes up when it is needed is neither.
  var gone: Bool
  /// Name of the interface that traffic takes, such as en0 or pdp_ip0; empty for none.
  var interface: String
}

/// What a change of the network path means to a server.
enum PathChange: Equatable, Sendable {
  /// Origins that could not be reached get another chance.
  case better
  /// None can be reached.
  case gone
}

/// Tells changes that mean something to a server from those that do not.
struct PathMemory {
  private var last: PathFacts?

  /// Takes note of the path as it is now. What the first call says is no change, unless there is no network.
  mutating func change(_ now: PathFacts) -> PathChange? {
    let before = last
    last = now
    let wasGone = before?.gone ?? false
    if now.gone { return wasGone ? nil : .gone }
    if wasGone { return .better }
    guard let before, now.satisfied else { return nil }
    return !before.satisfied || before.interface != now.interface ? .better : nil
  }
}

/// Watches the system's network path and calls back, on a queue of its own: true when it has changed for the better,
/// false when it is gone.
final class PathWatcher: @unchecked Sendable {
  private let monitor = NWPathMonitor()
  private let queue = DispatchQueue(label: "reelcache.path")
  private var memory = PathMemory()

  func start(_ onChange: @escaping @Sendable (_ isOnline: Bool) -> Void) {
    monitor.pathUpdateHandler = { [weak self] path in
      let facts = PathFacts(
        satisfied: path.status == .satisfied,
        gone: path.status == .unsatisfied,
        interface: path.availableInterfaces.first?.name ?? ""
      )
      if let change = self?.memory.change(facts) { onChange(change == .better) }
    }
    monitor.start(queue: queue)
  }

  func stop() {
    monitor.cancel()
  }
}
