import Network
import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What a listener works with and for.
package struct ListenerParts {
  package let loop: EventLoop
  package let limits: Limits
  /// A request whose head is complete.
  package let onRequest: (PlayerRequest, PlayerResponse) -> Void
  /// The answer to bytes that are no request.
  package let problem: (ErrorCode, ByteString) -> (head: ResponseHead, content: ByteString)

  package init(
    loop: EventLoop,
    limits: Limits,
    onRequest: @escaping (PlayerRequest, PlayerResponse) -> Void,
    problem: @escaping (ErrorCode, ByteString) -> (head: ResponseHead, content: ByteString)
  ) {
    self.loop = loop
    self.limits = limits
    self.onRequest = onRequest
    self.problem = problem
  }
}

/// The listening socket and the players' connections. It keeps its port for life: `ListenerLife` says when the socket
/// is made anew. Lives on the loop.
package final class Listener: @unchecked Sendable {
  /// Time for connections to end in order when the listener is closed, in milliseconds.
  private static let closeGraceMs = 500
  /// Longest time between two looks at the connections' deadlines, in milliseconds.
  private static let sweepMsMax = 1_000
  /// Time for a connection to one's own port, in milliseconds.
  private static let checkMs = 1_000

  /// The port that it listens on.
  package private(set) var port: Int
  private let host: String
  private let parts: ListenerParts
  private let loop: EventLoop
  private var life = ListenerLife()
  private(set) var socket: NWListener?
  private var onStart: ((Result<Listener, ListenError>) -> Void)?
  private var onClosed: [() -> Void] = []
  /// Holds it until it is closed, however soon its owner forgets it.
  private var whileClosing: Listener?
  private var socketGone = false
  private var connections: [ObjectIdentifier: PlayerConnection] = [:]
  private var sweep: LoopTimer?
  private var retry: LoopTimer?
  private var grace: LoopTimer?
  private var selfCheck: SelfCheck?

  /// Listens on `host`, an address or "localhost", and `port`, 0 for any. A port that is taken is an error, and never
  /// exchanged for another. `done` follows on the loop.
  package static func listen(
    _ host: String,
    _ port: Int,
    _ parts: ListenerParts,
    _ done: @escaping (Result<Listener, ListenError>) -> Void
  ) {
    parts.loop.assertHere()
    let listener = Listener(host == "localhost" ? "127.0.0.1" : host, port, parts)
    // Until it has started, nobody else holds it.
    listener.onStart = { [listener] result in withExtendedLifetime(listener) { done(result) } }
    listener.happened(.start)
  }

  private init(_ host: String, _ port: Int, _ parts: ListenerParts) {
    self.host = host
    self.port = port
    self.parts = parts
    loop = parts.loop
  }

  /// Players connected.
  package var connectionCount: Int { connections.count }

  /// Whether it is listening, as far as it knows.
  package var isListening: Bool { life.isListening }

  /// Whether it is being seen whether it still hears.
  var isChecking: Bool { selfCheck != nil }

  /// The app leaves the front: the system may suspend it and take its sockets.
  package func enterBackground() {
    happened(.background)
  }

  /// The app is in front again: a socket that was lost meanwhile is made anew, on the same port.
  package func enterForeground() {
    happened(.foreground)
  }

  /// Stops listening at once and ends every connection, whatever is under way on it. `done` follows when all are gone.
  package func close(_ done: @escaping () -> Void) {
    loop.assertHere()
    onClosed.append(done)
    whileClosing = self
    happened(.close)
    for connection in connections.values { connection.close() }
    if connections.isEmpty || grace != nil { return closedIfDone() }
    grace = loop.after(Listener.closeGraceMs) { [weak self] in
      guard let self else { return }
      for connection in self.connections.values { connection.abort() }
    }
  }

  private func happened(_ event: ListenerLife.Event) {
    loop.assertHere()
    for action in life.on(event) { perform(action) }
  }

  private func perform(_ action: ListenerLife.Action) {
    switch action {
    case .bind: bind()
    case .release: release()
    case .check: check()
    case .retry(let ms): retry = loop.after(ms) { [weak self] in self?.happened(.retryDue) }
    case .cancelRetry: retry?.cancel()
    case .started: tellStart(.success(self))
    case .refused(let code):
      tellStart(.failure(ListenError(code, host, port)))
      socketIsGone()
    case .closed: socketIsGone()
    }
  }

  private func tellStart(_ result: Result<Listener, ListenError>) {
    let told = onStart
    onStart = nil
    told?(result)
  }

  // MARK: The socket

  private func bind() {
    let code = port == 0 ? 0 : probePort(host, port)
    if code != 0 { return failLater(code) }
    guard let number = NWEndpoint.Port(rawValue: UInt16(truncatingIfNeeded: port)) else { return failLater(EINVAL) }
    let tcp = NWProtocolTCP.Options()
    tcp.noDelay = true
    let parameters = NWParameters(tls: nil, tcp: tcp)
    parameters.allowLocalEndpointReuse = true
    parameters.requiredLocalEndpoint = .hostPort(host: NWEndpoint.Host(host), port: number)
    guard let made = try? NWListener(using: parameters) else { return failLater(EINVAL) }
    socket = made
    made.stateUpdateHandler = { [weak self, weak made] state in
      guard let self, let made, made === self.socket else { return }
      self.changed(state)
    }
    made.newConnectionHandler = { [weak self] connection in
      if let self { self.accepted(connection) } else { connection.cancel() }
    }
    made.start(queue: loop.queue)
  }

  /// An action is being carried out: what follows from it comes after it.
  private func failLater(_ code: Int32) {
    loop.later { self.happened(.failed(code)) }
  }

  private func changed(_ state: NWListener.State) {
    switch state {
    case .ready:
      if let number = socket?.port { port = Int(number.rawValue) }
      happened(.ready)
    case .failed(let error), .waiting(let error):
      happened(.failed(errnoOf(error)))
    case .cancelled:
      socket = nil
      happened(.released)
    default:
      break
    }
  }

  private func release() {
    selfCheck?.stop()
    selfCheck = nil
    guard let socket else { return loop.later { self.happened(.released) } }
    socket.newConnectionHandler = nil
    if socket.state == .cancelled {
      self.socket = nil
      loop.later { self.happened(.released) }
    } else {
      socket.cancel()
    }
  }

  private func check() {
    let check = SelfCheck(host, port, loop)
    selfCheck = check
    check.start(Listener.checkMs) { [weak self, weak check] alive in
      guard let self, let check, check === self.selfCheck else { return }
      self.selfCheck = nil
      self.happened(.checked(alive: alive))
    }
  }

  // MARK: Connections

  private func accepted(_ connection: NWConnection) {
    loop.assertHere()
    if let selfCheck, selfCheck.isOwn(connection.endpoint) {
      connection.cancel()
      return
    }
    if !life.isListening || connections.count >= parts.limits.connectionsMax {
      connection.cancel()
      return
    }
    let player = PlayerConnection(connection, parts, LoopClock.nowMs()) { [weak self] player in self?.over(player) }
    connections[ObjectIdentifier(player)] = player
    player.start()
    if sweep == nil { planSweep() }
  }

  private func over(_ player: PlayerConnection) {
    connections[ObjectIdentifier(player)] = nil
    if connections.isEmpty {
      sweep?.cancel()
      sweep = nil
    }
    closedIfDone()
  }

  /// One timer for all deadlines, and none while nobody is connected.
  private func planSweep() {
    let limits = parts.limits
    let ms = max(1, min(Listener.sweepMsMax, limits.requestHeadMs, limits.keepAliveMs))
    sweep = loop.after(ms) { [weak self] in
      guard let self else { return }
      let nowMs = LoopClock.nowMs()
      for connection in self.connections.values { connection.check(nowMs) }
      self.planSweep()
    }
  }

  private func socketIsGone() {
    socketGone = true
    closedIfDone()
  }

  private func closedIfDone() {
    if !socketGone || !connections.isEmpty { return }
    grace?.cancel()
    let told = onClosed
    onClosed = []
    whileClosing = nil
    for done in told { done() }
  }
}

private func errnoOf(_ error: NWError) -> Int32 {
  if case .posix(let code) = error { return code.rawValue }
  return EINVAL
}
