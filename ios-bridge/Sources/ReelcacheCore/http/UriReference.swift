/// A URI reference in its five parts (RFC 3986 section 3), delimiters left out, bytes as they came. Nil means that
/// the part is absent, which "" does not: "a?" has an empty query, "a" has none.
package struct UriParts: Equatable, Sendable {
  package var scheme: ByteString?
  package var authority: ByteString?
  package var path: ByteString
  package var query: ByteString?
  package var fragment: ByteString?
}

/// An authority in its parts. The host is in lower case, an IPv6 address in its brackets; the port is never absent.
package struct Authority: Equatable, Sendable {
  package let userinfo: ByteString?
  package let host: ByteString
  package let port: Int
}

/// Splits a URI reference (RFC 3986 appendix B); never fails, as every text is one.
package func parseUri(_ text: ByteString) -> UriParts {
  var rest = text
  var scheme: ByteString?
  var authority: ByteString?
  var query: ByteString?
  var fragment: ByteString?
  let hash = rest.indexOf("#")
  if hash >= 0 {
    fragment = rest.slice(hash + 1)
    rest = rest.slice(0, hash)
  }
  let question = rest.indexOf("?")
  if question >= 0 {
    query = rest.slice(question + 1)
    rest = rest.slice(0, question)
  }
  // R-URI-1: a slash before the colon ends the scan, so "a/b:c" is a path.
  let colon = schemeLength(rest)
  if colon > 0 {
    scheme = rest.slice(0, colon)
    rest = rest.slice(colon + 1)
  }
  if rest.startsWith("//") {
    let slash = rest.indexOf("/", 2)
    let end = slash < 0 ? rest.count : slash
    authority = rest.slice(2, end)
    rest = rest.slice(end)
  }
  return UriParts(scheme: scheme, authority: authority, path: rest, query: query, fragment: fragment)
}

/// A URL without its fragment, which never travels (RFC 9110 section 4.2.5).
package func withoutFragment(_ url: ByteString) -> ByteString {
  let mark = url.indexOf("#")
  return mark < 0 ? url : url.slice(0, mark)
}

/// Puts the parts together again (RFC 3986 section 5.3); the inverse of parseUri, byte for byte.
package func formatUri(_ parts: UriParts) -> ByteString {
  // R-URI-2
  let scheme: ByteString = parts.scheme.map { "\($0):" } ?? ""
  let authority: ByteString = parts.authority.map { "//\($0)" } ?? ""
  let query: ByteString = parts.query.map { "?\($0)" } ?? ""
  let fragment: ByteString = parts.fragment.map { "#\($0)" } ?? ""
  return "\(scheme)\(authority)\(parts.path)\(query)\(fragment)"
}

/// The path without its "." and ".." segments (RFC 3986 section 5.2.4); "%2e" is no dot, as no byte is decoded.
package func removeDotSegments(_ path: ByteString) -> ByteString {
  // Most paths have nothing to remove.
  if !path.startsWith(".") && path.indexOf("/.") < 0 { return path }
  // A list, not a growing text: a hostile path of many megabytes stays linear.
  var kept: [ByteString] = []
  var at = leadingDots(path)
  while at < path.count {
    let slash = path.indexOf("/", at + 1)
    let end = slash < 0 ? path.count : slash
    let segment = path.slice(at, end)
    let up = segment == "/.."
    // R-URI-3
    if up {
      _ = kept.popLast()
    } else if segment != "/." {
      kept.append(segment)
    }
    // A dot segment at the very end leaves its slash behind.
    if slash < 0 && (up || segment == "/.") {
      kept.append("/")
    }
    at = end
  }
  return joined(kept, "")
}

/// The URI that `reference` means, seen from `base` (RFC 3986 section 5.2.2, strict). No byte is normalised but for dot
/// segments; the reference's fragment stays.
package func resolveReference(_ base: UriParts, _ reference: ByteString) -> ByteString {
  var parts = parseUri(reference)
  // R-URI-4
  if parts.scheme != nil {
    parts.path = removeDotSegments(parts.path)
    return formatUri(parts)
  }
  parts.scheme = base.scheme
  if parts.authority != nil {
    parts.path = removeDotSegments(parts.path)
    return formatUri(parts)
  }
  parts.authority = base.authority
  if parts.path.isEmpty {
    parts.path = base.path
    parts.query = parts.query ?? base.query
  } else if parts.path.startsWith("/") {
    parts.path = removeDotSegments(parts.path)
  } else {
    parts.path = removeDotSegments(mergedPath(base, parts.path))
  }
  return formatUri(parts)
}

/// "scheme://host:port" in lower case, the default port left out; "" when the URL is not a usable http(s) one.
package func originOf(_ url: ByteString) -> ByteString {
  let parts = parseUri(url)
  let scheme = parts.scheme.map(lowerAscii) ?? ""
  let authority = parts.authority.flatMap { parseAuthority($0, scheme) }
  // R-URI-7
  guard scheme == "http" || scheme == "https", let authority else { return "" }
  let port: ByteString = authority.port == defaultPort(scheme) ? "" : ":\(authority.port)"
  return "\(scheme)://\(authority.host)\(port)"
}

/// Takes an authority apart (RFC 3986 section 3.2); nil when the host is empty or no DNS name or IP literal, when the
/// port is no number from 1 to 65535, or when there is more than one "@". An absent or empty port is the default one of
/// the scheme (80, 443), and -1 for other schemes.
package func parseAuthority(_ authority: ByteString, _ scheme: ByteString) -> Authority? {
  let userEnd = authority.indexOf("@")
  let userinfo = userEnd < 0 ? nil : authority.slice(0, userEnd)
  let hostPort = authority.slice(userEnd + 1)
  let close = hostPort.startsWith("[") ? hostPort.indexOf("]") : -1
  let hostEnd = close >= 0 ? close + 1 : colonOrEnd(hostPort)
  let host = lowerAscii(hostPort.slice(0, hostEnd))
  // R-URI-5
  if close >= 0 ? !isAddressLiteral(host) : !isHostName(host) { return nil }
  let portPart = hostPort.slice(hostEnd)
  if portPart.count <= 1 {
    let noPort = portPart.isEmpty || portPart == ":"
    return noPort ? Authority(userinfo: userinfo, host: host, port: defaultPort(lowerAscii(scheme))) : nil
  }
  let port = portPart.startsWith(":") ? parseDigits(portPart.slice(1)) : -1
  // R-URI-6
  return port >= 1 && port <= 65535 ? Authority(userinfo: userinfo, host: host, port: port) : nil
}

/// True for an absolute http or https URL with a usable authority and no control byte or space (R-URI-8).
package func isHttpUrl(_ url: ByteString) -> Bool {
  for at in 0..<url.count {
    let code = url.code(at)
    // R-URI-8: such a byte cannot stand in a request line.
    if code <= 32 || code == 127 { return false }
  }
  return !originOf(url).isEmpty
}

/// The decoded name of a query's `name=value`; a malformed escape is taken as it stands (R-KEY-4).
package func parameterName(_ parameter: ByteString) -> ByteString {
  let equals = parameter.indexOf("=")
  let raw = equals < 0 ? parameter : parameter.slice(0, equals)
  return percentDecode(raw) ?? raw
}

/// The length of the scheme that the text begins with, 0 when it begins with none (RFC 3986 section 3.1).
private func schemeLength(_ text: ByteString) -> Int {
  for at in 0..<text.count {
    let code = text.code(at)
    if code == 58 { return at }
    let later = at > 0 && (isDigit(code) || code == 43 || code == 45 || code == 46)
    if !later && !isLetter(code) { return 0 }
  }
  return 0
}

/// The length of the dot segments that a relative path begins with (RFC 3986 section 5.2.4, steps A and D).
private func leadingDots(_ path: ByteString) -> Int {
  var at = 0
  while path.startsWith("../", at) || path.startsWith("./", at) {
    at += path.startsWith("./", at) ? 2 : 3
  }
  let rest = path.count - at
  let onlyDots = (rest == 1 && path.endsWith(".")) || (rest == 2 && path.endsWith(".."))
  return onlyDots ? path.count : at
}

/// RFC 3986 section 5.2.3.
private func mergedPath(_ base: UriParts, _ path: ByteString) -> ByteString {
  if base.authority != nil && base.path.isEmpty { return "/\(path)" }
  return base.path.slice(0, base.path.lastIndexOf("/") + 1) + path
}

private func defaultPort(_ lowerScheme: ByteString) -> Int {
  if lowerScheme == "http" { return 80 }
  return lowerScheme == "https" ? 443 : -1
}

private func colonOrEnd(_ text: ByteString) -> Int {
  let colon = text.indexOf(":")
  return colon < 0 ? text.count : colon
}

/// A DNS name or IPv4 address: unreserved bytes only, as an encoded or exotic one could mean another host further on.
private func isHostName(_ host: ByteString) -> Bool {
  for at in 0..<host.count {
    let code = host.code(at)
    let mark = code == 45 || code == 46 || code == 95 || code == 126
    if !mark && !isDigit(code) && !isLetter(code) { return false }
  }
  return host.count > 0
}

/// An IPv6 address in brackets, by its alphabet; whether it is one, the address check decides. No zone, no IPvFuture.
private func isAddressLiteral(_ host: ByteString) -> Bool {
  var colons = 0
  var at = 1
  while at + 1 < host.count {
    let code = host.code(at)
    colons += code == 58 ? 1 : 0
    if !isDigit(code) && code != 58 && code != 46 && !(code >= 97 && code <= 102) { return false }
    at += 1
  }
  return colons >= 2
}

private func isLetter(_ code: Int) -> Bool {
  (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}
