/// Wire text: what a TypeScript string of the codes 0 to 255 is to the reference. One element is one byte, so that bytes
/// survive untouched, an offset is a plain number, and CRLF is two elements and not one character.
///
/// The names follow those of JavaScript's strings, whose twin this is. Offsets count bytes.
package struct ByteString: Hashable, Comparable, Sendable {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package init() {
    bytes = []
  }

  /// The bytes of ASCII or UTF-8 text.
  package init(utf8 text: String) {
    bytes = Array(text.utf8)
  }

  /// Number of bytes.
  @inline(__always) package var count: Int { bytes.count }

  @inline(__always) package var isEmpty: Bool { bytes.isEmpty }

  /// The code of the byte at an offset inside the text.
  @inline(__always) package func code(_ at: Int) -> Int { Int(bytes[at]) }

  /// The bytes from `start` to `end` (exclusive); both are brought into the text. Negative ones mean its beginning, where
  /// JavaScript's slice would count from the end.
  package func slice(_ start: Int, _ end: Int) -> ByteString {
    let last = min(end, bytes.count)
    let first = max(start, 0)
    return first >= last ? ByteString() : ByteString(Array(bytes[first..<last]))
  }

  /// The bytes from `start` to the end.
  package func slice(_ start: Int) -> ByteString {
    start <= 0 ? self : slice(start, bytes.count)
  }

  /// Where `wanted` first begins at or after `start`, -1 when it does not.
  package func indexOf(_ wanted: ByteString, _ start: Int = 0) -> Int {
    let length = wanted.count
    if length == 0 { return min(max(start, 0), count) }
    let first = wanted.bytes[0]
    return bytes.withUnsafeBufferPointer { text in
      var at = max(start, 0)
      while at + length <= text.count {
        if text[at] == first && (length == 1 || matches(text, wanted, at)) { return at }
        at += 1
      }
      return -1
    }
  }

  /// Where `wanted` last begins, -1 when it does not occur.
  package func lastIndexOf(_ wanted: ByteString) -> Int {
    var at = count - wanted.count
    return bytes.withUnsafeBufferPointer { text in
      while at >= 0 {
        if matches(text, wanted, at) { return at }
        at -= 1
      }
      return -1
    }
  }

  package func includes(_ wanted: ByteString) -> Bool { indexOf(wanted) >= 0 }

  package func startsWith(_ wanted: ByteString, _ at: Int = 0) -> Bool {
    at >= 0 && at + wanted.count <= count && bytes.withUnsafeBufferPointer { matches($0, wanted, at) }
  }

  package func endsWith(_ wanted: ByteString) -> Bool { startsWith(wanted, count - wanted.count) }

  /// The texts between the separators, of which there is one more than there are separators; a separator is not empty.
  package func split(_ separator: ByteString) -> [ByteString] {
    var parts: [ByteString] = []
    var start = 0
    var at = indexOf(separator)
    while at >= 0 {
      parts.append(slice(start, at))
      start = at + separator.count
      at = indexOf(separator, start)
    }
    parts.append(slice(start))
    return parts
  }

  /// The text of one byte.
  package static func fromCode(_ code: Int) -> ByteString { ByteString([UInt8(code)]) }

  /// The digits of a number.
  package static func decimal(_ value: Int) -> ByteString { ByteString(utf8: String(value)) }

  package static func + (a: ByteString, b: ByteString) -> ByteString {
    var joined = [UInt8]()
    joined.reserveCapacity(a.count + b.count)
    joined.append(contentsOf: a.bytes)
    joined.append(contentsOf: b.bytes)
    return ByteString(joined)
  }

  package static func += (a: inout ByteString, b: ByteString) {
    a.bytes.append(contentsOf: b.bytes)
  }

  package static func == (a: ByteString, b: ByteString) -> Bool { a.bytes == b.bytes }

  /// Byte by byte, which is how JavaScript orders strings of such codes.
  package static func < (a: ByteString, b: ByteString) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  package func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension ByteString: ExpressibleByStringInterpolation, CustomStringConvertible {
  /// Literals are ASCII.
  package init(stringLiteral text: StaticString) {
    bytes = Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package init(stringInterpolation parts: StringInterpolation) {
    bytes = parts.bytes
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    var bytes: [UInt8] = []

    package init(literalCapacity: Int, interpolationCount: Int) {
      bytes.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    package mutating func appendLiteral(_ text: StaticString) {
      bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func appendInterpolation(_ text: ByteString) {
      bytes.append(contentsOf: text.bytes)
    }

    package mutating func appendInterpolation(_ value: Int) {
      bytes.append(contentsOf: String(value).utf8)
    }
  }

  /// Each byte as the character of its code (latin1), for logs and tests.
  package var description: String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  /// Text of the codes 0 to 255 (latin1); nil when it has a character beyond.
  package init?(latin1 text: String) {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard scalar.value < 256 else { return nil }
      bytes.append(UInt8(scalar.value))
    }
    self.bytes = bytes
  }
}

/// Joins texts by a separator.
package func joined(_ parts: [ByteString], _ separator: ByteString) -> ByteString {
  var text = ByteString()
  for (at, part) in parts.enumerated() {
    if at > 0 { text += separator }
    text += part
  }
  return text
}

@inline(__always)
private func matches(_ text: UnsafeBufferPointer<UInt8>, _ wanted: ByteString, _ at: Int) -> Bool {
  wanted.bytes.withUnsafeBufferPointer { other in
    for (offset, byte) in other.enumerated() where text[at + offset] != byte { return false }
    return true
  }
}
