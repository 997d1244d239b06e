import XCTest

@testable import ReelcacheCore

/// Bytes share memory and are values all the same: what is done to one shows in no other.
final class SharedBytesTests: XCTestCase {
  func testASliceLooksAtTheMemoryOfWhatItWasCutFrom() {
    let text = copied("a text of its own")
    XCTAssertEqual(text.slice(2, 6).bytes.start, text.bytes.start + 2)
    XCTAssertNil(("a literal" as ByteString).slice(2).bytes.memory, "the program holds it")
  }

  func testASliceOutlivesWhatItWasCutFrom() {
    var text: ByteString? = copied("a text of its own")
    let slice = text?.slice(2, 6)
    text = nil
    XCTAssertEqual(slice, "text")
  }

  func testAppendingToOneLeavesTheOthersAlone() {
    let literal: ByteString = "literal"
    var text = copied("one two")
    text.bytes.reserveCapacity(100)
    var before = text
    var slice = text.slice(0, 3)
    var longer = literal
    slice += "-three"
    longer += "!"
    before += "+"
    text += "/"
    XCTAssertEqual(
      [literal, longer, slice, before, text],
      ["literal", "literal!", "one-three", "one two+", "one two/"]
    )
  }

  func testATextIsAppendedToItselfAndToItsOwnPart() {
    var text = copied("ab")
    text += text
    text += text.slice(1, 3)
    XCTAssertEqual(text, "ababba")
  }

  func testWhoIsAloneWithItsMemoryAppendsInPlace() {
    var text = copied("ab")
    text.bytes.reserveCapacity(64)
    let place = text.bytes.start
    for _ in 0..<62 { text += "c" }
    XCTAssertEqual(text.bytes.start, place)
    // A window that is left alone has the room behind it.
    var rest = text.slice(60)
    text = ""
    rest.bytes.reserveCapacity(4)
    XCTAssertEqual(rest.bytes.start, place + 60)
    rest += "0123456789"
    XCTAssertEqual(rest, "cccc0123456789")
  }

  func testManyBytesAppendedOneByOneAreThoseAppendedAtOnce() {
    var random = SeededRandom(1)
    for _ in 0..<200 {
      let bytes = (0..<random.next(300)).map { _ in UInt8(random.next(256)) }
      var one = SharedBytes()
      for byte in bytes { one.append(byte) }
      var lazily = SharedBytes()
      lazily.append(contentsOf: bytes.lazy.map { $0 })
      XCTAssertEqual(Array(one), bytes)
      XCTAssertEqual(one, SharedBytes(bytes))
      XCTAssertEqual(lazily, one)
    }
  }

  private func copied(_ text: String) -> ByteString { ByteString(utf8: text) }
}
