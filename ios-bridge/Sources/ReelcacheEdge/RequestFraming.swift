import ReelcacheCore

/// What the fields of a request say of where it ends, and of what may follow it (RFC 9112 sections 6.3 and 9.3).
struct RequestFraming: Equatable, Sendable {
  /// The last coding of the last Transfer-Encoding is "chunked".
  var chunked = false
  /// There is a Transfer-Encoding.
  var transferEncoding = false
  /// Content-Length, in bytes.
  var length: UInt64?
  private var asksClose = false
  private var asksKeepAlive = false

  /// Reads Connection, or Proxy-Connection, which the reference's parser takes for the same.
  mutating func readConnection(_ value: ByteString) {
    var start = 0
    while start <= value.count {
      let comma = value.indexOf(",", start)
      let end = comma < 0 ? value.count : comma
      let option = trimOws(value.slice(start, end))
      if equalIgnoreCase(option, closeOption) { asksClose = true }
      if equalIgnoreCase(option, keepAliveOption) { asksKeepAlive = true }
      start = end + 1
    }
  }

  /// Whether another request may follow on the connection.
  func allowsMore(_ major: Int, _ minor: Int) -> Bool {
    major > 0 && minor > 0 ? !asksClose : asksKeepAlive
  }
}

/// Whether the player wants the connection closed after this response (RFC 9112 section 9.3).
func asksToClose(_ fields: FieldList, _ httpMinor: Int) -> Bool {
  guard let connection = fieldCombined(fields, "connection") else { return httpMinor == 0 }
  var keeps = false
  var start = 0
  while start <= connection.count {
    let comma = connection.indexOf(",", start)
    let end = comma < 0 ? connection.count : comma
    let option = trimWide(connection.slice(start, end))
    if equalIgnoreCase(option, closeOption) { return true }
    if equalIgnoreCase(option, keepAliveOption) { keeps = true }
    start = end + 1
  }
  return httpMinor == 0 && !keeps
}

/// Without white space at both ends, the no-break space (0xA0) included, as JavaScript trims.
private func trimWide(_ text: ByteString) -> ByteString {
  var start = 0
  var end = text.count
  while start < end && isWide(text.code(start)) { start += 1 }
  while end > start && isWide(text.code(end - 1)) { end -= 1 }
  return text.slice(start, end)
}

private func isWide(_ code: Int) -> Bool {
  code == 32 || code == 9 || code == 0xA0
}

private let closeOption: ByteString = "close"
private let keepAliveOption: ByteString = "keep-alive"

/// Follows the bytes of Transfer-Encoding (RFC 9112 section 6.1): is its last coding "chunked", and the only such?
struct CodingScanner: Sendable {
  private enum Place { case coding, behindChunked, token, comma }

  private var place = Place.coding
  private var matched = 0

  /// Whether the value, if it ends here, says that the message is chunked.
  var isChunked: Bool { place == .behindChunked }

  /// False where the value becomes wrong: nothing may follow "chunked".
  mutating func take(_ byte: UInt8) -> Bool {
    switch place {
    case .comma where byte == Ascii.space || byte == Ascii.tab:
      return true
    case .comma, .coding:
      if place == .comma { matched = 0 }
      place = .coding
      if Ascii.lower(byte) == chunkedCoding.bytes[matched] {
        matched += 1
        if matched == chunkedCoding.count { place = .behindChunked }
        return true
      }
    case .behindChunked:
      if byte == Ascii.space { return true }
      if byte == Ascii.comma { return false }
    case .token:
      break
    }
    place = byte == Ascii.comma ? .comma : .token
    return true
  }
}

private let chunkedCoding: ByteString = "chunked"
