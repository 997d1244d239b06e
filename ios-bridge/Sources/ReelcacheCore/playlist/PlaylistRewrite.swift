/// Rewrites a playlist so that everything it names comes back through the proxy. Only URI text is replaced; every other
/// byte stays. Playlists are byte strings.

/// `prefix` is the proxy's (proxyPrefix), `form` the form the playlist was asked for in, `baseUrl` its final URL.
package struct RewriteContext: Equatable, Sendable {
  package var prefix: ByteString
  package var form: UrlForm
  package var baseUrl: ByteString
}

/// The playlist as the player shall see it; bytes that are no playlist come back as they are.
package func rewritePlaylist(_ bytes: ByteString, _ context: RewriteContext) -> ByteString {
  // R-PL-20
  if isPlaylistBody(bytes) != .yes { return bytes }
  let mapper = uriMapper(context.prefix, context.form, context.baseUrl)
  let places = uriPlaces(bytes)
  var rewritten = ByteString()
  rewritten.bytes.reserveCapacity(bytes.count + places.count / 3 * mapper.here.proxied.count)
  var copied = 0
  var index = 0
  while index + 2 < places.count {
    let start = places[index]
    let end = places[index + 1]
    let uri = bytes.slice(start, end)
    let isReport = uriRole(places[index + 2]) == .report
    let mapped = isReport ? mapReportUri(mapper, uri) : mapUri(mapper, uri)
    // R-PL-21
    if !mapped.isEmpty {
      rewritten += bytes.slice(copied, start)
      rewritten += mapped
      copied = end
    }
    index += 3
  }
  rewritten += bytes.slice(copied)
  return rewritten
}
