/// Numbers that look random and are the same in each run (a linear congruential generator; Knuth's constants).
struct StorageRandom {
  private var state: UInt64

  init(_ seed: Int) {
    state = UInt64(seed) &* 2_654_435_761 &+ 12_345
  }

  /// From 0 to `limit`, exclusive.
  mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
}
