/// Reads a JSON text (RFC 8259) as offsets into its bytes, so that what is not replaced survives byte for byte: order,
/// white space, number formats, escapes, members that nobody knows. JSON texts are byte strings.

/// What a `JsonPlace` is.
package enum JsonPlaceKind: String, TextUnion, Sendable {
  case string
  case object
}

/// A member or element that was wanted: a string from `start` to `end` without its quotes, and its decoded text; or an
/// object from behind its "{", `text` being "" when it has no members. `owner` is the offset of what holds it, `keyStart`
/// of its name's quotation mark.
package struct JsonPlace: Equatable, Sendable {
  package var path: ByteString
  package var owner: Int
  package var name: ByteString
  package var keyStart: Int
  package var kind: JsonPlaceKind
  package var start: Int
  package var end: Int
  package var text: ByteString
}

/// The path of a member below the path of its object; exact, whatever the name is.
package func memberPath(_ path: ByteString, _ name: ByteString) -> ByteString {
  "\(path).\(name.count):\(name)"
}

/// The path of any element below the path of its array.
package func elementPath(_ path: ByteString) -> ByteString {
  "\(path)[]"
}

/// The strings and objects that stand directly below one of the wanted paths ("" is the path of the whole), in order; nil
/// when the text is no JSON or is nested deeper than `depthMax`.
package func scanJson(_ bytes: ByteString, _ wanted: [ByteString], _ depthMax: Int) -> [JsonPlace]? {
  var scan = Scan(bytes: bytes, wanted: wanted, places: [])
  let start = bytes.startsWith(byteOrderMark) ? byteOrderMark.count : 0
  let end = readValue(&scan, skipSpace(bytes, start), "", depthMax)
  return end >= 0 && skipSpace(bytes, end) == bytes.count ? scan.places : nil
}

private struct Scan {
  let bytes: ByteString
  let wanted: [ByteString]
  var places: [JsonPlace]
}

private let quote = 0x22
private let backslash = 0x5c
private let comma = 0x2c
private let colon = 0x3a

/// The byte at an offset; -1 behind the end.
private func codeAt(_ bytes: ByteString, _ at: Int) -> Int {
  at < bytes.count ? bytes.code(at) : -1
}

/// Where the value at `at` ends, -1 when it is none. `path` is nil where nothing below is wanted.
private func readValue(_ scan: inout Scan, _ at: Int, _ path: ByteString?, _ depth: Int) -> Int {
  let bytes = scan.bytes
  let first = codeAt(bytes, at)
  if first == quote { return stringEnd(bytes, at) }
  // R-JSON-3
  if first == 0x7b { return depth > 0 ? readObject(&scan, at, path, depth - 1) : -1 }
  if first == 0x5b { return depth > 0 ? readArray(&scan, at, path, depth - 1) : -1 }
  for word in words where bytes.startsWith(word, at) { return at + word.count }
  return numberEnd(bytes, at)
}

private let words: [ByteString] = ["true", "false", "null"]

private func readObject(_ scan: inout Scan, _ open: Int, _ path: ByteString?, _ depth: Int) -> Int {
  let bytes = scan.bytes
  var at = skipSpace(bytes, open + 1)
  if codeAt(bytes, at) == 0x7d { return at + 1 }
  while true {
    let nameEnd = codeAt(bytes, at) == quote ? stringEnd(bytes, at) : -1
    if nameEnd < 0 { return -1 }
    let after = skipSpace(bytes, nameEnd)
    if codeAt(bytes, after) != colon { return -1 }
    let value = skipSpace(bytes, after + 1)
    var below: ByteString?
    if let path {
      let name = decoded(bytes, at + 1, nameEnd - 1)
      notePlace(&scan, path, open, name, at, value)
      below = wantedBelow(scan, memberPath(path, name))
    }
    let valueEnd = readValue(&scan, value, below, depth)
    if valueEnd < 0 { return -1 }
    at = skipSpace(bytes, valueEnd)
    if codeAt(bytes, at) == 0x7d { return at + 1 }
    if codeAt(bytes, at) != comma { return -1 }
    at = skipSpace(bytes, at + 1)
  }
}

private func readArray(_ scan: inout Scan, _ open: Int, _ path: ByteString?, _ depth: Int) -> Int {
  let bytes = scan.bytes
  let below = path.flatMap { path in wantedBelow(scan, elementPath(path)) }
  var at = skipSpace(bytes, open + 1)
  if codeAt(bytes, at) == 0x5d { return at + 1 }
  while true {
    let valueEnd = readValue(&scan, at, below, depth)
    if valueEnd < 0 { return -1 }
    at = skipSpace(bytes, valueEnd)
    if codeAt(bytes, at) == 0x5d { return at + 1 }
    if codeAt(bytes, at) != comma { return -1 }
    at = skipSpace(bytes, at + 1)
  }
}

/// The path when something at or below it is wanted; nil otherwise, so that no path grows with what nobody wants.
private func wantedBelow(_ scan: Scan, _ path: ByteString) -> ByteString? {
  scan.wanted.contains { wanted in wanted.startsWith(path) } ? path : nil
}

private func notePlace(
  _ scan: inout Scan,
  _ path: ByteString,
  _ owner: Int,
  _ name: ByteString,
  _ keyStart: Int,
  _ at: Int
) {
  let bytes = scan.bytes
  if !scan.wanted.contains(path) { return }
  let first = codeAt(bytes, at)
  var place = JsonPlace(
    path: path,
    owner: owner,
    name: name,
    keyStart: keyStart,
    kind: .object,
    start: at + 1,
    end: at + 1,
    text: ""
  )
  if first == quote {
    place.kind = .string
    place.end = stringEnd(bytes, at) - 1
    if place.end < 0 { return }
    place.text = decoded(bytes, at + 1, place.end)
    scan.places.append(place)
  } else if first == 0x7b {
    place.text = codeAt(bytes, skipSpace(bytes, at + 1)) == 0x7d ? "" : "{"
    scan.places.append(place)
  }
}

/// Just past the closing quotation mark of the string that opens at `open`; -1 when it is malformed.
private func stringEnd(_ bytes: ByteString, _ open: Int) -> Int {
  var at = open + 1
  while at < bytes.count {
    let code = bytes.code(at)
    if code == quote { return at + 1 }
    if code < 0x20 { return -1 }
    if code != backslash {
      at += 1
      continue
    }
    let mark = codeAt(bytes, at + 1)
    let isUnicode = mark == 0x75
    let isRight = isUnicode ? hexOf(bytes, at + 2) >= 0 : mark >= 0 && escapes.includes(.fromCode(mark))
    if !isRight { return -1 }
    at += isUnicode ? 6 : 2
  }
  return -1
}

private let escapes: ByteString = "\"\\/bfnrt"
private let escaped = ByteString([0x22, 0x5c, 0x2f, 0x08, 0x0c, 0x0a, 0x0d, 0x09])

/// The text between two offsets with its escapes replaced, in UTF-8.
private func decoded(_ bytes: ByteString, _ start: Int, _ end: Int) -> ByteString {
  var text = ByteString()
  var copied = start
  var at = nextBackslash(bytes, start, end)
  while at < end {
    text += bytes.slice(copied, at)
    if codeAt(bytes, at + 1) == 0x75 {
      let high = hexOf(bytes, at + 2)
      let low = bytes.startsWith("\\u", at + 6) && at + 12 <= end ? hexOf(bytes, at + 8) : -1
      let isPair = high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000
      text += utf8(isPair ? 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00) : high)
      copied = at + (isPair ? 12 : 6)
    } else {
      text += .fromCode(escaped.code(escapes.indexOf(.fromCode(bytes.code(at + 1)))))
      copied = at + 2
    }
    at = nextBackslash(bytes, copied, end)
  }
  return text + bytes.slice(copied, end)
}

/// Where the next backslash stands before `end`, else `end`; never looks beyond, or many strings would cost a square.
private func nextBackslash(_ bytes: ByteString, _ start: Int, _ end: Int) -> Int {
  var at = start
  while at < end && bytes.code(at) != backslash { at += 1 }
  return at
}

/// A code point as bytes; half a pair becomes U+FFFD, as a player reads it.
private func utf8(_ point: Int) -> ByteString {
  let code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point
  if code < 0x80 { return .fromCode(code) }
  let last = 0x80 | (code & 0x3f)
  if code < 0x800 { return ByteString([UInt8(0xc0 | (code >> 6)), UInt8(last)]) }
  let middle = 0x80 | ((code >> 6) & 0x3f)
  if code < 0x10000 { return ByteString([UInt8(0xe0 | (code >> 12)), UInt8(middle), UInt8(last)]) }
  return ByteString([UInt8(0xf0 | (code >> 18)), UInt8(0x80 | ((code >> 12) & 0x3f)), UInt8(middle), UInt8(last)])
}

/// The number of four hexadecimal digits; -1 when there are not four.
private func hexOf(_ bytes: ByteString, _ start: Int) -> Int {
  var value = 0
  for at in start..<(start + 4) {
    let code = codeAt(bytes, at)
    let lower = code | 0x20
    let isDigitCode = code >= 0x30 && code <= 0x39
    if !isDigitCode && !(lower >= 0x61 && lower <= 0x66) { return -1 }
    value = value * 16 + (isDigitCode ? code - 0x30 : lower - 0x57)
  }
  return value
}

/// Where the number at `start` ends (RFC 8259 section 6); -1 when there is none.
private func numberEnd(_ bytes: ByteString, _ start: Int) -> Int {
  var at = codeAt(bytes, start) == 0x2d ? start + 1 : start
  let whole = digitsEnd(bytes, at)
  if whole == at || (codeAt(bytes, at) == 0x30 && whole > at + 1) { return -1 }
  at = whole
  if codeAt(bytes, at) == 0x2e {
    let fraction = digitsEnd(bytes, at + 1)
    if fraction == at + 1 { return -1 }
    at = fraction
  }
  if codeAt(bytes, at) | 0x20 != 0x65 { return at }
  let sign = codeAt(bytes, at + 1)
  let from = sign == 0x2b || sign == 0x2d ? at + 2 : at + 1
  let exponent = digitsEnd(bytes, from)
  return exponent == from ? -1 : exponent
}

private func digitsEnd(_ bytes: ByteString, _ start: Int) -> Int {
  var at = start
  while codeAt(bytes, at) >= 0x30 && codeAt(bytes, at) <= 0x39 { at += 1 }
  return at
}

private func skipSpace(_ bytes: ByteString, _ start: Int) -> Int {
  var at = start
  while at < bytes.count && isSpace(bytes.code(at)) { at += 1 }
  return at
}

private func isSpace(_ code: Int) -> Bool {
  code == 0x20 || code == 0x09 || code == 0x0a || code == 0x0d
}
