import ReelcacheCore

// Fields of a head or of the trailer section behind a chunked body (RFC 9112 sections 5 and 7.1.2).

extension ResponseParser {
  mutating func scanFields(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let byte = bytes[at]
    switch state {
    case .headStart:
      // White space here would hide the field behind it (RFC 9112 section 2.2).
      if byte == Ascii.space { return fail("white space before the first field") }
      state = .fieldStart
      return nil
    case .fieldStart:
      return beginField(byte)
    case .name:
      return scanName(bytes)
    case .value:
      return special == .length ? scanLength(bytes) : scanValue(bytes)
    case .valueStart:
      return beginValue(byte)
    case .emptyNext, .valueNext:
      // R-ORIGIN-12: a folded line.
      if isBlank(byte) { return fail("a folded field") }
      return fieldDone()
    case .emptyLineFeed, .valueLineFeed:
      if byte != Ascii.lf { return fail("no line feed after a field") }
      state = state == .emptyLineFeed ? .emptyNext : .valueNext
      at += 1
      return nil
    default:
      if byte != Ascii.lf { return fail("no line feed after the head") }
      at += 1
      if !trailing { return headDone() }
      state = .ending
      return next()
    }
  }

  private mutating func beginField(_ byte: UInt8) -> ResponseEvent? {
    if byte == Ascii.cr {
      state = .headLineFeed
      at += 1
      return nil
    }
    name = ""
    value = ""
    state = .name
    if byte == Ascii.colon { return fail("a field without a name") }
    return nil
  }

  private mutating func scanName(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let start = at
    while at < bytes.count && isTokenByte(bytes[at]) { at += 1 }
    name.bytes.append(contentsOf: bytes[start..<at])
    if let failure = count(at - start) { return failure }
    if at == bytes.count { return nil }
    if bytes[at] != Ascii.colon { return fail("a byte that no field name has") }
    at += 1
    special = specialField(name)
    // R-ORIGIN-13
    if (special == .coding && hasLength) || (special == .length && hasCoding) {
      return fail("both Content-Length and Transfer-Encoding")
    }
    state = .valueStart
    return nil
  }

  private mutating func beginValue(_ byte: UInt8) -> ResponseEvent? {
    if byte == Ascii.lf { return fail("a bare line feed after a field") }
    if byte == Ascii.cr {
      state = .emptyLineFeed
      at += 1
    } else if isBlank(byte) {
      at += 1
    } else {
      // R-ORIGIN-13
      if special == .length && hasLength { return fail("several Content-Length fields") }
      if special == .coding { hasCoding = true }
      state = .value
    }
    return nil
  }

  private mutating func scanValue(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let start = at
    while at < bytes.count && isValueByte(bytes[at]) { at += 1 }
    value.bytes.append(contentsOf: bytes[start..<at])
    if let failure = count(at - start) { return failure }
    return at == bytes.count ? nil : endValue(bytes[at])
  }

  /// R-ORIGIN-13: digits and nothing behind them.
  private mutating func scanLength(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    let start = at
    while at < bytes.count && isDigit(Int(bytes[at])) { at += 1 }
    value.bytes.append(contentsOf: bytes[start..<at])
    if let failure = count(at - start) { return failure }
    // More digits than 2^64-1 has: no leading zeros count.
    if isTooLong(value) { return fail("Content-Length is not a number") }
    if at == bytes.count { return nil }
    if bytes[at] != Ascii.cr || value.isEmpty { return fail("Content-Length is not a number") }
    return endValue(bytes[at])
  }

  private mutating func endValue(_ byte: UInt8) -> ResponseEvent? {
    // R-ORIGIN-12
    if byte == Ascii.lf { return fail("a bare line feed after a field") }
    if byte != Ascii.cr { return fail("a byte that no field value has") }
    // R-ORIGIN-13
    if special == .coding, let last = value.bytes.last, isBlank(last) {
      return fail("white space behind a framing field")
    }
    at += 1
    state = .valueLineFeed
    return nil
  }

  private mutating func fieldDone() -> ResponseEvent? {
    if special == .length {
      if value.isEmpty { return fail("Content-Length is not a number") }
      hasLength = true
    }
    if special == .connection { noteConnection() }
    if trailing {
      // Such a field has no place here; what the origin means by it for the connection is not found out.
      if special != .none { keepAlive = false }
    } else {
      raw.append(name)
      raw.append(value)
    }
    state = .fieldStart
    return nil
  }

  /// Options of Connection (RFC 9110 section 7.6.1), and of Proxy-Connection, which some servers send for it.
  private mutating func noteConnection() {
    var start = 0
    while start <= value.count {
      let comma = value.indexOf(",", start)
      let end = comma < 0 ? value.count : comma
      let option = trimOws(value.slice(start, end))
      if equalIgnoreCase(option, "close") { saysClose = true }
      if equalIgnoreCase(option, "keep-alive") { saysKeepAlive = true }
      start = end + 1
    }
  }
}

private func specialField(_ name: ByteString) -> SpecialField {
  switch name.count {
  case 10: return equalIgnoreCase(name, "connection") ? .connection : .none
  case 14: return equalIgnoreCase(name, "content-length") ? .length : .none
  case 16: return equalIgnoreCase(name, "proxy-connection") ? .connection : .none
  case 17: return equalIgnoreCase(name, "transfer-encoding") ? .coding : .none
  default: return .none
  }
}

/// Whether the digits say more than 2^64-1.
private func isTooLong(_ digits: ByteString) -> Bool {
  var value: UInt64 = 0
  for byte in digits.bytes {
    let (product, over) = value.multipliedReportingOverflow(by: 10)
    let (sum, carried) = product.addingReportingOverflow(UInt64(byte - Ascii.zero))
    if over || carried { return true }
    value = sum
  }
  return false
}

private func isBlank(_ byte: UInt8) -> Bool {
  byte == Ascii.space || byte == Ascii.tab
}

private func isValueByte(_ byte: UInt8) -> Bool {
  (byte >= 32 && byte != 127) || byte == Ascii.tab
}
