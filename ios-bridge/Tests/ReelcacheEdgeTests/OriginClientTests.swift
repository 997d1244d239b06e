import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class OriginClientTests: OriginTestCase {
  // R-ORIGIN-1
  func testTheRequestHeadIsHostConnectionThenTheCallersFieldsAsGiven() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient()
    let fields: FieldList = ["X-b", ByteString([0xe9]), "Range", "bytes=0-1"]
    _ = try client.fetch("\(origin.url)/a/%2F;\u{e9}?x=1&y=[2]", .get, fields)
    _ = try client.fetch(origin.url, .head)
    let host = "host: 127.0.0.1:\(origin.port)\r\n"
    XCTAssertEqual(
      origin.requests[0].head,
      "GET /a/%2F;\u{e9}?x=1&y=[2] HTTP/1.1\r\n\(host)connection: keep-alive\r\nX-b: \u{e9}\r\nRange: bytes=0-1\r\n\r\n"
    )
    XCTAssertEqual(origin.requests[1].head, "HEAD / HTTP/1.1\r\n\(host)connection: close\r\n\r\n")
  }

  // R-ORIGIN-16
  func testTheHeadKeepsNamesOrderRepetitionsAndBytesWithoutWhiteSpaceAround() throws {
    let origin = try makeOrigin { _, connection in
      connection.write(
        "HTTP/1.1 206 Partly  so\r\nx-B:  \u{e9} z\t \r\nSET-cookie: a\r\nset-Cookie: b\r\nE:\r\ncontent-length: 0\r\n\r\n"
      )
    }
    let done = try makeClient().fetch(origin.url)
    XCTAssertEqual(
      done.head,
      OriginHead(
        status: 206,
        reason: "Partly  so",
        fields: [
          "x-B", ByteString([0xe9, 32, 122]), "SET-cookie", "a", "set-Cookie", "b", "E", "", "content-length", "0",
        ],
        framing: .length
      )
    )
    XCTAssertEqual(done.story, "head done")
  }

  // R-ORIGIN-1
  func testTheHostIsNamedAsTheUrlNamesIt() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient(lookup: resolver(["127.0.0.1"]))
    for host in ["CDN.example", "cdn.example", "cdn.example."] {
      let done = try client.fetch("HTTP://\(host):\(origin.port)/")
      XCTAssertNil(done.failure)
      XCTAssertEqual(origin.requests.last?.field("host"), "\(host):\(origin.port)")
    }
  }

  // R-ORIGIN-16
  func testAResponseThatComesByteByByteIsTheSameResponse() throws {
    let head = "HTTP/1.1 200 OK\r\nX-Long-name: some  value \r\nTransfer-Encoding: chunked\r\nE:\r\n\r\n"
    let origin = try makeOrigin { _, connection in
      for byte in "\(head)5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n".utf8 {
        connection.write(Data([byte]))
        usleep(200)
      }
    }
    let done = try makeClient().fetch(origin.url)
    XCTAssertNil(done.failure)
    XCTAssertEqual(done.head?.reason, "OK")
    XCTAssertEqual(done.head?.fields, ["X-Long-name", "some  value", "Transfer-Encoding", "chunked", "E", ""])
    XCTAssertEqual(done.text, "hello!")
    XCTAssertGreaterThan(done.pieces.count, 1, "the test did split the response")
  }

  // R-ORIGIN-16
  func testAReasonPhraseThatIsNotVisibleAsciiIsDropped() throws {
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 200 caf\u{e9}\r\nContent-Length: 0\r\n\r\n")
    }
    XCTAssertEqual(try makeClient().fetch(origin.url).head?.reason, "")
  }

  // R-ORIGIN-2
  func testBodiesArriveWholeByLengthByChunksAndByTheEndOfTheConnection() throws {
    let body = testBody(0, 300_000)
    let origin = try makeOrigin { request, connection in
      switch request.target {
      case "/length":
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
        connection.write(body)
      case "/chunked":
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in stride(from: 0, to: body.count, by: 70_001) {
          let piece = body[at..<min(at + 70_001, body.count)]
          connection.write("\(String(piece.count, radix: 16));x=y\r\n")
          connection.write(piece)
          connection.write("\r\n")
        }
        connection.write("0\r\nTrailer: x\r\n\r\n")
      default:
        connection.write("HTTP/1.1 200 OK\r\n\r\n")
        connection.write(body)
        connection.end()
      }
    }
    let client = makeClient()
    for framing in ["length", "chunked", "close"] {
      let done = try client.fetch("\(origin.url)/\(framing)")
      XCTAssertNil(done.failure, framing)
      XCTAssertEqual(done.head?.framing.rawValue, framing)
      XCTAssertEqual(done.body, body, "the \(framing) body is right")
      XCTAssertEqual(done.story, "head data done")
    }
  }

  // R-ORIGIN-2
  func testRedirectsAreNotFollowedAndCodingsAreNotUndone() throws {
    let packed = Data([0x1f, 0x8b, 8, 0, 1, 2, 3])
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n")
      connection.write(packed)
    }
    let done = try makeClient().fetch(origin.url)
    XCTAssertEqual(done.head?.status, 302)
    XCTAssertEqual(done.body, packed)
    XCTAssertEqual(origin.requests.count, 1)
  }

  // R-ORIGIN-5
  func testInterimResponsesAreIgnored() throws {
    let origin = try makeOrigin { _, connection in
      connection.write(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Again\r\n\r\n\(simpleResponse)"
      )
    }
    let done = try makeClient().fetch(origin.url)
    XCTAssertEqual(done.head?.status, 200)
    XCTAssertEqual(done.head?.fields, ["Content-Length", "2"])
    XCTAssertEqual(done.text, "ok")
  }

  // R-ORIGIN-11
  func testHead204And304EndWithTheirHeadEvenWhilePaused() throws {
    let origin = try makeOrigin { request, connection in
      connection.write("HTTP/1.1 \(request.target.dropFirst()) X\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n")
    }
    let client = makeClient()
    for (method, status) in [(AskMethod.head, 200), (.get, 204), (.get, 304)] {
      let fetched = loop.run {
        let fetched = client.startHere("\(origin.url)/\(status)", method)
        fetched.transfer?.pause()
        return fetched
      }
      try client.over(fetched)
      XCTAssertNil(fetched.failure, "\(method) \(status)")
      XCTAssertEqual(fetched.head?.framing, OriginFraming.none)
      XCTAssertEqual(fetched.story, "head done")
      XCTAssertEqual(fetched.head.flatMap { fieldFirst($0.fields, "content-length") }, "99")
    }
  }

  // R-ORIGIN-3
  func testAKeptAliveConnectionIsUsedAgainOneThatTheOriginClosesIsNot() throws {
    let origin = try makeOrigin { request, connection in
      let close = request.target == "/close" ? "Connection: close\r\n" : ""
      connection.write("HTTP/1.1 200 OK\r\n\(close)Content-Length: 2\r\n\r\nok")
    }
    let client = makeClient()
    for path in ["/1", "/2", "/close", "/3"] { _ = try client.fetch(origin.url + path) }
    XCTAssertEqual(origin.requests.map(\.connection), [0, 0, 0, 1])
    loop.until("the second connection is idle") { client.client.counts().idle == 1 }
    XCTAssertEqual(client.counts, [1, 1, 0])
    origin.connections[1].end()
    loop.until("the idle connection is forgotten") { client.client.counts().open == 0 }
    XCTAssertEqual(client.counts, [0, 0, 0])
  }

  // R-ORIGIN-3
  func testAnIdleConnectionIsKeptAsLongAsItMayBeAndAsTheOriginSays() throws {
    let origin = try makeOrigin { request, connection in
      connection.write("HTTP/1.1 200 OK\r\nKeep-Alive: \(request.target.dropFirst())\r\nContent-Length: 2\r\n\r\nok")
    }
    let brief = makeClient(limits: limits { $0.keepAliveMs = 40 })
    _ = try brief.fetch("\(origin.url)/timeout=100")
    loop.until("the time is over") { brief.client.counts().open == 0 }
    let client = makeClient()
    for said in ["timeout=2", "max=4,timeout=1", "timeout=0"] {
      _ = try client.fetch("\(origin.url)/\(said)")
      loop.until("it is not kept for \(said)") { client.client.counts().open == 0 }
    }
    _ = try client.fetch("\(origin.url)/Timeout=60,max=5")
    loop.until("it is kept") { client.client.counts().idle == 1 }
  }

  // R-ORIGIN-3
  func testAtMostSlotsMaxAndExpressMaxIdleConnectionsAreKept() throws {
    let gate = DispatchSemaphore(value: 0)
    let origin = try makeOrigin { _, connection in
      gate.wait()
      gate.signal()
      connection.write(simpleResponse)
    }
    let client = makeClient(
      limits: limits {
        $0.slotsMax = 2
        $0.expressMax = 1
      }
    )
    let all = (0..<8).map { _ in client.start(origin.url) }
    loop.until("all are asked at once, each on its own connection") { origin.requests.count == 8 }
    XCTAssertEqual(origin.openCount, 8)
    XCTAssertEqual(client.counts[2], 8)
    gate.signal()
    for one in all { try client.over(one) }
    loop.until("the others are closed") { origin.openCount == 3 }
    XCTAssertEqual(client.counts, [3, 3, 0])
  }

  // R-ORIGIN-4
  func testARequestLostOnAReusedConnectionIsSentOnceMoreOnAFreshOne() throws {
    for how in ["end", "reset"] {
      let origin = try makeOrigin { request, connection in
        if request.turn == 0 {
          connection.write(simpleResponse)
        } else if how == "end" {
          connection.end()
        } else {
          connection.reset()
        }
      }
      let client = makeClient()
      _ = try client.fetch(origin.url)
      let done = try client.fetch("\(origin.url)/again")
      XCTAssertNil(done.failure, how)
      XCTAssertEqual(done.story, "head data done")
      XCTAssertEqual(origin.requests.map { "\($0.connection) \($0.target)" }, ["0 /", "0 /again", "1 /again"])
      loop.until("the lost connection is closed") { origin.openCount == 1 }
      loop.until("the other is kept") { client.client.counts() == (1, 1, 0) }
    }
  }

  // R-ORIGIN-4
  func testARequestIsRetriedOnlyOnceAndOnlyAfterSilenceOnAReusedConnection() throws {
    let origin = try makeOrigin { request, connection in
      if request.target == "/good" {
        connection.write(simpleResponse)
        return
      }
      if request.target == "/partial" { connection.write("HTTP/1.1 2") }
      connection.end()
    }
    let client = makeClient()
    let fresh = try client.fetch("\(origin.url)/lost")
    XCTAssertEqual(fresh.failure?.code, .upstreamRefused)
    XCTAssertEqual(origin.requests.count, 1, "a fresh connection is not retried")
    _ = try client.fetch("\(origin.url)/good")
    let twice = try client.fetch("\(origin.url)/lost")
    XCTAssertEqual(twice.failure?.code, .upstreamRefused)
    XCTAssertEqual(twice.story, "done")
    XCTAssertEqual(origin.requests.count, 4, "a reused one once")
    _ = try client.fetch("\(origin.url)/good")
    let partial = try client.fetch("\(origin.url)/partial")
    XCTAssertEqual(partial.failure?.code, .upstreamRefused)
    XCTAssertEqual(origin.requests.count, 6, "an answer that began is not retried")
  }

  // R-ORIGIN-21
  func testBytesBeyondContentLengthAreNeverDeliveredAndTheirConnectionIsNotUsedAgain() throws {
    let origin = try makeOrigin { _, connection in
      connection.write("\(simpleResponse)HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    }
    let client = makeClient()
    for _ in 0..<3 {
      let done = try client.fetch(origin.url)
      XCTAssertEqual(done.text, "ok")
      XCTAssertNil(done.failure)
    }
    XCTAssertEqual(origin.requests.map(\.connection), [0, 1, 2])
  }

  // R-ORIGIN-21
  func testLineEndsBehindAResponseArePassedOver() throws {
    let origin = try makeOrigin { _, connection in connection.write("\(simpleResponse)\r\n\r\n") }
    let client = makeClient()
    for _ in 0..<3 { XCTAssertEqual(try client.fetch(origin.url).text, "ok") }
    XCTAssertEqual(origin.requests.map(\.connection), [0, 0, 0])
  }

  // R-ORIGIN-21
  func testBytesThatComeLateOnAnIdleConnectionDoNotAnswerTheNextRequest() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let other = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient()
    _ = try client.fetch(origin.url)
    _ = try client.fetch(other.url)
    origin.connections[0].write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    // The request is made as requests are: in an event of the network.
    var next: Fetched?
    let before = try client.fetch(other.url, hooks: FetchHooks(onDone: { _ in next = client.startHere(origin.url) }))
    XCTAssertNil(before.failure)
    let done = try client.over(XCTUnwrap(next))
    XCTAssertEqual(done.text, "ok")
    XCTAssertEqual(origin.requests.map(\.connection), [0, 1], "the connection was not even asked")
  }
}
