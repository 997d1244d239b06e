/// The head of an origin's response as it was on the wire, and how its body is delimited (RFC 9112 section 6.3).

import ReelcacheCore

/// Terms: `length` by Content-Length, `chunked` by the chunked coding, `close` by the connection's end, `none` no body.
package typealias OriginFraming = Framing

/// Names and values flat, latin1, in the order and case of the wire, without surrounding white space.
package struct OriginHead: Equatable, Sendable {
  package let status: Int
  package let reason: ByteString
  package let fields: FieldList
  package let framing: OriginFraming
}

/// `length` is the announced body length in bytes, -1 when there is none; `fault` is "" for a usable head.
package struct FramingResult: Equatable, Sendable {
  package let framing: OriginFraming
  package let length: Int
  package let fault: ByteString
}

/// Field lines of a head: what goes on or is stored of them is compared with each other.
private let fieldLinesMax = 1_000

/// Decides the framing of a final response, or says what is wrong with it.
package func originFraming(_ method: AskMethod, _ status: Int, _ fields: FieldList) -> FramingResult {
  // R-ORIGIN-12
  if fields.count > 2 * fieldLinesMax { return fault("too many field lines") }
  let codings = fieldValues(fields, "transfer-encoding")
  let lengths = fieldValues(fields, "content-length")
  // R-ORIGIN-13
  if codings.count > 0 && lengths.count > 0 { return fault("both Content-Length and Transfer-Encoding") }
  // R-ORIGIN-5
  if status == 100 { return fault("100 without a request that expects it") }
  if status == 101 { return fault("101 without a request to upgrade") }
  if lengths.count > 1 { return fault("several Content-Length fields") }
  let length = lengths.isEmpty ? -1 : digitsValue(lengths[0])
  if lengths.count == 1 && length < 0 { return fault("Content-Length is not a number") }
  if codings.count > 1 || (codings.count == 1 && !equalIgnoreCase(codings[0], "chunked")) {
    return fault("a transfer coding other than chunked")
  }
  // R-ORIGIN-11
  if method == .head || status == 204 || status == 304 {
    return FramingResult(framing: .none, length: length, fault: "")
  }
  if codings.count == 1 { return FramingResult(framing: .chunked, length: -1, fault: "") }
  if lengths.count == 1 { return FramingResult(framing: .length, length: length, fault: "") }
  return FramingResult(framing: .close, length: -1, fault: "")
}

/// Removes white space around the values (RFC 9110 section 5.5) of raw names and values.
package func originFields(_ raw: FieldList) -> FieldList {
  raw.map(trimOws)
}

/// The reason phrase, or "" when it has anything but visible ASCII, space and tab: it is passed on to the player.
package func originReason(_ text: ByteString) -> ByteString {
  for byte in text.bytes {
    // R-ORIGIN-16
    if byte != 0x09 && (byte < 0x20 || byte > 0x7e) { return "" }
  }
  return text
}

/// How long the origin keeps an idle connection by its Keep-Alive field, in milliseconds; -1 when it does not say.
package func originKeepAlive(_ fields: FieldList) -> Int {
  guard let value = fieldCombined(fields, "keep-alive") else { return -1 }
  // R-ORIGIN-3
  var start = 0
  while start <= value.count {
    let comma = value.indexOf(",", start)
    let end = comma < 0 ? value.count : comma
    let item = lowerAscii(trimOws(value.slice(start, end)))
    if item.startsWith("timeout=") {
      let seconds = leadingDigits(item.slice(8))
      if seconds >= 0 { return min(seconds, integerMax / 1_000) * 1_000 }
    }
    start = end + 1
  }
  return -1
}

private func fault(_ text: ByteString) -> FramingResult {
  FramingResult(framing: .none, length: -1, fault: text)
}

private func fieldValues(_ fields: FieldList, _ name: ByteString) -> [ByteString] {
  var values: [ByteString] = []
  var at = 0
  while at + 1 < fields.count {
    if equalIgnoreCase(fields[at], name) { values.append(fields[at + 1]) }
    at += 2
  }
  return values
}

/// The value of an all-digit text, -1 for anything else or beyond 2^53-1.
private func digitsValue(_ text: ByteString) -> Int {
  let value = parseDigits(text)
  // A saturated number may be larger than it says; 2^53-1 itself is the one that may be read.
  if value == integerMax && trimmedZeros(text) != "9007199254740991" { return -1 }
  return value
}

/// The digits without leading zeros.
private func trimmedZeros(_ text: ByteString) -> ByteString {
  var start = 0
  while start < text.count && text.code(start) == 48 { start += 1 }
  return text.slice(start)
}

/// The number that the text begins with, -1 when it begins with none.
private func leadingDigits(_ text: ByteString) -> Int {
  var end = 0
  while end < text.count && isDigit(text.code(end)) { end += 1 }
  return parseDigits(text.slice(0, end))
}
