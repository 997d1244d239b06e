/// What a reader does next: where its next byte comes from, or that there is none. Pure; the edge carries it out.

/// `end`: every byte is sent. `tail`: take from a flight's memory. `disk`: read the file. `wait`: a flight brings it, or
/// a pause before a resume runs. `open`: a flight must be opened at the cursor. `cut`: it cannot be had any more.
package enum ReaderStep: String, TextUnion, CaseIterable, Sendable {
  case end
  case tail
  case disk
  case wait
  case open
  case cut
}

/// The next step of a cursor; fixes its end once the length is known.
package func readerStep(_ body: Body, _ cursor: Cursor, _ limits: Limits, _ nowMs: Int) -> ReaderStep {
  if cursor.end == -1 && body.entry.total != -1 { cursor.end = body.entry.total }
  if cursor.end != -1 && cursor.offset >= cursor.end { return .end }
  // R-READ-1
  if tailFlight(body, cursor.offset) != nil { return .tail }
  if spanEndAt(body.entry.spans, cursor.offset) != -1 { return .disk }
  return holeStep(body, cursor, limits, nowMs)
}

/// The flight whose memory holds the byte at `offset`, or nil.
package func tailFlight(_ body: Body, _ offset: Int) -> Flight? {
  for flight in body.flights where flightHoldsByte(flight, offset) { return flight }
  return nil
}

/// End, exclusive, of what one read from the file may bring to the cursor.
package func readerDiskEnd(_ body: Body, _ cursor: Cursor) -> Int {
  let spanEnd = spanEndAt(body.entry.spans, cursor.offset)
  return cursor.end != -1 && cursor.end < spanEnd ? cursor.end : spanEnd
}

/// The flight that will bring the byte at `offset`, or nil; of several the nearest.
package func coveringFlight(_ body: Body, _ offset: Int) -> Flight? {
  var nearest: Flight?
  for flight in body.flights where flightCovers(flight, offset) {
    if let known = nearest, flight.position <= known.position { continue }
    nearest = flight
  }
  return nearest
}

/// The first byte from `start` that is neither in the file nor in memory, -1 when all up to `end` are (-1 unknown).
package func firstMissing(_ body: Body, _ start: Int, _ end: Int) -> Int {
  var offset = start
  while end == -1 || offset < end {
    let next = tailFlight(body, offset)?.position ?? spanEndAt(body.entry.spans, offset)
    if next <= offset { return offset }
    offset = next
  }
  return -1
}

/// Whether the bytes from `start` to `end` (exclusive, -1 for the whole) are all here, in the file or in memory.
package func bodyHolds(_ body: Body, _ start: Int, _ end: Int) -> Bool {
  let total = body.entry.total
  // R-SERVE-7: while its length is unknown a resource is answered whole.
  if total == -1 || (end != -1 && start >= total) { return false }
  return firstMissing(body, start, end == -1 ? total : min(end, total)) == -1
}

/// The first byte from `start` that is neither stored nor on its way, -1 when all up to `end` are.
package func firstUncovered(_ body: Body, _ start: Int, _ end: Int) -> Int {
  var offset = start
  while offset < end {
    let flight = tailFlight(body, offset) ?? coveringFlight(body, offset)
    let next = flight?.limit ?? spanEndAt(body.entry.spans, offset)
    if next <= offset { return offset }
    offset = next
  }
  return -1
}

/// Whether a request so far ahead of a flight fetches for itself instead of waiting for it.
package func isFarSeek(_ body: Body, _ flight: Flight, _ offset: Int, _ limits: Limits) -> Bool {
  // R-FLIGHT-4
  if flight.state != .flowing || body.rangeless || !entryCombinable(body.entry) { return false }
  // The origin gave the whole to who asked for a part: it would again.
  if flight.askStart > flight.start { return false }
  return offset - flight.position >= limits.seekBytesMin
}

private func holeStep(_ body: Body, _ cursor: Cursor, _ limits: Limits, _ nowMs: Int) -> ReaderStep {
  // R-FLIGHT-2
  if let covering = coveringFlight(body, cursor.offset), !isFarSeek(body, covering, cursor.offset, limits) {
    return .wait
  }
  // R-READ-3
  if cursor.failures > limits.resumeMax { return .cut }
  if body.passing || body.entry.total == -1 || !entryCombinable(body.entry) { return .cut }
  if nowMs < cursor.notBeforeMs { return .wait }
  return .open
}
