import ReelcacheCore

/// A seeded source of whole numbers, so that a failing seed can be run again; the same numbers as the reference's.
struct SeededRandom {
  private var state: UInt32

  init(_ seed: Int) {
    state = UInt32(truncatingIfNeeded: seed)
  }

  /// A number from 0 to `below` - 1.
  mutating func next(_ below: Int) -> Int {
    // mulberry32: small, quick, and good enough for test data.
    state &+= 0x6d2b_79f5
    var mixed = (state ^ (state >> 15)) &* (state | 1)
    mixed ^= mixed &+ (mixed ^ (mixed >> 7)) &* (mixed | 61)
    return Int((UInt64(mixed ^ (mixed >> 14)) * UInt64(below)) >> 32)
  }

  /// One of the choices.
  mutating func one<Choice>(_ choices: [Choice]) -> Choice {
    choices[next(choices.count)]
  }

  /// Up to `most` bytes, each of the codes 0 to 255.
  mutating func bytes(_ most: Int) -> ByteString {
    var text = ByteString()
    for _ in 0..<next(most + 1) { text.bytes.append(UInt8(next(256))) }
    return text
  }

  /// Up to `most` of the pieces, one after the other.
  mutating func text(_ most: Int, _ pieces: [ByteString]) -> ByteString {
    var text = ByteString()
    for _ in 0..<next(most + 1) { text += one(pieces) }
    return text
  }
}
