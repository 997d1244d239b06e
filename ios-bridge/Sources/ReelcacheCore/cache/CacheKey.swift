/// The cache key of an upstream URL: which requests are for one resource (SPEC: R-KEY-1).
///
/// Signed URLs change their signature at every visit while the resource stays the same, so named query parameters may
/// be left out. All else stays verbatim: two URLs that differ in it may be two resources. The range never takes part.

/// Names are compared after percent-decoding, with their case; one that ends in `*` stands for all that begin so.
package struct KeyRules: Equatable, Sendable {
  /// Query parameters that take no part.
  package var dropParameters: [ByteString]
  /// When not nil, the only query parameters that take part.
  package var keepParameters: [ByteString]?

  package init(dropParameters: [ByteString], keepParameters: [ByteString]?) {
    self.dropParameters = dropParameters
    self.keepParameters = keepParameters
  }
}

/// The key of an absolute http or https URL; any other text is its own key, without its fragment.
package func cacheKey(_ url: ByteString, _ rules: KeyRules) -> ByteString {
  let parts = parseUri(url)
  let scheme = parts.scheme.map(lowerAscii) ?? ""
  // R-KEY-2
  guard let authority = parts.authority.flatMap({ parseAuthority($0, scheme) }), scheme == "http" || scheme == "https"
  else { return withoutFragment(url) }
  // R-KEY-1
  var key: ByteString = "\(scheme)://"
  if let userinfo = authority.userinfo { key += "\(userinfo)@" }
  key += authority.host
  let defaultPort = scheme == "http" ? 80 : 443
  if authority.port != defaultPort { key += ":\(authority.port)" }
  key += parts.path.isEmpty ? "/" : parts.path
  guard let query = parts.query.flatMap({ keyQuery($0, rules) }) else { return key }
  return "\(key)?\(query)"
}

/// The parameters of `query` that take part, verbatim and in order; nil when it had some and none is left.
private func keyQuery(_ query: ByteString, _ rules: KeyRules) -> ByteString? {
  // R-KEY-3
  if rules.dropParameters.isEmpty && rules.keepParameters == nil { return query }
  var kept: [ByteString] = []
  var start = 0
  while start <= query.count {
    let ampersand = query.indexOf("&", start)
    let end = ampersand < 0 ? query.count : ampersand
    let parameter = query.slice(start, end)
    if takesPart(parameterName(parameter), rules) { kept.append(parameter) }
    start = end + 1
  }
  // R-KEY-6: a URL whose parameters are all signature is the same resource as the URL without a query.
  return kept.isEmpty ? nil : joined(kept, "&")
}

private func takesPart(_ name: ByteString, _ rules: KeyRules) -> Bool {
  // R-KEY-8: the changes of a playlist must never be taken for the playlist.
  if isDirectiveName(name) { return true }
  // R-KEY-4
  if matchesAny(name, rules.dropParameters) { return false }
  // R-KEY-5
  guard let keepParameters = rules.keepParameters else { return true }
  return matchesAny(name, keepParameters)
}

private func matchesAny(_ name: ByteString, _ patterns: [ByteString]) -> Bool {
  for pattern in patterns {
    if pattern.endsWith("*") ? name.startsWith(pattern.slice(0, pattern.count - 1)) : name == pattern { return true }
  }
  return false
}
