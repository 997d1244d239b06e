/// What is fetched of a media playlist that is preloaded: the first seconds or segments, with all that they need.

/// What an amount counts.
package enum PreloadUnit: String, TextUnion, Sendable {
  case all
  case milliseconds
  case segments
  case bytes
}

/// How much: milliseconds of playing, segments, or bytes; `all` counts nothing.
package struct PreloadAmount: Equatable, Sendable {
  package var unit: PreloadUnit
  package var count: Int

  package init(unit: PreloadUnit, count: Int) {
    self.unit = unit
    self.count = count
  }
}

/// What a part is of: the URL that was asked for, a variant's playlist, one beside it, or anything else.
package enum PreloadPartKind: String, TextUnion, Sendable {
  case root
  case playlist
  case rendition
  case media
}

/// Bytes to ask for at once, and what of the playing they bring; in a presentation the part with the lowest time comes
/// first.
package struct PreloadPart: Equatable, Sendable {
  package var kind: PreloadPartKind
  package var url: ByteString
  package var start: Int
  package var end: Int
  package var atMs: Int
  package var segments: Int
  package var durationMs: Int
}

/// The parts in the order of playing, at most `segmentsMax` segments.
package func preloadParts(_ timeline: Timeline, _ amount: PreloadAmount, _ segmentsMax: Int) -> [PreloadPart] {
  var parts: [PreloadPart] = []
  var seen = Set<ByteString>()
  var segments = 0
  var known = 0
  let endMs = amount.unit == .milliseconds ? timeline.beginMs + amount.count : -1
  let most = amount.unit == .segments ? min(amount.count, segmentsMax) : segmentsMax
  for segment in timeline.segments {
    // R-PRE-7
    if segment.endMs <= timeline.beginMs && timeline.beginMs > 0 { continue }
    if endMs != -1 && segment.startMs >= endMs { break }
    if segments >= most || (amount.unit == .bytes && known >= amount.count) { break }
    segments += 1
    guard let part = segment.part else { continue }
    let atMs = segment.startMs
    // R-PRE-6
    for url in segment.keys { addOnce(&parts, &seen, PlaylistPart(url: url, start: 0, end: -1), atMs) }
    if let map = segment.map { addOnce(&parts, &seen, map, atMs) }
    if part.end != -1 { known = min(known + part.end - part.start, integerMax) }
    addPart(&parts, mediaPart(part, atMs, 1, segment.endMs - atMs))
  }
  return parts
}

/// Adds a part, or lengthens the last one when it goes on where that ends (R-PRE-6).
private func addPart(_ parts: inout [PreloadPart], _ part: PreloadPart) {
  guard
    var last = parts.last, last.url == part.url, last.end != -1, last.end == part.start, part.end != -1
  else {
    parts.append(part)
    return
  }
  last.end = part.end
  last.segments += part.segments
  last.durationMs += part.durationMs
  parts[parts.count - 1] = last
}

private func addOnce(
  _ parts: inout [PreloadPart],
  _ seen: inout Set<ByteString>,
  _ part: PlaylistPart,
  _ atMs: Int
) {
  if seen.insert("\(part.start) \(part.end) \(part.url)").inserted { addPart(&parts, mediaPart(part, atMs, 0, 0)) }
}

private func mediaPart(_ part: PlaylistPart, _ atMs: Int, _ segments: Int, _ durationMs: Int) -> PreloadPart {
  PreloadPart(
    kind: .media,
    url: part.url,
    start: part.start,
    end: part.end,
    atMs: atMs,
    segments: segments,
    durationMs: durationMs
  )
}
