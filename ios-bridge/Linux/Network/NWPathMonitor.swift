import Dispatch

/// Watches the way into the network. On Linux the way is always satisfied, until a test says otherwise with
/// `NWPathMonitor.update`.
public final class NWPathMonitor: @unchecked Sendable {
  private let lock = Lock()
  private var handler: (@Sendable (_ newPath: NWPath) -> Void)?
  private var onQueue: DispatchQueue?
  private var ended = false

  public init() {}
  public convenience init(requiredInterfaceType: NWInterface.InterfaceType) { self.init() }
  public convenience init(prohibitedInterfaceTypes: [NWInterface.InterfaceType]) { self.init() }

  /// Called on the queue with the present path after `start`, and again for each change.
  public var pathUpdateHandler: (@Sendable (_ newPath: NWPath) -> Void)? {
    get { lock.locked { handler } }
    set {
      let old = lock.locked {
        let old = handler
        handler = ended ? nil : newValue
        return old
      }
      withExtendedLifetime(old) {}
    }
  }

  public var currentPath: NWPath { Paths.shared.current }
  public var queue: DispatchQueue? { lock.locked { onQueue } }

  public func start(queue: DispatchQueue) {
    let starts = lock.locked {
      guard onQueue == nil, !ended else { return false }
      onQueue = queue
      return true
    }
    if starts { tell(Paths.shared.add(self)) }
  }

  public func cancel() {
    let old = lock.locked {
      let old = handler
      handler = nil
      ended = true
      return old
    }
    withExtendedLifetime(old) {}
    Paths.shared.remove(self)
  }

  deinit { Paths.shared.remove(self) }

  /// For tests, Linux only: what every monitor sees from now on.
  package static func update(_ path: NWPath) { Paths.shared.change(path) }

  fileprivate func tell(_ path: NWPath) {
    queue?.async { [weak self] in self?.pathUpdateHandler?(path) }
  }
}

/// The path of this process, and who watches it.
private final class Paths: @unchecked Sendable {
  static let shared = Paths()

  private let lock = Lock()
  private var path = NWPath(status: .satisfied)
  private var monitors: [ObjectIdentifier: WeakMonitor] = [:]

  private struct WeakMonitor {
    weak var monitor: NWPathMonitor?
  }

  var current: NWPath { lock.locked { path } }

  func add(_ monitor: NWPathMonitor) -> NWPath {
    lock.locked {
      monitors[ObjectIdentifier(monitor)] = WeakMonitor(monitor: monitor)
      return path
    }
  }

  func remove(_ monitor: NWPathMonitor) {
    let id = ObjectIdentifier(monitor)
    lock.locked { _ = monitors.removeValue(forKey: id) }
  }

  func change(_ next: NWPath) {
    let watching = lock.locked {
      path = next
      return monitors.values.compactMap(\.monitor)
    }
    for monitor in watching { monitor.tell(next) }
  }
}
