/// Maps one URI of a playlist to what the player shall read in its place: resolved against the playlist's own URL, then
/// proxied. All that depends only on the playlist is prepared once. URIs are byte strings.

/// A *shortcut*: a text that references may start with, and what it stands for. When the rest of a reference is plain,
/// resolving it merely appends the rest.
package struct Shortcut: Equatable, Sendable {
  package var start: ByteString
  package var upstream: ByteString
  package var proxied: ByteString
}

/// What the mapping depends on. `above` is for "../", "../../" and so on; `learned` for the latest absolute URL; `room`
/// is what the upstream URLs that it is yet asked for may come to, in bytes, -1 for no bound.
package final class UriMapper {
  package let prefix: ByteString
  package let form: UrlForm
  package let base: UriParts
  package let here: Shortcut
  package let root: Shortcut
  package let above: [Shortcut]
  var learned: Shortcut
  var room: Int

  init(
    prefix: ByteString,
    form: UrlForm,
    base: UriParts,
    here: Shortcut,
    root: Shortcut,
    above: [Shortcut],
    learned: Shortcut,
    room: Int
  ) {
    self.prefix = prefix
    self.form = form
    self.base = base
    self.here = here
    self.root = root
    self.above = above
    self.learned = learned
    self.room = room
  }
}

/// What the upstream URLs may come to that are read off one playlist, in bytes: each may be as long as its base.
private let readBytesMax = 67_108_864

/// Prepares a mapper. `prefix` is the proxy's (proxyPrefix); `baseUrl` the playlist's final absolute upstream URL.
package func uriMapper(_ prefix: ByteString, _ form: UrlForm, _ baseUrl: ByteString) -> UriMapper {
  let base = parseUri(escapeUri(baseUrl))
  let here = shortcut(prefix, form, "", resolveReference(base, "."))
  let root = shortcut(prefix, form, "/", resolveReference(base, "/"))
  let learned = shortcut(prefix, form, here.upstream, here.upstream)
  var above: [Shortcut] = []
  var start: ByteString = "../"
  while above.count < climbsMax {
    above.append(shortcut(prefix, form, start, resolveReference(base, start)))
    start += "../"
  }
  return UriMapper(
    prefix: prefix,
    form: form,
    base: base,
    here: here,
    root: root,
    above: above,
    learned: learned,
    room: -1
  )
}

/// Prepares a mapper for what the proxy reads for itself: it gives upstream URLs, no more than there is room for.
package func uriReader(_ baseUrl: ByteString) -> UriMapper {
  let mapper = uriMapper("", .path, baseUrl)
  mapper.room = readBytesMax
  return mapper
}

/// The absolute upstream URL that a reference means, escaped; "" when it is not an upstream URL (skd:, data:, userinfo)
/// or there is no room for more of them.
package func upstreamUri(_ mapper: UriMapper, _ reference: ByteString) -> ByteString {
  if mapper.room == -1 { return resolvedUri(mapper, reference) }
  let url = mapper.room == 0 ? "" : resolvedUri(mapper, reference)
  // R-PL-24
  mapper.room = max(0, mapper.room - url.count)
  return mapper.room == 0 ? "" : url
}

private func resolvedUri(_ mapper: UriMapper, _ reference: ByteString) -> ByteString {
  if let near = shortcutFor(mapper, reference) { return near.upstream + reference.slice(near.start.count) }
  // R-PL-18
  let url = resolveReference(mapper.base, escapeUri(reference))
  // R-PL-19
  if !isUpstreamUrl(url) { return "" }
  learn(mapper, reference, url)
  return lowerScheme(url)
}

/// The proxied URL for a reference; "" when the reference must stay as it is.
package func mapUri(_ mapper: UriMapper, _ reference: ByteString) -> ByteString {
  if let near = shortcutFor(mapper, reference) {
    let rest = reference.slice(near.start.count)
    return near.proxied + (mapper.form == .query ? percentEncode(rest) : rest)
  }
  let url = upstreamUri(mapper, reference)
  return url.isEmpty ? url : proxiedUpstreamUrl(mapper.prefix, mapper.form, url)
}

/// What a rendition report's URI becomes; "" when it must stay as it is. `playerUrl` is the upstream URL under which the
/// player asked for the playlist: it knows no redirect.
package func mapReportUri(_ mapper: UriMapper, _ reference: ByteString, _ playerUrl: ByteString) -> ByteString {
  let url = upstreamUri(mapper, reference)
  // R-PL-17
  if url.isEmpty || (mapper.form == .path && leadsTo(playerUrl, reference, url)) { return "" }
  return renditionReportUrl(mapper.form, playerUrl, url)
}

/// The text with every byte that no URI may hold percent-escaped (RFC 3986 section 2), as a player does before it asks;
/// escapes that are there already, even malformed ones, stay.
package func escapeUri(_ text: ByteString) -> ByteString {
  var escaped = ByteString()
  var copied = 0
  for at in 0..<text.count {
    let code = text.code(at)
    // R-PL-18
    if code <= 0x20 || code >= 0x7f || neverInUri.bytes.contains(text.bytes[at]) {
      escaped += text.slice(copied, at)
      escaped += percentEncode(.fromCode(code))
      copied = at + 1
    }
  }
  return copied == 0 ? text : escaped + text.slice(copied)
}

private let neverInUri: ByteString = "\"<>\\^`{|}"

/// The marks that may stand in a plain reference beside letters, digits, "." and "/".
private let plainMarks: ByteString = "-_~?=&%+,;@!$'()*"

/// Levels of "../" that have a shortcut; deeper references are resolved the long way.
private let climbsMax = 4

/// The upstream is "" when it is not an upstream URL, and the shortcut then holds for nothing.
private func shortcut(
  _ prefix: ByteString,
  _ form: UrlForm,
  _ start: ByteString,
  _ upstream: ByteString
) -> Shortcut {
  if !isUpstreamUrl(upstream) { return Shortcut(start: start, upstream: "", proxied: "") }
  return Shortcut(start: start, upstream: upstream, proxied: proxiedUpstreamUrl(prefix, form, upstream))
}

/// The shortcut that holds for the reference; nil when it must be resolved the long way.
private func shortcutFor(_ mapper: UriMapper, _ reference: ByteString) -> Shortcut? {
  var near: Shortcut? = mapper.here
  if reference.startsWith("/") {
    near = mapper.root
  } else if reference.startsWith("../") {
    let level = climbs(reference)
    near = level <= mapper.above.count ? mapper.above[level - 1] : nil
  } else if reference.startsWith("http") && reference.startsWith(mapper.learned.start) {
    near = mapper.learned
  }
  guard let near, !near.upstream.isEmpty, isPlainFrom(reference, near.start.count) else { return nil }
  return near
}

/// How often the reference climbs at its start.
private func climbs(_ reference: ByteString) -> Int {
  var count = 0
  while reference.startsWith("../", count * 3) { count += 1 }
  return count
}

/// Keeps an absolute reference's directory when it survived resolving unchanged: its neighbours will share it.
private func learn(_ mapper: UriMapper, _ reference: ByteString, _ url: ByteString) {
  let query = url.indexOf("?")
  let end = (query < 0 ? url : url.slice(0, query)).lastIndexOf("/") + 1
  if reference == url && end > "https://".count {
    let directory = url.slice(0, end)
    mapper.learned = shortcut(mapper.prefix, mapper.form, directory, directory)
  }
}

/// True when the rest of a reference is a relative path without ":", dot segments or fragment, all of URI bytes. A quick
/// test that may say no to what is plain.
private func isPlainFrom(_ reference: ByteString, _ start: Int) -> Bool {
  var previous = slash
  var at = start
  while at < reference.count {
    let code = reference.code(at)
    let lower = code | 0x20
    if (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) {
      previous = code
      at += 1
      continue
    }
    // "." after "/" may be a dot segment; "/" and "?" at the start mean something else.
    let dotOrSlash = code == 0x2e || code == slash
    if dotOrSlash ? previous == slash : at == start || !plainMarks.bytes.contains(UInt8(code)) { return false }
    previous = code
    at += 1
  }
  return reference.count > start
}

private let slash = 0x2f

/// Whether a relative path leads a player in path form to the URL that it means: not above the host, nor after a redirect.
private func leadsTo(_ playerUrl: ByteString, _ reference: ByteString, _ url: ByteString) -> Bool {
  let own = parseUri(proxiedUpstreamUrl("http://p", .path, playerUrl))
  let reached = resolveReference(own, escapeUri(reference))
  return isRelativePath(reference) && reached == proxiedUpstreamUrl("http://p", .path, url)
}

/// A relative-path reference (RFC 3986 section 4.2): no scheme, and neither "/", "?" nor "#" at its start.
private func isRelativePath(_ reference: ByteString) -> Bool {
  let parts = parseUri(reference)
  return parts.scheme == nil && parts.authority == nil && !parts.path.isEmpty && !parts.path.startsWith("/")
}
