/// What a media playlist plays when: its segments on a line of time, with the section and the keys that each needs.

/// A segment that is played from `startMs` to `endMs`, with its initialization section (nil: none) and the URLs of its
/// keys. `part` is nil when there is nothing that can be fetched for certain; `gap` says that nothing is to be.
package struct TimelineSegment: Equatable, Sendable {
  package var startMs: Int
  package var endMs: Int
  package var gap: Bool
  package var part: PlaylistPart?
  package var map: PlaylistPart?
  package var keys: [ByteString]
}

/// The segments in order, where playing begins, and the length of all. `certain` when the playlist is complete and there
/// is no doubt about what a player would ask for.
package struct Timeline: Equatable, Sendable {
  package var segments: [TimelineSegment]
  package var beginMs: Int
  package var endMs: Int
  package var certain: Bool
}

/// Reads a whole media playlist (a byte string). `baseUrl` is its final absolute URL. Tags that make no sense are
/// skipped.
package func mediaTimeline(_ bytes: ByteString, _ baseUrl: ByteString) -> Timeline {
  let mapper = uriReader(baseUrl)
  // R-TIME-1
  let isComplete = isPlaylistBody(bytes) == .yes && playlistSummary(bytes).kind == .vod
  var timeline = Timeline(segments: [], beginMs: 0, endMs: 0, certain: isComplete)
  var next = Next()
  var start = 0
  while start < bytes.count {
    let lineEnd = lineNext(bytes, start)
    let from = contentStart(bytes, start, lineEnd)
    let end = contentEnd(bytes, from, lineEnd)
    if bytes.startsWith(tagStart, from) {
      if !readTag(bytes, from, end, mapper, &next) { timeline.certain = false }
    } else if from < end && bytes.code(from) != hash {
      if !addSegment(&timeline, mapper, bytes.slice(from, end), &next) { timeline.certain = false }
    }
    start = lineEnd
  }
  // R-PRE-7
  timeline.beginMs = beginOf(next.offset, timeline.endMs)
  return timeline
}

/// Where a playlist says that playing begins: the text of its EXT-X-START's TIME-OFFSET, "" for none.
package func startOffset(_ bytes: ByteString) -> ByteString {
  var offset: ByteString = ""
  var start = 0
  while start < bytes.count {
    let lineEnd = lineNext(bytes, start)
    let from = contentStart(bytes, start, lineEnd)
    let end = contentEnd(bytes, from, lineEnd)
    if isTag(bytes, from, end, startTag) { offset = tagOffset(bytes, from, end) }
    start = lineEnd
  }
  return offset
}

/// The timeline of a media playlist of which the multivariant playlist says where playing begins ("": it does not).
/// What the media playlist says itself, whose text `bytes` is, comes first.
package func beginningAt(_ timeline: Timeline, _ bytes: ByteString, _ offset: ByteString) -> Timeline {
  // R-PRE-7
  if offset.isEmpty || !startOffset(bytes).isEmpty { return timeline }
  var begun = timeline
  begun.beginMs = beginOf(offset, timeline.endMs)
  return begun
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

/// Longest line of time, in milliseconds: sums of it stay exact in both languages.
private let timeMaxMs = 1_000_000_000_000_000
private let tagStart: ByteString = "#EXT"
private let infTag: ByteString = "#EXTINF"
private let keyTag: ByteString = "#EXT-X-KEY"
private let mapTag: ByteString = "#EXT-X-MAP"
private let rangeTag: ByteString = "#EXT-X-BYTERANGE"
private let gapTag: ByteString = "#EXT-X-GAP"
private let startTag: ByteString = "#EXT-X-START"

/// Tags with which it is not certain what the URIs mean, or which segments there are.
private let uncertainTags: [ByteString] = ["#EXT-X-DEFINE", "#EXT-X-SKIP", "#EXT-X-STREAM-INF"]

/// `whole`: all bytes are encrypted with it, those of an initialization section too.
private struct Key {
  let format: ByteString
  let url: ByteString
  let whole: Bool
}

/// Formats of keys at once: each segment needs a key of each.
private let keyFormatsMax = 16

/// What the tags say of the next segment; -1 while it has no duration; `lost` says that nobody can fetch its section;
/// `urls` are those of its keys that can be fetched, its section's, `mapKeys`, among them; `before` is the part of the
/// segment before it.
private struct Next {
  var durationMs = -1
  var range: ByteString?
  var gap = false
  var map: PlaylistPart?
  var lost = false
  var keys: [Key] = []
  var mapKeys: [ByteString] = []
  var urls: [ByteString] = []
  var before: PlaylistPart?
  var offset: ByteString = ""
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
  if isThis(infTag) {
    let at = contentStart(bytes, from + infTag.count + 1, end)
    let comma = bytes.slice(at, end).indexOf(",")
    next.durationMs = milliseconds(bytes.slice(at, contentEnd(bytes, at, comma < 0 ? end : at + comma)))
  } else if isThis(rangeTag) {
    next.range = bytes.slice(contentStart(bytes, from + rangeTag.count + 1, end), end)
  } else if isThis(gapTag) {
    next.gap = true
  } else if isThis(keyTag) {
    return readKey(bytes, from, end, mapper, &next)
  } else if isThis(mapTag) {
    next.map = mapPart(bytes, mapper, from + mapTag.count + 1, end)
    next.lost = next.map == nil
    next.mapKeys = next.keys.filter { $0.whole && !$0.url.isEmpty }.map(\.url)
    next.urls = neededKeys(next)
    return !next.lost
  } else if isThis(startTag) {
    next.offset = tagOffset(bytes, from, end)
  }
  // R-TIME-1
  return !uncertainTags.contains(where: isThis)
}

private func tagOffset(_ bytes: ByteString, _ from: Int, _ end: Int) -> ByteString {
  attributeText(bytes, attributeList(bytes, from + startTag.count + 1, end), "TIME-OFFSET") ?? ""
}

/// A key holds until the next of its format; METHOD=NONE ends all.
private func readKey(
  _ bytes: ByteString,
  _ from: Int,
  _ end: Int,
  _ mapper: UriMapper,
  _ next: inout Next
) -> Bool {
  let attributes = attributeList(bytes, from + keyTag.count + 1, end)
  let method = attributeText(bytes, attributes, "METHOD") ?? ""
  if method == "NONE" {
    next.keys = []
    next.urls = neededKeys(next)
    return true
  }
  let format = attributeText(bytes, attributes, "KEYFORMAT") ?? "identity"
  let uri = onlyQuoted(bytes, attributes, "URI")
  let others = next.keys.filter { $0.format != format }
  // R-TIME-5
  if others.count >= keyFormatsMax { return false }
  next.keys = others + [Key(format: format, url: partUrl(mapper, uri), whole: method.startsWith("AES-"))]
  next.urls = neededKeys(next)
  return !uri.includes("{$")
}

private func neededKeys(_ next: Next) -> [ByteString] {
  // R-TIME-2: a key with another scheme (skd:, data:) does not come through the proxy.
  let urls = next.keys.map(\.url).filter { !$0.isEmpty }
  return urls + next.mapKeys.filter { !urls.contains($0) }
}

/// Takes the URI of a segment in; false when it is uncertain what it means.
private func addSegment(
  _ timeline: inout Timeline,
  _ mapper: UriMapper,
  _ uri: ByteString,
  _ next: inout Next
) -> Bool {
  let url = partUrl(mapper, uri)
  var offset = -1
  // R-TIME-3
  if let before = next.before, before.url == url { offset = before.end }
  let part = rangedPart(url, next.range, offset)
  let isCertain = part != nil && next.durationMs >= 0
  let startMs = timeline.endMs
  timeline.endMs = min(startMs + max(0, next.durationMs), timeMaxMs)
  timeline.segments.append(
    TimelineSegment(
      startMs: startMs,
      endMs: timeline.endMs,
      gap: next.gap,
      part: next.gap || next.lost ? nil : part,
      map: next.map,
      keys: next.urls
    )
  )
  next.before = part
  next.durationMs = -1
  next.range = nil
  next.gap = false
  return isCertain
}

/// A negative offset counts from the end; either is held to the playlist (rfc8216bis section 4.4.2.2).
private func beginOf(_ offset: ByteString, _ endMs: Int) -> Int {
  let negative = offset.startsWith("-")
  let ms = min(milliseconds(negative ? offset.slice(1) : offset), endMs)
  return negative ? endMs - ms : ms
}
