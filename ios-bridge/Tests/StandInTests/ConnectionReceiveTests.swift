import Foundation
import Network
import XCTest

final class ConnectionReceiveTests: XCTestCase {
  func testBytesThatAreThereAreReceivedAtOnce() {
    let (subject, peer) = pair()
    peer.send("hello")
    XCTAssertEqual(subject.receiveNext(), .text("hello"))
  }

  func testAReceiverWaitsForBytes() {
    let (subject, peer) = pair()
    subject.receive()
    peer.send("late")
    XCTAssertEqual(subject.received.wait(count: 1), [.text("late")])
  }

  func testNoMoreThanTheMaximumIsReceived() {
    let (subject, peer) = pair()
    peer.send("abcdef")
    XCTAssertEqual(subject.receiveNext(1, 4), .text("abcd"))
    XCTAssertEqual(subject.receiveNext(1, 4), .text("ef"))
  }

  func testAReceiverWaitsForItsMinimum() {
    let (subject, peer) = pair()
    subject.receive(6, 100)
    for part in ["ab", "cd", "efg"] { peer.send(part) }
    let text = subject.received.wait(count: 1).first?.text
    XCTAssertEqual(text.map { "abcdefg".hasPrefix($0) && $0.count >= 6 }, true, "\(text ?? "")")
  }

  func testAMinimumThatDoesNotComeIsCutShortByTheEnd() {
    let (subject, peer) = pair()
    subject.receive(100, 100)
    peer.send("short")
    peer.finish()
    XCTAssertEqual(subject.received.wait(count: 1), [.text("short", isComplete: true)])
  }

  func testReceiversAreServedInOrder() {
    let (subject, peer) = pair()
    for _ in 0..<3 { subject.receive(2, 2) }
    peer.send("aabbcc")
    XCTAssertEqual(subject.received.wait(count: 3), [.text("aa"), .text("bb"), .text("cc")])
  }

  func testReceiversMayComeBeforeTheConnectionStands() {
    let listener = RawListener()
    let subject = Subject(listener.port)
    subject.receive()
    subject.start()
    let peer = listener.accept()
    peer.send("early")
    XCTAssertEqual(subject.received.wait(count: 1), [.text("early")])
  }

  func testThePeersEndIsToldToTheReceiver() {
    let (subject, peer) = pair()
    subject.receive()
    peer.finish()
    XCTAssertEqual(subject.received.wait(count: 1), [.end])
    XCTAssertEqual(subject.states.values, [.preparing, .ready])
  }

  func testBytesBeforeTheEndComeBeforeOrWithIt() {
    let (subject, peer) = pair()
    peer.send("last words")
    peer.close()
    let (data, last) = subject.receiveAll()
    XCTAssertEqual(data, Data("last words".utf8))
    XCTAssertNil(last?.error)
  }

  func testAfterTheEndThereIsNothingToReceive() {
    let (subject, peer) = pair()
    peer.finish()
    XCTAssertEqual(subject.receiveNext(), .end)
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ENODATA)))
    subject.send("still writing")
    XCTAssertEqual(peer.readText(13), "still writing")
  }

  func testBytesBeforeAResetAreNotLost() {
    let (subject, peer) = pair()
    peer.send("good")
    XCTAssertEqual(subject.receiveNext(), .text("good"))
    peer.reset()
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECONNRESET)))
  }

  func testMuchArrivesAsItWasSent() {
    let (subject, peer) = pair()
    let all = pattern(20_000_000)
    DispatchQueue.global().async {
      peer.send(all)
      peer.finish()
    }
    XCTAssertEqual(subject.receiveAll().data, all)
  }

  func testLongPiecesStayGoodWhileOthersAreReceived() {
    let (subject, peer) = pair()
    let all = pattern(3_000_000)
    DispatchQueue.global().async { peer.send(all) }
    var pieces: [Data] = []
    while pieces.reduce(0, { $0 + $1.count }) < all.count, let piece = subject.receiveNext(100_000, 100_000)?.content {
      pieces.append(piece)
    }
    XCTAssertEqual(pieces.reduce(Data(), +), all)
    XCTAssertTrue(pieces.allSatisfy { $0.count == 100_000 })
  }

  func testAMinimumBeyondOnePieceIsCollected() {
    let (subject, peer) = pair()
    let all = pattern(1_000_000)
    DispatchQueue.global().async { peer.send(all) }
    XCTAssertEqual(subject.receiveNext(1_000_000, 1_000_000)?.content, all)
  }

  func testAReceiverThatIsSlowStopsThePeer() {
    let (subject, peer) = pair()
    var time = timeval(tv_sec: 0, tv_usec: 300_000)
    setsockopt(peer.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    let all = pattern(64_000_000)
    let sent = peer.send(all)
    XCTAssertLessThan(sent, all.count)
    peer.finish()
    XCTAssertEqual(subject.receiveAll().data, all.prefix(sent))
  }
}
