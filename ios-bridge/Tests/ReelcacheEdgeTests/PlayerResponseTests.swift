import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

final class PlayerResponseTests: XCTestCase {
  func testAHeadWaitsForTheFirstBytesAndAnEmptyPieceSendsItAlone() throws {
    let held = Held()
    let bench = try ListenerBench { _, response in
      response.writeHead(headWith(200, ["Content-Length", "3"]))
      held.response = response
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    try bench.until("it is asked") { held.response != nil }
    XCTAssertEqual(bench.onLoop { held.response?.headersSent }, true)
    bench.onLoop { held.response?.write(Data()) }
    _ = try player.readSome()
    XCTAssertEqual(player.received.suffix(4), [13, 10, 13, 10])
    bench.onLoop { held.response?.end(Data("abc".utf8)) }
    XCTAssertEqual(try player.response().body, Array("abc".utf8))
  }

  func testABodyOfUnknownLengthIsChunkedWriteByWrite() throws {
    let bench = try ListenerBench { request, response in
      response.writeHead(headWith(200, ["Transfer-Encoding", "chunked"]))
      response.write(Data())
      response.write(Data("abc".utf8))
      response.write(Data())
      response.write(Data(repeating: 120, count: 300_000))
      response.end(request.target == "/last" ? Data("z".utf8) : nil)
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    XCTAssertEqual(try player.ask("/").chunks, [3, 300_000])
    let answer = try player.ask("/last")
    XCTAssertEqual(answer.chunks, [3, 300_000, 1])
    XCTAssertEqual(answer.body, Array("abc".utf8) + [UInt8](repeating: 120, count: 300_000) + [122])
  }

  func testTheBytesOfAChunkedBodyAreExactlyThese() throws {
    let bench = try ListenerBench { _, response in
      response.writeHead(headWith(200, ["Transfer-Encoding", "chunked"], closes: true))
      response.write(Data(repeating: 97, count: 26))
      response.end(Data("b".utf8))
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    let head = "HTTP/1.1 200 Told\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    let body = "1a\r\n" + String(repeating: "a", count: 26) + "\r\n1\r\nb\r\n0\r\n\r\n"
    XCTAssertEqual(String(decoding: try player.rest(), as: Unicode.ASCII.self), head + body)
  }

  func testHeadAndBodilessStatusesHaveNoBodyWhateverIsWritten() throws {
    let bench = try ListenerBench { request, response in
      let status = request.target == "/304" ? 304 : 200
      let framing: FieldList =
        request.target == "/chunked" ? ["Transfer-Encoding", "chunked"] : ["Content-Length", "5"]
      response.writeHead(headWith(status, framing))
      response.write(Data("he".utf8))
      response.end(Data("llo".utf8))
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    for target in ["/", "/chunked"] {
      try player.send("HEAD \(target) HTTP/1.1\r\n\r\n")
      XCTAssertEqual(try player.response(isHead: true).body, [])
      XCTAssertEqual(player.received, [], target)
    }
    XCTAssertEqual(try player.ask("/304").body, [])
    XCTAssertEqual(try player.ask("/").body, Array("hello".utf8), "and the next is whole")
  }

  func testBytesOfEachCodeReachThePlayerInHeads() throws {
    let bench = try ListenerBench { _, response in
      let name = ByteString([67, 195, 233, 255, 128])
      response.writeHead(headWith(200, ["Content-Disposition", name, "Content-Length", "0"]))
      response.end(nil)
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    player.finish()
    XCTAssertNotNil(try player.rest().firstRange(of: [67, 195, 233, 255, 128]))
  }

  func testAPlayerThatDoesNotReadHoldsWhoWritesBack() throws {
    let feed = Feed(200_000_000)
    let bench = try ListenerBench { _, response in feed.begin(response) }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port, receiveBytes: 65_536)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    try bench.until("it is held back") { feed.response?.needsDrain == true }
    usleep(100_000)
    XCTAssertLessThan(bench.onLoop { feed.written }, 16_000_000, "kernel buffers and one high-water mark")
    var received = 0
    while received < 200_000_000 {
      guard try player.readSome(1_048_576) else { break }
      received += player.received.count
      player.dropReceived()
    }
    XCTAssertEqual(received, 200_000_000 + feed.headBytes)
    XCTAssertGreaterThan(bench.onLoop { feed.drains }, 10)
    try bench.until("the end is told") { feed.closed == 1 }
  }

  func testTheEndIsToldOnceAfterTheLastByteAndTheResponseIsLetGo() throws {
    let held = Held()
    weak var gone: PlayerResponse?
    let bench = try ListenerBench { _, response in
      gone = response
      response.onClose = { held.closed += 1 }
      answerWith(response, "x")
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    XCTAssertEqual(try player.ask("/").status, 200)
    try bench.until("the end is told") { held.closed == 1 }
    player.close()
    try bench.until("the connection is gone") { bench.listener.connectionCount == 0 }
    XCTAssertEqual(bench.onLoop { held.closed }, 1)
    XCTAssertNil(bench.onLoop { gone })
  }

  func testAnEndWithoutBytesIsToldWhenThoseBeforeItAreOut() throws {
    let held = Held()
    // More than the system takes from a player that does not read.
    let body = Data(count: 64_000_000)
    let bench = try ListenerBench { _, response in
      response.onClose = { held.closed += 1 }
      response.writeHead(headWith(200, ["Content-Length", .decimal(body.count)]))
      response.write(body)
      response.end(nil)
      held.response = response
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    try bench.until("it is asked") { held.response != nil }
    // What would be told at once is told by now.
    bench.onLoop {}
    XCTAssertEqual(bench.onLoop { held.closed }, 0)
    var received = 0
    while received < body.count, try player.readSome(1_048_576) {
      received += player.received.count
      player.dropReceived()
    }
    try bench.until("the end is told") { held.closed == 1 }
    player.close()
  }

  func testAPlayerThatLeavesIsToldOnce() throws {
    for leave in [PlayerSocket.finish, PlayerSocket.close, PlayerSocket.reset] {
      let held = Held()
      let bench = try ListenerBench { _, response in
        response.onClose = { held.closed += 1 }
        held.response = response
      }
      let player = try PlayerSocket(bench.port)
      try player.send("GET / HTTP/1.1\r\n\r\n")
      try bench.until("it is asked") { held.response != nil }
      leave(player)()
      try bench.until("the end is told") { held.closed == 1 }
      bench.onLoop {
        held.response?.write(Data("late".utf8))
        held.response?.end(nil)
        held.response?.cut()
        held.response = nil
      }
      try bench.until("the connection is gone") { bench.listener.connectionCount == 0 }
      XCTAssertEqual(held.closed, 1)
      bench.close()
    }
  }

  func testACutResponseEndsTheConnectionBehindWhatWasWritten() throws {
    let held = Held()
    let bench = try ListenerBench { request, response in
      response.onClose = { held.closed += 1 }
      response.writeHead(headWith(200, ["Content-Length", "10"]))
      if request.target == "/half" { response.write(Data("half".utf8)) }
      response.cut()
    }
    defer { bench.close() }
    let half = try PlayerSocket(bench.port)
    try half.send("GET /half HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n")
    XCTAssertTrue(String(decoding: try half.rest(), as: Unicode.ASCII.self).hasSuffix("\r\n\r\nhalf"))
    let none = try PlayerSocket(bench.port)
    try none.send("GET /none HTTP/1.1\r\n\r\n")
    XCTAssertEqual(try none.rest(), [], "a head that nobody was sent is not sent any more")
    XCTAssertEqual(bench.targets, ["/half", "/none"])
    XCTAssertEqual(bench.onLoop { held.closed }, 2)
  }

  func testAResponseThatIsCutBeforeItsTurnCutsTheConnectionThen() throws {
    let first = Held()
    let bench = try ListenerBench { request, response in
      if request.target == "/1" {
        first.response = response
      } else {
        response.writeHead(headWith(200, ["Content-Length", "10"]))
        response.write(Data("half".utf8))
        response.cut()
      }
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    try bench.until("both are asked") { bench.targets.count == 2 }
    bench.onLoop { if let response = first.response { answerWith(response, "whole") } }
    XCTAssertEqual(try player.response().body, Array("whole".utf8))
    XCTAssertTrue(String(decoding: try player.rest(), as: Unicode.ASCII.self).hasSuffix("half"))
  }

  func testALargeLastPieceIsSentWholeBeforeTheEndOfTheConnection() throws {
    let bench = try ListenerBench { _, response in
      response.writeHead(headWith(200, ["Content-Length", "3000000"], closes: true))
      response.end(Data(repeating: 7, count: 3_000_000))
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET / HTTP/1.1\r\n\r\n")
    XCTAssertEqual(try player.response().body.count, 3_000_000)
    XCTAssertEqual(try player.rest(), [])
  }

  func testAResponseBehindAnotherOneIsHeldBackToo() throws {
    let first = Held()
    let feed = Feed(5_000_000)
    let bench = try ListenerBench { request, response in
      if request.target == "/1" { first.response = response } else { feed.begin(response) }
    }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    try player.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    try bench.until("both are asked") { bench.targets.count == 2 }
    XCTAssertLessThan(bench.onLoop { feed.written }, 600_000)
    bench.onLoop { if let response = first.response { answerWith(response, "first") } }
    XCTAssertEqual(try player.response().body, Array("first".utf8))
    XCTAssertEqual(try player.response().body.count, 5_000_000)
  }
}

/// Writes a body as the player takes it.
private final class Feed: @unchecked Sendable {
  private let total: Int
  private let piece = Data(count: 262_144)
  private(set) var response: PlayerResponse?
  private(set) var written = 0
  private(set) var drains = 0
  private(set) var closed = 0
  private(set) var headBytes = 0

  init(_ total: Int) {
    self.total = total
  }

  func begin(_ response: PlayerResponse) {
    self.response = response
    let head = headWith(200, ["Content-Length", .decimal(total)])
    headBytes = headData(head).count
    response.writeHead(head)
    response.onDrain = {
      self.drains += 1
      self.pump()
    }
    response.onClose = { self.closed += 1 }
    pump()
  }

  private func pump() {
    guard let response else { return }
    while written < total && !response.needsDrain {
      let bytes = piece.prefix(total - written)
      written += bytes.count
      if written == total { response.end(bytes) } else { response.write(bytes) }
    }
  }
}
