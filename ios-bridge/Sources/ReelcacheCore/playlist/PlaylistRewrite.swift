/// Rewrites a playlist so that everything it names comes back through the proxy. Only URI text is replaced; every other
/// byte stays. Playlists are byte strings.

/// `prefix` is the proxy's (proxyPrefix), `form` the form the playlist was asked for in, `baseUrl` its final URL,
/// `bytesMax` what its URIs may come to, with their variables' values and as they are rewritten.
package struct RewriteContext: Equatable, Sendable {
  package var prefix: ByteString
  package var form: UrlForm
  package var baseUrl: ByteString
  package var sources: VariableSources
  package var bytesMax: Int
}

/// The playlist as the player shall see it, nil when it is too large; bytes that are no playlist come back as they are.
package func rewritePlaylist(_ bytes: ByteString, _ context: RewriteContext) -> ByteString? {
  // R-PL-20
  if isPlaylistBody(bytes) != .yes { return bytes }
  let (sources, bytesMax) = (context.sources, context.bytesMax)
  let text = nameQueryParameters(bytes, sources.ownUrl)
  let definitions = playlistDefinitions(text, sources)
  let own = OwnParameters(define: variablesText(exportedVariables(definitions)))
  let reportOwn = OwnParameters(define: sources.imports)
  let mapper = uriMapper(context.prefix, context.form, context.baseUrl)
  let places = uriPlaces(text)
  var rewritten = ByteString()
  rewritten.bytes.reserveCapacity(text.count + min(bytesMax, places.count / 3 * mapper.here.proxied.count))
  var copied = 0
  var handled = 0
  var index = 0
  while index + 2 < places.count {
    let start = places[index]
    let end = places[index + 1]
    let role = uriRole(places[index + 2])
    index += 3
    // R-PL-16
    let filled = substituteVariables(text.slice(start, end), start, definitions, sources.uriBytesMax)
    guard let uri = filled else { continue }
    let mapped = mapByRole(mapper, uri, role, role == .report ? reportOwn : own)
    handled += uri.count + mapped.count
    // R-PL-23
    if handled > bytesMax { return nil }
    // R-PL-21
    if !mapped.isEmpty {
      rewritten += text.slice(copied, start)
      rewritten += mapped
      copied = end
    }
  }
  rewritten += text.slice(copied)
  return rewritten
}

/// What the player shall read in a URI's place; "" when it must stay as it is.
private func mapByRole(_ mapper: UriMapper, _ uri: ByteString, _ role: UriRole, _ own: OwnParameters) -> ByteString {
  if role == .report {
    let report = mapReportUri(mapper, uri)
    // R-VAR-9: in path form it is relative to a URL that has them.
    return report.isEmpty || mapper.form == .path ? report : report + ownQuery(own)
  }
  let mapped = mapUri(mapper, uri)
  // R-VAR-9
  return mapped.isEmpty || role != .playlist ? mapped : withParameters(mapper.prefix, mapper.form, mapped, own)
}
