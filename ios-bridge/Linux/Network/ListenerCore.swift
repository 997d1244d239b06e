import Dispatch
import Glibc

struct ListenerHandlers: Sendable {
  var state: (@Sendable (NWListener.State) -> Void)?
  var connection: (@Sendable (NWConnection) -> Void)?
}

/// What an NWListener does. Like a connection's, its state is under one lock and users' code runs outside of it.
final class ListenerCore: Pollable, @unchecked Sendable {
  /// Connections taken before other sockets have their turn.
  private static let acceptedPerTurn = 64
  /// Wait before the next try when the process is out of descriptors, in milliseconds.
  private static let exhaustedMilliseconds = 50

  private let lock = Lock()
  private let parameters: NWParameters
  private let settings: ConnectionSettings
  private let wantedPort: NWEndpoint.Port
  private var userHandlers = ListenerHandlers()
  private var phase = NWListener.State.setup
  private var limit = NWListener.InfiniteConnectionLimit
  private var runner: QueueRunner?
  private var descriptor: Int32 = -1
  private var token: UInt64 = 0
  private var retries = false
  private var boundPort: NWEndpoint.Port?

  init(_ parameters: NWParameters, _ port: NWEndpoint.Port) {
    self.parameters = parameters
    settings = ConnectionSettings(parameters)
    wantedPort = port
  }

  var handlers: ListenerHandlers { lock.locked { userHandlers } }
  var currentState: NWListener.State { lock.locked { phase } }
  var queue: DispatchQueue? { lock.locked { runner?.queue } }
  var port: NWEndpoint.Port? { lock.locked { boundPort } }

  var connectionLimit: Int {
    get { lock.locked { limit } }
    set {
      lock.locked {
        limit = newValue
        if newValue > 0 { acceptLater() }
      }
    }
  }

  func changeHandlers(_ change: (inout ListenerHandlers) -> Void) {
    let old = lock.locked {
      let old = userHandlers
      if phase != .cancelled { change(&userHandlers) }
      return old
    }
    withExtendedLifetime(old) {}
  }

  func start(_ queue: DispatchQueue) {
    lock.locked {
      guard phase == .setup, runner == nil else { return }
      let runner = QueueRunner.of(queue)
      self.runner = runner
      do throws(NWError) {
        // As on Apple: a listener without anybody to take its connections is a mistake.
        guard userHandlers.connection != nil else { throw .posix(.EINVAL) }
        descriptor = try openListener(try address(), wantedPort.rawValue, settings.reusesLocalEndpoint)
        if case .hostPort(_, let port) = localAddress(descriptor)?.endpoint { boundPort = port }
        enter(.ready)
        token = runner.add(descriptor, self)
      } catch {
        enter(.failed(error))
      }
    }
  }

  func cancel() {
    let released = lock.locked { () -> ListenerHandlers? in
      guard phase != .cancelled else { return nil }
      phase = .cancelled
      boundPort = nil
      if descriptor >= 0 {
        runner?.close(descriptor, token)
        descriptor = -1
      }
      let released = userHandlers
      userHandlers = ListenerHandlers()
      runner?.post(.call { released.state?(.cancelled) })
      return released
    }
    withExtendedLifetime(released) {}
  }

  func ready(_ events: UInt32) { accept() }

  /// Without the lock where users' code runs.
  private func accept() {
    for _ in 0..<ListenerCore.acceptedPerTurn {
      guard let (connection, handler) = lock.locked(acceptOne) else { return }
      handler?(connection)
    }
    lock.locked { acceptLater() }
  }

  /// The lock is held.
  private func acceptOne() -> (NWConnection, (@Sendable (NWConnection) -> Void)?)? {
    guard descriptor >= 0, limit > 0 else { return nil }
    do throws(NWError) {
      guard let (accepted, peer) = try acceptSocket(descriptor) else { return nil }
      if limit != NWListener.InfiniteConnectionLimit { limit -= 1 }
      return (NWConnection(accepted: accepted, from: peer, parameters, settings), userHandlers.connection)
    } catch {
      retry()
      return nil
    }
  }

  /// No descriptor is free: whoever waits stays in the backlog, and there is no edge for them again.
  private func retry() {
    if retries { return }
    retries = true
    runner?.queue.asyncAfter(deadline: .now() + .milliseconds(ListenerCore.exhaustedMilliseconds)) { [weak self] in
      self?.lock.locked { self?.retries = false }
      self?.accept()
    }
  }

  private func acceptLater() {
    runner?.post(.call { [weak self] in self?.accept() })
  }

  private func enter(_ next: NWListener.State) {
    phase = next
    runner?.post(.call { self.handlers.state?(next) })
  }

  private func address() throws(NWError) -> SocketAddress? {
    switch settings.localEndpoint {
    case nil: return nil
    case .hostPort(let host, let port):
      guard let address = literalAddress(host, port.rawValue) else { throw .posix(.EINVAL) }
      return address
    case .unix(let path):
      guard let address = SocketAddress(path: path) else { throw .posix(.EINVAL) }
      return address
    case .service, .url: throw .posix(.EINVAL)
    }
  }
}
