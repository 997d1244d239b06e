/// Where a player begins that plays a presentation from its beginning: what to fetch before it is asked for.

/// The first media segment, and the initialization section that applies to it, nil when there is none.
package struct PlaylistStart: Equatable, Sendable {
  package var map: PlaylistPart?
  package var segment: PlaylistPart
}

/// What a player of a complete media playlist asks for first; nil wherever it is not certain. `bytes` is the whole
/// playlist (a byte string), `baseUrl` its final absolute URL.
package func playlistStart(_ bytes: ByteString, _ baseUrl: ByteString) -> PlaylistStart? {
  // R-AHEAD-2
  if isPlaylistBody(bytes) != .yes || playlistSummary(bytes).kind != .vod { return nil }
  let mapper = uriReader(baseUrl)
  var first = First()
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    let end = contentEnd(bytes, from, next)
    if bytes.startsWith("#EXT", from) {
      if !readTag(bytes, from, end, &first) { return nil }
    } else if from < end && first.uri.isEmpty && bytes.code(from) != hash {
      first.uri = bytes.slice(from, end)
    }
    start = next
  }
  guard first.timed, let segment = rangedPart(partUrl(mapper, first.uri), first.range, -1) else { return nil }
  guard let line = first.map else { return PlaylistStart(map: nil, segment: segment) }
  guard let map = mapPart(bytes, mapper, line.start, line.end) else { return nil }
  return PlaylistStart(map: map, segment: segment)
}

/// The playlists of a multivariant playlist of which a player begins with one each: its variants, its audio renditions,
/// its video renditions. None when it says that playing begins elsewhere.
package func startGroups(_ bytes: ByteString, _ baseUrl: ByteString) -> [[ByteString]] {
  var variants: [ByteString] = []
  var audio: [ByteString] = []
  var video: [ByteString] = []
  let mapper = uriReader(baseUrl)
  var isVariant = false
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    let end = contentEnd(bytes, from, next)
    // R-AHEAD-4
    if isTag(bytes, from, end, "#EXT-X-START") { return [] }
    if isTag(bytes, from, end, "#EXT-X-STREAM-INF") {
      isVariant = true
    } else if isTag(bytes, from, end, mediaTag) {
      let attributes = attributeList(bytes, from + mediaTag.count + 1, end)
      let type = attributeText(bytes, attributes, "TYPE")
      let uri = onlyQuoted(bytes, attributes, "URI")
      if type == "AUDIO" { addUrl(&audio, mapper, uri) }
      if type == "VIDEO" { addUrl(&video, mapper, uri) }
    } else if from < end && bytes.code(from) != hash {
      if isVariant { addUrl(&variants, mapper, bytes.slice(from, end)) }
      isVariant = false
    }
    start = next
  }
  return [variants, audio, video]
}

private let hash = 0x23
private let mediaTag: ByteString = "#EXT-X-MEDIA"
private let mapTag: ByteString = "#EXT-X-MAP"
private let rangeTag: ByteString = "#EXT-X-BYTERANGE"
private let dateTag: ByteString = "#EXT-X-DATERANGE"

/// What comes before the first segment, and its URI, "" before that came: the offsets of a line, a range's text.
private struct First {
  var map: (start: Int, end: Int)?
  var timed = false
  var range: ByteString?
  var uri: ByteString = ""
}

/// Tags that make it uncertain what is asked for first, wherever they stand, and those that do so before the first
/// segment.
private let elsewhereTags: [ByteString] = [
  "#EXT-X-START",
  "#EXT-X-DEFINE",
  "#EXT-X-I-FRAMES-ONLY",
  "#EXT-X-IMAGES-ONLY",
  "#EXT-X-SKIP",
  "#EXT-X-STREAM-INF",
]
private let firstElsewhereTags: [ByteString] = ["#EXT-X-GAP", "#EXT-X-PART"]

/// Takes a tag in; false when it makes the start uncertain.
private func readTag(_ bytes: ByteString, _ from: Int, _ end: Int, _ first: inout First) -> Bool {
  func isThis(_ tag: ByteString) -> Bool { isTag(bytes, from, end, tag) }
  // R-AHEAD-2
  if elsewhereTags.contains(where: isThis) { return false }
  if isThis(dateTag) {
    let attributes = attributeList(bytes, from + dateTag.count + 1, end)
    return attributeText(bytes, attributes, "CLASS") != "com.apple.hls.interstitial"
  }
  // What comes later is of later segments.
  if !first.uri.isEmpty { return true }
  if firstElsewhereTags.contains(where: isThis) { return false }
  if isThis("#EXTINF") {
    first.timed = true
  } else if isThis(mapTag) {
    // R-AHEAD-1
    first.map = (from + mapTag.count + 1, end)
  } else if isThis(rangeTag) {
    first.range = bytes.slice(contentStart(bytes, from + rangeTag.count + 1, end), end)
  }
  return true
}

private func addUrl(_ urls: inout [ByteString], _ mapper: UriMapper, _ uri: ByteString) {
  let url = partUrl(mapper, uri)
  if !url.isEmpty { urls.append(url) }
}
