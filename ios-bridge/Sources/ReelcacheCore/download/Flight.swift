/// A flight is one origin fetch, shared by all who wait for its bytes. A body is one version of a resource in use: its
/// entry, the flights that fill it and the cursors that read it. Offsets are absolute in the representation.
///
/// Swift checks at run time that nobody looks at a property while another changes it, as long as the compiler cannot see
/// every use: for what other modules see, which costs more than the work itself for each piece received. Here as in all
/// of the core a change is an assignment, or an append of what is known before it: nothing runs in its midst. So what
/// other modules see is `@exclusivity(unchecked)`.

/// Where one player stands in a body.
package final class Cursor {
  /// Id of the exchange that reads.
  package let owner: Int
  /// Next byte to send.
  @exclusivity(unchecked) package var offset: Int
  /// End, exclusive; -1 until the length is known.
  @exclusivity(unchecked) package var end: Int
  /// Flights that failed under it.
  var failures = 0
  /// What the last of them died of.
  var failure = ErrorCode.upstreamTruncated
  /// It opens no flight before this time, in milliseconds since the epoch.
  var notBeforeMs = 0

  init(owner: Int, offset: Int, end: Int) {
    self.owner = owner
    self.offset = offset
    self.end = end
  }
}

/// One version of a resource in use.
package final class Body {
  package let entry: Entry
  /// Each leaves when it ends, so that the two do not hold each other longer than they work.
  @exclusivity(unchecked) package var flights: [Flight] = []
  var cursors: [Cursor] = []
  /// Exchanges that hold it open.
  package var uses = 0
  /// Bytes go to the file. False: passed through from memory only.
  @exclusivity(unchecked) package var storing = true
  /// It may never be found by a key: a pass-through, or not yet decided.
  var hidden = true
  /// Replaced, removed or cleared: its file goes with its last use.
  var doomed = false
  /// The index has its row.
  var journalled = false
  /// The file was created.
  @exclusivity(unchecked) package var onDisk = false
  /// Its origin answers ranges with the whole (R-FLIGHT-9).
  var rangeless = false
  /// An error status passed on as it is: what is lost of it is not asked for again.
  var passing = false
  /// The absolute URL that a response that passes through sends the player to, "" for none.
  var location = ByteString()
  /// Status and reason of a response that is passed on, 200 otherwise.
  var status = 200
  var reason = ByteString()

  init(entry: Entry) {
    self.entry = entry
  }
}

package enum FlightState: String, TextUnion, CaseIterable, Sendable {
  case queued
  case asked
  case flowing
  case draining
  case ended
}

/// What a flight is for.
package enum FlightPurpose: String, TextUnion, CaseIterable, Sendable {
  case opening
  case hole
}

package final class Flight {
  package let id: Int
  @exclusivity(unchecked) package var body: Body
  /// Id of the exchange that opened it: the player's fields are its own.
  package var asker: Int
  /// `opening` decides what the resource is; `hole` fetches missing bytes of a known version.
  var purpose: FlightPurpose
  /// The key whose slot it holds, "" when it passes by the cache.
  var key = ByteString()
  @exclusivity(unchecked) package var method = AskMethod.get
  /// The method of a request that passes through, "" for any other.
  package let verb: ByteString
  var lane: Lane
  /// URL of the current request: changes with redirects.
  @exclusivity(unchecked) package var url: ByteString
  var redirects = 0
  /// The URL that it was first asked at, and how often the library's caller has signed it anew.
  package let source: ByteString
  var resigned = 0
  /// Player fields to forward, in table order.
  var forward: FieldList
  /// The key of what is for its player, and what of its player's request tells variants apart: as it first was sent.
  let space: ByteString
  let selecting: FieldList
  /// The player's fields that say who asks (Authorization, Cookie), as it sent them.
  let credentials: FieldList
  /// The player's own request said no-store: it is not passed on, but kept to.
  var unstorable: Bool
  /// It tries an origin whose breaker is open.
  var probe = false
  /// A playlist is expected: it may come compressed.
  var playlist: Bool
  /// It is a directed reload: its origin may hold it, and what it brings is shared and not stored.
  let directed: Bool
  /// First byte asked for, 0 for the whole, -1 for a suffix.
  var askStart = 0
  /// End asked for, exclusive, -1 open.
  var askEnd = -1
  /// Suffix length asked for, -1 none.
  var askSuffix = -1
  /// The version it revalidates, if any.
  var revalidates: Body?
  var state = FlightState.queued
  /// First byte that it delivers.
  var start = 0
  /// Bytes below are received.
  @exclusivity(unchecked) package var position = 0
  /// Delivers up to here, exclusive, -1 unknown.
  var limit = -1
  /// Bytes below are in the file.
  @exclusivity(unchecked) package var written = 0
  /// Spans below are handed to the journal.
  var journalled = 0
  /// Oldest byte that is still in memory.
  var tailStart = 0
  @exclusivity(unchecked) package var paused = false
  /// Since when, in milliseconds since the epoch.
  var pausedMs = 0
  /// Another flight took over what lay beyond its limit: the origin sends more than is wanted.
  var clipped = false
  /// The cache was cleared under it: what it brings is not found by its key.
  var unpublished = false
  /// Nobody reads it: it ends at this position at the latest, -1 while someone does or its length is known.
  var detachLimit = -1
  var requestMs: Int
  /// Exchanges that wait for its head, oldest first.
  var waiters: [Int] = []

  /// A flight that has not asked yet, for the whole.
  init(
    id: Int,
    body: Body,
    asker: Int,
    purpose: FlightPurpose,
    verb: ByteString,
    lane: Lane,
    url: ByteString,
    forward: FieldList,
    space: ByteString,
    credentials: FieldList,
    unstorable: Bool,
    playlist: Bool,
    directed: Bool,
    requestMs: Int
  ) {
    self.id = id
    self.body = body
    self.asker = asker
    self.purpose = purpose
    self.verb = verb
    self.lane = lane
    self.url = url
    source = url
    self.forward = forward
    self.space = space
    self.selecting = forward
    self.credentials = credentials
    self.unstorable = unstorable
    self.playlist = playlist
    self.directed = directed
    self.requestMs = requestMs
  }
}

/// A cursor of an exchange, at `offset`.
package func newCursor(_ owner: Int, _ offset: Int, _ end: Int) -> Cursor {
  Cursor(owner: owner, offset: offset, end: end)
}

/// A body around an entry, not yet found by its key.
package func newBody(_ entry: Entry) -> Body {
  Body(entry: entry)
}

/// Whether the flight will still deliver the byte at `offset`.
package func flightCovers(_ flight: Flight, _ offset: Int) -> Bool {
  if flight.state == .draining || flight.state == .ended { return false }
  return flight.position <= offset && (flight.limit == -1 || offset < flight.limit)
}

/// Whether the byte at `offset` is in the flight's memory.
package func flightHoldsByte(_ flight: Flight, _ offset: Int) -> Bool {
  flight.tailStart <= offset && offset < flight.position
}

/// How long its origin may be silent before the head of its answer, in milliseconds.
package func flightSilenceMs(_ flight: Flight, _ limits: Limits) -> Int {
  // R-LL-4
  flight.directed ? limits.heldSilenceMs : limits.headSilenceMs
}

/// Whether anyone waits for its head or for a byte that only it will deliver.
package func flightWanted(_ flight: Flight) -> Bool {
  flight.waiters.count > 0 || flightFurthest(flight) >= 0
}

/// Offset of the reader that is furthest along the flight, its start for one still before it, -1 when nobody reads it.
package func flightFurthest(_ flight: Flight) -> Int {
  var furthest = -1
  for cursor in flight.body.cursors {
    if !cursorWants(flight, cursor) { continue }
    let offset = max(cursor.offset, flight.start)
    if offset > furthest { furthest = offset }
  }
  return furthest
}

/// Whether the origin must wait: too many bytes await the disk, or the flight is too far ahead of its furthest reader.
/// A flight that nobody reads runs to its end or its detach limit.
package func flightShouldPause(_ flight: Flight, _ limits: Limits) -> Bool {
  // R-FLIGHT-6
  if flight.body.storing && flight.position - flight.written >= limits.tailBytesMax { return true }
  let furthest = flightFurthest(flight)
  if furthest < 0 { return false }
  let ahead = flight.body.storing ? limits.readAheadBytesMax : limits.tailBytesMax
  return flight.position - furthest >= ahead
}

/// Whether what awaits the disk is worth a write: one costs as much for little as for much.
package func flightShouldWrite(_ flight: Flight, _ limits: Limits) -> Bool {
  let waiting = flight.position - flight.written
  if !flight.body.storing || waiting <= 0 { return false }
  // R-FLIGHT-17: what pauses an origin is written, or neither would go on.
  return flight.position == flight.limit || waiting >= min(limits.readPieceBytes, limits.tailBytesMax)
}

/// The oldest byte that must stay in memory: what the disk has not got, and, as far as `tailBytesMax` goes, what a
/// reader has yet to take. Without a file the furthest reader's bytes always stay; one that falls behind fetches anew.
package func flightTailFloor(_ flight: Flight, _ limits: Limits) -> Int {
  var floor = flight.position
  for cursor in flight.body.cursors where cursor.offset >= flight.tailStart && cursor.offset < floor {
    floor = cursor.offset
  }
  if flight.position - floor > limits.tailBytesMax { floor = flight.position - limits.tailBytesMax }
  if flight.body.storing { return max(flight.tailStart, min(floor, flight.written)) }
  // R-FLIGHT-7
  let furthest = flightFurthest(flight)
  if furthest >= 0 && furthest < floor { floor = furthest }
  return max(flight.tailStart, floor)
}

private func cursorWants(_ flight: Flight, _ cursor: Cursor) -> Bool {
  if flight.limit != -1 && cursor.offset >= flight.limit { return false }
  if cursor.end != -1 && cursor.offset >= cursor.end { return false }
  // What a file holds, a reader takes from the file; without one, memory is all there is.
  if flight.body.storing { return cursor.end == -1 || cursor.end > flight.position }
  if cursor.end != -1 && cursor.end <= flight.tailStart { return false }
  // R-CACHE-4: after a disk failed, a reader may still be on its way through what was written before.
  return cursor.offset >= flight.tailStart || spanEndAt(flight.body.entry.spans, cursor.offset) >= flight.tailStart
}
