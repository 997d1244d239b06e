/// Sets of bytes that the grammar of a request is made of. One table of 256 bytes holds them all, a bit each, so that a
/// run of bytes is followed at the speed of memory.
struct ByteSet: Sendable {
  static let alpha = ByteSet(1)
  /// `tchar` (RFC 9110 section 5.6.2).
  static let token = ByteSet(2)
  /// What may stand in a field value: no control byte but the tab (RFC 9110 section 5.5).
  static let fieldValue = ByteSet(4)
  /// What may stand in the path of a target, and behind its "?" (there also "?") and "#" (there also "?" and "#").
  static let target = ByteSet(8)
  /// What may stand in the authority of an absolute target, "@" aside.
  static let authority = ByteSet(16)
  /// The inside of a quoted string but for its backslash (RFC 9110 section 5.6.4).
  static let quoted = ByteSet(32)

  private let bit: UInt8

  private init(_ bit: UInt8) {
    self.bit = bit
  }

  @inline(__always) func contains(_ byte: UInt8) -> Bool { table.of(byte) & bit != 0 }

  /// Where the first byte outside of the set stands, at or after `start`; the count when there is none.
  @inline(__always) func end(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    let table = table
    var at = start
    while at < bytes.count && table.of(bytes[at]) & bit != 0 { at += 1 }
    return at
  }

  fileprivate static let members: [(ByteSet, String, [ClosedRange<UInt8>])] = [
    (alpha, "", [65...90, 97...122]),
    (token, "!#$%&'*+-.^_`|~", [48...57, 65...90, 97...122]),
    (fieldValue, "\t", [32...126, 128...255]),
    (target, "!\"$%&'()*+,-./:;<=>@[\\]^_`{|}~", [48...57, 65...90, 97...122]),
    (authority, "-_.!~*'()%;:&=+$,[]", [48...57, 65...90, 97...122]),
    (quoted, "\t !", [35...91, 93...126, 128...255]),
  ]

  fileprivate func mark(_ table: UnsafeMutablePointer<UInt8>, _ text: String, _ ranges: [ClosedRange<UInt8>]) {
    for byte in text.utf8 { table[Int(byte)] |= bit }
    for range in ranges {
      for byte in range { table[Int(byte)] |= bit }
    }
  }
}

/// The sets that each byte is in. Made once, and never given back.
private struct ByteTable: @unchecked Sendable {
  private let bits: UnsafePointer<UInt8>

  init() {
    let made = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    made.initialize(repeating: 0, count: 256)
    for (set, text, ranges) in ByteSet.members { set.mark(made, text, ranges) }
    bits = UnsafePointer(made)
  }

  @inline(__always) func of(_ byte: UInt8) -> UInt8 { bits[Int(byte)] }
}

private let table = ByteTable()
