/// Wire text: what a TypeScript string of the codes 0 to 255 is to the reference. One element is one byte, so that bytes
/// survive untouched, an offset is a plain number, and CRLF is two elements and not one character.
///
/// The names follow those of JavaScript's strings, whose twin this is. Offsets count bytes. Literals and slices cost no
/// allocation, as they cost none there. Public, so that other modules inline it.
public struct ByteString: Hashable, Comparable, Sendable {
  public var bytes: SharedBytes

  @inlinable @inline(__always) public init(_ bytes: SharedBytes) {
    self.bytes = bytes
  }

  public init(_ bytes: [UInt8]) {
    self.bytes = SharedBytes(bytes)
  }

  @inlinable @inline(__always) public init() {
    bytes = SharedBytes()
  }

  /// The bytes of ASCII or UTF-8 text.
  public init(utf8 text: String) {
    bytes = SharedBytes(text.utf8)
  }

  /// Number of bytes.
  @inlinable @inline(__always) public var count: Int { bytes.length }

  @inlinable @inline(__always) public var isEmpty: Bool { bytes.length == 0 }

  /// The code of the byte at an offset inside the text.
  @inlinable @inline(__always) public func code(_ at: Int) -> Int { Int(bytes[at]) }

  /// The bytes from `start` to `end` (exclusive); both are brought into the text. Negative ones mean its beginning, where
  /// JavaScript's slice would count from the end.
  public func slice(_ start: Int, _ end: Int) -> ByteString {
    let last = min(end, count)
    let first = max(start, 0)
    return first >= last ? ByteString() : ByteString(bytes.window(first, last))
  }

  /// The bytes from `start` to the end.
  public func slice(_ start: Int) -> ByteString {
    slice(start, count)
  }

  /// Where `wanted` first begins at or after `start`, -1 when it does not.
  public func indexOf(_ wanted: ByteString, _ start: Int = 0) -> Int {
    var at = max(start, 0)
    if wanted.isEmpty { return min(at, count) }
    let last = count - wanted.count
    while at <= last {
      at = bytes.firstIndex(wanted.bytes[0], at)
      if at < 0 || at > last { return -1 }
      if wanted.count == 1 || bytes.holds(wanted.bytes, at) { return at }
      at += 1
    }
    return -1
  }

  /// Where `wanted` last begins, -1 when it does not occur.
  public func lastIndexOf(_ wanted: ByteString) -> Int {
    var at = count - wanted.count
    while at >= 0 && !bytes.holds(wanted.bytes, at) { at -= 1 }
    return max(at, -1)
  }

  public func includes(_ wanted: ByteString) -> Bool { indexOf(wanted) >= 0 }

  @inlinable public func startsWith(_ wanted: ByteString, _ at: Int = 0) -> Bool {
    at >= 0 && at + wanted.count <= count && bytes.holds(wanted.bytes, at)
  }

  public func endsWith(_ wanted: ByteString) -> Bool { startsWith(wanted, count - wanted.count) }

  /// The texts between the separators, of which there is one more than there are separators; a separator is not empty.
  public func split(_ separator: ByteString) -> [ByteString] {
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
  public static func fromCode(_ code: Int) -> ByteString {
    var text = ByteString()
    text.bytes.append(UInt8(code))
    return text
  }

  /// The digits of a number.
  public static func decimal(_ value: Int) -> ByteString {
    var text = ByteString()
    text.bytes.append(decimal: value)
    return text
  }

  public static func + (a: ByteString, b: ByteString) -> ByteString {
    var joined = ByteString()
    joined.bytes.reserveCapacity(a.count + b.count)
    joined += a
    joined += b
    return joined
  }

  public static func += (a: inout ByteString, b: ByteString) {
    a.bytes.append(contentsOf: b.bytes)
  }

  @inlinable @inline(__always) public static func == (a: ByteString, b: ByteString) -> Bool { a.bytes == b.bytes }

  /// Byte by byte, which is how JavaScript orders strings of such codes.
  public static func < (a: ByteString, b: ByteString) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBufferPointer { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension ByteString: ExpressibleByStringInterpolation, CustomStringConvertible {
  /// Literals are ASCII.
  @inlinable @inline(__always) public init(stringLiteral text: StaticString) {
    bytes = SharedBytes(text)
  }

  /// What an interpolated literal comes to.
  @inlinable public init(stringInterpolation parts: StringInterpolation) {
    bytes = parts.bytes
  }

  /// Gathers the parts of an interpolated literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    @usableFromInline var bytes = SharedBytes()

    public init(literalCapacity: Int, interpolationCount: Int) {
      bytes.reserveCapacity(literalCapacity + interpolationCount * 32)
    }

    public mutating func appendLiteral(_ text: StaticString) {
      bytes.append(contentsOf: SharedBytes(text))
    }

    public mutating func appendInterpolation(_ text: ByteString) {
      bytes.append(contentsOf: text.bytes)
    }

    public mutating func appendInterpolation(_ value: Int) {
      bytes.append(decimal: value)
    }
  }

  /// Each byte as the character of its code (latin1), for logs and tests.
  public var description: String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  /// Text of the codes 0 to 255 (latin1); nil when it has a character beyond.
  public init?(latin1 text: String) {
    var bytes = SharedBytes()
    for scalar in text.unicodeScalars {
      guard scalar.value < 256 else { return nil }
      bytes.append(UInt8(scalar.value))
    }
    self.bytes = bytes
  }
}

/// Joins texts by a separator.
public func joined(_ parts: [ByteString], _ separator: ByteString) -> ByteString {
  var text = ByteString()
  for (at, part) in parts.enumerated() {
    if at > 0 { text += separator }
    text += part
  }
  return text
}
