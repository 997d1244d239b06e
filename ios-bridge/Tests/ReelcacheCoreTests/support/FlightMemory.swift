import ReelcacheCore

/// What a playbook or a seeded run did that the edge never would, or asked of the core in vain.
struct SimulatorError: Error, CustomStringConvertible {
  let description: String
}

/// The edge's side of a flight: whether the origin may still be heard, and the received bytes that memory holds.
final class SimFlight {
  let flight: Flight
  var open = true
  var chunks: [(offset: Int, text: ByteString)] = []

  init(_ flight: Flight) {
    self.flight = flight
  }
}

/// The bytes from `offset` to the end of their piece, at most up to `end` (-1: no limit).
func chunkAt(_ sim: SimFlight, _ offset: Int, _ end: Int) throws -> ByteString {
  for chunk in sim.chunks {
    let stop = chunk.offset + chunk.text.count
    if chunk.offset <= offset && offset < stop {
      return chunk.text.slice(offset - chunk.offset, end == -1 || end > stop ? chunk.text.count : end - chunk.offset)
    }
  }
  throw SimulatorError(description: "flight \(sim.flight.id) holds no byte at \(offset)")
}

/// The bytes from `from` to `to`, over as many pieces as they are in.
func heldText(_ sim: SimFlight, _ from: Int, _ to: Int) throws -> ByteString {
  var text = ByteString()
  while from + text.count < to { text += try chunkAt(sim, from + text.count, to) }
  return text
}
