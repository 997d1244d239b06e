@testable import ReelcacheCore

private let bases: [ByteString] = [
  "https://cdn.example/show/v1/index.m3u8", "http://h:8080/", "https://h/a/b/c/d/e/f.m3u8?x=/../y#z",
]

/// A playlist: every byte outside of its URIs survives, every URI that is replaced leads back to what it meant, and what
/// the tags say stays as it was.
func fuzzPlaylist(_ input: [UInt8]) {
  var reader = InputReader(input)
  let choice = reader.byte()
  let bytes = ByteString(reader.rest())
  let form: UrlForm = choice % 2 == 0 ? .query : .path
  let base = bases[choice / 2 % bases.count]
  let prefix: ByteString = choice >= 128 ? "http://127.0.0.1:9000/~s" : "http://127.0.0.1:9000"
  checkBegins(bytes)
  checkLines(bytes)
  checkPlaces(bytes, uriPlaces(bytes))
  let sources = sourcesOf(base)
  let context = RewriteContext(
    prefix: prefix,
    form: form,
    baseUrl: base,
    playerUrl: base,
    sources: sources,
    bytesMax: 1 << 26
  )
  guard let rewritten = rewritePlaylist(bytes, context) else {
    check(bytes.count > 1_000, "a small playlist became too large")
    return
  }
  if isPlaylistBody(bytes) != .yes {
    check(rewritten == bytes, "what is no playlist was rewritten")
    checkJson(bytes, form, prefix, base)
    return
  }
  let named = nameQueryParameters(bytes, base, sources.countMax)
  checkRewritten(named, sources, rewritten, uriMapper(prefix, form, base), choice >= 128 ? "s" : "")
  check(playlistSummary(rewritten) == playlistSummary(bytes), "the tags say something else")
  checkResources(bytes, base)
  checkStart(bytes, base)
}

/// As an asset list and as a steering manifest: what is no JSON stays as it is, and what is JSON remains so.
private func checkJson(_ bytes: ByteString, _ form: UrlForm, _ prefix: ByteString, _ base: ByteString) {
  let isJson = scanJson(bytes, [], 32) != nil
  for kind in [JsonKind.assetList, .steering] {
    let context = JsonContext(
      prefix: prefix,
      form: form,
      baseUrl: base,
      own: OwnParameters(as: kind, define: "t:a%2Fb"),
      depthMax: 32,
      bytesMax: 1 << 20,
      urisBytesMax: 1 << 26
    )
    let rewritten = rewriteJson(bytes, context)
    check(isJson || rewritten == bytes, "what is no JSON was rewritten")
    // Clones' parameters nest one deeper than what they are put into.
    check(!isJson || scanJson(rewritten, [], 33) != nil, "rewriting JSON made something else of it")
  }
}

/// More bytes never change a yes or a no.
private func checkBegins(_ bytes: ByteString) {
  var known = PlaylistBodyAnswer.more
  for count in 0...min(bytes.count, 16) {
    let answer = isPlaylistBody(bytes.slice(0, count))
    check(known == .more || answer == known, "more bytes changed the answer")
    known = answer
  }
}

private func checkLines(_ bytes: ByteString) {
  let lines = splitLines(bytes)
  check(joined(lines, "") == bytes, "lines lose bytes")
  for line in lines {
    var last = 0
    for attribute in attributeList(line, 0, line.count) {
      check(last <= attribute.valueStart && attribute.valueStart <= attribute.valueEnd, "attributes overlap")
      check(attribute.valueEnd <= line.count, "an attribute leaves its line")
      last = attribute.valueEnd
    }
  }
}

private func checkPlaces(_ bytes: ByteString, _ places: [Int]) {
  check(places.count % 3 == 0, "a place is not whole")
  var last = 0
  for at in stride(from: 0, to: places.count, by: 3) {
    check(last <= places[at] && places[at] <= places[at + 1], "places are out of order")
    check(places[at + 1] <= bytes.count, "a place leaves the playlist")
    check(!bytes.slice(places[at], places[at + 1]).includes("\n"), "a URI has a line end")
    last = places[at + 1]
  }
}

private func checkRewritten(
  _ bytes: ByteString,
  _ sources: VariableSources,
  _ rewritten: ByteString,
  _ mapper: UriMapper,
  _ secret: ByteString
) {
  let places = uriPlaces(bytes)
  let definitions = playlistDefinitions(bytes, sources)
  let told = playlistDefinitions(rewritten, sources).map { back(from: $0, in: definitions) }
  check(told == definitions, "variables changed")
  let after = uriPlaces(rewritten)
  check(after.count == places.count, "rewriting changed the number of URIs")
  var (from, fromAfter) = (0, 0)
  for at in stride(from: 0, to: places.count, by: 3) {
    let between = bytes.slice(from, places[at])
    check(rewritten.slice(fromAfter, after[at]) == between, "a byte outside of the URIs changed")
    check(after[at + 2] == places[at + 2], "a URI changed its meaning")
    let uri = bytes.slice(places[at], places[at + 1])
    let written = rewritten.slice(after[at], after[at + 1])
    (from, fromAfter) = (places[at + 1], after[at + 1])
    if written == uri { continue }
    let meant = substituteVariables(uri, places[at], definitions, sources.uriBytesMax)
    check(meant != nil, "\(uri) was replaced, and has a variable without value")
    checkLeadsBack(mapper, meant ?? "", written, secret, uriRole(places[at + 2]) == .report)
  }
  check(rewritten.slice(fromAfter) == bytes.slice(from), "a byte behind the URIs changed")
}

/// A definition of the rewritten playlist at the offset that it had before.
private func back(from definition: Definition, in before: [Definition]) -> Definition {
  let known = before.first { $0.name == definition.name }
  return Definition(name: definition.name, value: definition.value, from: known?.from ?? -1)
}

/// What a player asks for is what the URI meant, found here without the mapper's shortcuts.
private func checkLeadsBack(
  _ mapper: UriMapper,
  _ uri: ByteString,
  _ written: ByteString,
  _ secret: ByteString,
  _ isReport: Bool
) {
  let upstream = resolveReference(mapper.base, escapeUri(uri))
  check(isUpstreamUrl(upstream), "\(uri) was replaced, and means nothing upstream")
  check(isReport || written.startsWith(mapper.prefix), "\(uri) does not lead to the proxy")
  let own = parseUri(proxiedUpstreamUrl(mapper.prefix, mapper.form, formatUri(mapper.base)))
  let asked = withoutFragment(isReport ? resolveReference(own, written) : written)
  guard asked.startsWith(host), case .resource(_, let url, _) = parseTarget(asked.slice(host.count), secret) else {
    check(false, "\(uri) became \(written), which names nothing")
    return
  }
  let wanted = withPath(lowerScheme(withoutFragment(upstream)), mapper.form)
  check(url == wanted, "\(uri) means \(wanted), and became \(written)")
}

private let host: ByteString = "http://127.0.0.1:9000"

private func sourcesOf(_ base: ByteString) -> VariableSources {
  VariableSources(ownUrl: base, imports: "t:a%2Fb,u:", countMax: 64, bytesMax: 8_192, uriBytesMax: 16_384)
}

/// A player sends no fragment.
private func withoutFragment(_ url: ByteString) -> ByteString {
  let mark = url.indexOf("#")
  return mark < 0 ? url : url.slice(0, mark)
}

/// The path form writes an empty path as "/".
private func withPath(_ url: ByteString, _ form: UrlForm) -> ByteString {
  var parts = parseUri(url)
  if form == .path && parts.path.isEmpty { parts.path = "/" }
  return formatUri(parts)
}

/// What is fetched ahead is named by the playlist, and a part of it has bytes.
private func checkStart(_ bytes: ByteString, _ base: ByteString) {
  let resources = playlistResources(bytes, base, sourcesOf(base))
  let named = Set(resources.maps + resources.keys + resources.segments + resources.playlists)
  for url in startGroups(bytes, base).flatMap({ $0 }) { check(named.contains(url), "\(url) is named by nothing") }
  guard let start = playlistStart(bytes, base) else { return }
  for part in [start.segment, start.map ?? start.segment] {
    check(named.contains(part.url), "\(part.url) is named by nothing")
    check(part.end == -1 ? part.start == 0 : 0 <= part.start && part.start < part.end, "a part has no bytes")
  }
}

private func checkResources(_ bytes: ByteString, _ base: ByteString) {
  let resources = playlistResources(bytes, base, sourcesOf(base))
  let all = resources.maps + resources.keys + resources.segments + resources.playlists
  check(Set(all).count == all.count, "a resource is named twice")
  for url in all { check(isUpstreamUrl(url) && !url.includes("#"), "\(url) is no resource") }
}
