/// Ends the run with what was found; libFuzzer keeps the input.
func check(_ holds: Bool, _ what: @autoclosure () -> String, line: UInt = #line, file: StaticString = #fileID) {
  if !holds { fatalError("\(file):\(line) \(what())") }
}

/// Takes an input apart, front to back; what has run out reads as 0.
struct InputReader {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isEmpty: Bool { at >= bytes.count }

  mutating func byte() -> Int {
    defer { at += 1 }
    return at < bytes.count ? Int(bytes[at]) : 0
  }

  /// Any 64 bits.
  mutating func word() -> Int64 {
    var value: UInt64 = 0
    for _ in 0..<8 { value = value << 8 | UInt64(byte()) }
    return Int64(bitPattern: value)
  }

  /// So many bytes, or what is left.
  mutating func take(_ count: Int) -> [UInt8] {
    let end = min(bytes.count, at + count)
    defer { at = max(at, end) }
    return at < end ? Array(bytes[at..<end]) : []
  }

  mutating func rest() -> [UInt8] {
    take(bytes.count)
  }
}
