@testable import ReelcacheCore

/// Eight digits that differ when anything in two runs did: what happened, and what each player got. Written down beside
/// the ids of vectors and playbooks, they show that the reference plays every seed alike, event for event.
func runDigest(_ sim: Simulator, _ log: [ByteString]) -> String {
  var hash: UInt32 = 0x811c_9dc5
  let results = sim.players.values.map { player -> ByteString in
    "\(player.name) \(player.head?.status ?? 0) \(latin1(player.end.rawValue)) \(player.received)"
  }
  for line in log + results {
    // FNV-1a.
    line.bytes.withUnsafeBufferPointer { bytes in
      for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    }
    hash = (hash ^ 10) &* 0x0100_0193
  }
  let digits = String(hash, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}
