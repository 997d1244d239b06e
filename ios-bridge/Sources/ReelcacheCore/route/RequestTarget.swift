/// What a request target names (SEMANTICS of the two URL forms; RFC 9112 section 3.2).
///
/// *Query form*: `/proxy?url=U`, U percent-encoded. *Path form*: `/{http|https}/{authority}/{path}?{query}`, the upstream
/// URL's own bytes, perhaps behind a segment of the proxy's own parameters. With a secret, both start with `/~SECRET`.
/// Targets and URLs are byte strings.

/// The two ways of writing a proxied URL.
package enum UrlForm: String, TextUnion, Sendable {
  case query
  case path
}

/// A target's meaning: an upstream resource, a page of the proxy itself, or a refusal. `query` is without its "?".
package enum Route: Equatable, Sendable {
  case resource(form: UrlForm, url: ByteString, own: OwnParameters)
  case local(path: ByteString, query: ByteString)
  case error(code: ErrorCode, detail: ByteString)
}

/// The path of the query form, below the secret.
package let queryFormPath: ByteString = "/proxy"

/// Outer query parameters that are the proxy's own and never travel upstream; all others were added by the player.
package let ownParameters: [ByteString] = ["url", "as", "define", hostParameter]

/// The one local path that answers without the secret, so that a supervisor needs none.
private let openPath: ByteString = "/health"

/// Routes one request target (RFC 9112 section 3.2). `secret` is a byte string, "" for none.
/// Errors: bad-request, bad-target, bad-url, forbidden-secret, not-found; no detail quotes the target.
package func parseTarget(_ target: ByteString, _ secret: ByteString) -> Route {
  let origin = originForm(target)
  // R-URL-1, R-URL-2
  guard let origin, isTargetText(origin) else {
    return failure(.badRequest, "The request target is not a path and query without white space, controls or #")
  }
  let mark = origin.indexOf("?")
  let wholePath = mark < 0 ? origin : origin.slice(0, mark)
  let query = mark < 0 ? "" : origin.slice(mark + 1)
  let path: ByteString
  switch checkSecret(wholePath, secret) {
  case .open(let inner):
    path = inner
  case .error(let code, let detail):
    return failure(code, detail)
  }
  if path == queryFormPath { return queryRoute(query) }
  if path.startsWith(ownSegmentStart) { return segmentRoute(path, query, mark >= 0) }
  // R-URL-14
  return pathRoute(path, query, mark >= 0, noParameters()) ?? .local(path: path, query: query)
}

/// The authority of an absolute-form target (RFC 9112 section 3.2.2), which outranks the Host field; else nil.
package func targetAuthority(_ target: ByteString) -> ByteString? {
  let start = absoluteFormStart(target)
  if start < 0 { return nil }
  return target.slice(start, authorityEnd(target, start))
}

/// True when the text is an absolute http or https URL that may be sent upstream: usable authority, no userinfo, no byte
/// that would break a request line. Scheme in any case; a fragment is allowed.
package func isUpstreamUrl(_ url: ByteString) -> Bool {
  upstreamUrlFault(url).isEmpty
}

/// An absolute URL with its scheme in lower case: schemes ignore case (RFC 3986 section 3.1), and both forms agree then.
package func lowerScheme(_ url: ByteString) -> ByteString {
  let colon = url.indexOf(":")
  return lowerAscii(url.slice(0, colon)) + url.slice(colon)
}

private func failure(_ code: ErrorCode, _ detail: ByteString) -> Route {
  .error(code: code, detail: detail)
}

/// The target as origin-form, "" path made "/"; nil when it is neither origin-form nor http(s) absolute-form.
private func originForm(_ target: ByteString) -> ByteString? {
  if target.startsWith("/") { return target }
  let start = absoluteFormStart(target)
  if start < 0 { return nil }
  // R-URL-3
  let end = authorityEnd(target, start)
  let rest = target.slice(end)
  return rest.startsWith("/") ? rest : "/\(rest)"
}

private func absoluteFormStart(_ target: ByteString) -> Int {
  let head = lowerAscii(target.slice(0, 8))
  if head.startsWith("http://") { return 7 }
  return head == "https://" ? 8 : -1
}

private func authorityEnd(_ target: ByteString, _ start: Int) -> Int {
  var end = start
  while end < target.count {
    let code = target.code(end)
    // "/", "?" or "#"
    if code == 47 || code == 63 || code == 35 { return end }
    end += 1
  }
  return end
}

/// No white space, no control, no "#": all that would end or split a request line. Bytes from 0x80 pass.
private func isTargetText(_ text: ByteString) -> Bool {
  isLineText(text) && !text.includes("#")
}

private func isLineText(_ text: ByteString) -> Bool {
  for index in 0..<text.count {
    let code = text.code(index)
    if code <= 0x20 || code == 0x7f { return false }
  }
  return true
}

private enum Access {
  case open(path: ByteString)
  case error(code: ErrorCode, detail: ByteString)
}

/// Takes the secret's segment off the path, or refuses.
private func checkSecret(_ path: ByteString, _ secret: ByteString) -> Access {
  let prefixed = path.startsWith("/~")
  if secret.isEmpty {
    // R-URL-4
    return prefixed ? .error(code: .notFound, detail: "The proxy runs without a secret") : .open(path: path)
  }
  if !prefixed {
    // R-URL-5
    return path == openPath
      ? .open(path: path) : .error(code: .forbiddenSecret, detail: "The path does not start with the secret")
  }
  let slash = path.indexOf("/", 2)
  let given = percentDecode(slash < 0 ? path.slice(2) : path.slice(2, slash))
  // R-URL-6
  guard let given, equalConstantTime(given, secret) else {
    return .error(code: .forbiddenSecret, detail: "The secret in the path is wrong")
  }
  return .open(path: slash < 0 ? "/" : path.slice(slash))
}

private func queryRoute(_ query: ByteString) -> Route {
  var own = noParameters()
  var encoded = ByteString()
  var found = 0
  var host: ByteString?
  var added: [ByteString] = []
  for piece in query.split("&") {
    let equals = piece.indexOf("=")
    let name = equals < 0 ? piece : piece.slice(0, equals)
    if name == "url" {
      found += 1
      encoded = equals < 0 ? "" : piece.slice(equals + 1)
    } else if name == hostParameter {
      host = piece.slice(hostParameter.count + 1)
    } else if ownParameters.contains(name) {
      // R-URL-19
      let more = withParameter(own, name, equals < 0 ? "" : piece.slice(equals + 1))
      guard let more else { return badParameters() }
      own = more
    } else if !piece.isEmpty {
      added.append(piece)
    }
  }
  // R-URL-7
  if found != 1 || encoded.isEmpty {
    return failure(.badTarget, "The query needs exactly one url parameter with a value")
  }
  // R-URL-8
  guard let decoded = percentDecode(encoded) else {
    return failure(.badUrl, "The url parameter holds a malformed percent-escape")
  }
  return resourceRoute(.query, decoded, added, own, host)
}

/// The path form behind a segment of own parameters.
private func segmentRoute(_ path: ByteString, _ query: ByteString, _ hasQuery: Bool) -> Route {
  let slash = path.indexOf("/", ownSegmentStart.count)
  let own = slash < 0 ? nil : parseOwnSegment(path.slice(ownSegmentStart.count, slash))
  // R-URL-19
  guard let own else { return badParameters() }
  return pathRoute(path.slice(slash), query, hasQuery, own) ?? badParameters()
}

private func badParameters() -> Route {
  failure(.badTarget, "The proxy's own parameters are malformed or stand where none may")
}

/// The path form; nil for every other path.
private func pathRoute(_ path: ByteString, _ query: ByteString, _ hasQuery: Bool, _ own: OwnParameters) -> Route? {
  if path.startsWith("/http/") || path == "/http" {
    return mirrorRoute("http", path.slice(6), query, hasQuery, own)
  }
  if path.startsWith("/https/") || path == "/https" {
    return mirrorRoute("https", path.slice(7), query, hasQuery, own)
  }
  return nil
}

private func mirrorRoute(
  _ scheme: ByteString,
  _ rest: ByteString,
  _ query: ByteString,
  _ hasQuery: Bool,
  _ own: OwnParameters
) -> Route {
  let slash = rest.indexOf("/")
  let authority = unescapeBrackets(slash < 0 ? rest : rest.slice(0, slash))
  // R-URL-12
  let path = slash < 0 ? "/" : rest.slice(slash)
  let url: ByteString = "\(scheme)://\(authority)\(path)"
  if !query.includes(hostParameter) { return resourceRoute(.path, hasQuery ? "\(url)?\(query)" : url, [], own, nil) }
  var host: ByteString?
  var kept: [ByteString] = []
  for piece in query.split("&") {
    // R-URL-20
    if piece.startsWith(hostParameter + "=") {
      host = piece.slice(hostParameter.count + 1)
    } else {
      kept.append(piece)
    }
  }
  return resourceRoute(.path, kept.isEmpty ? url : "\(url)?\(joined(kept, "&"))", [], own, host)
}

/// Some URL libraries escape the brackets and colons of an IPv6 literal when it stands in a path.
private func unescapeBrackets(_ authority: ByteString) -> ByteString {
  // Most authorities have nothing escaped.
  if !authority.includes("%") { return authority }
  var out = ByteString()
  var index = 0
  while index < authority.count {
    let triplet = lowerAscii(authority.slice(index, index + 3))
    // R-URL-13
    let plain: ByteString = triplet == "%5b" ? "[" : triplet == "%5d" ? "]" : triplet == "%3a" ? ":" : ""
    out += plain.isEmpty ? authority.slice(index, index + 1) : plain
    index += plain.isEmpty ? 1 : 3
  }
  return out
}

private func resourceRoute(
  _ form: UrlForm,
  _ text: ByteString,
  _ added: [ByteString],
  _ own: OwnParameters,
  _ host: ByteString?
) -> Route {
  let fault = upstreamUrlFault(text)
  // R-URL-9
  if !fault.isEmpty { return failure(.badUrl, fault) }
  let hash = text.indexOf("#")
  // R-URL-10
  let plain = lowerScheme(hash < 0 ? text : text.slice(0, hash))
  let url = host.map { host in withHost(plain, host) } ?? plain
  // R-URL-20
  if url.isEmpty { return badParameters() }
  return .resource(form: form, url: added.isEmpty ? url : setQuery(url, added), own: own)
}

/// Why the text is not a usable upstream URL, as a sentence that quotes nothing of it; "" when it is usable.
private func upstreamUrlFault(_ text: ByteString) -> ByteString {
  let parts = parseUri(text)
  guard let partsScheme = parts.scheme else { return "The URL is not absolute" }
  let scheme = lowerAscii(partsScheme)
  if scheme != "http" && scheme != "https" { return "The URL's scheme is not http or https" }
  if !isLineText(text) { return "The URL holds white space or a control byte" }
  guard let authority = parts.authority, !authority.isEmpty else { return "The URL has no host" }
  if authority.includes("@") { return "The URL holds a user name or password" }
  if authority.includes("\\") || parseAuthority(authority, scheme) == nil {
    return "The URL's host or port is malformed"
  }
  return ""
}

/// The URL with an encoded host in its host's place, its port kept; "" when that is no host.
private func withHost(_ url: ByteString, _ encoded: ByteString) -> ByteString {
  let host = percentDecode(encoded) ?? ""
  var parts = parseUri(url)
  let port = portOf(parts.authority ?? "")
  let known = host.includes("@") ? nil : parseAuthority(host, parts.scheme ?? "")
  // R-URL-20
  guard let known, known.host == lowerAscii(host) else { return "" }
  parts.authority = host + port
  return formatUri(parts)
}

/// The port of an authority with its colon; "" when it has none.
private func portOf(_ authority: ByteString) -> ByteString {
  let colon = authority.lastIndexOf(":")
  return colon > authority.lastIndexOf("]") ? authority.slice(colon) : ""
}

/// The URL with what the player added, raw: in the place of parameters of the same name, else at the end, in order.
private func setQuery(_ url: ByteString, _ added: [ByteString]) -> ByteString {
  let mark = url.indexOf("?")
  let path = mark < 0 ? url : url.slice(0, mark)
  let names = Set(added.map(writtenName))
  var pieces: [ByteString] = []
  var placed = Set<ByteString>()
  for piece in mark < 0 || mark == url.count - 1 ? [] : url.slice(mark + 1).split("&") {
    let name = writtenName(piece)
    // R-URL-11
    if !names.contains(name) {
      pieces.append(piece)
    } else if placed.insert(name).inserted {
      pieces += added.filter { one in writtenName(one) == name }
    }
  }
  return "\(path)?\(joined(pieces + added.filter { piece in !placed.contains(writtenName(piece)) }, "&"))"
}

private func writtenName(_ piece: ByteString) -> ByteString {
  let equals = piece.indexOf("=")
  return equals < 0 ? piece : piece.slice(0, equals)
}
