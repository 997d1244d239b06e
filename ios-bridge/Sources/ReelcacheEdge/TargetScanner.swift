/// Follows the bytes of a request target (RFC 9112 section 3.2) as the reference's parser does: origin form, absolute
/// form, `*`, and for CONNECT an authority. What the target means is the core's to say.
struct TargetScanner: Sendable {
  enum Verdict { case goesOn, ended, wrong }

  private enum Place { case start, scheme, firstSlash, secondSlash, authority, authorityAfterAt, path, query, fragment }

  private var place: Place

  init(_ isConnect: Bool) {
    place = isConnect ? .authority : .start
  }

  /// The next byte: part of the target, the space or line end behind it, or wrong.
  @inline(__always) mutating func take(_ byte: UInt8) -> Verdict {
    switch place {
    case .path, .query, .fragment:
      if ByteSets.target.contains(byte) { return .goesOn }
      return inPath(byte)
    default:
      return beforePath(byte)
    }
  }

  // R-HTTP-12: no byte from 0x80 on, and no control byte.
  private mutating func inPath(_ byte: UInt8) -> Verdict {
    switch byte {
    case Ascii.space, Ascii.cr, Ascii.lf:
      return .ended
    case Ascii.question:
      if place == .path { place = .query }
      return .goesOn
    case Ascii.hash:
      place = .fragment
      return .goesOn
    default:
      return .wrong
    }
  }

  private mutating func beforePath(_ byte: UInt8) -> Verdict {
    switch place {
    case .start:
      if byte == Ascii.slash || byte == Ascii.asterisk {
        place = .path
      } else if ByteSets.alpha.contains(byte) {
        place = .scheme
      } else {
        return .wrong
      }
    case .scheme:
      if byte == Ascii.colon {
        place = .firstSlash
      } else if !ByteSets.alpha.contains(byte) {
        return .wrong
      }
    case .firstSlash, .secondSlash:
      if byte != Ascii.slash { return .wrong }
      place = place == .firstSlash ? .secondSlash : .authority
    default:
      return inAuthority(byte)
    }
    return .goesOn
  }

  private mutating func inAuthority(_ byte: UInt8) -> Verdict {
    switch byte {
    case Ascii.space, Ascii.cr, Ascii.lf:
      return .ended
    case Ascii.slash:
      place = .path
    case Ascii.question:
      place = .query
    case Ascii.at:
      if place == .authorityAfterAt { return .wrong }
      place = .authorityAfterAt
    default:
      if !ByteSets.authority.contains(byte) { return .wrong }
      place = .authority
    }
    return .goesOn
  }
}

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
