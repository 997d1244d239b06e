/// Preloads: what is fetched for later, by request. The core keeps those at work, and the last that ended, for who asks.

/// What is to be preloaded; of several the one with the highest priority goes first, of equals the oldest.
package struct PreloadOrder: Sendable {
  package var url: ByteString
  package var amount: PreloadAmount
  package var variant: VariantWish
  package var subtitles: Bool
  package var priority: Int

  package init(url: ByteString, amount: PreloadAmount, variant: VariantWish, subtitles: Bool, priority: Int) {
    self.url = url
    self.amount = amount
    self.variant = variant
    self.subtitles = subtitles
    self.priority = priority
  }
}

package enum PreloadState: String, TextUnion, Sendable {
  case active
  case done
  case failed
  case cancelled
}

/// Bytes that are here and on their way to the disk: what brings them, and up to where.
package struct Landing {
  package let flight: Flight
  package let upTo: Int
}

/// One preload and how far it came. `cause` is why it failed: an error's code, or a word of R-PRE-9.
package final class Preload {
  package let id: Int
  package var order: PreloadOrder
  package var state = PreloadState.active
  package var cause: ByteString = ""
  /// The variables that the playlists of its multivariant playlist may import, as they travel.
  var imports: ByteString = ""
  /// Where its multivariant playlist says that playing begins, as text; "" when it does not.
  var offset: ByteString = ""
  /// Parts to ask for, in the order of playing.
  var todo: [PreloadPart]
  /// Exchanges under way.
  var running: [Int] = []
  /// What is not in its file yet: it is over when that is.
  var landing: [Landing] = []
  /// What is here, and, as far as it is known, what there will be.
  package var bytes = 0
  package var segments = 0
  package var durationMs = 0
  package var segmentsAll = 0
  package var durationAllMs = 0
  /// Tries that failed one after the other, and until when it waits.
  var failures = 0
  var notBeforeMs = 0

  init(id: Int, order: PreloadOrder, todo: [PreloadPart]) {
    self.id = id
    self.order = order
    self.todo = todo
  }
}

package final class PreloadTable {
  /// At work, in the order in which they go.
  package var active: [Preload] = []
  /// Over, oldest first.
  package var ended: [Preload] = []
  var nextId = 1
  var running = 0
  /// Landings that preloads at work wait for.
  var landing = 0
  /// When one that waits may go on, -1 when none does.
  var wakeMs = -1
  /// Nothing is asked for: their order is about to change.
  var held = false
}

/// No preloads.
package func newPreloadTable() -> PreloadTable {
  PreloadTable()
}

/// The preload of that id, at work or among the last that ended; nil when it is not known any more.
package func findPreload(_ table: PreloadTable, _ id: Int) -> Preload? {
  table.active.first { $0.id == id } ?? table.ended.first { $0.id == id }
}

/// Takes a preload in, at its place by priority and age.
package func addPreload(_ table: PreloadTable, _ order: PreloadOrder) -> Preload {
  let root = PreloadPart(kind: .root, url: order.url, start: 0, end: -1, atMs: -1, segments: 0, durationMs: 0)
  let preload = Preload(id: table.nextId, order: order, todo: [root])
  table.nextId += 1
  table.active.append(preload)
  sortPreloads(table)
  return preload
}

/// Puts those at work in order.
package func sortPreloads(_ table: PreloadTable) {
  // R-PRE-2
  table.active.sort {
    $0.order.priority == $1.order.priority ? $0.id < $1.id : $0.order.priority > $1.order.priority
  }
}

/// Moves a preload to those that ended; of more than `max` the oldest is forgotten.
package func retirePreload(_ table: PreloadTable, _ preload: Preload, _ max: Int) {
  if let place = table.active.firstIndex(where: { $0 === preload }) { table.active.remove(at: place) }
  preload.todo = []
  table.landing -= preload.landing.count
  preload.landing = []
  table.ended.append(preload)
  while table.ended.count > max { table.ended.removeFirst() }
}

/// Puts a part back that is to be asked for again, before those of the same time.
package func putBack(_ preload: Preload, _ part: PreloadPart) {
  var place = 0
  while place < preload.todo.count && preload.todo[place].atMs < part.atMs { place += 1 }
  preload.todo.insert(part, at: place)
}

/// Adds parts in the order of playing, behind those of the same time.
package func addParts(_ preload: Preload, _ parts: [PreloadPart]) {
  for part in parts {
    preload.segmentsAll += part.segments
    preload.durationAllMs += part.durationMs
  }
  var todo: [PreloadPart] = []
  var at = 0
  for part in parts {
    while at < preload.todo.count && preload.todo[at].atMs <= part.atMs {
      todo.append(preload.todo[at])
      at += 1
    }
    todo.append(part)
  }
  preload.todo = todo + preload.todo[at...]
}
