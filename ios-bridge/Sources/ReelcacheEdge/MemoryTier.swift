#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

package struct MemoryTierOptions: Sendable {
  /// Bytes held at most; 0 holds nothing.
  package var bytesMax: Int
  /// Time without a use after which everything is let go, in milliseconds: an idle proxy is a small one.
  package var idleMs: Int

  package init(bytesMax: Int, idleMs: Int) {
    self.bytesMax = bytesMax
    self.idleMs = idleMs
  }
}

/// Counts for the statistics.
package struct MemoryTierCounts: Equatable, Sendable {
  package let pieces: Int
  package let bytes: Int
  package let hits: Int
  package let reads: Int
}

/// Bytes of an entry from `start` on; `turn` is its last use. Its entry holds it; the links of the order do not.
private final class Piece {
  let id: Int
  let start: Int
  let bytes: Data
  var turn: Int
  unowned var older: Piece?
  unowned var newer: Piece?

  init(_ id: Int, _ start: Int, _ bytes: Data, _ turn: Int) {
    self.id = id
    self.start = start
    self.bytes = bytes
    self.turn = turn
  }

  var end: Int { start + bytes.count }
}

/// A read that is remembered.
private struct SeenRead: Hashable {
  let id: Int
  let start: Int
}

/// Reads that are remembered though their bytes are not held.
private let seenMax = 8_192
/// What a piece costs besides its bytes, in bytes.
private let pieceOverheadBytes = 256
/// Of pieces above this size, in bytes, one in so many makes room for itself.
private let largeBytes = 65_536
private let largeTurns = 8

/// Stored bytes that players ask for again, kept in memory: a replay costs no read. A piece is what one read brought;
/// pieces of an entry never overlap. The bytes of an entry never change and its id is never used again, so a piece is
/// right for as long as its entry lives.
package final class MemoryTier: @unchecked Sendable {
  private let loop: EventLoop
  private let options: MemoryTierOptions
  /// Pieces of an entry, by start.
  private var entries: [Int: [Piece]] = [:]
  private var order = PieceOrder()
  /// When what is not held was read last, in turns; the longest ago first.
  private var seen = OrderedMap<SeenRead, Int>()
  private var bytes = 0
  /// Counts large pieces for which there was no room.
  private var large = 0
  /// Counts uses.
  private var turn = 0
  private var idleTurn = 0
  private var timer: LoopTimer?
  private var hits = 0
  private var reads = 0

  package init(_ loop: EventLoop, _ options: MemoryTierOptions) {
    self.loop = loop
    self.options = options
  }

  /// The bytes held from `offset` on, to the end of their piece or to `end`; nil when there are none. They share the
  /// piece's memory and may outlive it here.
  package func get(_ id: Int, _ offset: Int, _ end: Int) -> Data? {
    loop.assertHere()
    guard let pieces = entries[id] else { return nil }
    let place = placeAfter(pieces, offset)
    if place == 0 { return nil }
    let piece = pieces[place - 1]
    if offset >= piece.end { return nil }
    turn += 1
    hits += 1
    piece.turn = turn
    order.remove(piece)
    order.add(piece)
    if offset == piece.start && end >= piece.end { return piece.bytes }
    return piece.bytes[(offset - piece.start)..<(min(end, piece.end) - piece.start)]
  }

  /// Where a read from `offset` on need not go beyond: the start of the next piece, or `end`.
  package func readEnd(_ id: Int, _ offset: Int, _ end: Int) -> Int {
    loop.assertHere()
    guard let pieces = entries[id] else { return end }
    let place = placeAfter(pieces, offset)
    return place == pieces.count ? end : min(end, pieces[place].start)
  }

  /// Tells of bytes that were read. They are copied and kept when they are read for the second time, and sooner after
  /// the first than the bytes that would have to go for them were last used: one long pass through more than there is
  /// room for must not wash out all the rest.
  package func offer(_ id: Int, _ start: Int, _ bytes: Data) {
    loop.assertHere()
    if bytes.isEmpty || bytes.count + pieceOverheadBytes > options.bytesMax { return }
    turn += 1
    reads += 1
    let key = SeenRead(id: id, start: start)
    if let before = seen.remove(key), makeRoom(bytes.count + pieceOverheadBytes, before) {
      keep(id, start, bytes)
      return
    }
    seen.set(key, turn)
    if seen.count > seenMax, let oldest = seen.first { seen.remove(oldest.key) }
  }

  /// Forgets an entry.
  package func drop(_ id: Int) {
    loop.assertHere()
    for piece in entries[id] ?? [] { forget(piece) }
  }

  /// Forgets everything.
  package func clear() {
    loop.assertHere()
    timer?.cancel()
    timer = nil
    order = PieceOrder()
    entries = [:]
    seen.removeAll()
    bytes = 0
  }

  package func counts() -> MemoryTierCounts {
    loop.assertHere()
    return MemoryTierCounts(pieces: order.count, bytes: bytes, hits: hits, reads: reads)
  }

  private func keep(_ id: Int, _ start: Int, _ bytes: Data) {
    let pieces = entries[id] ?? []
    let place = placeAfter(pieces, start)
    // Two players may have read the same bytes at once.
    if place > 0 && pieces[place - 1].end > start { return }
    if place < pieces.count && pieces[place].start < start + bytes.count { return }
    // Memory of its own: a piece of the pool would not go back for as long as it is held here.
    let piece = Piece(id, start, copied(bytes), turn)
    entries[id, default: []].insert(piece, at: place)
    order.add(piece)
    self.bytes += bytes.count + pieceOverheadBytes
    watch()
  }

  /// Whether `bytes` more may be held, at the price of pieces that were not used since the turn `since`.
  private func makeRoom(_ bytes: Int, _ since: Int) -> Bool {
    if self.bytes + bytes > options.bytesMax && bytes > largeBytes {
      // Bringing in a large piece costs more than a hit of it saves: what changes all the time changes slowly here.
      large = (large + 1) % largeTurns
      if large != 0 { return false }
    }
    while self.bytes + bytes > options.bytesMax {
      guard let oldest = order.oldest, oldest.turn < since else { return false }
      forget(oldest)
    }
    return true
  }

  private func forget(_ piece: Piece) {
    let pieces = entries[piece.id] ?? []
    let place = placeAfter(pieces, piece.start) - 1
    precondition(place >= 0 && pieces[place] === piece, "a piece that is held belongs to an entry")
    order.remove(piece)
    bytes -= piece.bytes.count + pieceOverheadBytes
    if pieces.count == 1 {
      entries[piece.id] = nil
    } else {
      entries[piece.id]?.remove(at: place)
    }
  }

  /// Looks after a while whether anything was used; runs only while something is held.
  private func watch() {
    if timer != nil { return }
    idleTurn = turn
    timer = loop.after(options.idleMs) { [weak self] in
      guard let self else { return }
      timer = nil
      if turn == idleTurn { clear() } else { watch() }
    }
  }
}

/// All pieces, the least recently used first; each is linked to its neighbours, so that a use costs the same however
/// many there are.
private struct PieceOrder {
  private(set) var count = 0
  private(set) unowned var oldest: Piece?
  private unowned var newest: Piece?

  /// Adds a piece that is in no order as the one used last.
  mutating func add(_ piece: Piece) {
    piece.older = newest
    piece.newer = nil
    if let newest { newest.newer = piece } else { oldest = piece }
    newest = piece
    count += 1
  }

  mutating func remove(_ piece: Piece) {
    if let older = piece.older { older.newer = piece.newer } else { oldest = piece.newer }
    if let newer = piece.newer { newer.older = piece.older } else { newest = piece.older }
    piece.older = nil
    piece.newer = nil
    count -= 1
  }
}

/// Place of the first piece that starts behind `offset`.
private func placeAfter(_ pieces: [Piece], _ offset: Int) -> Int {
  var low = 0
  var high = pieces.count
  while low < high {
    let middle = (low + high) / 2
    if pieces[middle].start <= offset { low = middle + 1 } else { high = middle }
  }
  return low
}

private func copied(_ bytes: Data) -> Data {
  bytes.withUnsafeBytes { held in held.baseAddress.map { Data(bytes: $0, count: held.count) } ?? Data() }
}
