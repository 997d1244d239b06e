/// A union of texts, as `"GET" | "HEAD"` is to the reference: an enum whose raw value is the text.
///
/// Swift compares what is `RawRepresentable` by its raw values, so that `state == .flowing` would compare two strings,
/// for every reader of every flight and every piece received. What conforms here compares by case, in one instruction.
/// Public, so that other modules inline it.
public protocol TextUnion: RawRepresentable, Hashable where RawValue == String {}

extension TextUnion {
  /// Whether both are the same case.
  @inlinable @inline(__always) public static func == (a: Self, b: Self) -> Bool {
    // An enum of 2 to 256 cases without payloads is one byte, and that byte is the case.
    MemoryLayout<Self>.size == 1
      ? unsafeBitCast(a, to: UInt8.self) == unsafeBitCast(b, to: UInt8.self) : a.rawValue == b.rawValue
  }

  /// Whether the cases differ.
  @inlinable @inline(__always) public static func != (a: Self, b: Self) -> Bool {
    !(a == b)
  }
}
