import Network

/// Connects to the own port, to see whether its listener still hears. After a suspension a socket may look alive, and
/// the system may even take connections for it that nobody is ever told of.
final class SelfCheck: @unchecked Sendable {
  private let loop: EventLoop
  private let socket: NWConnection
  private var timer: LoopTimer?
  private var done: ((Bool) -> Void)?
  /// The port that it connects from, once it is connected.
  private var ownPort: NWEndpoint.Port?
  /// Ports that connections came from meanwhile.
  private var heard: [NWEndpoint.Port] = []

  init(_ host: String, _ port: Int, _ loop: EventLoop) {
    self.loop = loop
    let number = NWEndpoint.Port(rawValue: UInt16(truncatingIfNeeded: port)) ?? .any
    socket = NWConnection(host: NWEndpoint.Host(reachable(host)), port: number, using: .tcp)
  }

  /// Says within so many milliseconds whether the listener was told of the connection.
  func start(_ ms: Int, _ done: @escaping (Bool) -> Void) {
    self.done = done
    timer = loop.after(ms) { [weak self] in self?.finish(false) }
    // By `self`: on Apple there is a function `socket` in view, beside which the handler is not inferred to be Sendable.
    self.socket.stateUpdateHandler = { [weak self] state in self?.changed(state) }
    socket.start(queue: loop.queue)
  }

  func stop() {
    done = nil
    finish(false)
  }

  /// Notes a connection that the listener was told of. True when it is surely this one's.
  func isOwn(_ endpoint: NWEndpoint) -> Bool {
    guard case .hostPort(_, let port) = endpoint else { return false }
    if let ownPort {
      if port != ownPort { return false }
      finish(true)
      return true
    }
    heard.append(port)
    return false
  }

  private func changed(_ state: NWConnection.State) {
    switch state {
    case .ready:
      guard case .hostPort(_, let port)? = socket.currentPath?.localEndpoint else { return }
      ownPort = port
      if heard.contains(port) { finish(true) }
    case .waiting, .failed:
      finish(false)
    default:
      break
    }
  }

  private func finish(_ alive: Bool) {
    timer?.cancel()
    timer = nil
    socket.stateUpdateHandler = nil
    socket.cancel()
    let told = done
    done = nil
    // Its news must not come while it is being told of a connection.
    if let told { loop.later { told(alive) } }
  }
}

/// An address that leads to a listener on that host: the host's own, unless it stands for all addresses.
private func reachable(_ host: String) -> String {
  switch host {
  case "0.0.0.0": "127.0.0.1"
  case "::": "::1"
  default: host
  }
}
