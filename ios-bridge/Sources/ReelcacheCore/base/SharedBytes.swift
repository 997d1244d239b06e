/// Bytes that texts share: a window on memory that is written only while nobody else looks at it.
///
/// A slice is a window on the memory of what it was cut from, a literal one on the program itself, so neither allocates
/// or copies; appending copies when the memory is shared or full. The price: a window keeps all of its memory alive.
///
/// Public, as texts and their unions are, for one reason: only what is public is inlined into other modules.
public struct SharedBytes: RandomAccessCollection, @unchecked Sendable {
  /// The memory, its header the number of bytes that it has room for; nil when the program holds the bytes.
  @usableFromInline typealias Memory = ManagedBuffer<Int, UInt8>

  @usableFromInline var memory: Memory?
  @usableFromInline var start: UnsafePointer<UInt8>
  @usableFromInline var length: Int

  /// No bytes.
  @inlinable @inline(__always) public init() {
    self.init("")
  }

  /// The bytes of a literal, where they stand in the program.
  @inlinable @inline(__always) public init(_ literal: StaticString) {
    self.init(nil, literal.utf8Start, literal.utf8CodeUnitCount)
  }

  /// A copy of bytes.
  @inlinable public init(_ bytes: some Sequence<UInt8>) {
    self.init()
    append(contentsOf: bytes)
  }

  @inlinable @inline(__always) init(_ memory: Memory?, _ start: UnsafePointer<UInt8>, _ length: Int) {
    self.memory = memory
    self.start = start
    self.length = length
  }

  @inlinable @inline(__always) public var startIndex: Int { 0 }
  @inlinable @inline(__always) public var endIndex: Int { length }
  @inlinable @inline(__always) public var count: Int { length }

  @inlinable public subscript(_ at: Int) -> UInt8 {
    @inline(__always) get {
      precondition(at >= 0 && at < length, "an offset outside of the bytes")
      return withExtendedLifetime(memory) { start[at] }
    }
  }

  /// A window on the bytes from `first` to `last` (exclusive), which must lie inside.
  @inlinable @inline(__always) func window(_ first: Int, _ last: Int) -> SharedBytes {
    precondition(first >= 0 && first <= last && last <= length, "a window outside of the bytes")
    return SharedBytes(memory, start + first, last - first)
  }

  @inlinable @inline(__always) public func withUnsafeBufferPointer<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(memory) { try body(UnsafeBufferPointer(start: start, count: length)) }
  }

  @inlinable @inline(__always) public func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try withUnsafeBufferPointer(body)
  }

  @inlinable public mutating func append(_ byte: UInt8) {
    extend(1).pointee = byte
  }

  @inlinable @inline(__always) public mutating func append(contentsOf bytes: SharedBytes) {
    bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
  }

  @inlinable @inline(__always) public mutating func append(contentsOf bytes: Slice<UnsafeRawBufferPointer>) {
    UnsafeRawBufferPointer(rebasing: bytes).withMemoryRebound(to: UInt8.self) { append(contentsOf: $0) }
  }

  @inlinable public mutating func append(contentsOf bytes: UnsafeBufferPointer<UInt8>) {
    guard let first = bytes.baseAddress, bytes.count > 0 else { return }
    extend(bytes.count).update(from: first, count: bytes.count)
  }

  @inlinable public mutating func append(contentsOf bytes: some Sequence<UInt8>) {
    let copied: Void? = bytes.withContiguousStorageIfAvailable { append(contentsOf: $0) }
    if copied == nil { for byte in bytes { append(byte) } }
  }

  /// As many bytes, each changed in the same way.
  func changed(_ change: (UInt8) -> UInt8) -> SharedBytes {
    var changed = SharedBytes()
    let place = changed.extend(length)
    withUnsafeBufferPointer { for (at, byte) in $0.enumerated() { place[at] = change(byte) } }
    return changed
  }

  /// Appends the digits of a number.
  public mutating func append(decimal value: Int) {
    if value < 0 { append(45) }
    var rest = value.magnitude
    var digits = 1
    while rest >= 10 {
      rest /= 10
      digits += 1
    }
    let place = extend(digits)
    rest = value.magnitude
    for at in stride(from: digits - 1, through: 0, by: -1) {
      place[at] = UInt8(48 + rest % 10)
      rest /= 10
    }
  }

  /// Makes room for so many bytes in all, so that appending them allocates nothing.
  public mutating func reserveCapacity(_ count: Int) {
    if !hasRoom(count) { move(Swift.max(count, length)) }
  }

  /// Counts so many bytes more in; returns where they are to be written, before anything else is done.
  @usableFromInline mutating func extend(_ more: Int) -> UnsafeMutablePointer<UInt8> {
    let needed = length + more
    if !hasRoom(needed) { move(Swift.max(needed, length * 2)) }
    let place = UnsafeMutablePointer(mutating: start) + length
    length = needed
    return place
  }

  /// Whether nobody else looks at the memory, and so many bytes fit from the window's beginning on.
  private mutating func hasRoom(_ count: Int) -> Bool {
    guard isKnownUniquelyReferenced(&memory), let memory else { return false }
    return memory.withUnsafeMutablePointers { room, first in start + count <= first + room.pointee }
  }

  /// Moves the bytes into memory of their own, with room for so many.
  private mutating func move(_ count: Int) {
    // Allocators hand out multiples of 16 bytes; an object begins with 24 of its own.
    let room = (count + 24 + 15) / 16 * 16 - 24
    let moved = Memory.create(minimumCapacity: room) { _ in room }
    let first = moved.withUnsafeMutablePointerToElements { first in
      withExtendedLifetime(memory) { first.initialize(from: start, count: length) }
      return first
    }
    memory = moved
    start = UnsafePointer(first)
  }
}

extension SharedBytes: Equatable {
  /// Whether the bytes are the same, wherever they stand.
  @inlinable public static func == (a: SharedBytes, b: SharedBytes) -> Bool {
    a.length == b.length && a.holds(b, 0)
  }

  /// Whether `wanted` stands at an offset, at which it must fit in.
  @inlinable func holds(_ wanted: SharedBytes, _ at: Int) -> Bool {
    withExtendedLifetime((memory, wanted.memory)) { isSame(start + at, wanted.start, wanted.length) }
  }

  /// Where the byte first stands at or after an offset inside, -1 when it does not.
  func firstIndex(_ byte: UInt8, _ from: Int) -> Int {
    withExtendedLifetime(memory) { place(byte, start, from, length) }
  }
}

/// Whether the same bytes stand at two places: eight at a time, as most that differ do so in their first.
@usableFromInline func isSame(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  var at = 0
  while at + 8 <= count {
    if word(a, at) != word(b, at) { return false }
    at += 8
  }
  while at < count {
    if a[at] != b[at] { return false }
    at += 1
  }
  return true
}

/// Where a byte stands from one offset to another (exclusive), -1 when it does not.
private func place(_ byte: UInt8, _ bytes: UnsafePointer<UInt8>, _ from: Int, _ end: Int) -> Int {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let highs: UInt64 = 0x8080_8080_8080_8080
  let pattern = UInt64(byte) &* ones
  var at = from
  while at + 8 <= end {
    // Where the byte stands, the difference is zero, and the lowest zero byte is the first whose high bit borrows.
    let difference = UInt64(littleEndian: word(bytes, at)) ^ pattern
    let zeros = (difference &- ones) & ~difference & highs
    if zeros != 0 { return at + zeros.trailingZeroBitCount / 8 }
    at += 8
  }
  while at < end {
    if bytes[at] == byte { return at }
    at += 1
  }
  return -1
}

@inline(__always) private func word(_ bytes: UnsafePointer<UInt8>, _ at: Int) -> UInt64 {
  UnsafeRawPointer(bytes + at).loadUnaligned(as: UInt64.self)
}
