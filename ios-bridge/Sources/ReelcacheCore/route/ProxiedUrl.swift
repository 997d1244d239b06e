/// Writes proxied URLs: the address under which a player reaches an upstream URL through the proxy. The inverse of
/// request-target. URLs are byte strings.

/// The proxied URL of an upstream URL. `prefix` comes from `proxyPrefix`. What is not an upstream URL (another scheme,
/// userinfo, no host, raw white space) is returned unchanged, so the player meets it directly.
package func proxiedUrl(_ prefix: ByteString, _ form: UrlForm, _ url: ByteString) -> ByteString {
  // R-URL-15
  if !isUpstreamUrl(url) { return url }
  return proxiedUpstreamUrl(prefix, form, url)
}

/// As `proxiedUrl`, for a URL that is already known to pass `isUpstreamUrl`.
package func proxiedUpstreamUrl(_ prefix: ByteString, _ form: UrlForm, _ url: ByteString) -> ByteString {
  // R-URL-16
  if form == .query { return queryFormStart(prefix) + percentEncode(url) }
  return "\(prefix)/\(mirroredPath(url))"
}

/// All of a query form URL that stands before the encoded upstream URL.
package func queryFormStart(_ prefix: ByteString) -> ByteString {
  "\(prefix)\(queryFormPath)?url="
}

/// The start of every proxied URL: `http://127.0.0.1:9000`, and the secret's segment when there is a secret.
package func proxyPrefix(_ scheme: ByteString, _ hostAndPort: ByteString, _ secret: ByteString) -> ByteString {
  let start: ByteString = "\(scheme)://\(hostAndPort)"
  // R-URL-17
  return secret.isEmpty ? start : "\(start)/~\(percentEncode(secret))"
}

/// The URI of an EXT-X-RENDITION-REPORT as the player must see it: relative to the player's own URL of the playlist, and
/// resolving to the proxied URL of `url` (rfc8216bis section 4.4.5.4). Both URLs are absolute upstream URLs.
package func renditionReportUrl(_ form: UrlForm, _ playlistUrl: ByteString, _ url: ByteString) -> ByteString {
  // R-PL-17
  if form == .query { return "?url=\(percentEncode(url))" }
  return relativePath(mirroredPath(playlistUrl), mirroredPath(url))
}

/// `https/host/path?query`: the upstream URL as a path; scheme in lower case, an empty path made "/".
private func mirroredPath(_ url: ByteString) -> ByteString {
  let colon = url.indexOf(":")
  let scheme = lowerAscii(url.slice(0, colon))
  let end = firstOf(url, "/?#", colon + 3)
  let rest = url.slice(end)
  // R-URL-12
  return "\(scheme)/\(url.slice(colon + 3, end))\(rest.startsWith("/") ? rest : "/\(rest)")"
}

/// The relative-path reference (RFC 3986 section 4.2) that leads from one mirrored path to another.
private func relativePath(_ from: ByteString, _ to: ByteString) -> ByteString {
  let fromPath = beforeAny(from, "?#")
  let toPath = beforeAny(to, "?#")
  var shared = 0
  var index = 0
  while index < fromPath.count && index < toPath.count && fromPath.code(index) == toPath.code(index) {
    index += 1
    if fromPath.code(index - 1) == 47 { shared = index }
  }
  var climbs = ByteString()
  for position in shared..<fromPath.count where fromPath.code(position) == 47 { climbs += "../" }
  let rest = to.slice(shared)
  // A reference must not begin with "/", "?", "#" or look like a scheme, else it resolves elsewhere.
  let plain =
    !climbs.isEmpty || (!rest.isEmpty && firstOf(rest, "/?#", 0) > 0 && !beforeAny(rest, "/?#").includes(":"))
  return plain ? climbs + rest : "./\(rest)"
}

private func beforeAny(_ text: ByteString, _ marks: ByteString) -> ByteString {
  text.slice(0, firstOf(text, marks, 0))
}

/// Where the first of the marks stands at or after `start`; the text's length when there is none.
private func firstOf(_ text: ByteString, _ marks: ByteString, _ start: Int) -> Int {
  var end = start
  while end < text.count && !marks.bytes.contains(text.bytes[end]) { end += 1 }
  return end
}
