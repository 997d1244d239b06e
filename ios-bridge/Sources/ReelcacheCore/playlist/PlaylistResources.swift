/// What a playlist names, as absolute upstream URLs, for the express lane and for preloading.

/// URLs in order of first mention, each once: initialization sections, keys, media segments, playlists.
package struct PlaylistResources: Equatable, Sendable {
  package var maps: [ByteString]
  package var keys: [ByteString]
  package var segments: [ByteString]
  package var playlists: [ByteString]
}

/// Reads a whole playlist (a byte string). `baseUrl` is its final absolute URL.
package func playlistResources(
  _ bytes: ByteString,
  _ baseUrl: ByteString,
  _ sources: VariableSources
) -> PlaylistResources {
  var resources = PlaylistResources(maps: [], keys: [], segments: [], playlists: [])
  let mapper = uriReader(baseUrl)
  let text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax)
  let definitions = playlistDefinitions(text, sources)
  let places = uriPlaces(text)
  var seen = Set<ByteString>()
  var index = 0
  while index + 2 < places.count {
    if let list = listOf(places[index + 2]) {
      let start = places[index]
      let uri = text.slice(start, places[index + 1])
      let named = substituteVariables(uri, start, definitions, sources.uriBytesMax)
      let url = named.map { named in withoutFragment(upstreamUri(mapper, named)) } ?? ""
      // R-PL-22
      if !url.isEmpty && seen.insert(url).inserted { resources[keyPath: list].append(url) }
    }
    index += 3
  }
  return resources
}

/// The list for a row's role; nil for what is neither media nor playlist.
private func listOf(_ row: Int) -> WritableKeyPath<PlaylistResources, [ByteString]>? {
  switch uriRole(row) {
  case .segment: \.segments
  case .playlist, .report: \.playlists
  case .key: \.keys
  case .map: \.maps
  case .assetList, .steering, .data: nil
  }
}
