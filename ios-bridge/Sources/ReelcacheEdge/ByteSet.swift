/// A set of bytes that answers in two instructions: 256 bits.
struct ByteSet: Sendable {
  private let bits: (UInt64, UInt64, UInt64, UInt64)

  /// The bytes of ASCII text, of the ranges, or of both.
  init(_ text: StaticString, _ ranges: ClosedRange<UInt8>...) {
    var words: [UInt64] = [0, 0, 0, 0]
    text.withUTF8Buffer { for byte in $0 { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) } }
    for range in ranges {
      for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    }
    bits = (words[0], words[1], words[2], words[3])
  }

  @inline(__always) func contains(_ byte: UInt8) -> Bool {
    let low = byte & 64 == 0 ? bits.0 : bits.1
    let high = byte & 64 == 0 ? bits.2 : bits.3
    return (byte < 128 ? low : high) >> UInt64(byte & 63) & 1 == 1
  }

  /// Where the first byte outside of the set stands, at or after `start`; the count when there is none.
  @inline(__always) func end(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var at = start
    while at < bytes.count && contains(bytes[at]) { at += 1 }
    return at
  }
}

/// Letters, digits, and the sets that the grammar of a request is made of.
enum ByteSets {
  static let alpha = ByteSet("", 65...90, 97...122)
  /// `tchar` (RFC 9110 section 5.6.2).
  static let token = ByteSet("!#$%&'*+-.^_`|~", 48...57, 65...90, 97...122)
  /// What may stand in a field value: no control byte but the tab (RFC 9110 section 5.5).
  static let fieldValue = ByteSet("\t", 32...126, 128...255)
  /// What may stand in the path of a target, and behind its "?" (there also "?") and "#" (there also "?" and "#").
  static let target = ByteSet("!\"$%&'()*+,-./:;<=>@[\\]^_`{|}~", 48...57, 65...90, 97...122)
  /// What may stand in the authority of an absolute target, "@" aside.
  static let authority = ByteSet("-_.!~*'()%;:&=+$,[]", 48...57, 65...90, 97...122)
  /// The inside of a quoted string but for its backslash (RFC 9110 section 5.6.4).
  static let quoted = ByteSet("\t !", 35...91, 93...126, 128...255)
}
