import Foundation
import Network
import XCTest

final class QueueTests: XCTestCase {
  func testWorkOfTheQueueHasItsTurnWhileSocketsAreBusy() throws {
    let queue = DispatchQueue(label: "test.busy")
    let (listener, port) = try self.listener(queue)
    let busy = Recorder<Bool>()
    let connection = NWConnection(host: "127.0.0.1", port: port, using: .tcp)
    connection.start(queue: queue)
    connection.send(content: Data(count: 1000), completion: .idempotent)
    bounce(connection, busy)
    busy.wait(count: 100)
    let turns = Recorder<Int>()
    // Each turn is asked for from the turn before, so that the bouncing goes on in between.
    @Sendable func turn(_ index: Int) {
      turns.add(index)
      if index < 100 { queue.async { turn(index + 1) } }
    }
    queue.async { turn(0) }
    turns.wait(count: 101)
    connection.cancel()
    listener.cancel()
  }

  func testAConnectionWhoseCompletionsSendTheNextPieceHoldsUpNobody() {
    let queue = DispatchQueue(label: "test.fair")
    let (busy, busyPeer) = connected(queue)
    let (other, otherPeer) = connected(queue)
    let heard = Recorder<Int>()
    let pieces = Pieces()
    other.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, _ in heard.add(pieces.sent) }
    @Sendable func sendNext() {
      busy.send(
        content: Data([1]),
        completion: .contentProcessed { _ in
          pieces.sent += 1
          // From here on there is something to be heard.
          if pieces.sent == 1 { otherPeer.sendToTheEnd("x") }
          if pieces.sent < 1_000 { sendNext() }
        }
      )
    }
    // Begun by an event, as a response is by its request.
    busy.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, _ in sendNext() }
    busyPeer.send("x")
    XCTAssertLessThan(heard.wait(count: 1).first ?? .max, 10)
    busy.cancel()
    other.cancel()
  }

  func testARequestWaitsForOnePieceAndNotForOneOfEachConnection() {
    let queue = DispatchQueue(label: "test.pieces")
    let busy = (0..<8).map { _ in connected(queue) }
    let (other, otherPeer) = connected(queue)
    let heard = Recorder<Int>()
    let pieces = Pieces()
    let piece = Data(count: 262_144)
    other.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, _ in heard.add(pieces.sent - 100) }
    @Sendable func sendNext(_ connection: NWConnection) {
      connection.send(
        content: piece,
        completion: .contentProcessed { _ in
          pieces.sent += 1
          if pieces.sent == 100 { otherPeer.sendToTheEnd("x") }
          if pieces.sent < 200 { sendNext(connection) } else { connection.cancel() }
        }
      )
    }
    for (connection, peer) in busy {
      DispatchQueue(label: "test.reader").async { _ = peer.readToEnd() }
      connection.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, _ in sendNext(connection) }
      peer.send("x")
    }
    XCTAssertLessThan(heard.wait(count: 1).first ?? .max, 4)
    other.cancel()
  }

  func testWhoPassesOnWhatCameInDoesNotFallBehind() {
    let queue = DispatchQueue(label: "test.relay")
    let pieceBytes = 65_536
    let (pairs, rounds) = (8, 12)
    let most = Recorder<Int>()
    let pieces = Pieces()
    @Sendable func relay(_ source: NWConnection, _ sink: NWConnection, _ left: Int) {
      source.receive(minimumIncompleteLength: pieceBytes, maximumLength: pieceBytes) { content, _, _, _ in
        pieces.came += 1
        pieces.behind = max(pieces.behind, pieces.came - pieces.sent)
        sink.send(
          content: content,
          completion: .contentProcessed { _ in
            pieces.sent += 1
            if pieces.sent == pairs * rounds { most.add(pieces.behind) }
          }
        )
        if left > 1 { relay(source, sink, left - 1) }
      }
    }
    let all = (0..<pairs).map { _ in (connected(queue), connected(queue)) }
    let written = Recorder<Bool>()
    for ((_, sourcePeer), (_, sinkPeer)) in all {
      DispatchQueue(label: "test.writer").async {
        sourcePeer.send(String(repeating: "x", count: pieceBytes * rounds))
        written.add(true)
      }
      DispatchQueue(label: "test.reader").async { _ = sinkPeer.readToEnd() }
    }
    // Begun when all of it is there, so that whatever is asked for comes in at once.
    written.wait(count: pairs)
    queue.async { for ((source, _), (sink, _)) in all { relay(source, sink, rounds) } }
    // A round or two of each; with one large completion a round it is more than fifty.
    XCTAssertLessThanOrEqual(most.wait(count: 1).first ?? .max, 3 * pairs)
    for ((source, _), (sink, _)) in all { (source.cancel(), sink.cancel()) }
  }

  func testConnectionsOfManyQueuesDoNotMix() throws {
    let (listener, port) = try self.listener(DispatchQueue(label: "test.shared"))
    let subjects = (0..<20).map { _ in Subject(port.rawValue).start() }
    for round in 0..<20 {
      for (index, subject) in subjects.enumerated() { subject.send(String(format: "%02d.%02d", index, round)) }
    }
    for (index, subject) in subjects.enumerated() {
      let expected = (0..<20).map { String(format: "%02d.%02d", index, $0) }.joined()
      XCTAssertEqual(subject.receiveNext(100, 100), .text(expected))
      subject.cancel()
    }
    listener.cancel()
  }

  func testAQueueIsLetGoWithItsLastConnection() {
    weak var held: DispatchQueue?
    let before = openDescriptors()
    do {
      let (subject, peer) = pair()
      held = subject.queue
      subject.cancel()
      peer.close()
    }
    eventually { held == nil && openDescriptors() <= before + 1 }
  }

  func testCallsMayComeFromAnyThreadAtOnce() throws {
    let (listener, port) = try self.listener(DispatchQueue(label: "test.many"))
    for _ in 0..<30 {
      let subject = Subject(port.rawValue).start()
      DispatchQueue.concurrentPerform(iterations: 8) { index in
        for _ in 0..<10 {
          subject.send("abc")
          subject.receive(1, 10)
          subject.connection.batch { subject.send(Data()) }
          _ = (subject.connection.state, subject.connection.currentPath, subject.connection.stateUpdateHandler != nil)
          if index == 7 { subject.connection.viabilityUpdateHandler = { _ in } }
        }
        if index == 3 { subject.connection.cancel() }
        if index == 5 { subject.connection.forceCancel() }
      }
      subject.states.wait { $0.last == .cancelled }
      XCTAssertEqual(subject.sent.wait(count: 160).count, 160)
      XCTAssertEqual(subject.received.wait(count: 80).count, 80)
    }
    listener.cancel()
  }

  func testAListenerMayBeUsedFromAnyThreadAtOnce() throws {
    for _ in 0..<20 {
      let (listener, port) = try self.listener(DispatchQueue(label: "test.listeners"))
      DispatchQueue.concurrentPerform(iterations: 6) { index in
        if index == 4 { listener.cancel() }
        listener.newConnectionLimit = index + 1
        _ = (listener.port, listener.state)
        let subject = Subject(port.rawValue).start()
        subject.connection.cancel()
        subject.states.wait { $0.last == .cancelled }
      }
    }
  }

  /// A connection on that queue, and its other end.
  private func connected(_ queue: DispatchQueue) -> (NWConnection, RawSocket) {
    let listener = RawListener()
    let states = Recorder<NWConnection.State>()
    let connection = NWConnection(host: "127.0.0.1", port: NWEndpoint.Port(number: listener.port), using: .tcp)
    connection.stateUpdateHandler = { states.add($0) }
    connection.start(queue: queue)
    let peer = listener.accept()
    states.wait { $0.contains(.ready) }
    return (connection, peer)
  }

  /// A listener whose connections send back what comes.
  private func listener(_ queue: DispatchQueue) throws -> (NWListener, NWEndpoint.Port) {
    let parameters = NWParameters.tcp
    parameters.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: .any)
    let listener = try NWListener(using: parameters)
    let states = Recorder<NWListener.State>()
    listener.stateUpdateHandler = { states.add($0) }
    listener.newConnectionHandler = { connection in
      connection.start(queue: queue)
      bounce(connection, nil)
    }
    listener.start(queue: queue)
    states.wait(count: 1)
    return (listener, try XCTUnwrap(listener.port))
  }
}

/// Counted on one queue only.
private final class Pieces: @unchecked Sendable {
  var sent = 0
  var came = 0
  /// The most that came and was not sent.
  var behind = 0
}

/// Sends back whatever comes, and says so each time.
private func bounce(_ connection: NWConnection, _ turns: Recorder<Bool>?) {
  connection.receive(minimumIncompleteLength: 1, maximumLength: 65536) { content, _, isComplete, error in
    guard let content, error == nil else { return connection.cancel() }
    turns?.add(true)
    connection.send(content: content, completion: .contentProcessed { _ in })
    if isComplete { return connection.cancel() }
    bounce(connection, turns)
  }
}
