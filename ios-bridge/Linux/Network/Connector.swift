import Dispatch
import Glibc
import LinuxCalls

/// One try to reach an endpoint: finds its addresses and races them, each with a head start on the next (RFC 8305 in
/// short). Tells its outcome once, unless it is cancelled before.
final class Connector: @unchecked Sendable {
  /// A connected socket, still in the runner's set under this token.
  typealias Outcome = Result<(descriptor: Int32, token: UInt64), NWError>

  private static let headStartMilliseconds = 250

  private let lock = Lock()
  private let endpoint: NWEndpoint
  private let settings: ConnectionSettings
  private let runner: QueueRunner
  private var done: (@Sendable (Connector, Outcome) -> Void)?
  private var addresses: ArraySlice<SocketAddress> = []
  private var attempts: [Attempt] = []
  private var skips = false
  private var failure = NWError.posix(.ENETUNREACH)
  private var headStart: (any DispatchSourceTimer)?
  private var deadline: (any DispatchSourceTimer)?

  init(
    _ endpoint: NWEndpoint,
    _ settings: ConnectionSettings,
    _ runner: QueueRunner,
    _ done: @escaping @Sendable (Connector, Outcome) -> Void
  ) {
    self.endpoint = endpoint
    self.settings = settings
    self.runner = runner
    self.done = done
  }

  /// Never tells the outcome during this call.
  func start() {
    switch endpoint {
    case .hostPort(.name(let name, _), let port):
      Resolver.shared.resolve(name, port.rawValue, settings.version) { result in
        self.runner.post(.call { self.resolved(result) })
      }
    case .hostPort(let host, let port): begin(literalAddress(host, port.rawValue))
    case .unix(let path): begin(SocketAddress(path: path))
    case .service, .url: begin(nil)
    }
  }

  func cancel() {
    let (attempts, told) = lock.locked { close(nil) }
    for attempt in attempts { attempt.abort() }
    withExtendedLifetime(told) {}
  }

  /// Gives up the addresses that are being tried and goes on to the next.
  func skip() {
    let running = lock.locked {
      defer { attempts = [] }
      failure = .posix(.ECANCELED)
      // With none under way it is the next one that is given up.
      skips = attempts.isEmpty
      return attempts
    }
    for attempt in running { attempt.abort() }
    runner.post(.call { self.next() })
  }

  private func begin(_ address: SocketAddress?) {
    runner.post(.call { self.resolved(address.map { .success([$0]) } ?? .failure(.posix(.EINVAL))) })
  }

  private func resolved(_ result: Result<[SocketAddress], NWError>) {
    switch result {
    case .failure(let error): finish(.failure(error))
    case .success(let found):
      lock.locked {
        addresses = interleaved(found)[...]
        let seconds = settings.tcp.connectionTimeout
        if done != nil && seconds > 0 {
          deadline = timer(seconds * 1000) { $0.finish(.failure(.posix(.ETIMEDOUT))) }
        }
      }
      next()
    }
  }

  /// Tries the next address; when there is none and no other is under way, it is over.
  private func next() {
    while true {
      let (address, over) = lock.locked { () -> (SocketAddress?, NWError?) in
        guard done != nil else { return (nil, nil) }
        headStart?.cancel()
        headStart = nil
        if let address = addresses.popFirst() { return (address, nil) }
        return (nil, attempts.isEmpty ? failure : nil)
      }
      if let over { return finish(.failure(over)) }
      guard let address else { return }
      if begin(address) { return }
    }
  }

  /// Whether an attempt is under way, or the race is over.
  private func begin(_ address: SocketAddress) -> Bool {
    do throws(NWError) {
      let descriptor = try openSocket(address, settings)
      let attempt = Attempt(descriptor, runner, self)
      let (runs, isOver) = lock.locked { () -> (Bool, Bool) in
        guard done != nil else { return (false, true) }
        if skips {
          skips = false
          return (false, false)
        }
        attempts.append(attempt)
        if !addresses.isEmpty { headStart = timer(Connector.headStartMilliseconds) { $0.next() } }
        return (true, false)
      }
      if runs { attempt.connect(address) } else { attempt.abort() }
      return runs || isOver
    } catch {
      lock.locked { failure = error }
      return false
    }
  }

  fileprivate func ended(_ attempt: Attempt, _ error: NWError?) {
    let known = lock.locked {
      guard let index = attempts.firstIndex(where: { $0 === attempt }) else { return false }
      attempts.remove(at: index)
      if let error { failure = error }
      return true
    }
    guard known else { return attempt.abort() }
    if error == nil { return finish(.success(attempt.handOver())) }
    attempt.abort()
    next()
  }

  private func finish(_ outcome: Outcome) {
    let (losers, told) = lock.locked { close(outcome) }
    for loser in losers { loser.abort() }
    if let told {
      told(self, outcome)
    } else if case .success(let won) = outcome {
      runner.close(won.descriptor, won.token)
    }
  }

  /// The lock is held. What is left to abort and whom to tell.
  private func close(_ outcome: Outcome?) -> ([Attempt], (@Sendable (Connector, Outcome) -> Void)?) {
    defer {
      done = nil
      attempts = []
    }
    headStart?.cancel()
    deadline?.cancel()
    headStart = nil
    deadline = nil
    return (attempts, done)
  }

  private func timer(_ milliseconds: Int, _ fire: @escaping @Sendable (Connector) -> Void) -> any DispatchSourceTimer {
    let timer = DispatchSource.makeTimerSource(queue: runner.queue)
    timer.schedule(deadline: .now() + .milliseconds(milliseconds))
    timer.setEventHandler { [weak self] in if let self { fire(self) } }
    timer.activate()
    return timer
  }
}

/// One address that is being tried.
private final class Attempt: Pollable, @unchecked Sendable {
  private let lock = Lock()
  private let descriptor: Int32
  private let runner: QueueRunner
  private weak var connector: Connector?
  private var token: UInt64 = 0
  private var over = false

  init(_ descriptor: Int32, _ runner: QueueRunner, _ connector: Connector) {
    self.descriptor = descriptor
    self.runner = runner
    self.connector = connector
  }

  func connect(_ address: SocketAddress) {
    let failure: NWError? = lock.locked {
      if over { return nil }
      do throws(NWError) {
        // An answer at once is told by the set's first edge like any other.
        _ = try connectSocket(descriptor, address)
        token = runner.add(descriptor, self, output: true)
        return nil
      } catch {
        return error
      }
    }
    if let failure { connector?.ended(self, failure) }
  }

  func ready(_ events: UInt32) {
    let outcome: NWError?? = lock.locked {
      if over { return nil }
      let code = socketError(descriptor)
      if code != 0 { return .some(NWError(errno: code)) }
      return remoteAddress(descriptor) == nil ? nil : .some(nil)
    }
    if let outcome { connector?.ended(self, outcome) }
  }

  /// The socket is somebody else's from now on.
  func handOver() -> (descriptor: Int32, token: UInt64) {
    lock.locked {
      over = true
      return (descriptor, token)
    }
  }

  func abort() {
    lock.locked {
      if over { return }
      over = true
      if token > 0 { runner.close(descriptor, token) } else { close(descriptor) }
    }
  }
}

/// The resolver's order of preference, with the families taking turns (RFC 8305 section 4).
private func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
  guard let first = addresses.first else { return [] }
  let preferred = addresses.filter { $0.family == first.family }
  let other = addresses.filter { $0.family != first.family }
  var order: [SocketAddress] = []
  for index in 0..<max(preferred.count, other.count) {
    if index < preferred.count { order.append(preferred[index]) }
    if index < other.count { order.append(other[index]) }
  }
  return order
}
