/// Follows the bytes of a request target (RFC 9112 section 3.2) as the reference's parser does: origin form, absolute
/// form, `*`, and for CONNECT an authority. What the target means is the core's to say.
struct TargetScanner: Sendable {
  enum Verdict { case goesOn, ended, wrong }

  private enum Place { case start, scheme, firstSlash, secondSlash, authority, authorityAfterAt, path, query, fragment }

  private var place: Place

  init(_ isConnect: Bool) {
    place = isConnect ? .authority : .start
  }

  /// Whether a run of the bytes of `ByteSet.target` changes nothing.
  var isInPath: Bool { place == .path || place == .query || place == .fragment }

  /// The next byte: part of the target, the space or line end behind it, or wrong.
  @inline(__always) mutating func take(_ byte: UInt8) -> Verdict {
    switch place {
    case .path, .query, .fragment:
      if ByteSet.target.contains(byte) { return .goesOn }
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
      } else if ByteSet.alpha.contains(byte) {
        place = .scheme
      } else {
        return .wrong
      }
    case .scheme:
      if byte == Ascii.colon {
        place = .firstSlash
      } else if !ByteSet.alpha.contains(byte) {
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
      if !ByteSet.authority.contains(byte) { return .wrong }
      place = .authority
    }
    return .goesOn
  }
}
