/// What a playlist is, read from its tags alone (rfc8216bis section 4.4). Playlists are byte strings.

/// *vod*: complete (ENDLIST). *event*: only appended to. *live*: a sliding window, or anything undeclared.
package enum PlaylistKind: String, TextUnion, CaseIterable, Sendable {
  case multivariant
  case vod
  case event
  case live
}

/// The tags that decide about reuse. Milliseconds, 0 when the tag is absent or malformed.
package struct PlaylistSummary: Equatable, Sendable {
  package var kind: PlaylistKind
  package var targetDurationMs: Int
  package var endList: Bool
  package var mediaSequence: Int
  package var partTargetMs: Int
  package var canBlockReload: Bool
}

/// What `isPlaylistBody` says.
package enum PlaylistBodyAnswer: String, TextUnion, CaseIterable, Sendable {
  case yes
  case no
  case more
}

/// Reads a whole playlist. Never fails: tags that make no sense count as absent.
package func playlistSummary(_ bytes: ByteString) -> PlaylistSummary {
  var seen = Seen(multivariant: false, segment: false, event: false)
  var summary = PlaylistSummary(
    kind: .live,
    targetDurationMs: 0,
    endList: false,
    mediaSequence: 0,
    partTargetMs: 0,
    canBlockReload: false
  )
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    if bytes.startsWith(tagStart, from) {
      let end = contentEnd(bytes, from, next)
      if bytes.startsWith(segmentTagRest, from + 4) {
        seen.segment = true
      } else {
        noteTag(bytes, from, end, &summary, &seen)
      }
    }
    start = next
  }
  summary.kind = kindOf(seen, summary.endList)
  return summary
}

/// Whether a body is a playlist, from its first bytes: a byte order mark or none, then `#EXTM3U`. "more" when the bytes
/// so far could still begin one.
package func isPlaylistBody(_ bytes: ByteString) -> PlaylistBodyAnswer {
  let marked = byteOrderMark + firstTag
  // R-PL-5
  if bytes.startsWith(firstTag) || bytes.startsWith(marked) { return .yes }
  return firstTag.startsWith(bytes) || marked.startsWith(bytes) ? .more : .no
}

/// Decimal seconds as whole milliseconds, rounded down; 0 when malformed.
package func milliseconds(_ text: ByteString) -> Int {
  let dot = text.indexOf(".")
  let seconds = parseDigits(dot < 0 ? text : text.slice(0, dot))
  let fraction = dot < 0 ? "" : text.slice(dot + 1)
  // R-PL-9
  if seconds < 0 || seconds > 1_000_000_000 || (!fraction.isEmpty && parseDigits(fraction) < 0) { return 0 }
  return seconds * 1000 + parseDigits((fraction + "000").slice(0, 3))
}

private let firstTag: ByteString = "#EXTM3U"
private let tagStart: ByteString = "#EXT"
private let segmentTagRest: ByteString = "INF:"

private struct Seen {
  var multivariant: Bool
  var segment: Bool
  var event: Bool
}

/// Tags that only a multivariant playlist may hold (rfc8216bis section 4.4.6).
private let multivariantTags: [ByteString] = [
  "#EXT-X-STREAM-INF",
  "#EXT-X-I-FRAME-STREAM-INF",
  "#EXT-X-IMAGE-STREAM-INF",
  "#EXT-X-MEDIA",
  "#EXT-X-SESSION-DATA",
  "#EXT-X-SESSION-KEY",
  "#EXT-X-CONTENT-STEERING",
]

private let endListTag: ByteString = "#EXT-X-ENDLIST"
private let targetDurationTag: ByteString = "#EXT-X-TARGETDURATION"
private let mediaSequenceTag: ByteString = "#EXT-X-MEDIA-SEQUENCE"
private let playlistTypeTag: ByteString = "#EXT-X-PLAYLIST-TYPE"
private let partInfTag: ByteString = "#EXT-X-PART-INF"
private let serverControlTag: ByteString = "#EXT-X-SERVER-CONTROL"

private func kindOf(_ seen: Seen, _ endList: Bool) -> PlaylistKind {
  // R-PL-6
  if seen.multivariant && !seen.segment { return .multivariant }
  // R-PL-7
  if endList { return .vod }
  // R-PL-8
  return seen.event ? .event : .live
}

private func noteTag(
  _ bytes: ByteString,
  _ start: Int,
  _ end: Int,
  _ summary: inout PlaylistSummary,
  _ seen: inout Seen
) {
  let nameEnd = nameStop(bytes, start, end)
  if isText(bytes, start, nameEnd, endListTag) {
    summary.endList = true
  } else if isText(bytes, start, nameEnd, targetDurationTag) {
    summary.targetDurationMs = milliseconds(valueOf(bytes, nameEnd, end))
  } else if isText(bytes, start, nameEnd, mediaSequenceTag) {
    let sequence = parseDigits(valueOf(bytes, nameEnd, end))
    summary.mediaSequence = sequence < 0 ? 0 : sequence
  } else if isText(bytes, start, nameEnd, playlistTypeTag) {
    seen.event = valueOf(bytes, nameEnd, end) == "EVENT"
  } else if isText(bytes, start, nameEnd, partInfTag) {
    summary.partTargetMs = milliseconds(attributeOf(bytes, nameEnd + 1, end, "PART-TARGET"))
  } else if isText(bytes, start, nameEnd, serverControlTag) {
    summary.canBlockReload = attributeOf(bytes, nameEnd + 1, end, "CAN-BLOCK-RELOAD") == "YES"
  } else if multivariantTags.contains(where: { isText(bytes, start, nameEnd, $0) }) {
    seen.multivariant = true
  }
}

/// Where a tag's name ends: at its colon, or with its line; never looks beyond, or many lines would cost a square.
private func nameStop(_ bytes: ByteString, _ start: Int, _ end: Int) -> Int {
  var offset = start
  while offset < end && bytes.code(offset) != colon { offset += 1 }
  return offset
}

private let colon = 0x3a

/// Whether exactly this text stands between two offsets.
private func isText(_ bytes: ByteString, _ start: Int, _ end: Int, _ text: ByteString) -> Bool {
  end - start == text.count && bytes.startsWith(text, start)
}

private func valueOf(_ bytes: ByteString, _ nameEnd: Int, _ end: Int) -> ByteString {
  bytes.slice(contentStart(bytes, nameEnd + 1, end), end)
}

private func attributeOf(_ bytes: ByteString, _ start: Int, _ end: Int, _ name: ByteString) -> ByteString {
  attributeText(bytes, attributeList(bytes, start, end), name) ?? ""
}
