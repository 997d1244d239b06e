import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// What the parser makes of bytes, whole and split in every way. The cases are the reference's own: its client passes the
/// same file, with a library in the parser's place.
final class ResponseParserTests: XCTestCase {
  private struct Case: Decodable {
    struct Head: Decodable, Equatable {
      let status: Int
      let reason: String
      let fields: [String]
      let framing: String
    }

    let id: String
    let method: String
    let sent: String
    let ends: Bool
    let head: Head?
    let body: String
    let failure: String?
    let kept: Bool
  }

  private struct Cases: Decodable {
    let cases: [Case]
  }

  /// All that a transfer would hear, in one line.
  private func outcome(_ pieces: [Data], _ method: AskMethod = .get, _ ends: Bool = false) -> String {
    var parser = ResponseParser(200)
    var head: Case.Head?
    var body = Data()
    var failure: String? = "nothing"
    var over = false
    var kept = false
    var strays = false
    for piece in pieces {
      if over {
        strays = strays || !piece.allSatisfy { $0 == 10 || $0 == 13 }
        continue
      }
      parser.push(piece)
      while !over, let event = parser.next() {
        switch event {
        case .head(let status, _, _) where status < 200 && status != 100 && status != 101:
          break
        case .head(let status, let reason, let raw):
          let fields = originFields(raw)
          let framing = originFraming(method, status, fields)
          over = !framing.fault.isEmpty
          if over {
            failure = "upstream-protocol"
            continue
          }
          head = Case.Head(
            status: status,
            reason: originReason(reason).description,
            fields: fields.map(\.description),
            framing: framing.framing.rawValue
          )
          parser.body(method, framing.framing, framing.length)
          let said = originKeepAlive(fields)
          kept = parser.keepAlive && method == .get && (said < 0 || said > 2_000)
        case .data(let bytes):
          body.append(bytes)
        case .ended:
          over = true
          failure = nil
          kept = kept && parser.keepAlive
        case .failed:
          over = true
          failure = "upstream-protocol"
        }
      }
      if failure == nil { strays = !parser.dropLineEnds() }
    }
    if !over && ends {
      failure = parser.finish() ? nil : head == nil ? "upstream-refused" : "upstream-truncated"
      kept = false
    }
    return line(head, latin1(body), failure, kept && !strays && failure == nil)
  }

  private func line(_ head: Case.Head?, _ body: String, _ failure: String?, _ kept: Bool) -> String {
    "\(head.map { "\($0)" } ?? "no head") \(body.debugDescription) \(failure ?? "ok") \(kept ? "kept" : "closed")"
  }

  private func check(_ bytes: Data, _ wanted: String, _ method: AskMethod, _ ends: Bool, _ id: String) {
    XCTAssertEqual(outcome([bytes], method, ends), wanted, id)
    XCTAssertEqual(outcome(bytes.map { Data([$0]) }, method, ends), wanted, "\(id) byte by byte")
    for at in 0...bytes.count {
      XCTAssertEqual(outcome([bytes[..<at], bytes[at...]], method, ends), wanted, "\(id) cut at \(at)")
    }
  }

  /// A response that the file of cases does not have, and what it should be like.
  private func check(_ text: String, like other: String, _ id: String) {
    let wanted = outcome([latin1Bytes(other)])
    XCTAssertFalse(wanted.contains("nothing"), "\(id): it came to an end")
    check(latin1Bytes(text), wanted, .get, false, id)
  }

  // R-ORIGIN-12
  func testEachResponseIsWhatTheFileSaysOfItHoweverItIsSplit() throws {
    let file = fixtureFolder().appendingPathComponent("origin/responses.json")
    let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: file)).cases
    XCTAssertGreaterThan(cases.count, 150)
    for one in cases {
      let method = try XCTUnwrap(AskMethod(rawValue: one.method))
      check(latin1Bytes(one.sent), line(one.head, one.body, one.failure, one.kept), method, one.ends, one.id)
    }
  }

  // R-ORIGIN-21
  func testAConnectionWhoseTrailersSpeakOfItIsNotUsedAgain() {
    let start = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    for trailer in ["Connection: keep-alive", "Transfer-Encoding: chunked"] {
      XCTAssertTrue(outcome([latin1Bytes("\(start)\(trailer)\r\n\r\n")]).hasSuffix("\"hello\" ok closed"), trailer)
    }
  }

  // R-ORIGIN-12, R-ORIGIN-16
  func testAStatusBelow100IsNoneAndALongReasonPhraseIsNotKept() {
    check("HTTP/1.1 099 X\r\n\r\n", like: "HTTP/9.9 200 X\r\n\r\n", "099")
    let empty = "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"
    let long = "HTTP/1.1 200 \(String(repeating: "x", count: 300))\r\nContent-Length: 0\r\n\r\n"
    check(long, like: empty, "a long reason")
  }

  func testRandomBytesNeverTrap() {
    var random = Seeded(state: 1)
    let seeds = [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n",
      "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ]
    for turn in 0..<20_000 {
      var bytes = Data(seeds[turn % seeds.count].utf8)
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        default: bytes.remove(at: at)
        }
      }
      let whole = outcome([bytes], .get, true)
      let cut = Int.random(in: 0...bytes.count, using: &random)
      XCTAssertEqual(outcome([Data(bytes[..<cut]), bytes[cut...]], .get, true), whole, latin1(bytes))
    }
  }

  func testTheBytesOfABodyAreNotCopied() {
    var parser = ResponseParser(200)
    let piece = Data("HTTP/1.1 200 X\r\n\r\n".utf8) + Data(count: 100_000)
    parser.push(piece)
    guard case .head = parser.next() else { return XCTFail("a head") }
    parser.body(.get, .close, -1)
    guard case .data(let bytes) = parser.next() else { return XCTFail("a body") }
    piece.withUnsafeBytes { all in
      bytes.withUnsafeBytes { part in XCTAssertEqual(part.baseAddress, all.baseAddress.map { $0 + 18 }) }
    }
    parser.push(piece)
    guard case .data(let next) = parser.next() else { return XCTFail("more of it") }
    XCTAssertEqual(next, piece)
  }
}

/// The folder of fixtures: the checkout's own, or what the environment's REELCACHE_FIXTURES names.
private func fixtureFolder() -> URL {
  if let path = ProcessInfo.processInfo.environment["REELCACHE_FIXTURES"] {
    return URL(fileURLWithPath: path, isDirectory: true)
  }
  return (1...4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    .appendingPathComponent("fixtures", isDirectory: true)
}

private func latin1Bytes(_ text: String) -> Data {
  Data(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
}
