import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class FieldsTextTests: XCTestCase {
  private func stored(_ fields: FieldList) -> String { String(decoding: storedFields(fields), as: UTF8.self) }
  private func read(_ json: String) -> FieldList? { wireFields(Array(json.utf8)) }

  func testFieldsAreWrittenAsTheReferencesJsonWritesThem() {
    XCTAssertEqual(stored([]), "[]")
    XCTAssertEqual(stored(["A", "b c", "ETag", "\"x\\\""]), #"["A","b c","ETag","\"x\\\""]"#)
    let low = ByteString((0..<32).map { UInt8($0) })
    // As `JSON.stringify` gave it.
    let escapes =
      #"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013"#
      + #"\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"#
    XCTAssertEqual(stored([low, "/"]), "[\"\(escapes)\",\"/\"]")
    XCTAssertEqual(stored([ByteString([0x7f, 0x80, 0xff]), ""]), "[\"\u{7f}\u{80}\u{ff}\",\"\"]")
  }

  func testEveryByteComesBack() {
    let all = ByteString((0..<256).map { UInt8($0) })
    XCTAssertEqual(wireFields(storedFields(["X", all])), ["X", all])
    XCTAssertEqual(wireText(storedText(all)), all)
  }

  func testAnyValidJsonArrayOfPairsOfStringsIsRead() {
    XCTAssertEqual(read(" [ \"a\" ,\r\n\t\"b\" ] "), ["a", "b"])
    XCTAssertEqual(read("[ ]"), [])
    XCTAssertEqual(
      read(#"["\u0041\u00e9\u00FF\/","\b\f\n\r\t\"\\"]"#)?.map { Array($0.bytes) },
      [[0x41, 0xe9, 0xff, 0x2f], [8, 12, 10, 13, 9, 34, 92]]
    )
    XCTAssertEqual(read("[\"é\",\"\"]")?.first, ByteString([0xe9]))
  }

  func testWhatIsNoSuchArrayIsNil() {
    let wrong = [
      "", " ", "[", "]", "{}", "null", "\"a\"", "[\"a\"]", "[\"a\",]", "[,]", "[\"a\" \"b\"]", "[\"a\",\"b\"",
      "[\"a\",\"b]",
      "[\"a\",\"b\"]x", "[\"a\",\"b\"],", "[1,\"2\"]", "[null,\"2\"]", "[\"a\",[]]", "['a','b']", "[\"a\",\"\\x\"]",
      "[\"a\",\"\\u12\"]", "[\"a\",\"\\u00g0\"]", "[\"a\",\"\\u0100\"]", "[\"a\",\"\\ud83d\\ude00\"]",
      "[\"a\",\"\\ud800\"]",
      "[\"a\",\"\n\"]", "[\"a\",\"\u{0}\"]", "[\"a\",\"Ā\"]", "[\"a\",\"😀\"]", "\u{feff}[]", "[\"a\",\"\\",
      "[\"a\",\"\\u",
    ]
    for json in wrong { XCTAssertNil(read(json), json) }
    XCTAssertNil(wireFields([0x5b, 0x22, 0xff, 0x22, 0x2c, 0x22, 0x22, 0x5d]), "no UTF-8")
    XCTAssertNil(wireText([0xc3]))
    XCTAssertNil(wireText([0xc1, 0x80]), "longer than need be")
    XCTAssertNil(wireText([0x80]))
  }

  func testNoBytesTrapTheReader() {
    var state: UInt64 = 7
    let alphabet = Array("[]\",\\u0041bfnrt/ \u{0}\u{e9}x".utf8) + [0xff, 0xc2, 0x80]
    for _ in 0..<20_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int(state >> 40) % 24 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      if let fields = wireFields(bytes) { XCTAssertEqual(wireFields(storedFields(fields)), fields) }
    }
  }
}
