import XCTest

@testable import ReelcacheCore

/// Byte strings against definitions so naive that they are plainly right, over texts of two letters, in which everything
/// is found often and nearly found oftener.
final class ByteStringTests: XCTestCase {
  func testASliceIsTheBytesWhoseOffsetsAreInside() {
    eachText { text, _, random in
      let start = random.next(text.count + 5) - 2
      let end = random.next(text.count + 5) - 2
      let inside = (0..<text.count).filter { $0 >= start && $0 < end }
      XCTAssertEqual(text.slice(start, end), ByteString(inside.map { text.bytes[$0] }))
      XCTAssertEqual(text.slice(start), text.slice(start, text.count))
    }
  }

  func testIndexOfIsTheFirstOffsetAtWhichTheTextStands() {
    eachText { text, wanted, random in
      let start = random.next(text.count + 5) - 2
      let expected = offsets(text, wanted).first { $0 >= start } ?? (wanted.isEmpty ? text.count : -1)
      XCTAssertEqual(text.indexOf(wanted, start), expected, "\(text) \(wanted) \(start)")
      XCTAssertEqual(text.indexOf(wanted), offsets(text, wanted).first ?? -1, "\(text) \(wanted)")
    }
  }

  func testLastIndexOfIsTheLastOffsetAtWhichTheTextStands() {
    eachText { text, wanted, _ in
      XCTAssertEqual(text.lastIndexOf(wanted), offsets(text, wanted).last ?? -1, "\(text) \(wanted)")
    }
  }

  func testATextStartsIncludesAndEndsWithWhatStandsThere() {
    eachText { text, wanted, random in
      let at = random.next(text.count + 5) - 2
      let found = offsets(text, wanted)
      XCTAssertEqual(text.startsWith(wanted, at), found.contains(at), "\(text) \(wanted) \(at)")
      XCTAssertEqual(text.startsWith(wanted), found.contains(0), "\(text) \(wanted)")
      XCTAssertEqual(text.endsWith(wanted), found.contains(text.count - wanted.count), "\(text) \(wanted)")
      XCTAssertEqual(text.includes(wanted), !found.isEmpty, "\(text) \(wanted)")
    }
  }

  func testWhatIsSplitAndJoinedIsTheSame() {
    eachText { text, wanted, _ in
      if wanted.isEmpty { return }
      let parts = text.split(wanted)
      XCTAssertEqual(joined(parts, wanted), text)
      XCTAssertFalse(parts.contains { $0.includes(wanted) })
    }
  }

  func testJoiningInterpolatingAndAppendingAgree() {
    eachText { text, wanted, _ in
      var appended = text
      appended += wanted
      XCTAssertEqual(text + wanted, ByteString(Array(text.bytes) + Array(wanted.bytes)))
      XCTAssertEqual(appended, text + wanted)
      XCTAssertEqual("\(text)\(wanted)" as ByteString, appended)
      XCTAssertEqual("<\(text.count)>" as ByteString, ByteString(utf8: "<\(text.count)>"))
    }
  }

  func testANumberIsWrittenAsItsDigits() {
    for value in [0, 9, 10, 99, 100, -1, -10, integerMax, Int.max, Int.min] {
      XCTAssertEqual(ByteString.decimal(value), ByteString(utf8: String(value)))
    }
  }

  func testTextsAreOrderedByteByByte() {
    var random = SeededRandom(1)
    for _ in 0..<2000 {
      let a = random.bytes(3)
      let b = random.bytes(3)
      XCTAssertEqual(a < b, a.bytes.lexicographicallyPrecedes(b.bytes))
      XCTAssertEqual(a == b, !(a < b) && !(b < a))
    }
  }

  func testEveryByteComesBackFromLatin1() {
    let all = ByteString((0...255).map { UInt8($0) })
    XCTAssertEqual(ByteString(latin1: all.description), all)
    XCTAssertNil(ByteString(latin1: "a\u{100}"))
  }

  func testASeedGivesTheNumbersThatItGivesTheReference() {
    let bounds = [2, 10, 256, 1_000_000, 1_048_576, 7]
    var first = SeededRandom(1)
    XCTAssertEqual(bounds.map { first.next($0) }, [1, 0, 135, 981_050, 1_015_417, 1])
    var last = SeededRandom(4_294_967_295)
    XCTAssertEqual(bounds.map { last.next($0) }, [1, 1, 183, 944_059, 886_294, 3])
  }

  private func eachText(_ check: (ByteString, ByteString, inout SeededRandom) -> Void) {
    for seed in 1...3000 {
      var random = SeededRandom(seed)
      check(random.text(20, ["a", "b"]), random.text(4, ["a", "b"]), &random)
    }
  }

  /// All offsets at which `wanted` stands.
  private func offsets(_ text: ByteString, _ wanted: ByteString) -> [Int] {
    (0...text.count).filter { at in
      at + wanted.count <= text.count && Array(text.bytes[at..<at + wanted.count]) == Array(wanted.bytes)
    }
  }
}
