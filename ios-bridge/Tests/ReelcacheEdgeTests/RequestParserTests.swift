import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

final class RequestParserTests: XCTestCase {
  func testOddRequestsAreReadAsTheReferenceReadsThem() throws {
    let all = try OddRequest.all()
    XCTAssertGreaterThan(all.count, 200)
    for one in all { XCTAssertEqual(oddEvents([one.bytes[...]]), one.events, one.name) }
  }

  func testHowTheBytesAreCutIntoPiecesMakesNoDifference() throws {
    for one in try OddRequest.all() where one.bytes.count < 2_000 {
      XCTAssertEqual(oddEvents(one.bytes.indices.map { one.bytes[$0...$0] }), one.events, "\(one.name), byte by byte")
      for at in one.bytes.indices {
        let pieces = [one.bytes[..<at], one.bytes[at...]]
        XCTAssertEqual(oddEvents(pieces), one.events, "\(one.name), cut at \(at)")
      }
    }
  }

  func testLargeHeadsInPiecesAreJudgedAsWhole() throws {
    for one in try OddRequest.all() where one.bytes.count >= 2_000 {
      for size in [1_000, 4_096, 65_535, 65_536] {
        let pieces = stride(from: 0, to: one.bytes.count, by: size).map { at in
          one.bytes[at..<min(at + size, one.bytes.count)]
        }
        XCTAssertEqual(oddEvents(pieces), one.events, "\(one.name), pieces of \(size)")
      }
    }
  }

  func testWhatIsTooLargeAndThenWrongIsTooLargeHoweverItIsCut() {
    let long = String(repeating: "a", count: 50)
    let heads = [
      "GET /\(long)\u{1a} HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\(long)@: b\r\n", "GET / HTTP/1.1\r\nX: \(long)\u{1}\r\n",
      "GET / HTTP/1.1\r\nTransfer-Encoding: \(long), chunked, \(long)\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 1\(String(repeating: " ", count: 50))2\r\n",
    ]
    for head in heads {
      let bytes = Array(head.utf8)
      for size in 1...bytes.count {
        let pieces = stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
        XCTAssertEqual(oddEvents(pieces, headBytesMax: 40), ["head-too-large"], "\(head) in pieces of \(size)")
        XCTAssertEqual(oddEvents(pieces), ["bad-request"], "\(head) in pieces of \(size)")
      }
    }
  }

  func testARequestIsHandedOnWithTheByteThatEndsItsHead() {
    let bytes = Array("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    XCTAssertEqual(oddEvents([bytes.dropLast()], ends: false), [])
    XCTAssertEqual(oddEvents([bytes[...]], ends: false).count, 1)
  }

  func testOneEventAtATimeIsTakenAndTheBytesBehindItAreLeft() {
    let bytes = Array("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n".utf8)
    var parser = RequestParser(1_000)
    bytes.withUnsafeBytes { raw in
      var at = 0
      XCTAssertNotNil(parser.next(raw, &at))
      XCTAssertEqual(at, 19)
      XCTAssertFalse(parser.isInside)
      XCTAssertNotNil(parser.next(raw, &at))
      XCTAssertEqual(at, bytes.count)
      XCTAssertNil(parser.next(raw, &at))
    }
  }

  func testItTellsWhetherARequestIsUnderWayAndHowManyHaveBegun() {
    var parser = RequestParser(1_000)
    func feed(_ text: String) {
      Array(text.utf8).withUnsafeBytes { raw in
        var at = 0
        while parser.next(raw, &at) != nil {}
      }
    }
    feed("\r\n")
    XCTAssertEqual(parser.begun, 0, "an empty line begins nothing")
    XCTAssertFalse(parser.isInside)
    feed("P")
    XCTAssertEqual(parser.begun, 1)
    XCTAssertTrue(parser.isInside)
    feed("OST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n")
    XCTAssertTrue(parser.isInside, "its content is still to come")
    feed("abGET")
    XCTAssertEqual(parser.begun, 2)
    XCTAssertTrue(parser.isInside)
    feed(" / HTTP/3.0\r\n")
    XCTAssertFalse(parser.isInside, "refused")
  }

  func testContentIsToldWhenItIsAskedForHoweverItIsCut() {
    let texts = [
      "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ]
    for text in texts {
      let bytes = Array(text.utf8)
      for size in 1...bytes.count {
        var parser = RequestParser(1_000)
        var told = ""
        for start in stride(from: 0, to: bytes.count, by: size) {
          let piece = Array(bytes[start..<min(start + size, bytes.count)])
          piece.withUnsafeBytes { raw in
            var at = 0
            while let event = parser.next(raw, &at) {
              switch event {
              case .request(let head):
                told += "[\(latin1Text(head.method))]"
                parser.tellsContent = told == "[PUT]"
              case .content(let from, let end): told += String(decoding: piece[from..<end], as: UTF8.self)
              case .contentEnd: told += "."
              case .refused(let code): told += code.rawValue
              }
            }
          }
        }
        XCTAssertEqual(told, "[PUT]hello.[GET]", "\(text) in pieces of \(size)")
      }
    }
  }

  func testNothingBehindWhatIsRefusedIsLookedAt() {
    var parser = RequestParser(1_000)
    let bytes = Array("\0GET / HTTP/1.1\r\n\r\n".utf8)
    bytes.withUnsafeBytes { raw in
      var at = 0
      XCTAssertEqual(parser.next(raw, &at), .refused(.badRequest))
      XCTAssertNil(parser.next(raw, &at))
      XCTAssertEqual(at, bytes.count)
    }
    XCTAssertNil(parser.finish())
  }

  func testTheSizeOfAHeadIsTheOneThatWasAskedFor() {
    func event(_ valueBytes: Int) -> RequestEvent? {
      var parser = RequestParser(100)
      let text = "GET /23 HTTP/1.1\r\nName: " + String(repeating: "v", count: valueBytes) + "\r\n\r\n"
      return Array(text.utf8).withUnsafeBytes { raw in
        var at = 0
        return parser.next(raw, &at)
      }
    }
    XCTAssertEqual(event(93), .refused(.headTooLarge), "3 of the target, 4 of the name, 93 of the value")
    guard case .request? = event(92) else { return XCTFail("a byte less is all right") }
  }

  func testNoBytesWhateverMakeItFailOrStandStill() {
    var state: UInt64 = 1
    func random(_ below: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % below
    }
    let words = [
      "GET ", "/", " HTTP/1.1\r\n", "\r\n", "\r", "\n", "Host: a\r\n", "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n",
      "3\r\nabc\r\n", "0\r\n", ":", " ", "\0", "é", "BREW ", "CONNECT ", "http://a", "Connection: close\r\n",
      "ffffffff",
    ]
    for _ in 0..<2_000 {
      var bytes: [UInt8] = []
      for _ in 0..<random(20) { bytes += Array(words[random(words.count)].utf8) }
      if !bytes.isEmpty && random(3) == 0 { bytes[random(bytes.count)] = UInt8(random(256)) }
      let whole = oddEvents([bytes[...]])
      XCTAssertEqual(oddEvents(bytes.indices.map { bytes[$0...$0] }), whole, "\(bytes)")
      let refused = whole.filter { !$0.contains(" ") }
      XCTAssertLessThanOrEqual(refused.count, 1)
    }
  }
}
