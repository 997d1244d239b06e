import ReelcacheCore

/// Wire text as it stands in the index (docs/formats.md): each byte is stored as the code point of its value, and
/// fields as a JSON array of such strings. What is written is what the reference's JSON.stringify writes, byte for
/// byte; what is read may be any valid JSON.

/// The UTF-8 in which SQLite keeps wire text.
func storedText(_ text: ByteString) -> [UInt8] {
  var stored: [UInt8] = []
  stored.reserveCapacity(text.count)
  for byte in text.bytes { appendCodePoint(&stored, byte) }
  return stored
}

/// The wire text of UTF-8; nil when it is malformed or holds a code point that no byte has.
func wireText(_ utf8: [UInt8]) -> ByteString? {
  if utf8.allSatisfy({ $0 < 0x80 }) { return ByteString(utf8) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(utf8.count)
  var at = 0
  while at < utf8.count {
    let byte = utf8[at]
    at += 1
    if byte >= 0x80 {
      // U+0080 to U+00FF take two bytes, C2 or C3 and a continuation.
      guard byte == 0xc2 || byte == 0xc3, at < utf8.count, utf8[at] & 0xc0 == 0x80 else { return nil }
      bytes.append((byte & 0x03) << 6 | (utf8[at] & 0x3f))
      at += 1
    } else {
      bytes.append(byte)
    }
  }
  return ByteString(bytes)
}

/// The fields as a JSON array, in UTF-8.
func storedFields(_ fields: FieldList) -> [UInt8] {
  var json: [UInt8] = [leftBracket]
  for (at, text) in fields.enumerated() {
    if at > 0 { json.append(comma) }
    json.append(quote)
    for byte in text.bytes { appendEscaped(&json, byte) }
    json.append(quote)
  }
  json.append(rightBracket)
  return json
}

/// The fields of a JSON array in UTF-8; nil when it is anything but an array of pairs of wire texts.
func wireFields(_ utf8: [UInt8]) -> FieldList? {
  // In latin1 an element is a character, and JSON's own alphabet is ASCII.
  guard let text = wireText(utf8) else { return nil }
  var parser = FieldsParser(Array(text.bytes))
  guard let fields = parser.array(), fields.count % 2 == 0 else { return nil }
  return fields
}

private let quote: UInt8 = 0x22
private let comma: UInt8 = 0x2c
private let backslash: UInt8 = 0x5c
private let leftBracket: UInt8 = 0x5b
private let rightBracket: UInt8 = 0x5d

private func appendCodePoint(_ utf8: inout [UInt8], _ byte: UInt8) {
  if byte < 0x80 {
    utf8.append(byte)
  } else {
    utf8.append(0xc0 | byte >> 6)
    utf8.append(0x80 | byte & 0x3f)
  }
}

private func appendEscaped(_ json: inout [UInt8], _ byte: UInt8) {
  switch byte {
  case quote, backslash: json += [backslash, byte]
  case 0x08: json += [backslash, 0x62]
  case 0x09: json += [backslash, 0x74]
  case 0x0a: json += [backslash, 0x6e]
  case 0x0c: json += [backslash, 0x66]
  case 0x0d: json += [backslash, 0x72]
  case 0..<0x20: json += [backslash, 0x75, 0x30, 0x30, hexDigit(byte >> 4), hexDigit(byte & 15)]
  default: appendCodePoint(&json, byte)
  }
}

private func isSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
}

/// Whether the character stands for itself in a JSON string.
private func isPlain(_ byte: UInt8) -> Bool {
  byte >= 0x20 && byte != quote && byte != backslash
}

private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? 0x30 + value : 0x57 + value
}

/// Reads a JSON array of strings (RFC 8259); everything else is nil.
private struct FieldsParser {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func array() -> FieldList? {
    var texts: FieldList = []
    guard token(leftBracket) else { return nil }
    if !token(rightBracket) {
      repeat {
        guard let text = string() else { return nil }
        texts.append(text)
      } while token(comma)
      guard token(rightBracket) else { return nil }
    }
    skipSpace()
    return at == bytes.count ? texts : nil
  }

  /// Whether the next token is that character; if so it is taken.
  private mutating func token(_ byte: UInt8) -> Bool {
    skipSpace()
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while at < bytes.count && isSpace(bytes[at]) { at += 1 }
  }

  private mutating func string() -> ByteString? {
    guard token(quote) else { return nil }
    var text: [UInt8] = []
    while true {
      let start = at
      while at < bytes.count && isPlain(bytes[at]) { at += 1 }
      text.append(contentsOf: bytes[start..<at])
      // Otherwise the string is not closed, or there is a control character that JSON wants escaped.
      guard at < bytes.count, bytes[at] == backslash || bytes[at] == quote else { return nil }
      at += 1
      if bytes[at - 1] == quote { return ByteString(text) }
      guard let escaped = escape() else { return nil }
      text.append(escaped)
    }
  }

  /// The byte that an escape stands for, behind its backslash; nil when malformed, or past U+00FF.
  private mutating func escape() -> UInt8? {
    guard at < bytes.count else { return nil }
    let kind = bytes[at]
    at += 1
    switch kind {
    case quote, backslash, 0x2f: return kind
    case 0x62: return 0x08
    case 0x66: return 0x0c
    case 0x6e: return 0x0a
    case 0x72: return 0x0d
    case 0x74: return 0x09
    case 0x75: return hexEscape()
    default: return nil
    }
  }

  private mutating func hexEscape() -> UInt8? {
    guard at + 4 <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[at..<at + 4] {
      switch byte {
      case 0x30...0x39: value = value * 16 + Int(byte - 0x30)
      case 0x41...0x46: value = value * 16 + Int(byte - 0x37)
      case 0x61...0x66: value = value * 16 + Int(byte - 0x57)
      default: return nil
      }
    }
    at += 4
    return UInt8(exactly: value)
  }
}
