/// Delivery directives: the query parameters by which a low-latency player asks for a media playlist as it will be
/// (rfc8216bis section 6.2.5). Such a request is a *directed reload*: its origin holds it until it has what was asked
/// for, and may answer with the changes alone.

/// The directives that change what the answer is; other parameters in `_HLS_` only tell the origin something.
private let directiveNames: [ByteString] = ["_HLS_msn", "_HLS_part", "_HLS_skip"]

/// Whether a query parameter's decoded name is that of a delivery directive.
package func isDirectiveName(_ name: ByteString) -> Bool {
  directiveNames.contains(name)
}

/// Whether a request for this URL is a directed reload.
package func isDirectedUrl(_ url: ByteString) -> Bool {
  guard let query = parseUri(url).query else { return false }
  var start = 0
  while start <= query.count {
    let ampersand = query.indexOf("&", start)
    let end = ampersand < 0 ? query.count : ampersand
    // R-LL-1
    if isDirectiveName(parameterName(query.slice(start, end))) { return true }
    start = end + 1
  }
  return false
}
