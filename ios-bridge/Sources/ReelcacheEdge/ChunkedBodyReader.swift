/// Reads a chunked body and forgets it (RFC 9112 section 7.1), up to its last chunk; the trailer is not its business.
struct ChunkedBodyReader: Sendable {
  private enum Place {
    case firstDigit, size, sizeLf, extensionStart, extensionName, extensionValue, quoted, escaped, quotedEnd
    case data, dataCr, dataLf
  }

  /// Bytes of chunk extensions in one chunk.
  private static let extensionBytesMax = 16_384

  private var place = Place.firstDigit
  private var left: UInt64 = 0
  private var extensionBytes = 0

  /// The next byte is one of a chunk's data.
  var isAtData: Bool { place == .data && left > 0 }

  /// Passes over data of the chunk, of which so many bytes are there; returns how many.
  mutating func takeData(_ available: Int) -> Int {
    let taken = min(left, UInt64(available))
    left -= taken
    if left == 0 { place = .dataCr }
    return Int(taken)
  }

  /// Reads on; with `stopsAtData` up to the next chunk's data, which is then taken.
  mutating func read(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, _ stopsAtData: Bool) -> ReadStep {
    while at < bytes.count {
      if stopsAtData && isAtData { return .more }
      if place == .data {
        let taken = min(left, UInt64(bytes.count - at))
        left -= taken
        at += Int(taken)
        if left == 0 { place = .dataCr }
        continue
      }
      let byte = bytes[at]
      at += 1
      if !take(byte) { return .refused(.badRequest) }
      if place == .data && left == 0 { return .done }
    }
    return .more
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    switch place {
    case .firstDigit, .size:
      return inSize(byte)
    case .sizeLf:
      place = .data
      return byte == Ascii.lf
    case .extensionStart, .extensionName, .extensionValue, .quoted, .escaped, .quotedEnd:
      return inExtension(byte)
    case .dataCr:
      place = .dataLf
      return byte == Ascii.cr
    case .dataLf, .data:
      place = .firstDigit
      return byte == Ascii.lf
    }
  }

  private mutating func inSize(_ byte: UInt8) -> Bool {
    if let digit = Ascii.hex(byte) {
      if place == .firstDigit { left = 0 }
      place = .size
      if left >> 60 != 0 { return false }
      left = left << 4 | digit
      return true
    }
    if place == .firstDigit { return false }
    extensionBytes = 0
    return behindExtension(byte)
  }

  private mutating func inExtension(_ byte: UInt8) -> Bool {
    switch place {
    case .extensionStart where byte == Ascii.space || byte == Ascii.cr:
      return false
    case .extensionStart, .extensionName:
      place = .extensionName
      if byte == Ascii.equals {
        place = .extensionValue
        return true
      }
      return ByteSet.token.contains(byte) ? count() : behindExtension(byte)
    case .extensionValue:
      if byte == Ascii.quote {
        place = .quoted
        return count()
      }
      return ByteSet.token.contains(byte) ? count() : behindExtension(byte)
    case .quoted:
      if byte == Ascii.quote {
        place = .quotedEnd
      } else if byte == Ascii.backslash {
        place = .escaped
      } else if !ByteSet.quoted.contains(byte) {
        return false
      }
      return count()
    case .escaped:
      place = .quoted
      return ByteSet.fieldValue.contains(byte) && count()
    default:
      return behindExtension(byte)
    }
  }

  /// Behind the size, an extension or its value: another one, or the end of the line.
  private mutating func behindExtension(_ byte: UInt8) -> Bool {
    switch byte {
    case Ascii.semicolon:
      place = .extensionStart
    case Ascii.cr:
      place = .sizeLf
    default:
      return false
    }
    return true
  }

  private mutating func count() -> Bool {
    extensionBytes += 1
    return extensionBytes <= ChunkedBodyReader.extensionBytesMax
  }
}
