import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// What becomes of a connection once the script's bytes are written.
enum ScriptEnd: Sendable {
  case stay, end, reset
}

final class OriginFailureTests: OriginTestCase {
  /// One origin that answers by a script: bytes, then what becomes of the connection.
  private func scripted(
    _ bytes: String,
    _ after: ScriptEnd = .stay,
    _ method: AskMethod = .get,
    limits asked: Limits = defaultLimits,
    _ file: StaticString = #filePath,
    _ line: UInt = #line
  ) throws -> Fetched {
    let heard = DispatchSemaphore(value: 0)
    let origin = try makeOrigin { _, connection in
      connection.write(bytes)
      // A reset throws away what the client has not read yet: it waits until the client has.
      if after == .reset && !bytes.isEmpty { heard.wait() }
      if after == .end { connection.end() }
      if after == .reset { connection.reset() }
    }
    let client = makeClient(limits: limits { $0.originHeadBytesMax = 4_000 })
    let hooks = FetchHooks(onData: { _, _ in heard.signal() })
    let fetched = try client.fetch(origin.url, method, limits: asked, hooks: hooks, file, line)
    heard.signal()
    loop.until("a failed connection is closed", file, line) {
      client.client.counts().open == 0 && origin.openCount == 0
    }
    return fetched
  }

  // R-ORIGIN-8
  func testAnOriginThatRefusesOrHangsUpBeforeItsHeadIsUpstreamRefused() throws {
    let (descriptor, port) = try listenOnLoopback()
    Foundation.close(descriptor)
    let refused = try makeClient().fetch("http://127.0.0.1:\(port)/")
    XCTAssertEqual(refused.failure?.code, .upstreamRefused)
    XCTAssertEqual(refused.failure?.detail.startsWith("ECONNREFUSED"), true)
    XCTAssertEqual(refused.story, "done")
    for (bytes, after) in [("", ScriptEnd.end), ("", .reset), ("HTTP/1.1 200 OK\r\nContent-Le", .end)] {
      let done = try scripted(bytes, after)
      XCTAssertEqual(done.failure?.code, .upstreamRefused, "\(bytes) \(after)")
      XCTAssertEqual(done.story, "done")
    }
  }

  // R-ORIGIN-12
  func testWhatIsNotHttpIsUpstreamProtocol() throws {
    let heads = [
      "SSH-2.0-OpenSSH_9\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
      "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nBad name: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 4_000))\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\(String(repeating: "X: y\r\n", count: 2_000))\r\n",
      "HTTP/1.1 200 OK\r\n\(String(repeating: "X:\r\n", count: 1_000))Content-Length: 2\r\n\r\nok",
    ]
    for bytes in heads {
      let done = try scripted(bytes)
      XCTAssertEqual(done.failure?.code, .upstreamProtocol, String(bytes.prefix(50)))
      XCTAssertEqual(done.story, "done")
    }
    let most = "HTTP/1.1 200 OK\r\n\(String(repeating: "X:\r\n", count: 999))Content-Length: 2\r\n\r\nok"
    XCTAssertNil(try scripted(most, .end).failure)
  }

  // R-ORIGIN-5
  func test100And101NeverAskedForAreUpstreamProtocol() throws {
    let interims = [
      "100 Continue\r\n\r\n",
      "101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
      "101 X\r\n\r\n",
    ]
    for interim in interims {
      let done = try scripted("HTTP/1.1 \(interim)\(simpleResponse)")
      XCTAssertEqual(done.failure?.code, .upstreamProtocol, interim)
      XCTAssertEqual(done.story, "done")
    }
  }

  // R-ORIGIN-13
  func testContradictingOrUnreadableFramingIsUpstreamProtocol() throws {
    let framings = [
      "Content-Length: 2\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\nContent-Length: 2",
      "Content-Length: 2\r\nContent-Length: 3",
      "Content-Length: 2\r\nContent-Length: 2",
      "Content-Length: 2, 2",
      "Content-Length: -2",
      "Content-Length: +2",
      "Content-Length: 0x2",
      "Content-Length: two",
      "Content-Length: 2 2",
      "Content-Length:",
      "Content-Length: 9007199254740993",
      "Content-Length: 99999999999999999999",
      "Transfer-Encoding: gzip, chunked",
      "Transfer-Encoding: chunked, chunked",
      "Transfer-Encoding: identity",
      "Transfer-Encoding: gzip",
    ]
    for framing in framings {
      let done = try scripted("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\nok")
      XCTAssertEqual(done.failure?.code, .upstreamProtocol, framing)
      XCTAssertEqual(done.story, "done")
    }
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    XCTAssertEqual(try scripted(both, .stay, .head).failure?.code, .upstreamProtocol, "for HEAD as well")
  }

  // R-ORIGIN-12
  func testAChunkedBodyThatIsNotOneIsUpstreamProtocol() throws {
    for chunk in ["zz\r\nab\r\n", "2\r\nabc\r\n", "-1\r\n", "fffffffffffffffff\r\n", "2\nab\r\n0\r\n\r\n"] {
      let done = try scripted("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n\(chunk)")
      XCTAssertEqual(done.failure?.code, .upstreamProtocol, chunk)
      XCTAssertEqual(done.text.first, "!")
    }
  }

  // R-ORIGIN-14
  func testABodyThatEndsEarlyIsUpstreamTruncatedAfterTheBytesThatCame() throws {
    for body in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
      for after in [ScriptEnd.end, .reset] {
        for connection in ["", "Connection: close\r\n"] {
          let done = try scripted("HTTP/1.1 200 OK\r\n\(connection)\(body)", after)
          XCTAssertEqual(done.failure?.code, .upstreamTruncated, "\(after) \(connection)\(body)")
          XCTAssertEqual(done.text, "abc")
          XCTAssertEqual(done.story, "head data done")
        }
      }
    }
  }

  // R-ORIGIN-14
  func testAChunkedBodyWithoutItsLastLineIsUpstreamTruncated() throws {
    for tail in ["0\r\n", "0", "0\r\nTrailer: x\r\n", "3\r\nab"] {
      let done = try scripted("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n\(tail)", .end)
      XCTAssertEqual(done.failure?.code, .upstreamTruncated, tail)
    }
  }

  // R-ORIGIN-15
  func testABodyThatEndsWithItsConnectionEndsWellByFinAndIsUpstreamTruncatedByRst() throws {
    let fin = try scripted("HTTP/1.1 200 OK\r\n\r\nabc", .end)
    XCTAssertNil(fin.failure)
    XCTAssertEqual(fin.head?.framing, .close)
    XCTAssertEqual(fin.text, "abc")
    let rst = try scripted("HTTP/1.1 200 OK\r\n\r\nabc", .reset)
    XCTAssertEqual(rst.failure?.code, .upstreamTruncated)
    XCTAssertEqual(rst.text, "abc")
  }

  // R-ORIGIN-10
  func testASilentHeadAndADrippingHeadAreUpstreamTimeout() throws {
    let brief = limits { $0.headSilenceMs = 60 }
    let silent = try scripted("", .stay, limits: brief)
    XCTAssertEqual(silent.failure?.code, .upstreamTimeout)
    XCTAssertEqual(silent.story, "done")
    let hints = try scripted("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n", .stay, limits: brief)
    XCTAssertEqual(hints.failure?.code, .upstreamTimeout)
  }

  // R-ORIGIN-10
  func testASilentBodyIsUpstreamTimeoutCountedFromTheLastByte() throws {
    let brief = limits { $0.bodySilenceMs = 60 }
    let done = try scripted("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .stay, limits: brief)
    XCTAssertEqual(done.failure?.code, .upstreamTimeout)
    XCTAssertEqual(done.text, "abc")
  }

  // R-ORIGIN-10
  func testABodyThatComesSlowlyButSteadilyIsNotSilent() throws {
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd")
    }
    let client = makeClient()
    let slow = client.start("\(origin.url)/steady", limits: limits { $0.bodySilenceMs = 500 })
    loop.until("it is asked") { origin.requests.count == 1 }
    let steady = origin.connections[0]
    // Five transfers, one after the other, are the clock: together they take longer than the silence allowed.
    for _ in 0..<5 {
      _ = try client.fetch(origin.url, limits: limits { $0.bodySilenceMs = 150 })
      steady.write("x")
    }
    try client.over(slow)
    XCTAssertNil(slow.failure)
    XCTAssertEqual(slow.text, "abcdxxxxx")
  }

  // R-ORIGIN-10
  func testSilenceIsNotCountedWhileTheTransferIsPaused() throws {
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    }
    let client = makeClient()
    let brief = limits { $0.bodySilenceMs = 60 }
    let hooks = FetchHooks(onData: { fetched, _ in fetched.transfer?.pause() })
    let paused = client.start(origin.url, limits: brief, hooks: hooks)
    loop.until("the first bytes") { paused.size == 3 }
    // Two transfers, one after the other, are the clock: each takes the whole silence.
    for _ in 0..<2 { XCTAssertTrue(try client.fetch(origin.url, limits: brief).done) }
    XCTAssertFalse(loop.run { paused.done })
    loop.run { paused.transfer?.resume() }
    try client.over(paused)
    XCTAssertEqual(paused.failure?.code, .upstreamTimeout)
  }

  // R-ORIGIN-10
  func testAConnectionThatDoesNotOpenInTimeIsUpstreamTimeout() throws {
    let client = makeClient(lookup: { _, _ in })
    let done = try client.fetch("http://slow.example/", limits: limits { $0.connectMs = 40 })
    XCTAssertEqual(done.failure?.code, .upstreamTimeout)
    XCTAssertEqual(done.failure?.detail.includes("resolving"), true)
    XCTAssertEqual(client.counts, [0, 0, 0])
    let (descriptor, port) = try listenOnLoopback()
    defer { Foundation.close(descriptor) }
    let mute = try makeClient().fetch("https://127.0.0.1:\(port)/", limits: limits { $0.connectMs = 80 })
    XCTAssertEqual(mute.failure?.code, .upstreamTimeout)
    XCTAssertEqual(mute.failure?.detail.includes("securing"), true)
  }

  // R-ORIGIN-24
  func testAPlayerIsToldOneFixedSentenceForEachCode() {
    let codes = ErrorCode.allCases.filter { $0.rawValue.hasPrefix("upstream-") && $0 != .upstreamRedirects }
    for code in codes where code != .upstreamBadRange {
      let told = toldFailure(OriginFailure(code: code, detail: "ECONNRESET: read (127.0.0.1)"))
      XCTAssertEqual(told.code, code)
      XCTAssertFalse(told.detail.isEmpty, code.rawValue)
      XCTAssertFalse(told.detail.includes("ECONN"))
    }
    XCTAssertEqual(toldFailure(OriginFailure(code: .internal, detail: "words")).detail, "")
  }
}
