import ReelcacheCore

/// Reads field lines up to the empty line behind them (RFC 9112 section 5): those of a head, and those of a trailer.
/// Strictly: no white space before the colon, no folding, no line end but CR LF, no control byte.
struct FieldLinesReader: Sendable {
  private enum Place { case lineStart, name, space, emptyLf, emptyNext, value, valueLf, valueNext, endLf }

  private enum Kind { case plain, connection, contentLength, transferEncoding }

  private var place = Place.lineStart
  private var kind = Kind.plain
  private var name = ByteString()
  private var value = ByteString()
  private var coding = CodingScanner()
  /// Spaces have followed the digits of Content-Length: no digit may follow them.
  private var lengthEnded = false
  /// Whether lines are kept; those of a trailer are only checked.
  private let keeps: Bool
  private(set) var fields: FieldList = []
  private(set) var framing: RequestFraming

  /// `framing` is what the fields before say of the message: nothing in a head, the head's in its trailer.
  init(_ keeps: Bool, _ framing: RequestFraming) {
    self.keeps = keeps
    self.framing = framing
    if keeps { fields.reserveCapacity(32) }
  }

  mutating func read(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, _ budget: inout HeadBudget) -> ReadStep {
    while at < bytes.count {
      let step: ReadStep
      switch place {
      case .name:
        step = inName(bytes, &at, &budget)
      case .value:
        step = inValue(bytes, &at, &budget)
      default:
        step = between(bytes[at], &at)
      }
      if step != .more { return step }
    }
    return .more
  }

  private mutating func between(_ byte: UInt8, _ at: inout Int) -> ReadStep {
    switch place {
    case .lineStart:
      if byte == Ascii.cr {
        place = .endLf
      } else if ByteSet.token.contains(byte) {
        place = .name
        return .more
      } else {
        return .refused(.badRequest)
      }
    case .space:
      if byte == Ascii.cr {
        place = .emptyLf
      } else if byte != Ascii.space && byte != Ascii.tab {
        place = .value
        return beginValue()
      }
    case .emptyLf, .valueLf:
      if byte != Ascii.lf { return .refused(.badRequest) }
      place = place == .emptyLf ? .emptyNext : .valueNext
    case .emptyNext, .valueNext:
      // Folding is obsolete, and another reader might take it for a field.
      if byte == Ascii.space || byte == Ascii.tab { return .refused(.badRequest) }
      return endLine()
    default:
      at += 1
      return byte == Ascii.lf ? .done : .refused(.badRequest)
    }
    at += 1
    return .more
  }

  private mutating func inName(
    _ bytes: UnsafeRawBufferPointer,
    _ at: inout Int,
    _ budget: inout HeadBudget
  ) -> ReadStep {
    let end = ByteSet.token.end(bytes, at)
    name.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[at..<end]))
    at = end
    if end == bytes.count { return budget.grow(name.count) ? .more : .refused(.headTooLarge) }
    // What came before counts first, or it would matter how the bytes are cut into pieces.
    if bytes[end] != Ascii.colon { return .refused(budget.grow(name.count) ? .badRequest : .headTooLarge) }
    at += 1
    if !budget.close(name.count) || !budget.addField() { return .refused(.headTooLarge) }
    kind = kindOf(name)
    place = .space
    // Two framings are two readings of one message (RFC 9112 section 6.3).
    let contradicts =
      (kind == .contentLength && framing.transferEncoding) || (kind == .transferEncoding && framing.length != nil)
    return contradicts ? .refused(.badRequest) : .more
  }

  /// The first byte of a value is there, not yet taken.
  private mutating func beginValue() -> ReadStep {
    switch kind {
    case .contentLength:
      if framing.length != nil { return .refused(.badRequest) }
      lengthEnded = false
    case .transferEncoding:
      // R-HTTP-5: behind "chunked" no coding is possible.
      if framing.chunked { return .refused(.badRequest) }
      framing.transferEncoding = true
      coding = CodingScanner()
    case .plain, .connection:
      break
    }
    return .more
  }

  private mutating func inValue(
    _ bytes: UnsafeRawBufferPointer,
    _ at: inout Int,
    _ budget: inout HeadBudget
  ) -> ReadStep {
    let start = at
    let end = ByteSet.fieldValue.end(bytes, at)
    if kind == .contentLength || kind == .transferEncoding {
      for (offset, byte) in bytes[start..<end].enumerated() where !takeFraming(byte) {
        return .refused(budget.grow(value.count + offset) ? .badRequest : .headTooLarge)
      }
    }
    value.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    at = end
    if end == bytes.count { return budget.grow(value.count) ? .more : .refused(.headTooLarge) }
    if !budget.close(value.count) { return .refused(.headTooLarge) }
    if bytes[end] != Ascii.cr { return .refused(.badRequest) }
    if kind == .transferEncoding { framing.chunked = coding.isChunked }
    place = .valueLf
    at += 1
    return .more
  }

  /// Follows a value that frames the message; false where it becomes wrong.
  private mutating func takeFraming(_ byte: UInt8) -> Bool {
    if kind == .transferEncoding { return coding.take(byte) }
    if byte == Ascii.space || byte == Ascii.tab {
      lengthEnded = true
      return framing.length != nil
    }
    if lengthEnded || byte < Ascii.zero || byte > Ascii.nine { return false }
    let (tens, overflow) = (framing.length ?? 0).multipliedReportingOverflow(by: 10)
    let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - Ascii.zero))
    framing.length = sum
    return !overflow && !carry
  }

  /// A line is over: `value` holds its value.
  private mutating func endLine() -> ReadStep {
    if value.isEmpty && (kind == .contentLength || kind == .transferEncoding) { return .refused(.badRequest) }
    if kind == .connection { framing.readConnection(value) }
    if keeps {
      fields.append(name)
      fields.append(trimOws(value))
    }
    name = ByteString()
    value = ByteString()
    kind = .plain
    place = .lineStart
    return .more
  }

  private func kindOf(_ name: ByteString) -> Kind {
    switch name.count {
    case 10 where equalIgnoreCase(name, connectionName): .connection
    case 14 where equalIgnoreCase(name, contentLengthName): .contentLength
    case 16 where equalIgnoreCase(name, proxyConnectionName): .connection
    case 17 where equalIgnoreCase(name, transferEncodingName): .transferEncoding
    default: .plain
    }
  }
}

private let connectionName: ByteString = "connection"
private let contentLengthName: ByteString = "content-length"
private let proxyConnectionName: ByteString = "proxy-connection"
private let transferEncodingName: ByteString = "transfer-encoding"
