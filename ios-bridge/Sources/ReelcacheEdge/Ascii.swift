/// The bytes that the grammar of HTTP/1 is built around.
enum Ascii {
  static let tab: UInt8 = 9
  static let lf: UInt8 = 10
  static let cr: UInt8 = 13
  static let space: UInt8 = 32
  static let quote: UInt8 = 34
  static let hash: UInt8 = 35
  static let asterisk: UInt8 = 42
  static let comma: UInt8 = 44
  static let dot: UInt8 = 46
  static let slash: UInt8 = 47
  static let zero: UInt8 = 48
  static let nine: UInt8 = 57
  static let colon: UInt8 = 58
  static let semicolon: UInt8 = 59
  static let equals: UInt8 = 61
  static let question: UInt8 = 63
  static let at: UInt8 = 64
  static let backslash: UInt8 = 92

  /// The lower case of a letter; other bytes may change too, none into a letter.
  @inline(__always) static func lower(_ byte: UInt8) -> UInt8 { byte | 32 }

  /// The value of a hexadecimal digit, nil when it is none.
  @inline(__always) static func hex(_ byte: UInt8) -> UInt64? {
    if byte >= zero && byte <= nine { return UInt64(byte - zero) }
    let letter = lower(byte)
    return byte >= 65 && letter >= 97 && letter <= 102 ? UInt64(letter - 87) : nil
  }
}
