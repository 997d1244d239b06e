import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// Many transfers at once, origins that do what they like, callers that change their minds.
final class OriginChaosTests: OriginTestCase {
  private static let body = testBody(0, 40_000)
  private static let ends = ["good", "good", "good", "good", "cut", "reset", "silent", "garbage"]

  /// What the target says: a framing, and where and how the response ends ("/chunked/7/reset").
  private static func answer(_ request: RawRequest, _ connection: RawConnection) {
    let parts = request.target.split(separator: "/").map(String.init)
    let seed = Int(parts[1]) ?? 0
    let stop = parts[2] == "good" ? body.count : seed * 7_919 % body.count
    if parts[2] == "silent" { return }
    if parts[2] == "garbage" {
      connection.write("220 mail.example ESMTP\r\n")
      return
    }
    switch parts[0] {
    case "length":
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
      connection.write(Data(body[..<stop]))
    case "chunked":
      connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      for at in stride(from: 0, to: stop, by: 1_000 + seed) {
        let piece = body[at..<min(at + 1_000 + seed, stop)]
        connection.write(Data("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Data("\r\n".utf8))
      }
      if stop == body.count { connection.write("0\r\n\r\n") }
    default:
      connection.write("HTTP/1.1 200 OK\r\n\r\n")
      connection.write(Data(body[..<stop]))
      connection.end()
    }
    if parts[2] == "cut" { connection.end() }
    if parts[2] == "reset" { connection.reset() }
  }

  func testEveryTransferEndsOnceAsItShouldWhateverHappensBesides() throws {
    let origin = try makeOrigin { OriginChaosTests.answer($0, $1) }
    let client = makeClient(limits: limits { $0.slotsMax = 4 })
    let brief = limits { $0.headSilenceMs = 50 }
    var random = Seeded(state: 7)
    let loop = loop
    let body = OriginChaosTests.body
    for round in 0..<12 {
      var all: [(fetched: Fetched, how: String, framing: String)] = []
      var aborted = 0
      for _ in 0..<40 {
        let framing = ["length", "chunked", "close"].randomElement(using: &random) ?? ""
        let how = OriginChaosTests.ends.randomElement(using: &random) ?? ""
        let url = "\(origin.url)/\(framing)/\(Int.random(in: 1..<1_000, using: &random))/\(how)"
        let gives = Int.random(in: 0..<10, using: &random) == 0
        let pauses = Int.random(in: 0..<2, using: &random) == 0
        var left = Int.random(in: 0..<20_000, using: &random)
        let hooks = FetchHooks(onData: { fetched, bytes in
          left -= bytes.count
          if gives && left < 0 {
            fetched.transfer?.abort()
          } else if pauses {
            fetched.transfer?.pause()
            loop.later { fetched.transfer?.resume() }
          }
        })
        let fetched = client.start(url, limits: how == "silent" ? brief : defaultLimits, hooks: hooks)
        if gives {
          aborted += 1
        } else {
          all.append((fetched, how, framing))
        }
      }
      for (fetched, how, framing) in all {
        try client.over(fetched)
        XCTAssertFalse(fetched.story.contains("LATE"))
        XCTAssertEqual(fetched.body, body.prefix(fetched.size), "no byte out of place")
        switch (how, framing) {
        case ("good", _):
          XCTAssertNil(fetched.failure)
          XCTAssertEqual(fetched.size, body.count)
        case ("silent", _): XCTAssertEqual(fetched.failure?.code, .upstreamTimeout)
        case ("garbage", _): XCTAssertEqual(fetched.failure?.code, .upstreamProtocol)
        // A FIN is the end of such a body; a reset may come before it or after.
        case ("cut", "close"): XCTAssertNil(fetched.failure)
        case ("reset", "close"): break
        default:
          let code = fetched.failure?.code
          XCTAssertTrue(code == .upstreamTruncated || code == .upstreamRefused, "\(how) \(framing): \(code as Any)")
        }
      }
      loop.until("round \(round) is over") { client.client.counts().active == 0 }
      // What is done with is given back, or closed, a little later.
      loop.until("nothing is open after round \(round) but what is idle") {
        let counts = client.client.counts()
        return counts.open == counts.idle
      }
    }
    try client.close()
    XCTAssertEqual(client.counts, [0, 0, 0])
    loop.until("the origin has no connection left") { origin.openCount == 0 }
  }
}
