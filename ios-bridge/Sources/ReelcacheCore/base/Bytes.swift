/// Byte strings: wire text in which one element is one byte (latin1, codes 0 to 255).
///
/// Header names and values, request targets and playlist bodies all travel in this form, so that bytes survive
/// untouched. ASCII is the only alphabet with meaning here: case folding and white space never reach past it.

/// The largest integer of the core, 2^53-1; digits that say more saturate here.
package let integerMax = 9_007_199_254_740_991

/// True for the codes of "0" to "9".
package func isDigit(_ code: Int) -> Bool {
  code >= 48 && code <= 57
}

/// The text with A to Z lowered; every other byte stays (R-BYTE-1).
package func lowerAscii(_ text: ByteString) -> ByteString {
  for at in 0..<text.count {
    let code = text.code(at)
    // R-BYTE-1
    if code >= 65 && code <= 90 { return ByteString(text.bytes.changed { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }) }
  }
  return text
}

/// The text without leading and trailing spaces and tabs (OWS, RFC 9110 section 5.6.3); no other white space goes.
package func trimOws(_ text: ByteString) -> ByteString {
  var start = 0
  var end = text.count
  // R-BYTE-2
  while start < end && isOws(text.code(start)) { start += 1 }
  while end > start && isOws(text.code(end - 1)) { end -= 1 }
  return start == 0 && end == text.count ? text : text.slice(start, end)
}

/// The number that a run of ASCII digits says: -1 when empty or when any byte is no digit; saturates at `integerMax`.
package func parseDigits(_ text: ByteString) -> Int {
  // R-BYTE-3
  if text.isEmpty { return -1 }
  var value = 0
  for at in 0..<text.count {
    let code = text.code(at)
    if !isDigit(code) { return -1 }
    let digit = code - 48
    // R-BYTE-4: compared before multiplying, so that no step leaves the exact integers. 2^53-1 ends in the digit 1.
    if value > 900_719_925_474_099 || (value == 900_719_925_474_099 && digit > 1) {
      value = integerMax
    } else if value != integerMax {
      value = value * 10 + digit
    }
  }
  return value
}

/// True when both texts are the same but for ASCII case.
package func equalIgnoreCase(_ a: ByteString, _ b: ByteString) -> Bool {
  if a.count != b.count { return false }
  return a.bytes.withUnsafeBufferPointer { first in
    b.bytes.withUnsafeBufferPointer { second in
      for at in 0..<first.count where first[at] != second[at] {
        // R-BYTE-1
        if lowerCode(Int(first[at])) != lowerCode(Int(second[at])) { return false }
      }
      return true
    }
  }
}

/// True when both texts are the same; the time taken tells only the length of `a`, never where they differ (R-BYTE-5).
package func equalConstantTime(_ a: ByteString, _ b: ByteString) -> Bool {
  // R-BYTE-5: every byte of `a` is looked at, whatever came before.
  var difference = a.count ^ b.count
  for at in 0..<a.count {
    let other = at < b.count ? b.code(at) : 0
    difference |= a.code(at) ^ other
  }
  return difference == 0
}

/// True for a non-empty run of `tchar` (RFC 9110 section 5.6.2).
package func isToken(_ text: ByteString) -> Bool {
  for at in 0..<text.count {
    // R-BYTE-6
    if !isTokenCode(text.code(at)) { return false }
  }
  return text.count > 0
}

/// Percent-encoded bytes as ECMAScript's encodeURIComponent writes them: A-Z a-z 0-9 - _ . ! ~ * ' ( ) stay.
package func percentEncode(_ byteText: ByteString) -> ByteString {
  var encoded = ByteString()
  var copied = 0
  for at in 0..<byteText.count {
    let code = byteText.code(at)
    // R-BYTE-7
    if !isComponentCode(code) {
      encoded += byteText.slice(copied, at)
      encoded.bytes.append(37)
      encoded.bytes.append(hexDigit(code >> 4))
      encoded.bytes.append(hexDigit(code & 15))
      copied = at + 1
    }
  }
  if copied == 0 { return byteText }
  encoded += byteText.slice(copied)
  return encoded
}

/// The bytes behind percent-encoded text, "+" staying "+"; nil when a "%" is not followed by two hexadecimal digits.
package func percentDecode(_ text: ByteString) -> ByteString? {
  var decoded = ByteString()
  var copied = 0
  var at = 0
  while at < text.count {
    if text.code(at) != 37 {
      at += 1
      continue
    }
    let high = at + 1 < text.count ? hexValue(text.code(at + 1)) : -1
    let low = at + 2 < text.count ? hexValue(text.code(at + 2)) : -1
    // R-BYTE-8
    if high < 0 || low < 0 { return nil }
    decoded += text.slice(copied, at)
    decoded.bytes.append(UInt8(high * 16 + low))
    at += 3
    copied = at
  }
  if copied == 0 { return text }
  decoded += text.slice(copied)
  return decoded
}

private func isOws(_ code: Int) -> Bool {
  code == 32 || code == 9
}

private func lowerCode(_ code: Int) -> Int {
  code >= 65 && code <= 90 ? code + 32 : code
}

private func isAlphanumeric(_ code: Int) -> Bool {
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}

private func isTokenCode(_ code: Int) -> Bool {
  // ! # $ % & ' * + - . ^ _ ` | ~
  if isAlphanumeric(code) || code == 33 || (code >= 35 && code <= 39) { return true }
  if code == 42 || code == 43 || code == 45 || code == 46 { return true }
  return code == 94 || code == 95 || code == 96 || code == 124 || code == 126
}

private func isComponentCode(_ code: Int) -> Bool {
  // ! ' ( ) * - . _ ~
  if isAlphanumeric(code) || code == 33 || (code >= 39 && code <= 42) { return true }
  return code == 45 || code == 46 || code == 95 || code == 126
}

private func hexDigit(_ value: Int) -> UInt8 {
  UInt8(value < 10 ? 48 + value : 55 + value)
}

private func hexValue(_ code: Int) -> Int {
  if isDigit(code) { return code - 48 }
  if code >= 65 && code <= 70 { return code - 55 }
  return code >= 97 && code <= 102 ? code - 87 : -1
}
