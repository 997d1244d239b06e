/// What of a presentation is stored, and whether it plays without its origin. The text of a stored playlist lies in its
/// file: whoever asks gives the texts that it has read, and hears which others are needed.

/// Texts of stored playlists by entry id, and the bodies whose texts are needed as well.
package final class TextShelf {
  package var texts: [Int: ByteString] = [:]
  package var needed: [Body] = []

  package init() {}
}

/// What can be missing.
package enum MissingKind: String, TextUnion, Sendable {
  case playlist
  case live
  case map
  case key
  case segment
  case file
}

/// What is missing for playing: a playlist, section, key or segment, or that the playlist is not finished. `url` is ""
/// for a segment that nobody could ask for.
package struct Missing: Equatable, Sendable {
  package var what: MissingKind
  package var url: ByteString
  package var start: Int
  package var end: Int
}

/// A way to play: a variant, or the playlist itself. `times`: from, to (exclusive), from, to … in milliseconds.
package struct PlayableWay: Equatable, Sendable {
  package var url: ByteString
  package var bandwidth: Int
  package var playable: Bool
  package var complete: Bool
  package var lengthMs: Int
  package var times: [Int]
  package var missing: [Missing]
}

package struct Presentation: Equatable, Sendable {
  package var url: ByteString
  /// Nil when nothing is stored under the URL.
  package var kind: EntryKind?
  /// Of everything that it names.
  package var entries: Int
  package var bytes: Int
  /// Of the resource itself.
  package var total: Int
  package var spans: [Int]
  package var pinned: Bool
  package var playable: Bool
  package var complete: Bool
  package var ways: [PlayableWay]
  package var missing: [Missing]

  /// Of what nothing is known.
  package init(url: ByteString) {
    self.url = url
    entries = 0
    bytes = 0
    total = -1
    spans = []
    pinned = false
    playable = false
    complete = false
    ways = []
    missing = []
  }
}

/// What is missing is listed up to this length.
private let missingMax = 50

/// Stretches of time that are listed of a way to play.
private let timesMax = 1000

/// What is stored of a media playlist: `times` as in a way to play, where playing begins, and where it ends.
private struct JudgedPlaylist {
  var beginMs: Int
  var endMs: Int
  var times: [Int]
  var missing: [Missing]
}

/// By URL.
private typealias JudgedPlaylists = [ByteString: JudgedPlaylist]

/// The state of what is stored under a URL, and of what its playlists name.
package func presentationStatus(_ state: ProxyState, _ url: ByteString, _ shelf: TextShelf) -> Presentation {
  let bodies = presentationBodies(state, url, shelf)
  let body = storedBody(state, url)
  var status = Presentation(url: url)
  status.entries = bodies.count
  for one in bodies { status.bytes += spanBytes(one.entry.spans) }
  if let body {
    status.kind = body.entry.kind
    status.total = body.entry.total
    status.spans = body.entry.spans
    status.pinned = body.entry.pinned
  }
  if let body, body.entry.kind != .media {
    judgePlaylist(state, &status, body, shelf)
  } else {
    judgeFile(&status, body)
  }
  return status
}

/// Everything stored that a URL names, itself first; each once.
package func presentationBodies(_ state: ProxyState, _ url: ByteString, _ shelf: TextShelf) -> [Body] {
  var found: [Body] = []
  var seen = Set<ByteString>()
  collect(state, Asked(url: url, imports: ""), shelf, &found, &seen, 0)
  return found
}

/// Keeps what is stored of a presentation from eviction, or no longer. Returns how many resources that changed.
package func pinPresentation(
  _ state: ProxyState,
  _ url: ByteString,
  _ pinned: Bool,
  _ shelf: TextShelf
) -> Int {
  let bodies = presentationBodies(state, url, shelf)
  if !shelf.needed.isEmpty { return 0 }
  var changed = 0
  for body in bodies where body.entry.pinned != pinned {
    // R-PIN-1
    body.entry.pinned = pinned
    storeBody(state, body)
    changed += 1
  }
  // What may go now may help an eviction that could not.
  state.evictionIdleBytes = -1
  return changed
}

/// Drops what is stored of a presentation, pinned or not; responses under way complete. Returns how many went.
package func removePresentation(_ state: ProxyState, _ url: ByteString, _ shelf: TextShelf) -> Int {
  let bodies = presentationBodies(state, url, shelf)
  if !shelf.needed.isEmpty { return 0 }
  // R-PIN-2
  for body in bodies { doomBody(state, body) }
  if !bodies.isEmpty { forgetPlaylists(state.playlists) }
  return bodies.count
}

/// Up to `max` stored resources with ids above `after`, by id: pages that hold still while others come and go.
package func entriesPage(_ state: ProxyState, _ after: Int, _ max: Int) -> [Body] {
  // R-PIN-3
  let bodies = state.table.bodies.filter { $0.entry.id > after }
  return Array(bodies.sorted { $0.entry.id < $1.entry.id }.prefix(max))
}

/// All that is stored of a URL's resource, for whomever.
private func storedBodies(_ state: ProxyState, _ url: ByteString) -> [Body] {
  let key = keyOf(state.options, url)
  let variants = variantsOf(state.table, key)
  guard let plain = findSlot(state.table, key)?.current else { return variants }
  return [plain] + variants
}

/// What is judged of a URL's resource; nil when nothing is stored.
private func storedBody(_ state: ProxyState, _ url: ByteString) -> Body? {
  var found: Body?
  for body in storedBodies(state, url) {
    // R-STATUS-4
    if found.map({ body.entry.id > $0.entry.id }) ?? true { found = body }
  }
  return found
}

/// The text of a stored playlist; nil when it is not whole, or not read yet.
private func textOf(_ body: Body, _ shelf: TextShelf) -> ByteString? {
  if !entryComplete(body.entry) { return nil }
  let text = shelf.texts[body.entry.id]
  if text == nil && !shelf.needed.contains(where: { $0 === body }) { shelf.needed.append(body) }
  return text
}

/// A playlist as a player asks for it: by a URL, with the variables that it may import, and told where to begin.
private struct Asked {
  let url: ByteString
  let imports: ByteString
  var offset: ByteString = ""
}

private func collect(
  _ state: ProxyState,
  _ asked: Asked,
  _ shelf: TextShelf,
  _ found: inout [Body],
  _ seen: inout Set<ByteString>,
  _ depth: Int
) {
  for body in storedBodies(state, asked.url) where seen.insert(body.entry.key).inserted {
    found.append(body)
    // A multivariant playlist names media playlists, and those no others that belong to them.
    if body.entry.kind == .media || depth > 1 { continue }
    guard let text = textOf(body, shelf) else { continue }
    let sources = variableSources(state, body, asked.url, asked.imports)
    let names = playlistResources(text, body.entry.finalUrl, sources)
    let isMultivariant = body.entry.kind == .multivariant
    let imports = isMultivariant ? exportsText(text, sources) : ""
    for url in names.maps + names.keys + names.segments + (isMultivariant ? names.playlists : []) {
      collect(state, Asked(url: url, imports: imports), shelf, &found, &seen, depth + 1)
    }
  }
}

private func judgeFile(_ status: inout Presentation, _ body: Body?) {
  status.complete = body.map { entryComplete($0.entry) } ?? false
  // R-STATUS-1
  status.playable = status.complete
  if !status.complete { status.missing.append(Missing(what: .file, url: status.url, start: 0, end: -1)) }
}

private func judgePlaylist(_ state: ProxyState, _ status: inout Presentation, _ body: Body, _ shelf: TextShelf) {
  guard let text = textOf(body, shelf) else {
    status.missing.append(Missing(what: .playlist, url: status.url, start: 0, end: -1))
    return
  }
  var judged: JudgedPlaylists = [:]
  let limits = state.options.limits
  if body.entry.kind == .multivariant {
    let sources = variableSources(state, body, status.url, "")
    let imports = exportsText(text, sources)
    let plain = plainPlaylist(text, sources, limits.urisBytesMax)
    let offset = startOffset(plain)
    let list = variantList(plain, body.entry.finalUrl)
    // R-STATUS-5
    for variant in list.variants.prefix(limits.surveyPlaylistsMax) {
      let asked = variantPlaylists(list, variant, false).map { Asked(url: $0, imports: imports, offset: offset) }
      status.ways.append(judgeWay(state, variant, asked, shelf, &judged))
    }
  } else {
    status.ways.append(judgeWay(state, nil, [Asked(url: status.url, imports: "")], shelf, &judged))
  }
  var best: PlayableWay?
  for way in status.ways where best.map({ playedMs(way) > playedMs($0) }) ?? true { best = way }
  // R-STATUS-3
  status.playable = status.ways.contains { $0.playable }
  status.complete = status.ways.contains { $0.complete }
  status.missing = best?.missing ?? []
}

private func judgeWay(
  _ state: ProxyState,
  _ variant: VariantLine?,
  _ playlists: [Asked],
  _ shelf: TextShelf,
  _ judged: inout JudgedPlaylists
) -> PlayableWay {
  var way = PlayableWay(
    url: variant?.url ?? playlists.first?.url ?? "",
    bandwidth: variant?.bandwidth ?? 0,
    playable: false,
    complete: false,
    lengthMs: 0,
    times: [],
    missing: []
  )
  var begins = !playlists.isEmpty
  for (place, asked) in playlists.enumerated() {
    let one = judgedPlaylist(state, asked, shelf, &judged)
    way.times = place == 0 ? one.times : overlap(way.times, one.times)
    if place == 0 { way.lengthMs = one.endMs }
    // R-STATUS-2
    if !holds(one.times, one.beginMs) { begins = false }
    for missing in one.missing {
      miss(&way.missing, missing.what, PlaylistPart(url: missing.url, start: missing.start, end: missing.end))
    }
  }
  way.playable = begins
  way.complete = begins && way.missing.isEmpty
  way.times = Array(way.times.prefix(timesMax * 2))
  return way
}

/// A media playlist as it is judged, once for all variants that are played with it.
private func judgedPlaylist(
  _ state: ProxyState,
  _ asked: Asked,
  _ shelf: TextShelf,
  _ judged: inout JudgedPlaylists
) -> JudgedPlaylist {
  if let known = judged[asked.url] { return known }
  var one = JudgedPlaylist(beginMs: 0, endMs: 0, times: [], missing: [])
  if let timeline = timelineOf(state, asked, shelf, &one.missing) {
    one.beginMs = timeline.beginMs
    one.endMs = timeline.endMs
    one.times = storedTimes(state, timeline, &one.missing)
  }
  judged[asked.url] = one
  return one
}

/// The segments of a stored, finished media playlist; nil when there is none.
private func timelineOf(
  _ state: ProxyState,
  _ asked: Asked,
  _ shelf: TextShelf,
  _ missing: inout [Missing]
) -> Timeline? {
  let url = asked.url
  guard let body = storedBody(state, url), body.entry.kind != .media, let text = textOf(body, shelf) else {
    miss(&missing, .playlist, PlaylistPart(url: url, start: 0, end: -1))
    return nil
  }
  if body.entry.kind == .vod {
    let sources = variableSources(state, body, url, asked.imports)
    let plain = plainPlaylist(text, sources, state.options.limits.urisBytesMax)
    return beginningAt(mediaTimeline(plain, body.entry.finalUrl), plain, asked.offset)
  }
  // R-FRESH-9: without its origin it is not served.
  miss(&missing, .live, PlaylistPart(url: url, start: 0, end: -1))
  return nil
}

/// The times that are stored whole: segment, section and keys.
private func storedTimes(_ state: ProxyState, _ timeline: Timeline, _ missing: inout [Missing]) -> [Int] {
  var times: [Int] = []
  for segment in timeline.segments where isStored(state, segment, &missing) {
    if let last = times.last, last == segment.startMs {
      times[times.count - 1] = segment.endMs
    } else {
      times += [segment.startMs, segment.endMs]
    }
  }
  return times
}

private func isStored(_ state: ProxyState, _ segment: TimelineSegment, _ missing: inout [Missing]) -> Bool {
  // R-STATUS-2: a gap is played as one, and brings nothing.
  if segment.gap { return true }
  guard let part = segment.part else {
    miss(&missing, .segment, PlaylistPart(url: "", start: 0, end: -1))
    return false
  }
  var whole = isThere(state, part, &missing, .segment)
  if let map = segment.map, !isThere(state, map, &missing, .map) { whole = false }
  for url in segment.keys {
    if !isThere(state, PlaylistPart(url: url, start: 0, end: -1), &missing, .key) { whole = false }
  }
  return whole
}

/// Whether a part is here whole, in the file or on its way there; noted when it is not.
private func isThere(
  _ state: ProxyState,
  _ part: PlaylistPart,
  _ missing: inout [Missing],
  _ what: MissingKind
) -> Bool {
  if let body = storedBody(state, part.url), bodyHolds(body, part.start, part.end) { return true }
  miss(&missing, what, part)
  return false
}

/// Notes what is missing, each once.
private func miss(_ missing: inout [Missing], _ what: MissingKind, _ part: PlaylistPart) {
  let known = missing.contains { $0.url == part.url && $0.start == part.start && $0.end == part.end }
  if known || missing.count >= missingMax { return }
  missing.append(Missing(what: what, url: part.url, start: part.start, end: part.end))
}

private func holds(_ ranges: [Int], _ atMs: Int) -> Bool {
  stride(from: 0, to: ranges.count - 1, by: 2).contains { ranges[$0] <= atMs && atMs < ranges[$0 + 1] }
}

private func overlap(_ left: [Int], _ right: [Int]) -> [Int] {
  var both: [Int] = []
  var at = 0
  var other = 0
  while at + 1 < left.count && other + 1 < right.count {
    let from = max(left[at], right[other])
    let to = min(left[at + 1], right[other + 1])
    if from < to { both += [from, to] }
    if left[at + 1] <= right[other + 1] {
      at += 2
    } else {
      other += 2
    }
  }
  return both
}

private func playedMs(_ way: PlayableWay) -> Int {
  stride(from: 0, to: way.times.count - 1, by: 2).reduce(0) { $0 + way.times[$1 + 1] - way.times[$1] }
}
