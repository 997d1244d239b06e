import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

/// Time, number and end of connections.
final class ListenerLimitTests: XCTestCase {
  func testAHeadThatDoesNotComeInTimeIsRefused() throws {
    let bench = try ListenerBench(limits(headMs: 150)) { _, response in answerWith(response, "fine") }
    defer { bench.close() }
    let late = try PlayerSocket(bench.port)
    try late.send("GET / HTTP/1.1\r\nHo")
    let silent = try PlayerSocket(bench.port)
    XCTAssertEqual(try PlayerSocket(bench.port).ask("/").status, 200, "others are served meanwhile")
    XCTAssertEqual(try late.response().body, Array("request-timeout".utf8))
    XCTAssertEqual(try late.rest(), [], "and the connection ends")
    XCTAssertEqual(try silent.response().status, 408, "not a byte")
  }

  func testBytesThatDripBuyNoTime() throws {
    let bench = try ListenerBench(limits(headMs: 200)) { _, response in answerWith(response, "") }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    for byte in Array("GET / HTTP/1.1\r\nX: ".utf8) + [UInt8](repeating: 120, count: 100) {
      try player.send([byte])
      usleep(5_000)
    }
    XCTAssertEqual(try player.response().status, 408)
  }

  func testContentThatDoesNotComeInTimeIsRefusedBehindTheAnswer() throws {
    let bench = try ListenerBench(limits(headMs: 150)) { _, response in answerWith(response, "no", 405) }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
    XCTAssertEqual(try player.response().status, 405)
    XCTAssertEqual(try player.response().status, 408)
  }

  func testATimeoutWaitsForTheResponseBeforeIt() throws {
    let waiting = Held()
    let bench = try ListenerBench(limits(headMs: 100)) { _, response in waiting.response = response }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\n\r\nGET /2")
    try bench.until("it is asked") { waiting.response != nil }
    usleep(400_000)
    bench.onLoop { if let response = waiting.response { answerWith(response, "first") } }
    XCTAssertEqual(try player.response().body, Array("first".utf8))
    XCTAssertEqual(try player.response().status, 408)
  }

  func testAnIdleConnectionIsClosedAndABusyOneIsNot() throws {
    let waiting = Held()
    let bench = try ListenerBench(limits(keepAliveMs: 150)) { request, response in
      if request.target == "/slow" { waiting.response = response } else { answerWith(response, "x") }
    }
    defer { bench.close() }
    let idle = try PlayerSocket(bench.port)
    let busy = try PlayerSocket(bench.port)
    XCTAssertEqual(try idle.ask("/").status, 200)
    try busy.send("GET /slow HTTP/1.1\r\n\r\n")
    XCTAssertEqual(try idle.rest(), [])
    bench.onLoop { if let response = waiting.response { answerWith(response, "late") } }
    XCTAssertEqual(try busy.response().body, Array("late".utf8))
  }

  func testMorePlayersThanAllowedAreTurnedAway() throws {
    var few = limits()
    few.connectionsMax = 2
    let bench = try ListenerBench(few) { _, response in answerWith(response, "x") }
    defer { bench.close() }
    let first = try PlayerSocket(bench.port)
    let second = try PlayerSocket(bench.port)
    XCTAssertEqual(try first.ask("/").status, 200)
    XCTAssertEqual(try second.ask("/").status, 200)
    let third = try PlayerSocket(bench.port)
    XCTAssertEqual(try? third.rest(), [], "closed without a word")
    first.close()
    try bench.until("the first is gone") { bench.listener.connectionCount == 1 }
    XCTAssertEqual(try PlayerSocket(bench.port).ask("/").status, 200)
  }

  func testClosingEndsIdleAndBusyConnectionsAndThePort() throws {
    let waiting = Held()
    let bench = try ListenerBench { request, response in
      if request.target == "/slow" {
        response.onClose = { waiting.closed += 1 }
        response.writeHead(headWith(200, ["Content-Length", "10"]))
        response.write(Data("half".utf8))
        waiting.response = response
      } else {
        answerWith(response, "x")
      }
    }
    let idle = try PlayerSocket(bench.port)
    let busy = try PlayerSocket(bench.port)
    XCTAssertEqual(try idle.ask("/").status, 200)
    try busy.send("GET /slow HTTP/1.1\r\n\r\n")
    try bench.until("it is asked") { waiting.response != nil }
    bench.close()
    XCTAssertEqual(try idle.rest(), [])
    let cut = String(decoding: try busy.rest(), as: Unicode.ASCII.self)
    XCTAssertTrue(cut.hasSuffix("half"), "what was sent arrives")
    XCTAssertEqual(waiting.closed, 1)
    XCTAssertThrowsError(try PlayerSocket(bench.port), "nobody listens")
  }

  func testClosingEndsAConnectionWhosePlayerDoesNotRead() throws {
    let bench = try ListenerBench { _, response in
      response.writeHead(headWith(200, ["Content-Length", "100000000"]))
      response.write(Data(count: 20_000_000))
    }
    let player = try PlayerSocket(bench.port, receiveBytes: 4_096)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    try bench.until("it is asked") { bench.targets.count == 1 }
    let began = Date()
    bench.close()
    XCTAssertLessThan(Date().timeIntervalSince(began), 3)
  }

  func testAListenerThatIsForgottenWhileItClosesStillCloses() throws {
    let loop = EventLoop()
    let closed = expectation(description: "closed")
    do {
      let listener = try listenOn(loop, "127.0.0.1", 0, defaultLimits) { _, _ in }
      loop.queue.sync { listener.close { closed.fulfill() } }
    }
    wait(for: [closed], timeout: 5)
  }

  private func limits(headMs: Int = 10_000, keepAliveMs: Int = 30_000) -> Limits {
    var limits = defaultLimits
    limits.requestHeadMs = headMs
    limits.keepAliveMs = keepAliveMs
    return limits
  }
}
