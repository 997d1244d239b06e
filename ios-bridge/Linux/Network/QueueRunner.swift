import Dispatch
import FoundationEssentials
import Glibc
import LinuxCalls

/// A socket in a runner's set.
protocol Pollable: AnyObject {
  /// What epoll saw, on the runner's queue. Edges only: an event that is not acted upon is not told again.
  func ready(_ events: UInt32)
}

/// Something to tell a user's handler. Cases for what is frequent, since a closure would cost an allocation.
enum Callback {
  /// Was run.
  case none
  case call(() -> Void)
  /// With the content, which is let go outside of all locks.
  case sent((@Sendable (NWError?) -> Void)?, NWError?, Data?)
  case received(ReceiveCompletion, Data?, NWConnection.ContentContext?, Bool, NWError?)

  func run() {
    switch self {
    case .none: break
    case .call(let work): work()
    case .sent(let completion, let error, _): completion?(error)
    case .received(let completion, let content, let context, let isComplete, let error):
      completion(content, context, isComplete, error)
    }
  }
}

/// All that the sockets of one dispatch queue share: a set of epoll, and the callbacks to run next.
///
/// Under load a queue works its sockets off like an event loop: it looks for events itself, after each round of
/// callbacks, and only when there is nothing left it lets the poller's thread watch over the set. So a busy queue pays no
/// thread switch for an event, and no hop for a callback.
final class QueueRunner: @unchecked Sendable {
  let queue: DispatchQueue

  private let lock = Lock()
  private let epoll: Int32
  fileprivate private(set) var id: UInt64 = 0
  private var handlers: [UInt64: any Pollable] = [:]
  private var lastToken: UInt64 = 0
  private var pending: [Callback] = []
  /// The callbacks of the present round; the drain's own.
  private var running: [Callback] = []
  /// A drain runs or is on its way to the queue.
  private var scheduled = false
  /// The poller watches over the set.
  private var armed = false

  private static let eventsPerRound = 64
  /// Rounds before the queue's other work has its turn.
  private static let roundsPerDrain = 4
  private static let callbacksPerRound = 256

  /// The runner of a queue: one for as long as any socket uses it.
  static func of(_ queue: DispatchQueue) -> QueueRunner { Runners.shared.runner(queue) }

  fileprivate init(_ queue: DispatchQueue) {
    self.queue = queue
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    precondition(epoll >= 0, "no descriptor for a queue's sockets")
    id = Poller.shared.add(self, epoll)
    arm()
  }

  deinit {
    Poller.shared.remove(id, epoll)
    close(epoll)
    Runners.shared.forget(queue, id)
  }

  /// Adds a socket, for all its edges. The number stands for it until `remove`.
  func add(_ descriptor: Int32, _ handler: any Pollable) -> UInt64 { set(EPOLL_CTL_ADD, descriptor, handler, nil) }

  /// Gives a socket of the set another handler; what it is ready for is told again.
  func replace(_ descriptor: Int32, _ token: UInt64, _ handler: any Pollable) -> UInt64 {
    set(EPOLL_CTL_MOD, descriptor, handler, token)
  }

  /// Takes a socket out, before it is closed or handed on.
  func remove(_ descriptor: Int32, _ token: UInt64) {
    var event = epoll_event()
    epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
    let handler = lock.locked { handlers.removeValue(forKey: token) }
    withExtendedLifetime(handler) {}
  }

  /// Runs a callback on the queue, after those posted before and never during this call.
  func post(_ callback: Callback) {
    let schedules = lock.locked {
      pending.append(callback)
      defer { scheduled = true }
      return !scheduled
    }
    if schedules { schedule() }
  }

  /// The set has events: from the poller's thread.
  func wake() {
    let schedules = lock.locked {
      armed = false
      defer { scheduled = true }
      return !scheduled
    }
    if schedules { schedule() }
  }

  private func schedule() {
    queue.async { self.drain() }
  }

  private func drain() {
    runCallbacks()
    for _ in 0..<QueueRunner.roundsPerDrain {
      let found = poll()
      runCallbacks()
      if !found && rest() { return }
    }
    schedule()
  }

  /// Whether any socket had an event.
  private func poll() -> Bool {
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: QueueRunner.eventsPerRound) { events in
      guard let start = events.baseAddress else { return false }
      let count = Int(epoll_wait(epoll, start, Int32(events.count), 0))
      guard count > 0 else { return false }
      for event in events.prefix(count) {
        lock.locked { handlers[event.data.u64] }?.ready(event.events)
      }
      return true
    }
  }

  private func runCallbacks() {
    var budget = QueueRunner.callbacksPerRound
    while budget > 0 {
      lock.locked { swap(&pending, &running) }
      if running.isEmpty { return }
      budget -= running.count
      for index in running.indices {
        // Taken out first: what it carries is let go as soon as it ran.
        var callback = Callback.none
        swap(&callback, &running[index])
        callback.run()
      }
      running.removeAll(keepingCapacity: true)
    }
  }

  /// Goes to sleep unless there are callbacks; whether it does.
  private func rest() -> Bool {
    let (sleeps, arms) = lock.locked {
      guard pending.isEmpty else { return (false, false) }
      scheduled = false
      return (true, !armed)
    }
    if arms { arm() }
    return sleeps
  }

  private func arm() {
    lock.locked { armed = true }
    Poller.shared.arm(id, epoll)
  }

  private func set(_ operation: Int32, _ descriptor: Int32, _ handler: any Pollable, _ old: UInt64?) -> UInt64 {
    let (token, replaced) = lock.locked {
      lastToken += 1
      handlers[lastToken] = handler
      return (lastToken, old.flatMap { handlers.removeValue(forKey: $0) })
    }
    let all = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
    var event = epoll_event(events: all, data: epoll_data_t(u64: token))
    epoll_ctl(epoll, operation, descriptor, &event)
    withExtendedLifetime(replaced) {}
    return token
  }
}

/// The runners that are in use, by their queues.
private final class Runners: @unchecked Sendable {
  static let shared = Runners()

  private let lock = Lock()
  private var runners: [ObjectIdentifier: WeakRunner] = [:]

  private struct WeakRunner {
    weak var runner: QueueRunner?
    let id: UInt64
  }

  func runner(_ queue: DispatchQueue) -> QueueRunner {
    lock.locked {
      let key = ObjectIdentifier(queue)
      if let known = runners[key]?.runner { return known }
      let made = QueueRunner(queue)
      runners[key] = WeakRunner(runner: made, id: made.id)
      return made
    }
  }

  /// The runner of this queue and number is gone; another may have been made since.
  func forget(_ queue: DispatchQueue, _ id: UInt64) {
    let key = ObjectIdentifier(queue)
    lock.locked {
      if runners[key]?.id == id { runners.removeValue(forKey: key) }
    }
  }
}
