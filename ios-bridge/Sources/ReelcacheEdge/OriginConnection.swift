import Network
import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a request on a connection comes to, told on the loop, later.
protocol OriginExchange: AnyObject {
  /// The request is being written.
  func sent()
  /// Says by `OriginConnection.expect` how the body is delimited, unless the head is an interim one, or gives up.
  func headed(_ status: Int, _ reason: ByteString, _ raw: FieldList)
  func data(_ bytes: Data)
  func ended()
  func failed(_ error: OriginError)
}

/// One connection: free, or used by exactly one transfer. It connects with its first request.
///
/// It reads a piece, takes it apart, tells it, and only then reads the next: while it is paused no receive is
/// outstanding, so the origin's writes stall. An idle connection holds a receive, as only that shows its end.
package final class OriginConnection: @unchecked Sendable {
  package let key: OriginKey
  /// Requests written: more than one means that it was reused.
  package private(set) var turns = 0
  package private(set) var discarded = false
  private let loop: EventLoop
  private let deadlines: Deadlines
  private let limits: Limits
  private let options: ConnectorOptions
  private let connectMs: Int
  /// Called once, when nothing of the connection is left.
  private var onClosed: ((OriginConnection) -> Void)?
  /// Called when an idle connection is of no more use.
  private let onSpent: (OriginConnection) -> Void
  private var connector: OriginConnector?
  private var network: NWConnection?
  private var exchange: (any OriginExchange)?
  private var parser: ResponseParser
  private var receiving = false
  private var paused = false
  /// The origin sends no more, or the connection broke.
  private var inputEnded = false
  private var failure: NWError?
  /// The connection may serve another request, and for how long it may wait for it, in milliseconds.
  private var reusable = false
  /// The request said that it is the last on the connection.
  private var isLast = false
  private var keepAliveMs = 0
  private var idleTimer: Deadline?

  init(
    _ key: OriginKey,
    _ connectMs: Int,
    _ loop: EventLoop,
    _ deadlines: Deadlines,
    _ limits: Limits,
    _ options: ConnectorOptions,
    _ onSpent: @escaping (OriginConnection) -> Void,
    _ onClosed: @escaping (OriginConnection) -> Void
  ) {
    self.key = key
    self.connectMs = connectMs
    self.loop = loop
    self.deadlines = deadlines
    self.limits = limits
    self.options = options
    self.onSpent = onSpent
    self.onClosed = onClosed
    parser = ResponseParser(limits.originHeadBytesMax)
  }

  /// Whether any byte of an answer to the present request arrived.
  package var answered: Bool { parser.answered }

  /// Whether a request may be written to the connection, as far as this process has heard.
  package var isUsable: Bool { !discarded && network != nil && reusable && !inputEnded && failure == nil }

  /// Writes a request, on a connection made for it if there is none yet.
  func dispatch(_ head: Data, _ exchange: any OriginExchange, _ isLast: Bool) {
    loop.assertHere()
    self.exchange = exchange
    self.isLast = isLast
    idleTimer?.cancel()
    idleTimer = nil
    reusable = false
    if network != nil {
      write(head)
      return
    }
    let connector = OriginConnector(loop, deadlines, options, key, connectMs) { [weak self] result in
      guard let self else { return }
      self.connector = nil
      switch result {
      case .success(let network): self.opened(network, head)
      case .failure(let error): self.exchange?.failed(error)
      }
    }
    self.connector = connector
    connector.start()
  }

  /// Sends content behind the request's head; `done` follows when the system has taken it.
  func sendMore(_ bytes: Data, _ done: @escaping @Sendable () -> Void) {
    network?.send(
      content: bytes,
      completion: .contentProcessed { [weak self] error in
        guard let self, !self.discarded else { return }
        // The receive tells of a failure, behind an answer that came before it.
        if error == nil { done() }
      }
    )
  }

  /// Says how the body behind the head just told is delimited.
  func expect(_ method: AskMethod, _ framing: OriginFraming, _ length: Int, _ fields: FieldList) {
    parser.body(method, framing, length)
    // R-ORIGIN-3
    let said = originKeepAlive(fields)
    keepAliveMs = said < 0 ? limits.keepAliveMs : min(said - keepAliveMarginMs, limits.keepAliveMs)
    reusable = parser.keepAlive && method == .get && keepAliveMs > 0 && !isLast
  }

  /// R-ORIGIN-19: nothing is told any more, and nothing read but what is on its way already.
  func pause() {
    paused = true
  }

  func resume() {
    if !paused { return }
    paused = false
    pump()
  }

  /// The connection waits for a request: watches it, for as long as it may be kept.
  func rest() {
    loop.assertHere()
    parser.forget()
    idleTimer?.cancel()
    idleTimer = deadlines.after(keepAliveMs) { [weak self] in
      if let self { self.onSpent(self) }
    }
    receive()
  }

  /// Closes at once, in whatever state it is: in an orderly way between responses, else by a reset.
  func discard() {
    loop.assertHere()
    if discarded { return }
    discarded = true
    idleTimer?.cancel()
    idleTimer = nil
    connector?.cancel()
    connector = nil
    let orderly = exchange == nil
    exchange = nil
    parser.forget()
    guard let network else {
      closed()
      return
    }
    if orderly { network.cancel() } else { network.forceCancel() }
  }

  private func opened(_ network: NWConnection, _ head: Data) {
    self.network = network
    network.stateUpdateHandler = { [self] state in changed(state) }
    network.viabilityUpdateHandler = { [weak self] viable in self?.viability(viable) }
    write(head)
  }

  private func write(_ head: Data) {
    guard let network, let exchange else { return }
    turns += 1
    paused = false
    parser = ResponseParser(limits.originHeadBytesMax)
    exchange.sent()
    network.send(
      content: head,
      completion: .contentProcessed { [weak self] error in
        // The receive tells of it too, but perhaps after an answer: an origin may answer without reading.
        if let self, let error, !self.receiving { self.lost(error) }
      }
    )
    receive()
  }

  private func receive() {
    guard let network, !receiving, !inputEnded, failure == nil else { return }
    receiving = true
    network.receive(minimumIncompleteLength: 1, maximumLength: receiveBytesMax) { [weak self] bytes, _, ended, error in
      self?.received(bytes, ended, error)
    }
  }

  private func received(_ bytes: Data?, _ ended: Bool, _ error: NWError?) {
    loop.assertHere()
    receiving = false
    if discarded { return }
    if ended { inputEnded = true }
    if let error { failure = error }
    if let bytes, !bytes.isEmpty { parser.push(bytes) }
    if exchange == nil {
      // R-ORIGIN-21
      if parser.dropLineEnds() && !inputEnded && failure == nil { receive() } else { onSpent(self) }
    } else if let failure, paused {
      lost(failure)
    } else if !paused {
      pump()
    }
  }

  /// Tells what was read, as far as nobody pauses, and then reads on.
  private func pump() {
    while let exchange, !paused {
      guard let event = parser.next() else { break }
      switch event {
      case .head(let status, let reason, let raw):
        exchange.headed(status, reason, raw)
      case .data(let bytes):
        exchange.data(bytes)
      case .ended:
        finished(exchange)
      case .failed(let fault):
        exchange.failed(.malformed(fault))
      }
    }
    if exchange == nil || paused { return }
    if let failure {
      lost(failure)
    } else if inputEnded {
      reachedEnd()
    } else {
      receive()
    }
  }

  /// The response is whole.
  private func finished(_ exchange: any OriginExchange) {
    self.exchange = nil
    // R-ORIGIN-21
    if !parser.dropLineEnds() { reusable = false }
    exchange.ended()
  }

  private func reachedEnd() {
    guard let exchange else { return }
    // R-ORIGIN-15
    if parser.finish() { finished(exchange) } else { exchange.failed(.ended) }
  }

  /// The connection broke.
  private func lost(_ error: NWError) {
    failure = error
    if let exchange { exchange.failed(.network(error)) } else if !discarded { onSpent(self) }
  }

  private func changed(_ state: NWConnection.State) {
    loop.assertHere()
    switch state {
    case .failed(let error):
      // An outstanding receive hears of it in its turn, behind the bytes that came before.
      if !receiving && !discarded { lost(error) }
    case .cancelled:
      closed()
    default:
      break
    }
  }

  /// An idle connection over a network that is gone is of no use; one in use may live on when the network comes back.
  private func viability(_ viable: Bool) {
    if !viable && exchange == nil && !discarded { onSpent(self) }
  }

  private func closed() {
    network?.stateUpdateHandler = nil
    network?.viabilityUpdateHandler = nil
    let tell = onClosed
    onClosed = nil
    tell?(self)
  }
}

/// What an origin's Keep-Alive is shortened by, in milliseconds: the request must not cross the origin's FIN.
private let keepAliveMarginMs = 2_000

/// Most bytes of one receive.
private let receiveBytesMax = 262_144
