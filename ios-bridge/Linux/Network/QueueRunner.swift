import Dispatch
import FoundationEssentials
import Glibc
import LinuxCalls

/// A socket in a runner's set.
protocol Pollable: AnyObject {
  /// What epoll saw, on the runner's queue. Edges only: an event that is not acted upon is not told again.
  func ready(_ events: UInt32)
}

/// Something to tell a user's handler. Cases for what is frequent, since a closure would cost an allocation; none of them
/// holds an error, whose size is known at run time only, which made each copy of a callback a call.
enum Callback {
  /// Was run.
  case none
  case call(() -> Void)
  /// With the content, which is let go outside of all locks.
  case sent((@Sendable (NWError?) -> Void)?, Data?)
  case received(ReceiveCompletion, Data?, NWConnection.ContentContext?, Bool)
  /// Behind the contents that were sent before.
  case ended(() -> Void)

  /// Of a `send` that came to nothing.
  static func failed(_ completion: (@Sendable (NWError?) -> Void)?, _ error: NWError, _ content: Data?) -> Callback {
    .ended { withExtendedLifetime(content) { completion?(error) } }
  }

  /// Of a `receive` that ended with an error, perhaps behind some bytes.
  static func failed(_ completion: @escaping ReceiveCompletion, _ error: NWError, _ content: Data? = nil) -> Callback {
    .call { completion(content, nil, true, error) }
  }

  func run() {
    switch self {
    case .none: break
    case .call(let work), .ended(let work): work()
    case .sent(let completion, _): completion?(nil)
    case .received(let completion, let content, let context, let isComplete):
      completion(content, context, isComplete, nil)
    }
  }

  /// Of sends, whose completions keep their order among themselves and come behind all else.
  var isOfSends: Bool {
    switch self {
    case .sent, .ended: true
    case .none, .call, .received: false
    }
  }

  /// Bytes that came in, or that went out and then about as many as the completion will send.
  var bytes: Int {
    switch self {
    case .sent(_, let content?), .received(_, let content?, _, _): content.count
    case .none, .call, .sent, .received, .ended: 0
    }
  }
}

/// All that the sockets of one dispatch queue share: a set of epoll with its thread, and the callbacks to run next.
///
/// The thread that saw the events handles them itself, inside `queue.sync`: on a queue that is idle this takes no switch
/// to another thread, as an asynchronous block would. Callbacks that the events give rise to run in the same block; what
/// arises from these waits until all sockets were looked at once more. What a user's own block gives rise to is run by one
/// block for all of it.
///
/// What came in goes before what went out, and completions of large contents have a round each: however many connections
/// send the next piece from every completion, a request waits for one piece, not for one of each. A round in which contents
/// came in has no such bound: who passes on what he receives would fall behind, and read from a file what he had in memory.
///
/// A thread for each queue, and not one for all: a queue that is busy holds up nobody else's sockets.
final class QueueRunner: @unchecked Sendable {
  /// Contents whose completions have one round, in bytes.
  private static let roundBytes = 262_144
  /// What came in in one round and is more than requests, in bytes.
  private static let contentBytes = 65_536

  let queue: DispatchQueue

  private let lock = Lock()
  private let watch = SocketWatch()
  private var handlers: [UInt64: any Pollable] = [:]
  private var lastToken: UInt64 = 0
  private var pending: [Callback] = []
  /// Completions of sends, which wait behind those.
  private var sends = Fifo<Callback>()
  /// Somebody runs the pending callbacks or is on the way to it.
  private var scheduled = false
  /// Somebody runs callbacks now: a concurrent queue might have two of them.
  private var active = false
  /// The watching thread comes back for the callbacks that are left.
  private var looksAgain = false
  /// The callbacks of the present round; whoever is active owns them.
  private var running: [Callback] = []

  /// The runner of a queue: one for as long as any socket uses it.
  static func of(_ queue: DispatchQueue) -> QueueRunner { Runners.shared.runner(queue) }

  fileprivate init(_ queue: DispatchQueue) {
    self.queue = queue
    watch.start(self)
  }

  deinit {
    watch.stop()
    Runners.shared.forget(queue)
  }

  /// Adds a socket. The number stands for it until `close`.
  func add(_ descriptor: Int32, _ handler: any Pollable, output: Bool = false) -> UInt64 {
    let token = lock.locked {
      lastToken += 1
      handlers[lastToken] = handler
      return lastToken
    }
    watch.set(EPOLL_CTL_ADD, descriptor, token, output: output)
    return token
  }

  /// Takes over a socket whose output was watched: what it is ready for is told again.
  func take(_ descriptor: Int32, _ token: UInt64, _ handler: any Pollable) {
    hand(token, to: handler)
    watch.set(EPOLL_CTL_MOD, descriptor, token, output: false)
  }

  /// Gives a socket of the set another handler. An event that is on its way still comes to the old one.
  func hand(_ token: UInt64, to handler: any Pollable) {
    let old = lock.locked { handlers.updateValue(handler, forKey: token) }
    withExtendedLifetime(old) {}
  }

  /// Tells of room for output too from now on; at once, when there is some. What else it is ready for is told again.
  func watchOutput(_ descriptor: Int32, _ token: UInt64) {
    watch.set(EPOLL_CTL_MOD, descriptor, token, output: true)
  }

  /// Closes a socket: this takes it out of the set.
  func close(_ descriptor: Int32, _ token: UInt64) {
    let handler = lock.locked { handlers.removeValue(forKey: token) }
    Glibc.close(descriptor)
    withExtendedLifetime(handler) {}
  }

  /// Closes a socket with a reset.
  func reset(_ descriptor: Int32, _ token: UInt64) {
    breakSocket(descriptor)
    close(descriptor, token)
  }

  /// Runs a callback on the queue, after those of its kind posted before and never during this call.
  func post(_ callback: Callback) {
    let schedules = lock.locked {
      if callback.isOfSends { sends.append(callback) } else { pending.append(callback) }
      defer { scheduled = true }
      return !scheduled
    }
    if schedules { schedule() }
  }

  /// Handles events and runs a round of callbacks, from the thread that watches. Whether callbacks are left for it: it
  /// calls again after a look at the sockets, whatever that finds.
  func handle(_ events: UnsafeBufferPointer<epoll_event>) -> Bool {
    queue.sync {
      // What the handlers post is run below.
      lock.locked { scheduled = true }
      for event in events { lock.locked { handlers[event.data.u64] }?.ready(event.events) }
      return runCallbacks(watching: true)
    }
  }

  /// Each round is a block of its own: the watching thread and the queue's other work have their turns between two.
  private func schedule() {
    queue.async { if self.runCallbacks(watching: false) { self.schedule() } }
  }

  /// Runs the callbacks that wait now, as far as they have a place in one round. Whether there are others, which the
  /// caller must run.
  private func runCallbacks(watching: Bool) -> Bool {
    guard let sendsWaiting = begin() else { return false }
    var received = 0
    for index in running.indices {
      // Taken out first: what it carries is let go as soon as it ran.
      var callback = Callback.none
      swap(&callback, &running[index])
      received += callback.bytes
      callback.run()
    }
    running.removeAll(keepingCapacity: true)
    runSends(sendsWaiting, received < QueueRunner.contentBytes ? QueueRunner.roundBytes : .max)
    return end(watching)
  }

  private func runSends(_ waiting: Int, _ bytesMax: Int) {
    var (ran, bytes) = (0, 0)
    while ran < waiting && bytes < bytesMax {
      let callback = lock.locked { sends.removeFirst() }
      ran += 1
      bytes += callback.bytes
      callback.run()
    }
  }

  /// Takes the pending callbacks, unless another thread is at it: that one will take them. How many completions of sends
  /// wait behind them.
  private func begin() -> Int? {
    lock.locked {
      if active {
        looksAgain = false
        return nil
      }
      active = true
      swap(&pending, &running)
      return sends.count
    }
  }

  /// The round is over. Whether its caller must run another one.
  private func end(_ watching: Bool) -> Bool {
    lock.locked {
      active = false
      scheduled = !pending.isEmpty || !sends.isEmpty
      if watching { looksAgain = scheduled }
      return scheduled && (watching || !looksAgain)
    }
  }
}

/// The runners that are in use, by their queues.
private final class Runners: @unchecked Sendable {
  static let shared = Runners()

  private let lock = Lock()
  private var runners: [ObjectIdentifier: WeakRunner] = [:]

  private struct WeakRunner {
    weak var runner: QueueRunner?
  }

  func runner(_ queue: DispatchQueue) -> QueueRunner {
    lock.locked {
      let key = ObjectIdentifier(queue)
      if let known = runners[key]?.runner { return known }
      let made = QueueRunner(queue)
      runners[key] = WeakRunner(runner: made)
      return made
    }
  }

  /// A runner of this queue is gone, and perhaps another was made since.
  func forget(_ queue: DispatchQueue) {
    let key = ObjectIdentifier(queue)
    let other = lock.locked {
      let other = runners[key]?.runner
      if other == nil { runners.removeValue(forKey: key) }
      return other
    }
    // Let go outside of the lock: it may be the last reference.
    withExtendedLifetime(other) {}
  }
}
