import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

/// What a connection does with bytes that are no request, and behind its last response (R-HTTP-5, R-HTTP-13).
final class RefusalTests: XCTestCase {
  func testWhatStandsBeforeNonsenseIsAnsweredFirstThenTheNonsenseAndNothingBehindIt() throws {
    let held = Held()
    let bench = try ListenerBench { _, response in held.response = response }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /1 HTTP/1.1\r\n\r\nnonsense\r\n\r\n")
    try bench.until("it is asked") { held.response != nil }
    try player.send("GET /behind HTTP/1.1\r\n\r\n")
    bench.onLoop { if let response = held.response { answerWith(response, "first") } }
    XCTAssertEqual(try player.response().body, Array("first".utf8))
    XCTAssertEqual(try player.response().body, Array("bad-request".utf8))
    XCTAssertEqual(try player.rest(), [])
    XCTAssertEqual(bench.targets, ["/1"])
  }

  func testBehindARequestThatAsksForTheEndNothingIsAnswered() throws {
    let bench = try ListenerBench { request, response in answerWith(response, "only", closes: request.close) }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /1 HTTP/1.1\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    XCTAssertEqual(try player.response().body, Array("only".utf8))
    XCTAssertEqual(try player.rest(), [])
    XCTAssertEqual(bench.targets, ["/1"])
  }

  func testAResponseThatClosesIsTheLastAlsoWhenItHasNotBegunToLeave() throws {
    let held = Held()
    let bench = try ListenerBench { request, response in
      if request.target == "/1" {
        held.response = response
      } else {
        answerWith(response, "last", 400, closes: true)
      }
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\nnonsense\r\n\r\n")
    try bench.until("both are asked") { bench.targets.count == 2 }
    bench.onLoop { if let response = held.response { answerWith(response, "first") } }
    XCTAssertEqual(try player.response().body, Array("first".utf8))
    XCTAssertEqual(try player.response().body, Array("last".utf8))
    XCTAssertEqual(try player.rest(), [])
    XCTAssertEqual(bench.targets, ["/1", "/2"])
  }

  func testAnEndInsideARequestIsAnsweredAndAnEndBehindOneIsLeaving() throws {
    let held = Held()
    let bench = try ListenerBench { request, response in
      if request.target == "/slow" {
        response.onClose = { held.closed += 1 }
        held.response = response
      } else {
        answerWith(response, "x")
      }
    }
    defer { bench.close() }
    let inside = try PlayerSocket(bench.port)
    try inside.send("GET / HT")
    inside.finish()
    XCTAssertEqual(try inside.response().status, 400)
    let behind = try PlayerSocket(bench.port)
    try behind.send("GET /slow HTTP/1.1\r\n\r\n")
    behind.finish()
    XCTAssertEqual(try behind.rest(), [], "R-HTTP-10")
    try bench.until("it is given up") { held.closed == 1 }
    let answered = try PlayerSocket(bench.port)
    try answered.send("GET / HTTP/1.1\r\n\r\n")
    answered.finish()
    XCTAssertEqual(try answered.response().body, Array("x".utf8), "what is ready at once still arrives")
    XCTAssertEqual(try answered.rest(), [])
  }

  func testAnEndInsideARequestBehindAnotherOneIsAnsweredLast() throws {
    let held = Held()
    let bench = try ListenerBench { _, response in held.response = response }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /1 HTTP/1.1\r\n\r\nGET")
    player.finish()
    try bench.until("it is asked") { held.response != nil }
    usleep(50_000)
    bench.onLoop { if let response = held.response { answerWith(response, "first") } }
    XCTAssertEqual(try player.response().body, Array("first".utf8))
    XCTAssertEqual(try player.response().status, 400)
    XCTAssertEqual(try player.rest(), [])
  }

  func testARefusalArrivesThoughThePlayerGoesOnSending() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "x") }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("nonsense nonsense\r\n\r\n")
    let more = [UInt8](repeating: 120, count: 100_000)
    for _ in 0..<5 { try player.send(more) }
    XCTAssertEqual(try player.response().status, 400, "no reset takes it away")
    XCTAssertEqual(try player.rest(), [])
  }

  func testAPlayerThatNeverClosesItsEndIsLetGoOfAfterAWhile() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "x", closes: true) }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    XCTAssertFalse(try player.rest().isEmpty)
    try bench.until("the connection is gone") { bench.listener.connectionCount == 0 }
  }

  func testARequestThatStaysBehindIsReadWhenThereIsRoomAgain() throws {
    let bench = try ListenerBench { request, response in
      answerWith(response, String(repeating: request.target.description, count: 200_000))
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port, receiveBytes: 8_192)
    try player.send((0..<30).map { _ in "GET /x HTTP/1.1\r\n\r\n" }.joined())
    usleep(100_000)
    XCTAssertLessThan(bench.targets.count, 30, "nobody reads what is sent")
    for _ in 0..<30 { XCTAssertEqual(try player.response().body.count, 400_000) }
    XCTAssertEqual(bench.targets.count, 30)
  }
}
