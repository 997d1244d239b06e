/// Judges an origin's response head against what was asked: what it delivers, or why it is not believed.

/// How a flight asks.
package enum AskMethod: String, TextUnion, CaseIterable, Sendable {
  case get = "GET"
  case head = "HEAD"
}

/// What was asked of the origin.
package struct Ask: Equatable, Sendable {
  package var method: AskMethod
  package var url: ByteString
  /// First byte, 0 for the whole, -1 for a suffix.
  package var start: Int
  /// End, exclusive, -1 open.
  package var end: Int
  /// Suffix length, -1 none.
  package var suffix: Int
  /// A stored version was to be revalidated.
  package var conditional: Bool
}

/// How the body is framed on the wire: by length, by chunks, by close, or not at all.
package enum Framing: String, TextUnion, CaseIterable, Sendable {
  case length
  case chunked
  case close
  case none
}

package enum HeadVerdict: Equatable, Sendable {
  case redirect(url: ByteString)
  case notModified
  /// The whole representation; total in bytes, -1 unknown.
  case whole(total: Int)
  /// Bytes start to end (exclusive) of total.
  case part(start: Int, end: Int, total: Int)
  /// 416; total in bytes, -1 unknown.
  case unsatisfied(total: Int)
  /// A partial answer of unknown total: ask again without a range.
  case askWhole
  /// Passed to the player as it is, never stored; total in bytes, -1 unknown.
  case pass(total: Int)
  case fail(code: ErrorCode, detail: ByteString)
}

/// Judges the head of an origin's response (RFC 9110 sections 14.4, 15.3.7, 15.4, 15.5.17).
package func headVerdict(_ ask: Ask, _ status: Int, _ fields: FieldList, _ framing: Framing) -> HeadVerdict {
  let length = contentLength(fields, framing, ask.method)
  let ranged = isRanged(ask)
  if status == 200 { return .whole(total: isEncoded(fields) ? -1 : length) }
  if status == 206 { return partVerdict(ask, ranged, fields, length) }
  // R-HEAD-2
  if status == 304 && ask.conditional { return .notModified }
  if status == 304 { return .fail(code: .upstreamProtocol, detail: "304 to a request without a condition") }
  if status == 416 && ranged {
    if case .unsatisfied(let total) = parseContentRange(fieldFirst(fields, "content-range")) {
      return .unsatisfied(total: total)
    }
    return .unsatisfied(total: -1)
  }
  if isRedirect(status), let location = fieldFirst(fields, "location") {
    return redirectVerdict(ask.url, location)
  }
  // R-HEAD-3
  return .pass(total: isEncoded(fields) ? -1 : length)
}

/// Whether the ask carries a Range field: the whole is asked for without one, so that any origin can answer it.
package func isRanged(_ ask: Ask) -> Bool {
  ask.start != 0 || ask.end != -1
}

/// Whether the body has a content coding that the proxy removes before it stores or passes anything.
package func isEncoded(_ fields: FieldList) -> Bool {
  guard let encoding = fieldFirst(fields, "content-encoding") else { return false }
  return lowerAscii(encoding) != "identity"
}

private func partVerdict(_ ask: Ask, _ ranged: Bool, _ fields: FieldList, _ length: Int) -> HeadVerdict {
  // R-HEAD-4
  guard case .range(let first, let last, let total) = parseContentRange(fieldFirst(fields, "content-range")) else {
    return badRange("206 without a valid Content-Range")
  }
  if isEncoded(fields) { return badRange("206 of an encoded body") }
  let size = last - first + 1
  if length != -1 && length != size { return badRange("Content-Length contradicts Content-Range") }
  if !ranged {
    // R-HEAD-5
    if first == 0 && total == size { return .whole(total: size) }
    return badRange("206 to a request without a range")
  }
  // R-HEAD-6
  if total == -1 { return .askWhole }
  if ask.suffix >= 0 {
    if first != max(0, total - ask.suffix) || last != total - 1 {
      return badRange("Content-Range is not the suffix that was asked for")
    }
  } else {
    if first != ask.start { return badRange("Content-Range starts elsewhere") }
    // R-HEAD-7
    if ask.end != -1 && last >= ask.end { return badRange("Content-Range is longer than asked for") }
  }
  return .part(start: first, end: last + 1, total: total)
}

private func redirectVerdict(_ url: ByteString, _ location: ByteString) -> HeadVerdict {
  let target = resolveReference(parseUri(url), location)
  let hash = target.indexOf("#")
  let bare = hash == -1 ? target : target.slice(0, hash)
  if !isHttpUrl(bare) {
    return .fail(code: .upstreamRedirects, detail: "Location is not an http or https URL")
  }
  return .redirect(url: bare)
}

private func badRange(_ detail: ByteString) -> HeadVerdict {
  .fail(code: .upstreamBadRange, detail: detail)
}

private func isRedirect(_ status: Int) -> Bool {
  status == 301 || status == 302 || status == 303 || status == 307 || status == 308
}

private func contentLength(_ fields: FieldList, _ framing: Framing, _ method: AskMethod) -> Int {
  if framing == .chunked || framing == .close { return -1 }
  if framing == .none && method == .get { return 0 }
  guard let text = fieldFirst(fields, "content-length") else { return -1 }
  return parseDigits(text)
}
