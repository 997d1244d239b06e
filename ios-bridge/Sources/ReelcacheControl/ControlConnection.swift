import Network
import Reelcache
import ReelcacheEdge

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a conversation needs of its server.
struct ControlParts: Sendable {
  let loop: EventLoop
  let options: ControlOptions
  let log: ControlLog
  /// Ports of the proxies of all conversations.
  let ports: Locked<Set<Int>>
}

/// One conversation with the harness: commands in lines, an answer each, in order. Lives on the loop.
final class ControlConnection: @unchecked Sendable {
  /// Longest command, in bytes.
  private static let lineBytesMax = 1 << 20
  private static let pieceBytes = 65_536
  /// Time in which an address must be reached, in milliseconds.
  private static let reachMs = 8_000

  private let parts: ControlParts
  private let socket: NWConnection
  private let session: ProxySession
  private let onOver: (ControlConnection) -> Void
  private var isTrusted: Bool
  private var input = Data()
  private var working = false
  private var ending = false
  private var splice: Splice?

  /// `folder` is the conversation's own.
  init(
    _ socket: NWConnection,
    _ parts: ControlParts,
    _ folder: String,
    _ onOver: @escaping (ControlConnection) -> Void
  ) {
    self.socket = socket
    self.parts = parts
    self.onOver = onOver
    session = ProxySession(folder, parts.ports, parts.log)
    isTrusted = parts.options.trusts(socket.endpoint)
  }

  func start() {
    parts.loop.assertHere()
    // By `self`: on Apple there is a function `socket` in view, beside which the handler is not inferred to be Sendable.
    self.socket.stateUpdateHandler = { [weak self] state in
      if case .failed = state { self?.end() }
    }
    socket.start(queue: parts.loop.queue)
    next()
  }

  /// Hangs up; the proxy ends with it.
  func end() {
    if ending { return }
    ending = true
    splice = nil
    socket.stateUpdateHandler = nil
    socket.cancel()
    if !working { endSession() }
  }

  private func endSession() {
    Task {
      _ = await session.stop()
      parts.loop.later { self.onOver(self) }
    }
  }

  private func receive() {
    socket.receive(minimumIncompleteLength: 1, maximumLength: ControlConnection.pieceBytes) {
      [weak self] content, _, isComplete, error in
      guard let self, !self.ending else { return }
      if let content { self.input.append(content) }
      // Who has no more to say has left: nobody waits for the last answer.
      if isComplete || error != nil { return self.end() }
      if self.input.count > ControlConnection.lineBytesMax { return self.end() }
      self.next()
    }
  }

  /// Carries out the next line. Nothing is read while that is done: a conversation may become another connection.
  private func next() {
    if working || ending { return }
    guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else { return receive() }
    let line = Data(input[input.startIndex..<end])
    input = Data(input[input.index(after: end)...])
    working = true
    switch parseCommand(line) {
    case .failure(let failure): answer(.failed(failure))
    case .success(let command): carryOut(command)
    }
  }

  private func carryOut(_ command: ControlCommand) {
    if case .hello(let code) = command { return greet(code) }
    if !isTrusted { return refuse() }
    switch command {
    case .hello: break
    case .start(let options): onSession { await $0.start(options) }
    case .restart(let kill): onSession { await $0.restart(kill: kill) }
    case .clear: onSession { await $0.clear() }
    case .stop: onSession { await $0.stop() }
    case .reach(let to): reach(to)
    case .dial(let port): dial(port)
    case .log: answer(.lines(parts.log.recent))
    }
  }

  private func onSession(_ work: @escaping @Sendable (ProxySession) async -> ControlAnswer) {
    Task {
      let said = await work(session)
      parts.loop.later { self.answer(said) }
    }
  }

  private func greet(_ code: String) {
    isTrusted = isTrusted || parts.options.isCode(code)
    if !isTrusted { return refuse() }
    let options = parts.options
    answer(
      .hello(
        version: reelcacheVersion,
        system: options.system,
        device: options.device,
        addresses: networkAddresses()
      )
    )
  }

  /// One guess a connection.
  private func refuse() {
    parts.log.add("\(socket.endpoint) does not know the code")
    answer(.failed(ControlFailure(.code, "the device asks for the code that its app shows")), thenEnd: true)
  }

  private func reach(_ to: [ControlCommand.Destination]) {
    var results: [ReachResult?] = to.map { _ in nil }
    var left = to.count
    if left == 0 { return answer(.reached([])) }
    for (at, destination) in to.enumerated() {
      ReachProbe(parts.loop, destination).start(ControlConnection.reachMs) { result in
        results[at] = result
        left -= 1
        if left == 0 { self.answer(.reached(results.compactMap { $0 })) }
      }
    }
  }

  private func dial(_ port: Int) {
    if !parts.ports.with({ $0.contains(port) }) {
      return answer(.failed(ControlFailure(.dial, "no proxy of this app listens on port \(port)")))
    }
    let splice = Splice(parts.loop, socket, port) { [weak self] in self?.end() }
    self.splice = splice
    splice.connect { worked in
      if self.ending { return }
      if worked {
        let early = self.input
        self.input = Data()
        self.send(.dialed) { splice.begin(early) }
        // From now on it waits for the splice alone.
        self.working = false
      } else {
        self.splice = nil
        self.answer(.failed(ControlFailure(.dial, "the proxy on port \(port) does not take connections")))
      }
    }
  }

  private func answer(_ answer: ControlAnswer, thenEnd: Bool = false) {
    working = false
    // It hung up while this was done.
    if ending { return endSession() }
    send(answer) { if thenEnd { self.end() } }
    if !thenEnd { next() }
  }

  private func send(_ answer: ControlAnswer, _ done: @escaping @Sendable () -> Void) {
    socket.send(
      content: Data(answer.line.utf8),
      contentContext: .defaultMessage,
      isComplete: false,
      completion: .contentProcessed { [weak self] error in
        guard let self, !self.ending else { return }
        if error == nil { done() } else { self.end() }
      }
    )
  }
}
