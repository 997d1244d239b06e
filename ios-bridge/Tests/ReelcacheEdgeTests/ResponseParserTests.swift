import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// What the parser makes of bytes, whole and split in every way. The outcomes are those of the reference's library, found
/// by asking both (some of a hundred thousand cases).
final class ResponseParserTests: XCTestCase {
  /// All that a transfer would hear: "200 OK [fields] length|body|ok kept".
  private func outcome(_ pieces: [Data], _ method: AskMethod = .get, _ ends: Bool = false) -> String {
    var parser = ResponseParser(200)
    var said = ""
    var body = Data()
    var verdict = "more"
    var strays = false
    for piece in pieces {
      if verdict != "more" {
        strays = strays || !piece.allSatisfy { $0 == 10 || $0 == 13 }
        continue
      }
      parser.push(piece)
      while verdict == "more", let event = parser.next() {
        switch event {
        case .head(let status, let reason, let raw):
          let fields = raw.map { "\"\(trimOws($0))\"" }.joined(separator: ", ")
          said += "\(status) \(reason) [\(fields)] "
          if status < 200 && status != 100 && status != 101 { continue }
          let framing = originFraming(method, status, originFields(raw))
          if !framing.fault.isEmpty {
            verdict = "malformed"
            continue
          }
          said += framing.framing.rawValue
          parser.body(method, framing.framing, framing.length)
        case .data(let bytes): body.append(bytes)
        case .ended: verdict = "ok"
        case .failed: verdict = "malformed"
        }
      }
      if verdict == "ok" { strays = !parser.dropLineEnds() }
    }
    if verdict == "more" && ends { verdict = parser.finish() ? "ok by end" : "cut" }
    if verdict == "ok" { verdict += parser.keepAlive && !strays ? " kept" : " closed" }
    return "\(said)|\(latin1(body))|\(verdict)"
  }

  private func check(
    _ text: String,
    _ wanted: String,
    _ method: AskMethod = .get,
    ends: Bool = false,
    _ line: UInt = #line
  ) {
    let bytes = Data(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    XCTAssertEqual(outcome([bytes], method, ends), wanted, text, line: line)
    XCTAssertEqual(outcome(bytes.map { Data([$0]) }, method, ends), wanted, "byte by byte: \(text)", line: line)
    for at in 0...bytes.count {
      XCTAssertEqual(outcome([bytes[..<at], bytes[at...]], method, ends), wanted, "cut at \(at): \(text)", line: line)
    }
  }

  // R-ORIGIN-12
  func testStatusLines() {
    let rest = "Content-Length: 0\r\n\r\n"
    for start in ["HTTP/1.1 200", "\r\n\n\rHTTP/1.1 200", "HTTP/1.1 200 ", "RTSP/1.1 200", "ICE/1.1 200"] {
      check("\(start)\r\n\(rest)", "200  [\"Content-Length\", \"0\"] length||ok kept")
    }
    for start in ["HTTP/1.0 200", "HTTP/2.0 200", "HTTP/0.9 200"] {
      check("\(start)\r\n\(rest)", "200  [\"Content-Length\", \"0\"] length||ok closed")
      check(
        "\(start)\r\nConnection: keep-alive\r\n\(rest)",
        "200  [\"Connection\", \"keep-alive\", \"Content-Length\", \"0\"] length||ok kept"
      )
    }
    check("HTTP/1.1 999 Odd  one\r\n\(rest)", "999 Odd  one [\"Content-Length\", \"0\"] length||ok kept")
    check("HTTP/1.1 200 a\u{0}b\u{e9}\r\r\(rest)", "200 a\u{0}b\u{e9} [\"Content-Length\", \"0\"] length||ok kept")
    let wrong = [
      " HTTP/1.1 200", "http/1.1 200", "HTTP/1.2 200", "HTTP/3.0 200", "HTTP/1 200", "HTTP/11.1 200", "HTTP /1.1 200",
      "ICY 200", "HTTP/1.1  200", "HTTP/1.1\t200", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 2x0", "HTTP/1.1 000",
      "HTTP/1.1 200 OK\n", "HTTP/1.1 200\n", "HTTP/1.1 200\tOK", "\u{0}HTTP/1.1 200",
    ]
    for start in wrong { check("\(start)\r\n\(rest)", "||malformed") }
    check(
      "HTTP/1.1 200 \(String(repeating: "x", count: 300))\r\n\(rest)",
      "200  [\"Content-Length\", \"0\"] length||ok kept"
    )
  }

  // R-ORIGIN-12, R-ORIGIN-16
  func testFields() {
    check(
      "HTTP/1.1 204 X\r\nA:b\r\nA: \t b \t\r\n!#$%&'*+-.^_`|~:x\u{80}\u{ff}\r\nE:\r\nF: \r\n\r\n",
      "204 X [\"A\", \"b\", \"A\", \"b\", \"!#$%&'*+-.^_`|~\", \"x\u{80}\u{ff}\", \"E\", \"\", \"F\", \"\"] none||ok kept"
    )
    let wrong = [
      "A : b", "A\t: b", "A b: c", ": b", "A", "\u{e9}: b", "A: \u{0}", "A: b\u{7f}", "A: b\u{1}", "A: b\n",
      "A: b\rC: d", "A:\r", " A: b", "\tA: b", "A: b\r\n c", "A: b\r\n\tc", "A:\r\n c", "A\u{0}: b", "(A): b",
      "A: \(String(repeating: "x", count: 199))", "\(String(repeating: "x", count: 200)): a",
    ]
    for field in wrong { check("HTTP/1.1 204 X\r\n\(field)\r\n\r\n", "||malformed") }
    check("HTTP/1.1 204 X\r\n\n", "||malformed")
    check("HTTP/1.1 204 X\r\n\r\r", "||malformed")
    let long = String(repeating: "x", count: 198)
    check("HTTP/1.1 204 X\r\nA: \(long)\r\n\r\n", "204 X [\"A\", \"\(long)\"] none||ok kept")
  }

  // R-ORIGIN-13
  func testFraming() {
    for (length, body) in [("5", "hello"), ("005", "hello"), ("5 ", "hello"), ("\t5\t", "hello")] {
      let value = length.trimmingCharacters(in: .whitespaces)
      check(
        "HTTP/1.1 200 X\r\nContent-Length: \(length)\r\n\r\n\(body)",
        "200 X [\"Content-Length\", \"\(value)\"] length|hello|ok kept"
      )
    }
    let wrong = [
      "Content-Length: ", "Content-Length: +5", "Content-Length: 5x", "Content-Length: 5 5", "Content-Length: 5,5",
      "Content-Length: 18446744073709551616", "Content-Length: 5\r\nContent-Length: 5",
      "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ]
    for field in wrong { check("HTTP/1.1 200 X\r\n\(field)\r\n\r\nhello", "||malformed") }
    check(
      "HTTP/1.1 200 X\r\nContent-Length: 9007199254740992\r\n\r\n",
      "200 X [\"Content-Length\", \"9007199254740992\"] |" + "|malformed"
    )
    check("HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\n\r\n", "200 X [\"Transfer-Encoding\", \"gzip\"] ||malformed")
    check("HTTP/1.1 200 X\r\n\r\nhello", "200 X [] close|hello|ok by end", ends: true)
    check("HTTP/1.1 200 X\r\n\r\nhello", "200 X [] close|hello|more")
    let cut = "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nhello"
    check(cut, "200 X [\"Content-Length\", \"9\"] length|hello|cut", ends: true)
    check("HTTP/1.1 20", "||cut", ends: true)
  }

  // R-ORIGIN-3, R-ORIGIN-11, R-ORIGIN-21
  func testWhatBecomesOfTheConnection() {
    let close = ["close", "x, Close", "keep-alive,\tCLOSE \t", ",close"]
    for option in close {
      let text = "HTTP/1.1 204 X\r\nConnection: \(option)\r\n\r\n"
      XCTAssertTrue(outcome([Data(text.utf8)]).hasSuffix("ok closed"), option)
    }
    for option in ["closed", "clos,e", "", "upgrade", "x close", "\"close\""] {
      let text = "HTTP/1.1 204 X\r\nConnection: \(option)\r\n\r\n"
      XCTAssertTrue(outcome([Data(text.utf8)]).hasSuffix("ok kept"), option)
    }
    check(
      "HTTP/1.1 204 X\r\nProxy-Connection: close\r\n\r\n",
      "204 X [\"Proxy-Connection\", \"close\"] none||ok closed"
    )
    check("HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n", "304 X [\"Content-Length\", \"9\"] none||ok closed")
    check("HTTP/1.1 304 X\r\nContent-Length: 0\r\n\r\n", "304 X [\"Content-Length\", \"0\"] none||ok kept")
    check(
      "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
      "204 X [\"Transfer-Encoding\", \"chunked\"] none||ok closed"
    )
    check("HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n", "200 X [\"Content-Length\", \"9\"] none||ok kept", .head)
    let whole = "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok"
    let said = "200 X [\"Content-Length\", \"2\"] length|ok|ok"
    check("\(whole)\r\n\r\n", "\(said) kept")
    check("\(whole)x", "\(said) closed")
    check("\(whole)HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nevil", "\(said) closed")
  }

  // R-ORIGIN-5
  func testInterimResponses() {
    let last = "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok"
    check(
      "HTTP/1.1 103 H\r\nContent-Length: 7\r\n\r\nHTTP/1.1 150 I\r\n\r\n\(last)",
      "103 H [\"Content-Length\", \"7\"] 150 I [] 200 X [\"Content-Length\", \"2\"] length|ok|ok kept"
    )
    check("HTTP/1.1 103 H\r\nConnection: close\r\n\r\n\(last)", "103 H [\"Connection\", \"close\"] ||malformed")
    check("HTTP/1.1 103 H\r\nConnection: close\r\n\r\n\r\n", "103 H [\"Connection\", \"close\"] ||more")
    check("HTTP/1.0 103 H\r\n\r\n\(last)", "103 H [] ||malformed")
    check("HTTP/1.1 100 H\r\n\r\n\(last)", "100 H [] ||malformed")
    check("HTTP/1.1 101 H\r\n\r\n\(last)", "101 H [] ||malformed")
  }

  // R-ORIGIN-12
  func testChunks() {
    let head = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    let said = "200 X [\"Transfer-Encoding\", \"chunked\"] chunked|"
    let good = [
      "5\r\nhello\r\n0\r\n\r\n", "05\r\nhello\r\n00\r\n\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\nC:\r\n\r\n",
      "5;a\r\nhello\r\n0;b=c\r\n\r\n", "5;a=\"b; c\\\"\\\\\u{e9}\t\"\r\nhello\r\n0\r\n\r\n",
      "5;a;b=c;d=\"\"\r\nhello\r\n0\r\n\r\n",
      "5;=;a=;;b\r\nhello\r\n0\r\n\r\n",
    ]
    for body in good { check(head + body, "\(said)hello|ok kept") }
    check("\(head)A\r\n0123456789\r\n0\r\n\r\n", "\(said)0123456789|ok kept")
    let wrong = [
      "\r\n", "x\r\n", "5 \r\n", "5\t\r\n", " 5\r\n", "5\n", "5\r\r", "5; a\r\n", "5;\r\n", "5;a b\r\n", "5;a =b\r\n",
      "5;a\n", "5;a=\"b\u{7f}\"\r\n", "5;a=\"b\"c\r\n", "5;\u{e9}\r\n", "5;a=\"\\\u{1}\"\r\n", "5;a=\"\r\n",
      "10000000000000000\r\n", "0x5\r\n",
    ]
    for body in wrong { check(head + body, "\(said)|malformed") }
    for body in [
      "5\r\nhellox", "5\r\nhello\n", "5\r\nhello\rx", "5\r\nhello\r\n0\r\n A: b", "5\r\nhello\r\n0\r\nA\r\n",
    ] {
      check(head + body, "\(said)hello|malformed")
    }
    check("\(head)5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "\(said)hello|malformed")
    check("\(head)5\r\nhello\r\n0\r\nA: \(String(repeating: "x", count: 199))\r\n\r\n", "\(said)hello|malformed")
    check("\(head)5\r\nhello\r\n0\r\nConnection: close\r\n\r\n", "\(said)hello|ok closed")
    check("\(head)ffffffffffffffff\r\nhello", "\(said)hello|more")
    check("\(head)5\r\nhello\r\n0\r\n", "\(said)hello|cut", ends: true)
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

/// The same numbers at every run (xorshift), so that a failure comes again.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
