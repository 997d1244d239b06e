/// Rewrites a playlist so that everything it names comes back through the proxy. Only URI text is replaced; every other
/// byte stays. Playlists are byte strings.

/// `prefix` is the proxy's (proxyPrefix), `form` the form the playlist was asked for in, `baseUrl` its final URL,
/// `playerUrl` the one that the player asked for,
/// `bytesMax` what its URIs may come to, with their variables' values and as they are rewritten.
package struct RewriteContext: Equatable, Sendable {
  package var prefix: ByteString
  package var form: UrlForm
  package var baseUrl: ByteString
  package var playerUrl: ByteString
  package var sources: VariableSources
  package var bytesMax: Int
}

/// The playlist as the player shall see it, nil when it is too large; bytes that are no playlist come back as they are.
package func rewritePlaylist(_ bytes: ByteString, _ context: RewriteContext) -> ByteString? {
  rewriteSegments(bytes, context, [])
}

/// As `rewritePlaylist`, with the segments whose place in `direct` is true named by their absolute upstream URL: the
/// player fetches them by itself.
package func rewriteSegments(_ bytes: ByteString, _ context: RewriteContext, _ direct: [Bool]) -> ByteString? {
  // R-PL-20
  if isPlaylistBody(bytes) != .yes { return bytes }
  let (sources, bytesMax) = (context.sources, context.bytesMax)
  let text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax)
  let definitions = playlistDefinitions(text, sources)
  let define = variablesText(exportedVariables(definitions))
  let mapper = uriMapper(context.prefix, context.form, context.baseUrl)
  let places = uriPlaces(text)
  let isPlain = !text.includes("{$")
  var rewritten = ByteString()
  rewritten.bytes.reserveCapacity(text.count + min(bytesMax, places.count / 3 * mapper.here.proxied.count))
  var copied = 0
  var handled = 0
  var segment = 0
  var index = 0
  while index + 2 < places.count {
    let start = places[index]
    let end = places[index + 1]
    let row = places[index + 2]
    let isDirect = row == segmentLine && segment < direct.count && direct[segment]
    if row == segmentLine { segment += 1 }
    index += 3
    // R-PL-16
    let raw = text.slice(start, end)
    let filled = isPlain ? raw : substituteVariables(raw, start, definitions, sources.uriBytesMax)
    guard let uri = filled else { continue }
    // R-DELIVER-2
    let role = uriRole(row)
    let mapped = isDirect ? upstreamUri(mapper, uri) : mapByRole(mapper, uri, role, define, context)
    handled += uri.count + mapped.count + (role == .report ? context.playerUrl.count : 0)
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

/// What the player shall read in a rendition report; "" when it must stay as it is.
private func mapReport(_ mapper: UriMapper, _ uri: ByteString, _ context: RewriteContext) -> ByteString {
  let report = mapReportUri(mapper, uri, context.playerUrl)
  // R-VAR-9: in path form it is relative to a URL that has them.
  let isWhole = report.isEmpty || mapper.form == .path
  return isWhole ? report : report + ownQuery(OwnParameters(as: .none, define: context.sources.imports))
}

/// What the player shall read in a URI's place, in a playlist of these variables; "" when it must stay.
private func mapByRole(
  _ mapper: UriMapper,
  _ uri: ByteString,
  _ role: UriRole,
  _ define: ByteString,
  _ context: RewriteContext
) -> ByteString {
  if role == .report { return mapReport(mapper, uri, context) }
  let mapped = mapUri(mapper, uri)
  guard !mapped.isEmpty, let own = parametersOf(role, define) else { return mapped }
  return withParameters(mapper.prefix, mapper.form, mapped, own)
}

/// What the URLs of a role carry; nil for nothing, as those of all segments.
private func parametersOf(_ role: UriRole, _ define: ByteString) -> OwnParameters? {
  // R-JSON-5
  if role == .assetList { return OwnParameters(as: .assetList, define: "") }
  if role == .steering { return OwnParameters(as: .steering, define: define) }
  // R-VAR-9
  return role == .playlist ? OwnParameters(as: .none, define: define) : nil
}
