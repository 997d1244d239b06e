import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

final class ListenerTests: XCTestCase {
  func testARequestIsHandedOnAsItWasWritten() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "hello") }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /a?b HTTP/1.0\r\nhOst: x\r\nA:  b \r\nConnection: keep-alive\r\n\r\n")
    let answer = try player.response()
    XCTAssertEqual(answer.head, "HTTP/1.1 200 Told\r\nContent-Length: 5\r\nConnection: keep-alive")
    XCTAssertEqual(answer.body, Array("hello".utf8))
    let request = try XCTUnwrap(bench.requests.first)
    XCTAssertEqual(request.method, "GET")
    XCTAssertEqual(request.target, "/a?b")
    XCTAssertEqual(request.httpMinor, 0)
    XCTAssertEqual(request.fields, ["hOst", "x", "A", "b", "Connection", "keep-alive"])
    XCTAssertEqual(request.localAddress, "127.0.0.1")
    XCTAssertEqual(request.localPort, bench.port)
    XCTAssertFalse(request.close)
  }

  func testAConnectionCarriesOneRequestAfterTheOther() throws {
    let bench = try ListenerBench { request, response in answerWith(response, request.target.description) }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    for target in ["/1", "/2", "/3"] { XCTAssertEqual(try player.ask(target).body, Array(target.utf8)) }
    XCTAssertEqual(bench.onLoop { bench.listener.connectionCount }, 1)
  }

  func testOddRequestsGetTheAnswersOfTheReference() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "") }
    defer { bench.close() }
    for one in try OddRequest.all() {
      let player = try PlayerSocket(bench.port)
      // Bytes behind a refusal may meet a connection that is gone.
      _ = try? player.send(one.bytes)
      player.finish()
      let text = (try? player.rest()).map { String(decoding: $0, as: Unicode.ASCII.self) } ?? "reset"
      let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { Int($0.prefix(3)) ?? 0 }
      let wanted = one.events.map { event in event.contains(" ") ? 200 : errorStatus(event) }
      XCTAssertEqual(Array(statuses), wanted, "\(one.name): \(text.prefix(200))")
    }
    try bench.until("all are gone") { bench.listener.connectionCount == 0 }
  }

  func testPipelinedResponsesComeInTheOrderOfTheRequests() throws {
    let waiting = Held()
    let bench = try ListenerBench { request, response in
      if request.target == "/slow" {
        waiting.response = response
      } else {
        answerWith(response, request.target.description)
      }
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /slow HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n")
    try bench.until("all three are asked") { bench.targets.count == 3 }
    bench.onLoop { if let response = waiting.response { answerWith(response, "at last") } }
    XCTAssertEqual(try player.response().body, Array("at last".utf8))
    XCTAssertEqual(try player.response().body, Array("/2".utf8))
    XCTAssertEqual(try player.response().body, Array("/3".utf8))
  }

  func testOnlySoManyPipelinedRequestsAreUnderWayAtOnce() throws {
    let waiting = Held()
    let bench = try ListenerBench { request, response in
      if waiting.response == nil {
        waiting.response = response
      } else {
        answerWith(response, request.target.description)
      }
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    let targets = (0..<40).map { "/\($0)" }
    try player.send(targets.map { "GET \($0) HTTP/1.1\r\n\r\n" }.joined())
    try bench.until("some are asked") { bench.targets.count == 16 }
    usleep(20_000)
    XCTAssertEqual(bench.targets.count, 16)
    bench.onLoop { if let response = waiting.response { answerWith(response, "/0") } }
    for target in targets { XCTAssertEqual(try player.response().body, Array(target.utf8)) }
    XCTAssertEqual(bench.targets, targets)
  }

  func testTwoHundredAndFiftyPlayersAtOnceAreServed() throws {
    let bench = try ListenerBench { request, response in answerWith(response, request.target.description) }
    defer { bench.close() }
    let players = try (0..<250).map { _ in try PlayerSocket(bench.port) }
    for (at, player) in players.enumerated() { try player.send("GET /\(at) HTTP/1.1\r\n\r\n") }
    for (at, player) in players.enumerated() { XCTAssertEqual(try player.response().body, Array("/\(at)".utf8)) }
    for (at, player) in players.enumerated() { XCTAssertEqual(try player.ask("/b\(at)").body, Array("/b\(at)".utf8)) }
    XCTAssertEqual(bench.onLoop { bench.listener.connectionCount }, 250)
    for player in players { player.close() }
    try bench.until("all are gone") { bench.listener.connectionCount == 0 }
  }

  func testAnIpv6AddressIsListenedOnAndTold() throws {
    let bench = try ListenerBench(host: "::1") { _, response in answerWith(response, "six") }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port, host: "::1")
    XCTAssertEqual(try player.ask("/").body, Array("six".utf8))
    XCTAssertEqual(bench.requests.first?.localAddress, "::1")
  }

  func testAPortThatIsTakenIsAnErrorAndNoOtherIsTaken() throws {
    let first = try ListenerBench { _, response in answerWith(response, "first") }
    defer { first.close() }
    XCTAssertThrowsError(try ListenerBench(port: first.port) { _, _ in }) { error in
      XCTAssertEqual((error as? ListenError)?.code, EADDRINUSE)
      XCTAssertEqual("\(error)", "listen EADDRINUSE: address already in use 127.0.0.1:\(first.port)")
    }
    XCTAssertThrowsError(try ListenerBench(host: "192.0.2.1", port: 4_711) { _, _ in }) { error in
      XCTAssertEqual((error as? ListenError)?.name, "EADDRNOTAVAIL")
    }
    let player = try PlayerSocket(first.port)
    XCTAssertEqual(try player.ask("/").body, Array("first".utf8))
  }

  func testAPortOnWhichOldConnectionsLingerIsListenedOnAgain() throws {
    let first = try ListenerBench { _, response in answerWith(response, "first", closes: true) }
    let port = first.port
    let player = try PlayerSocket(port)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    XCTAssertFalse(try player.rest().isEmpty, "the listener's side ends first, and lingers")
    player.close()
    first.close()
    let second = try ListenerBench(port: port) { _, response in answerWith(response, "second") }
    defer { second.close() }
    XCTAssertEqual(second.port, port)
    XCTAssertEqual(try PlayerSocket(port).ask("/").body, Array("second".utf8))
  }
}

/// A response that waits.
final class Held: @unchecked Sendable {
  var response: PlayerResponse?
  var closed = 0
}

private func errorStatus(_ code: String) -> Int {
  ErrorCode(rawValue: code).map { errorRow($0).status } ?? 0
}
