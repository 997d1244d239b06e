import ReelcacheCore

// The status line (RFC 9112 section 4).

extension ResponseParser {
  mutating func scanLine(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let byte = bytes[at]
    switch state {
    case .start:
      if byte == Ascii.cr || byte == Ascii.lf {
        at += 1
        return nil
      }
      answered = true
      return beginName(byte)
    case .closed:
      if byte != Ascii.cr && byte != Ascii.lf { return fail("bytes after Connection: close") }
    case .protocolName:
      if byte != word.bytes[matched] { return fail("not the beginning of a response") }
      matched += 1
      if matched == word.count { state = .major }
    case .reason:
      return scanReason(bytes)
    case .lineFeed:
      // The reference's parser lets a second carriage return pass here, and only here.
      if byte != Ascii.lf && byte != Ascii.cr { return fail("no line feed after the status line") }
      state = .headStart
    case .codeEnd:
      if byte == Ascii.space {
        state = .reason
      } else if byte == Ascii.cr {
        state = .lineFeed
      } else {
        return fail("an invalid status")
      }
    case .major, .dot, .minor, .space:
      if let failure = scanVersion(byte) { return failure }
    default:
      if let failure = scanStatus(byte) { return failure }
    }
    at += 1
    return nil
  }

  private mutating func beginName(_ byte: UInt8) -> ResponseEvent? {
    switch byte {
    case 72: word = "HTTP/"
    case 82: word = "RTSP/"
    case 73: word = "ICE/"
    default: return fail("not the beginning of a response")
    }
    matched = 0
    state = .protocolName
    return nil
  }

  private mutating func scanVersion(_ byte: UInt8) -> ResponseEvent? {
    let digit = byte >= Ascii.zero && byte <= Ascii.nine ? Int(byte - Ascii.zero) : -1
    if state == .major && digit >= 0 {
      major = digit
      state = .dot
    } else if state == .dot && byte == Ascii.dot {
      state = .minor
    } else if state == .minor && isKnownVersion(major, digit) {
      minor = digit
      state = .space
    } else if state == .space && byte == Ascii.space {
      status = 0
      state = .firstDigit
    } else {
      // R-ORIGIN-12
      return fail("an invalid version")
    }
    return nil
  }

  private mutating func scanStatus(_ byte: UInt8) -> ResponseEvent? {
    if byte < Ascii.zero || byte > Ascii.nine { return fail("an invalid status") }
    status = status * 10 + Int(byte - Ascii.zero)
    switch state {
    case .firstDigit: state = .secondDigit
    case .secondDigit: state = .thirdDigit
    default: state = .codeEnd
    }
    return nil
  }

  /// Takes the reason phrase; one as long as a head may be is not kept, as nothing depends on it.
  private mutating func scanReason(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let start = at
    while at < bytes.count && bytes[at] != Ascii.cr && bytes[at] != Ascii.lf { at += 1 }
    if reason.count + at - start > headBytesMax {
      reasonLost = true
      reason = ""
    }
    if !reasonLost { reason.bytes.append(contentsOf: bytes[start..<at]) }
    if at == bytes.count { return nil }
    if bytes[at] == Ascii.lf { return fail("a bare line feed after the status line") }
    state = .lineFeed
    at += 1
    return nil
  }
}

/// HTTP/0.9, 1.0, 1.1 and 2.0: what the reference's parser takes in a status line.
private func isKnownVersion(_ major: Int, _ minor: Int) -> Bool {
  switch major {
  case 0: return minor == 9
  case 1: return minor == 0 || minor == 1
  case 2: return minor == 0
  default: return false
  }
}
