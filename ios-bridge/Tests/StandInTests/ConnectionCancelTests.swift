import Foundation
import Network
import XCTest

final class ConnectionCancelTests: XCTestCase {
  func testOutstandingCallsAreCancelledAndTheStateComesLast() {
    let (subject, peer) = pair()
    let order = Recorder<String>()
    subject.connection.stateUpdateHandler = { order.add("\($0)") }
    for index in 0..<2 {
      subject.connection.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, error in
        order.add("receive \(index) \(error == .posix(.ECANCELED))")
      }
    }
    subject.send(pattern(30_000_000))
    subject.connection.send(
      content: Data(),
      completion: .contentProcessed { order.add("send \($0 == .posix(.ECANCELED))") }
    )
    subject.connection.cancel()
    XCTAssertEqual(order.wait(count: 4), ["receive 0 true", "receive 1 true", "send true", "cancelled"])
    XCTAssertEqual(subject.sent.values, [.posix(.ECANCELED)])
    withExtendedLifetime(peer) {}
  }

  func testCallsAfterwardsAreCancelledToo() {
    let (subject, _) = pair()
    subject.cancel()
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECANCELED)))
    subject.send("x")
    XCTAssertEqual(subject.sent.wait(count: 1), [.posix(.ECANCELED)])
    XCTAssertEqual(subject.connection.state, .cancelled)
  }

  func testASecondCancelSaysNothing() {
    let (subject, _) = pair()
    subject.connection.cancel()
    subject.connection.cancel()
    subject.connection.forceCancel()
    subject.states.wait { $0.last == .cancelled }
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECANCELED)))
    XCTAssertEqual(subject.states.values, [.preparing, .ready, .cancelled])
  }

  func testWhatWasSentStillArrivesAndThenTheEnd() {
    let (subject, peer) = pair()
    let all = pattern(8_000_000)
    subject.send(all)
    subject.send("the end")
    subject.cancel()
    let (data, error) = peer.readToEnd()
    XCTAssertEqual(error, 0)
    XCTAssertEqual(data, all + Data("the end".utf8))
  }

  func testInputThatNobodyReadMakesNoReset() {
    let (subject, peer) = pair()
    peer.send(pattern(100_000))
    subject.send("answer")
    subject.cancel()
    peer.send("and more")
    let (data, error) = peer.readToEnd()
    XCTAssertEqual(error, 0)
    XCTAssertEqual(data, Data("answer".utf8))
  }

  func testAnEndlessSenderIsCutOff() {
    let (subject, peer) = pair()
    subject.cancel()
    let piece = pattern(1 << 20)
    // What is dropped is bounded, so at some point the system refuses.
    eventually { peer.send(piece) < piece.count }
  }

  func testASocketIsClosedOnceThePeerHasClosed() {
    let before = openDescriptors()
    for _ in 0..<20 {
      let (subject, peer) = pair()
      subject.send("bye")
      subject.cancel()
      _ = peer.readToEnd()
      peer.close()
    }
    eventually { openDescriptors() <= before + 1 }
  }

  func testForceCancelResets() {
    let (subject, peer) = pair()
    subject.connection.forceCancel()
    XCTAssertEqual(peer.readToEnd().error, ECONNRESET)
    XCTAssertEqual(subject.states.wait(count: 3).last, .cancelled)
  }

  func testForceCancelDropsWhatWasNotOut() {
    let (subject, peer) = pair()
    let all = pattern(30_000_000)
    subject.send(all)
    subject.connection.forceCancel()
    XCTAssertLessThan(peer.readToEnd().data.count, all.count)
    XCTAssertEqual(subject.sent.wait(count: 1), [.posix(.ECANCELED)])
  }

  func testAConnectionThatWasNeverStartedIsCancelledInSilence() {
    let subject = Subject(1)
    subject.connection.cancel()
    subject.start()
    XCTAssertEqual(subject.connection.state, .cancelled)
    XCTAssertEqual(subject.states.values, [])
  }

  func testCancelLetsGoOfTheHandlers() {
    weak var kept: Token?
    let (subject, peer) = pair()
    do {
      let token = Token()
      kept = token
      subject.connection.stateUpdateHandler = { [connection = subject.connection] _ in
        _ = (token, connection)
      }
      subject.connection.pathUpdateHandler = { _ in _ = token }
      subject.connection.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, _ in _ = token }
      subject.send("x")
    }
    XCTAssertNotNil(kept)
    subject.connection.cancel()
    eventually { kept == nil }
    subject.connection.viabilityUpdateHandler = { _ in XCTFail("too late") }
    XCTAssertNil(subject.connection.viabilityUpdateHandler)
    withExtendedLifetime(peer) {}
  }

  func testAConnectionThatNobodyHoldsIsClosed() {
    let listener = RawListener()
    var connection: NWConnection? = NWConnection(
      host: "127.0.0.1",
      port: NWEndpoint.Port(number: listener.port),
      using: .tcp
    )
    weak var held = connection
    let states = Recorder<NWConnection.State>()
    connection?.stateUpdateHandler = { states.add($0) }
    connection?.start(queue: DispatchQueue(label: "test.dropped"))
    let peer = listener.accept()
    states.wait { $0.contains(.ready) }
    connection?.send(content: Data("last".utf8), completion: .idempotent)
    connection = nil
    XCTAssertNil(held)
    XCTAssertEqual(peer.readToEnd().data, Data("last".utf8))
  }

  func testAHandlerMayDropTheLastReference() {
    let box = Recorder<NWConnection>()
    final class Holder: @unchecked Sendable {
      var connection: NWConnection?
    }
    let (listener, holder) = (RawListener(), Holder())
    let connection = NWConnection(host: "127.0.0.1", port: NWEndpoint.Port(number: listener.port), using: .tcp)
    holder.connection = connection
    let done = Recorder<Bool>()
    connection.receive(minimumIncompleteLength: 1, maximumLength: 1) { _, _, _, _ in
      holder.connection?.cancel()
      holder.connection = nil
      done.add(true)
    }
    connection.start(queue: DispatchQueue(label: "test.handler"))
    let peer = listener.accept()
    peer.send("x")
    done.wait(count: 1)
    XCTAssertEqual(peer.readToEnd().error, 0)
    withExtendedLifetime(box) {}
  }
}

private final class Token: Sendable {}
