import Foundation
import Network
import XCTest

final class ConnectionSendTests: XCTestCase {
  func testContentsArriveInOrderAndEachCompletes() {
    let (subject, peer) = pair()
    for part in ["one ", "two ", "three"] { subject.send(part) }
    XCTAssertEqual(peer.readText(13), "one two three")
    XCTAssertEqual(subject.sent.wait(count: 3), [nil, nil, nil])
  }

  func testContentsMayBeSentBeforeTheConnectionStands() {
    let listener = RawListener()
    let subject = Subject(listener.port)
    subject.send("early ")
    subject.start()
    subject.send("bird")
    XCTAssertEqual(listener.accept().readText(10), "early bird")
    XCTAssertEqual(subject.sent.wait(count: 2), [nil, nil])
  }

  func testACompletionNeverComesDuringTheCall() {
    let (subject, _) = pair()
    let order = Recorder<String>()
    subject.queue.async {
      subject.connection.send(content: Data("x".utf8), completion: .contentProcessed { _ in order.add("completion") })
      order.add("call")
    }
    XCTAssertEqual(order.wait(count: 2), ["call", "completion"])
  }

  func testEmptyContentsCompleteInTheirTurn() {
    let (subject, peer) = pair()
    subject.send("a")
    subject.send(Data())
    subject.send(nil)
    subject.send("b")
    XCTAssertEqual(peer.readText(2), "ab")
    XCTAssertEqual(subject.sent.wait(count: 4), [nil, nil, nil, nil])
  }

  func testAnIdempotentContentHasNoCompletion() {
    let (subject, peer) = pair()
    subject.connection.send(content: Data("quiet".utf8), completion: .idempotent)
    XCTAssertEqual(peer.readText(5), "quiet")
  }

  func testAFinalContentEndsThisSideOnly() {
    let (subject, peer) = pair()
    subject.send(Data("bye".utf8), .finalMessage)
    XCTAssertEqual(peer.readToEnd().data, Data("bye".utf8))
    peer.send("and you")
    XCTAssertEqual(subject.receiveNext(), .text("and you"))
  }

  func testNothingAndFinalIsAHalfClose() {
    let (subject, peer) = pair()
    subject.send("first")
    subject.send(nil, .finalMessage)
    XCTAssertEqual(peer.readToEnd().data, Data("first".utf8))
    XCTAssertEqual(subject.sent.wait(count: 2), [nil, nil])
  }

  func testContentsAfterTheFinalOneFail() {
    let (subject, _) = pair()
    subject.send(nil, .finalMessage)
    subject.sent.wait(count: 1)
    subject.send("too late")
    XCTAssertEqual(subject.sent.wait(count: 2), [nil, .posix(.EPIPE)])
  }

  func testACompleteContentOfTheDefaultContextEndsNothing() {
    let (subject, peer) = pair()
    subject.connection.send(content: Data("a".utf8), isComplete: true, completion: .idempotent)
    subject.connection.send(content: Data("b".utf8), isComplete: true, completion: .idempotent)
    XCTAssertEqual(peer.readText(2), "ab")
  }

  func testMuchArrivesAsItWasSent() {
    let (subject, peer) = pair()
    let all = pattern(20_000_000)
    subject.send(all.prefix(7))
    subject.send(all[7..<9_000_000])
    subject.send(all[9_000_000...])
    subject.send(nil, .finalMessage)
    XCTAssertEqual(peer.readToEnd().data, all)
    XCTAssertEqual(subject.sent.wait(count: 4), [nil, nil, nil, nil])
  }

  func testAPeerThatDoesNotReadHoldsTheCompletionBack() {
    let (subject, peer) = pair()
    let all = pattern(32_000_000)
    subject.send(all)
    subject.send("more")
    // Something got through, so the sender has come to the point where the socket was full.
    let head = peer.read(1)
    XCTAssertEqual(subject.sent.values, [])
    let tail = peer.read(all.count + 3)
    XCTAssertEqual(head + tail, all + Data("more".utf8))
    XCTAssertEqual(subject.sent.wait(count: 2), [nil, nil])
  }

  func testABatchLeavesInOneWrite() {
    let (subject, peer) = pair()
    subject.connection.batch {
      subject.send("head ")
      subject.connection.batch { subject.send("body ") }
      subject.send("tail")
    }
    guard case .bytes(let data) = peer.readSome(100) else { return XCTFail("nothing came") }
    XCTAssertEqual(String(decoding: data, as: UTF8.self), "head body tail")
  }

  func testMoreContentsThanOneWriteTakesArrive() {
    let (subject, peer) = pair()
    subject.connection.batch {
      for index in 0..<1000 { subject.send("\(index),") }
      subject.send(nil, .finalMessage)
    }
    let expected = (0..<1000).map { "\($0)," }.joined()
    XCTAssertEqual(String(decoding: peer.readToEnd().data, as: UTF8.self), expected)
    XCTAssertEqual(subject.sent.wait(count: 1001).count, 1001)
  }

  func testWritingToAPeerThatResetBreaksTheConnection() {
    let (subject, peer) = pair()
    peer.reset()
    // The first write may come before the reset is there.
    for _ in 0..<1000 where !subject.states.values.contains(where: isFailed) {
      subject.send(pattern(10_000))
    }
    subject.states.wait { $0.contains(where: isFailed) }
    XCTAssertTrue(subject.sent.wait { $0.contains { $0 != nil } }.contains { $0 != nil })
  }

  func testWhatThePeerSaidBeforeItRefusedToReadIsReceived() {
    let (subject, peer) = pair()
    subject.send(pattern(40_000_000))
    _ = peer.read(1000)
    peer.send("enough")
    XCTAssertEqual(subject.receiveNext(), .text("enough"))
    peer.close()
    subject.receive()
    subject.states.wait { $0.contains(where: isFailed) }
    XCTAssertEqual(subject.sent.wait(count: 1).first.map { $0 != nil }, true)
  }

  func testSmallWritesLeaveAtOnceWhenAskedFor() throws {
    let options = NWProtocolTCP.Options()
    options.noDelay = true
    let parameters = NWParameters(tls: nil, tcp: options)
    let listener = try NWListener(using: parameters)
    let accepted = Recorder<NWConnection>()
    listener.newConnectionHandler = { accepted.add($0) }
    let states = Recorder<NWListener.State>()
    listener.stateUpdateHandler = { states.add($0) }
    listener.start(queue: DispatchQueue(label: "test.listener"))
    states.wait { $0.contains(.ready) }
    let client = Subject(listener.port?.rawValue ?? 0, using: parameters).startReady()
    let server = Subject(accepted.wait(count: 1)[0]).startReady()
    // Nagle and delayed acknowledgements together would make each of these turns take 40 ms.
    let begun = Date()
    for _ in 0..<50 {
      client.send("a")
      client.send("b")
      XCTAssertEqual(server.receiveNext(2, 2), .text("ab"))
      server.send("c")
      server.send("d")
      XCTAssertEqual(client.receiveNext(2, 2), .text("cd"))
    }
    XCTAssertLessThan(Date().timeIntervalSince(begun), 1)
    listener.cancel()
  }
}

private func isFailed(_ state: NWConnection.State) -> Bool {
  if case .failed = state { return true }
  return false
}
