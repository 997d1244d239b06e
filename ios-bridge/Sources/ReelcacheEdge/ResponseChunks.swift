import ReelcacheCore

// The chunked coding (RFC 9112 section 7.1): sizes, extensions (read and dropped), and the trailer section's beginning.

extension ResponseParser {
  mutating func scanChunk(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let byte = bytes[at]
    switch state {
    case .chunkFirst, .chunkSize:
      if let failure = scanSize(byte) { return failure }
    case .chunkLineFeed:
      if byte != Ascii.lf { return fail("no line feed after a chunk size") }
      trailing = remaining == 0
      state = trailing ? .fieldStart : .chunkData
    case .chunkReturn:
      if byte != Ascii.cr { return fail("no line end after a chunk") }
      state = .chunkReturnFeed
    case .chunkReturnFeed:
      if byte != Ascii.lf { return fail("no line end after a chunk") }
      state = .chunkFirst
    default:
      if let failure = scanExtension(byte) { return failure }
    }
    at += 1
    return nil
  }

  private mutating func scanSize(_ byte: UInt8) -> ResponseEvent? {
    let digit = hexValue(byte)
    if state == .chunkFirst { remaining = 0 }
    if digit >= 0 {
      // R-ORIGIN-12
      if remaining > UInt64.max >> 4 { return fail("a chunk size beyond 2^64-1") }
      remaining = remaining << 4 | UInt64(digit)
      state = .chunkSize
    } else if state == .chunkSize && byte == Ascii.cr {
      state = .chunkLineFeed
    } else if state == .chunkSize && byte == Ascii.semicolon {
      state = .extensionStart
    } else {
      return fail("a byte that no chunk size has")
    }
    return nil
  }

  private mutating func scanExtension(_ byte: UInt8) -> ResponseEvent? {
    switch state {
    case .extensionStart:
      if byte == Ascii.space || byte == Ascii.cr { return fail("an empty chunk extension") }
      state = .extensionName
      return scanExtension(byte)
    case .extensionName where byte == Ascii.equals:
      state = .extensionValue
    case .extensionName where isTokenByte(byte):
      break
    case .extensionValue where byte == Ascii.quote:
      state = .quoted
    case .extensionValue where isTokenByte(byte):
      break
    case .quoted where byte == Ascii.quote:
      state = .quotedEnd
    case .quoted where byte == Ascii.backslash:
      state = .quotedPair
    case .quoted where isQuotedByte(byte):
      break
    case .quotedPair where isQuotedByte(byte):
      state = .quoted
    case .extensionName, .extensionValue, .quotedEnd:
      return endExtension(byte)
    default:
      return fail("a byte that no chunk extension has")
    }
    return nil
  }

  private mutating func endExtension(_ byte: UInt8) -> ResponseEvent? {
    if byte == Ascii.semicolon {
      state = .extensionStart
    } else if byte == Ascii.cr {
      state = .chunkLineFeed
    } else {
      return fail("a byte that no chunk extension has")
    }
    return nil
  }
}

func isTokenByte(_ byte: UInt8) -> Bool {
  tokenBytes[Int(byte)]
}

/// `tchar` of RFC 9110 section 5.6.2, by byte.
private let tokenBytes: [Bool] = (0..<256).map { isToken(.fromCode($0)) }

/// HTAB, SP, VCHAR and obs-text.
private func isQuotedByte(_ byte: UInt8) -> Bool {
  (byte >= 32 && byte != 127) || byte == Ascii.tab
}

private func hexValue(_ byte: UInt8) -> Int {
  switch byte {
  case 48...57: return Int(byte) - 48
  case 65...70: return Int(byte) - 55
  case 97...102: return Int(byte) - 87
  default: return -1
  }
}
