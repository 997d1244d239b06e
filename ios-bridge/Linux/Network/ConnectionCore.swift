import Dispatch
import FoundationEssentials
import Glibc

typealias ReceiveCompletion =
  @Sendable (
    _ content: Data?, _ contentContext: NWConnection.ContentContext?, _ isComplete: Bool, _ error: NWError?
  ) -> Void

struct ConnectionHandlers: Sendable {
  var state: (@Sendable (NWConnection.State) -> Void)?
  var viability: (@Sendable (Bool) -> Void)?
  var betterPath: (@Sendable (Bool) -> Void)?
  var path: (@Sendable (NWPath) -> Void)?
}

/// What an NWConnection does, apart from its handle: it lives on in the runner's set while users' handlers hold the
/// handle, and the handle's end ends it.
///
/// All state is under one lock. Whatever the users gave (handlers, contents) is called and let go outside of it, in
/// callbacks of the runner: either may come back into this object.
final class ConnectionCore: Pollable, @unchecked Sendable {
  let lock = Lock()
  let endpoint: NWEndpoint
  let settings: ConnectionSettings
  private(set) var phase = NWConnection.State.setup { didSet { isReady = phase == .ready } }
  /// Asked for each read and write, and far cheaper than a comparison of states, which may hold errors.
  private(set) var isReady = false
  /// The present socket has been ready: contents may be on it.
  private(set) var established = false
  var wire: Wire?
  var tls: TLSSession?
  /// Encrypted output that the socket has not taken yet.
  var cipher = Data()
  var receives = Fifo<ReceiveRequest>()
  var input = InputState()
  var outbox = Fifo<Outgoing>()
  var output = OutputState()
  private(set) var runner: QueueRunner?
  private var connector: Connector?
  /// Who has the socket after this object.
  private weak var lingering: Linger?
  private var accepted: Int32?
  private let isAccepted: Bool
  private var userHandlers = ConnectionHandlers()

  init(_ endpoint: NWEndpoint, _ settings: ConnectionSettings, accepted: Int32?) {
    self.endpoint = endpoint
    self.settings = settings
    self.accepted = accepted
    isAccepted = accepted != nil
  }

  deinit { closeAccepted() }

  var handlers: ConnectionHandlers { lock.locked { userHandlers } }
  var currentState: NWConnection.State { lock.locked { phase } }
  var queue: DispatchQueue? { lock.locked { runner?.queue } }

  var path: NWPath? {
    lock.locked {
      guard let wire else { return nil }
      return NWPath(
        status: .satisfied,
        localEndpoint: localAddress(wire.descriptor)?.endpoint,
        remoteEndpoint: isAccepted ? endpoint : remoteAddress(wire.descriptor)?.endpoint
      )
    }
  }

  var tlsMetadata: NWProtocolTLS.Metadata? {
    lock.locked { isReady ? tls.map { NWProtocolTLS.Metadata($0.metadata) } : nil }
  }

  func changeHandlers(_ change: (inout ConnectionHandlers) -> Void) {
    let old = lock.locked {
      let old = userHandlers
      if phase != .cancelled { change(&userHandlers) }
      return old
    }
    withExtendedLifetime(old) {}
  }

  func start(_ queue: DispatchQueue) {
    lock.locked {
      guard runner == nil, phase == .setup else { return }
      runner = QueueRunner.of(queue)
      enter(.preparing)
      if let descriptor = accepted {
        accepted = nil
        applyOptions(descriptor, settings.tcp)
        adopt(descriptor, nil)
      } else {
        connect()
      }
    }
  }

  func restart() {
    lock.locked {
      guard case .waiting = phase else { return }
      enter(.preparing)
      connect()
    }
  }

  func cancelCurrentEndpoint() {
    lock.locked {
      if let connector { return connector.skip() }
      guard wire != nil else { return }
      wait(.posix(.ECANCELED))
    }
  }

  /// The handle is gone: nobody can cancel any more.
  func abandon() { cancel(graceful: true) }

  func cancel(graceful: Bool) {
    let unstarted = lock.locked { () -> ([ReceiveRequest], [Outgoing], ConnectionHandlers)? in
      guard phase != .cancelled else { return nil }
      phase = .cancelled
      connector?.cancel()
      connector = nil
      closeWire(graceful: graceful, lastContents: true)
      closeAccepted()
      let released = userHandlers
      userHandlers = ConnectionHandlers()
      // Without a queue there is nowhere to tell it.
      guard let runner else { return (receives.removeAll(), outbox.removeAll(), released) }
      completeAll(.posix(.ECANCELED))
      runner.post(.ended { released.state?(.cancelled) })
      return nil
    }
    withExtendedLifetime(unstarted) {}
  }

  func ready(_ events: UInt32) {
    lock.locked {
      // Perhaps it was cancelled while the event was on its way.
      guard wire != nil else { return lingering?.ready(events) ?? () }
      wire?.note(events)
      if !isReady && phase == .preparing { proceedHandshake() }
      fillReceives()
      flush()
    }
  }

  // The rest is called with the lock held.

  /// Changes the state and tells it.
  func enter(_ next: NWConnection.State) {
    phase = next
    post { $0.state?(next) }
  }

  /// Not reached, for now.
  func wait(_ error: NWError) {
    closeWire(graceful: true, lastContents: false)
    enter(.waiting(error))
  }

  /// The connection stands.
  func becomeReady() {
    established = true
    // Content may have come together with the end of the handshake.
    input.buffered = tls != nil
    enter(.ready)
    post { $0.viability?(true) }
    fillReceives()
    flush()
  }

  /// The connection broke: whoever waits for something is told, then the state.
  func fail(_ error: NWError) {
    closeWire(graceful: true, lastContents: false)
    completeAll(error)
    phase = .failed(error)
    post(.ended { self.handlers.state?(.failed(error)) })
  }

  /// Runs a callback later, with the handlers of then.
  func post(_ tell: @escaping @Sendable (ConnectionHandlers) -> Void) {
    runner?.post(.call { tell(self.handlers) })
  }

  func post(_ callback: Callback) { runner?.post(callback) }

  private func connect() {
    guard let runner else { return }
    let connector = Connector(endpoint, settings, runner) { [weak self] connector, outcome in
      if let self {
        self.connected(connector, outcome)
      } else if case .success(let socket) = outcome {
        runner.close(socket.descriptor, socket.token)
      }
    }
    self.connector = connector
    connector.start()
  }

  /// Takes the lock: the connector tells it from outside.
  private func connected(_ connector: Connector, _ outcome: Connector.Outcome) {
    lock.locked {
      let current = self.connector === connector
      if current { self.connector = nil }
      switch outcome {
      case .failure(let error):
        if current { wait(error) }
      case .success(let socket):
        if current { return adopt(socket.descriptor, socket.token) }
        runner?.close(socket.descriptor, socket.token)
      }
    }
  }

  /// A connected socket: the connector's, which is in the set under a token, or a listener's.
  private func adopt(_ descriptor: Int32, _ token: UInt64?) {
    guard let runner else { return }
    input = InputState()
    output = OutputState(batches: output.batches)
    cipher = Data()
    if let token {
      runner.take(descriptor, token, self)
      wire = Wire(descriptor, token)
    } else {
      wire = Wire(descriptor, runner.add(descriptor, self))
    }
    guard let tlsSettings = settings.tls else { return becomeReady() }
    tls = TLSSession(tlsSettings, tlsName)
    proceedHandshake()
  }

  private var tlsName: String {
    guard case .hostPort(let host, _) = endpoint else { return "" }
    if case .name(let name, _) = host { return name }
    return host.debugDescription
  }

  /// Lets go of the socket: with a FIN behind what was sent, or with a reset.
  private func closeWire(graceful: Bool, lastContents: Bool) {
    guard let wire, let runner else { return }
    self.wire = nil
    defer {
      tls = nil
      established = false
    }
    if !graceful { return runner.reset(wire.descriptor, wire.token) }
    lingering = Linger.close(wire, runner, remainder(of: lastContents && established ? outbox.all : []))
  }

  /// Lets go of a listener's socket that was never started.
  private func closeAccepted() {
    if let accepted { close(accepted) }
    accepted = nil
  }

  private func completeAll(_ error: NWError) {
    for request in receives.removeAll() { post(.failed(request.completion, error)) }
    for item in outbox.removeAll() { post(.failed(item.completion, error, item.content)) }
  }
}
