/// What a player needs, from the beginning on, to play a complete media playlist: for offline use and for policies.

/// A media segment: when its playing begins and ends, in milliseconds from the beginning; the part that it is, nil for
/// a gap; and what a player needs beside it and did not need for those before: initialization sections and keys.
package struct TimelineSegment: Equatable, Sendable {
  package var startMs: Int
  package var endMs: Int
  package var needs: [PlaylistPart]
  package var part: PlaylistPart?
}

/// The segments of a complete media playlist, in order; nil when it is none, and when it is not certain what a player
/// would ask for. `bytes` is the whole playlist (a byte string), `baseUrl` its final absolute URL.
package func mediaTimeline(_ bytes: ByteString, _ baseUrl: ByteString) -> [TimelineSegment]? {
  // R-TIME-1
  if isPlaylistBody(bytes) != .yes || playlistSummary(bytes).kind != .vod { return nil }
  let mapper = uriMapper("", .path, baseUrl)
  var segments: [TimelineSegment] = []
  var next = Next()
  var start = 0
  while start < bytes.count {
    let lineEnd = lineNext(bytes, start)
    let from = contentStart(bytes, start, lineEnd)
    let end = contentEnd(bytes, from, lineEnd)
    if bytes.startsWith(tagStart, from) {
      if !readTag(bytes, from, end, mapper, &next) { return nil }
    } else if from < end && bytes.code(from) != hash {
      let startMs = segments.last?.endMs ?? 0
      if !readSegment(mapper, bytes.slice(from, end), &next) { return nil }
      let endMs = min(startMs + next.durationMs, integerMax)
      let part = next.gap ? nil : next.before
      segments.append(TimelineSegment(startMs: startMs, endMs: endMs, needs: next.needs, part: part))
      next.durationMs = -1
      next.range = nil
      next.gap = false
      next.needs = []
    }
    start = lineEnd
  }
  return segments
}

/// How many segments, from the first on, begin before `headMs` milliseconds or are among the first `headSegments`.
package func headCount(_ segments: [TimelineSegment], _ headMs: Int, _ headSegments: Int) -> Int {
  var count = min(headSegments, segments.count)
  // R-DELIVER-3
  while count < segments.count && segments[count].startMs < headMs { count += 1 }
  return count
}

/// Whether a presentation plays far enough when what its first `count` segments need is there: to its end, or for
/// `enoughMs` milliseconds; 0 means to its end.
package func playsEnough(_ segments: [TimelineSegment], _ count: Int, _ enoughMs: Int) -> Bool {
  // R-TIME-4
  if count == 0 { return false }
  return count == segments.count || (enoughMs > 0 && segments[count - 1].endMs >= enoughMs)
}

private let hash = 0x23
private let tagStart: ByteString = "#EXT"
private let infTag: ByteString = "#EXTINF"
private let keyTag: ByteString = "#EXT-X-KEY"
private let mapTag: ByteString = "#EXT-X-MAP"
private let rangeTag: ByteString = "#EXT-X-BYTERANGE"
private let gapTag: ByteString = "#EXT-X-GAP"

/// Tags with which it is not certain what the URIs mean, or which segments there are.
private let uncertainTags: [ByteString] = ["#EXT-X-DEFINE", "#EXT-X-SKIP", "#EXT-X-STREAM-INF"]

/// What the tags say of the next segment; -1 while it has no duration; `before` is the part of the segment before it.
private struct Next {
  var durationMs = -1
  var range: ByteString?
  var gap = false
  var needs: [PlaylistPart] = []
  var before: PlaylistPart?
}

/// Takes a tag in; false when it leaves uncertain what is asked for.
private func readTag(
  _ bytes: ByteString,
  _ from: Int,
  _ end: Int,
  _ mapper: UriMapper,
  _ next: inout Next
) -> Bool {
  func isThis(_ tag: ByteString) -> Bool { isTag(bytes, from, end, tag) }
  // R-TIME-1
  if uncertainTags.contains(where: isThis) { return false }
  if isThis(infTag) {
    let value = bytes.slice(contentStart(bytes, from + infTag.count + 1, end), end)
    let comma = value.indexOf(",")
    next.durationMs = milliseconds(comma < 0 ? value : value.slice(0, comma))
  } else if isThis(rangeTag) {
    next.range = bytes.slice(contentStart(bytes, from + rangeTag.count + 1, end), end)
  } else if isThis(gapTag) {
    next.gap = true
  } else if isThis(keyTag) {
    let attributes = attributeList(bytes, from + keyTag.count + 1, end)
    let uri = onlyQuoted(bytes, attributes, "URI")
    if uri.includes("{$") { return false }
    // R-TIME-2: a key with another scheme (skd:, data:) does not come through the proxy.
    let url = partUrl(mapper, uri)
    if !url.isEmpty { next.needs.append(PlaylistPart(url: url, start: 0, end: -1)) }
  } else if isThis(mapTag) {
    guard let part = mapPart(bytes, mapper, from + mapTag.count + 1, end) else { return false }
    next.needs.append(part)
  }
  return true
}

/// Takes the URI of a segment in; false when it is uncertain what it means.
private func readSegment(_ mapper: UriMapper, _ uri: ByteString, _ next: inout Next) -> Bool {
  if next.durationMs < 0 { return false }
  let url = partUrl(mapper, uri)
  var offset = -1
  // R-TIME-3
  if let before = next.before, before.url == url { offset = before.end }
  next.before = rangedPart(url, next.range, offset)
  return next.before != nil
}
