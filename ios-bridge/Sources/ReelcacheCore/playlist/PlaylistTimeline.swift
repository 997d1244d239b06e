/// What a media playlist plays when: its segments on a line of time, with the section and keys that each needs.

/// A segment that is played from `atMs` for `durationMs`, with its initialization section (nil: none) and the URLs of
/// its keys. `part` is nil when there is nothing that can be fetched for certain, `gap` says that nothing is to be.
package struct TimedSegment: Equatable, Sendable {
  package var part: PlaylistPart?
  package var gap: Bool
  package var map: PlaylistPart?
  package var keys: [ByteString]
  package var atMs: Int
  package var durationMs: Int
}

/// The segments in order, where playing begins, and the length of all.
package struct Timeline: Equatable, Sendable {
  package var segments: [TimedSegment]
  package var beginMs: Int
  package var endMs: Int
}

/// Reads a whole media playlist (a byte string). `baseUrl` is its final absolute URL. Tags that make no sense are
/// skipped.
package func playlistTimeline(_ bytes: ByteString, _ baseUrl: ByteString) -> Timeline {
  let mapper = uriMapper("", .path, baseUrl)
  var timeline = Timeline(segments: [], beginMs: 0, endMs: 0)
  var coming = Coming()
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    let end = contentEnd(bytes, from, next)
    if bytes.startsWith("#EXT", from) {
      noteTag(bytes, from, end, mapper, &coming)
    } else if from < end && bytes.code(from) != hash {
      addSegment(&timeline, mapper, bytes.slice(from, end), &coming)
    }
    start = next
  }
  // R-PRE-7
  timeline.beginMs = beginOf(coming.offset, timeline.endMs)
  return timeline
}

private let hash = 0x23

/// Longest line of time, in milliseconds: sums of it stay exact in both languages.
private let timeMaxMs = 1_000_000_000_000_000
private let mapTag: ByteString = "#EXT-X-MAP"
private let keyTag: ByteString = "#EXT-X-KEY"
private let infTag: ByteString = "#EXTINF"
private let rangeTag: ByteString = "#EXT-X-BYTERANGE"
private let startTag: ByteString = "#EXT-X-START"

private struct Key {
  let format: ByteString
  let url: ByteString
}

/// What the tags so far say of the next segment; `last` is the part before it.
private struct Coming {
  var map: PlaylistPart?
  var keys: [Key] = []
  var durationMs = 0
  var range: ByteString?
  var gap = false
  var last: PlaylistPart?
  var offset: ByteString = ""
}

private func noteTag(
  _ bytes: ByteString,
  _ from: Int,
  _ end: Int,
  _ mapper: UriMapper,
  _ coming: inout Coming
) {
  if isTag(bytes, from, end, infTag) {
    let at = contentStart(bytes, from + infTag.count + 1, end)
    let comma = bytes.slice(at, end).indexOf(",")
    coming.durationMs = milliseconds(bytes.slice(at, contentEnd(bytes, at, comma < 0 ? end : at + comma)))
  } else if isTag(bytes, from, end, rangeTag) {
    coming.range = bytes.slice(contentStart(bytes, from + rangeTag.count + 1, end), end)
  } else if isTag(bytes, from, end, mapTag) {
    let attributes = attributeList(bytes, from + mapTag.count + 1, end)
    let url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"))
    // A section's range without an offset begins at the first byte (rfc8216bis section 4.4.4.5).
    coming.map = rangedPart(url, attributeText(bytes, attributes, "BYTERANGE"), 0)
  } else if isTag(bytes, from, end, keyTag) {
    noteKey(bytes, from, end, mapper, &coming)
  } else if isTag(bytes, from, end, "#EXT-X-GAP") {
    coming.gap = true
  } else if isTag(bytes, from, end, startTag) {
    let attributes = attributeList(bytes, from + startTag.count + 1, end)
    coming.offset = attributeText(bytes, attributes, "TIME-OFFSET") ?? ""
  }
}

/// A key holds until the next of its format; METHOD=NONE ends all.
private func noteKey(
  _ bytes: ByteString,
  _ from: Int,
  _ end: Int,
  _ mapper: UriMapper,
  _ coming: inout Coming
) {
  let attributes = attributeList(bytes, from + keyTag.count + 1, end)
  if attributeText(bytes, attributes, "METHOD") == "NONE" {
    coming.keys = []
    return
  }
  let format = attributeText(bytes, attributes, "KEYFORMAT") ?? "identity"
  coming.keys.removeAll { $0.format == format }
  coming.keys.append(Key(format: format, url: partUrl(mapper, onlyQuoted(bytes, attributes, "URI"))))
}

private func addSegment(
  _ timeline: inout Timeline,
  _ mapper: UriMapper,
  _ uri: ByteString,
  _ coming: inout Coming
) {
  let url = partUrl(mapper, uri)
  let last = coming.last
  // R-PRE-6
  let part = rangedPart(url, coming.range, last?.url == url ? last?.end ?? -1 : -1)
  timeline.segments.append(
    TimedSegment(
      part: coming.gap ? nil : part,
      gap: coming.gap,
      map: coming.map,
      keys: coming.keys.map(\.url).filter { !$0.isEmpty },
      atMs: timeline.endMs,
      durationMs: coming.durationMs
    )
  )
  timeline.endMs = min(timeline.endMs + coming.durationMs, timeMaxMs)
  coming.last = part
  coming.durationMs = 0
  coming.range = nil
  coming.gap = false
}

/// A negative offset counts from the end; either is held to the playlist (rfc8216bis section 4.4.2.2).
private func beginOf(_ offset: ByteString, _ endMs: Int) -> Int {
  let negative = offset.startsWith("-")
  let ms = min(milliseconds(negative ? offset.slice(1) : offset), endMs)
  return negative ? endMs - ms : ms
}
