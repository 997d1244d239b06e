/// Which media playlists are where a player may begin. A multivariant playlist names them in groups of which a player
/// takes one each; what it takes later is a switch, at which nobody knows what is asked for next. Bounded: of the
/// playlists that were named the oldest is forgotten first.

/// Playlists of which a player begins with one: armed until then, in milliseconds since the epoch; 0 once it has.
package final class StartGroup {
  package var untilMs: Int

  init(untilMs: Int) {
    self.untilMs = untilMs
  }
}

/// A playlist that was named: by which answer last, and its groups there.
package final class NamedPlaylist {
  var answer: Int
  var groups: [StartGroup] = []

  init(answer: Int) {
    self.answer = answer
  }
}

package final class StartMemory {
  package let max: Int
  var named: [ByteString: NamedPlaylist] = [:]
  var ring: [ByteString] = []
  var next = 0
  var answers = 0

  init(max: Int) {
    self.max = max
  }
}

/// Whether a playlist is where a player may begin: "unnamed" when no multivariant playlist that is remembered says.
package enum StartClaim: String, TextUnion, Sendable {
  case armed
  case spent
  case unnamed
}

/// An empty memory for `max` playlists.
package func newStartMemory(_ max: Int) -> StartMemory {
  StartMemory(max: max)
}

/// Remembers, by their cache keys, the playlists that a multivariant playlist names, each of `groups` armed until
/// `untilMs`. What an earlier answer said of them counts no more.
package func rememberStarts(
  _ memory: StartMemory,
  _ named: [ByteString],
  _ groups: [[ByteString]],
  _ untilMs: Int
) {
  memory.answers += 1
  for key in named { _ = recordOf(memory, key) }
  for keys in groups {
    let group = StartGroup(untilMs: untilMs)
    for key in keys {
      // A playlist may be both a variant and a rendition.
      if let record = recordOf(memory, key), !record.groups.contains(where: { $0 === group }) {
        record.groups.append(group)
      }
    }
  }
}

/// Claims a start for the player that is answered this playlist: its groups are disarmed, whatever comes of it.
package func claimStart(_ memory: StartMemory, _ key: ByteString, _ nowMs: Int) -> StartClaim {
  guard let record = memory.named[key] else { return .unnamed }
  var claim = StartClaim.spent
  for group in record.groups {
    if group.untilMs > nowMs { claim = .armed }
    // R-AHEAD-5
    group.untilMs = 0
  }
  return claim
}

/// The record that this answer writes to; nil when there is no room for any.
private func recordOf(_ memory: StartMemory, _ key: ByteString) -> NamedPlaylist? {
  if let known = memory.named[key] {
    if known.answer != memory.answers {
      known.answer = memory.answers
      known.groups = []
    }
    return known
  }
  // R-AHEAD-11
  if memory.max <= 0 { return nil }
  if memory.ring.count < memory.max {
    memory.ring.append(key)
  } else {
    memory.named[memory.ring[memory.next]] = nil
    memory.ring[memory.next] = key
    memory.next = (memory.next + 1) % memory.max
  }
  let record = NamedPlaylist(answer: memory.answers)
  memory.named[key] = record
  return record
}
