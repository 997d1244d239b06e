/// The head of every response: one order and one case of fields, for hit and miss alike (SPEC: R-RESP-1).
///
/// The proxy owns framing, ranges, CORS, Age, Cache-Status, Date and Connection; of what the origin said, it sends what
/// an entry keeps. A field that is not in the order below stands after Vary, as the origin wrote its name.

package struct ResponseHead: Equatable, Sendable {
  package var status: Int
  package var reason: ByteString
  package var fields: FieldList

  package init(status: Int, reason: ByteString, fields: FieldList) {
    self.status = status
    self.reason = reason
    self.fields = fields
  }
}

/// What Accept-Ranges says.
package enum AcceptRanges: String, TextUnion, CaseIterable, Sendable {
  case bytes
  /// Named otherwise than its text, because an optional of it has a `none` of its own.
  case never = "none"
}

/// Which of the CORS fields go out.
package enum CorsFields: String, TextUnion, CaseIterable, Sendable {
  case none
  case simple
  case preflight
}

/// What a head is made of.
package struct HeadParts: Equatable, Sendable {
  package var status: Int
  package var contentType: ByteString?
  /// Length of the body in bytes; -1 = unknown, which a 206 must not be.
  package var contentLength: Int
  package var contentRange: ByteString?
  package var acceptRanges: AcceptRanges?
  /// The fields that the entry keeps, or that a pass-through response passes on.
  package var stored: FieldList
  /// -1 = no Age field.
  package var ageSeconds: Int
  /// -1 = none of our own; one that the origin sent is then passed on.
  package var retryAfterSeconds: Int
  package var allow: ByteString?
  package var note: CacheNote?
  package var cors: CorsFields
  /// Time of the response, milliseconds since the epoch.
  package var dateMs: Int
  package var keepAlive: Bool
  /// Minor version of the player's HTTP/1, 0 or 1.
  package var httpMinor: Int
}

/// Origin fields with a place of their own, in their order; the rest of the origin's follows.
private let leadingStored: [ByteString] = ["ETag", "Last-Modified", "Cache-Control", "Expires", "Vary"]

/// Never taken from the origin: hop-by-hop, framing of another message, or the proxy's own (lower case).
private let neverStored: [ByteString] = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-type",
  "content-length",
  "content-encoding",
  "content-range",
  "accept-ranges",
  "age",
  "allow",
  "cache-status",
  "cross-origin-resource-policy",
  "date",
  "location",
  "retry-after",
]

private let corsExposed: ByteString =
  "Accept-Ranges, Age, Cache-Status, Content-Length, Content-Range, Date, ETag, Last-Modified, Retry-After"

/// The head made of `parts`. A 206 without length or Content-Range is a programmer's error and asserts.
package func responseHead(_ parts: HeadParts) -> ResponseHead {
  // R-RESP-5: AVPlayer refuses a 206 that is chunked or has no Content-Range.
  precondition(
    parts.status != 206 || (parts.contentLength >= 0 && parts.contentRange != nil),
    "response head: a 206 needs Content-Length and Content-Range"
  )
  // R-RESP-1
  var fields: FieldList = []
  fields.reserveCapacity(32)
  addContent(&fields, parts)
  addStored(&fields, parts)
  addOwn(&fields, parts)
  addCors(&fields, parts)
  addConnection(&fields, parts)
  return ResponseHead(status: parts.status, reason: reasonPhrase(parts.status), fields: fields)
}

/// Content-Type, Content-Length, Content-Range, Accept-Ranges.
private func addContent(_ fields: inout FieldList, _ parts: HeadParts) {
  // R-RESP-6
  if !isBodyless(parts.status) {
    addForeign(&fields, "Content-Type", parts.contentType)
    add(&fields, "Content-Length", parts.contentLength < 0 ? nil : .decimal(parts.contentLength))
    add(&fields, "Content-Range", parts.contentRange)
  }
  add(&fields, "Accept-Ranges", parts.acceptRanges.map { ByteString(utf8: $0.rawValue) })
}

/// ETag, Last-Modified, Cache-Control, Expires, Vary, and whatever else the origin's response keeps.
private func addStored(_ fields: inout FieldList, _ parts: HeadParts) {
  for name in leadingStored { addForeign(&fields, name, fieldFirst(parts.stored, name)) }
  var index = 0
  while index + 1 < parts.stored.count {
    let name = parts.stored[index]
    if mayPass(fields, name, parts.status) { addForeign(&fields, name, parts.stored[index + 1]) }
    index += 2
  }
}

/// Whether an origin field of this name may still be added.
private func mayPass(_ fields: FieldList, _ name: ByteString, _ status: Int) -> Bool {
  // R-RESP-4: asked first, as it is true of most: they have their own places.
  if fieldFirst(fields, name) != nil && !equalIgnoreCase(name, "set-cookie") { return false }
  let lowerName = lowerAscii(name)
  // R-RESP-3
  if neverStored.contains(lowerName) || lowerName.startsWith("access-control-") { return false }
  // R-RESP-6
  return !isBodyless(status) || !lowerName.startsWith("content-") || lowerName == "content-location"
}

/// Age, Retry-After, Allow, Cache-Status.
private func addOwn(_ fields: inout FieldList, _ parts: HeadParts) {
  add(&fields, "Age", parts.ageSeconds < 0 ? nil : .decimal(parts.ageSeconds))
  // R-RESP-12
  if parts.retryAfterSeconds < 0 {
    addForeign(&fields, "Retry-After", fieldFirst(parts.stored, "retry-after"))
  } else {
    add(&fields, "Retry-After", .decimal(parts.retryAfterSeconds))
  }
  addForeign(&fields, "Allow", parts.allow ?? fieldFirst(parts.stored, "allow"))
  add(&fields, "Cache-Status", parts.note.map(cacheStatusText))
}

/// The CORS fields (Fetch standard section 3.3): any page may read, without credentials.
private func addCors(_ fields: inout FieldList, _ parts: HeadParts) {
  switch parts.cors {
  case .none:
    return
  case .simple:
    // R-RESP-13
    add(&fields, "Access-Control-Allow-Origin", "*")
    add(&fields, "Access-Control-Expose-Headers", corsExposed)
    add(&fields, "Cross-Origin-Resource-Policy", "cross-origin")
  case .preflight:
    // R-RESP-14: "*" does not stand for Authorization, so that one is named.
    add(&fields, "Access-Control-Allow-Origin", "*")
    add(&fields, "Access-Control-Allow-Methods", parts.allow ?? "GET, HEAD, OPTIONS")
    add(&fields, "Access-Control-Allow-Headers", "*, Authorization")
    add(&fields, "Access-Control-Max-Age", "86400")
  }
}

/// Transfer-Encoding, Date, Connection.
private func addConnection(_ fields: inout FieldList, _ parts: HeadParts) {
  let unknownLength = parts.contentLength < 0 && !isBodyless(parts.status)
  // R-RESP-7
  if unknownLength && parts.httpMinor == 1 { add(&fields, "Transfer-Encoding", "chunked") }
  add(&fields, "Date", formatHttpDate(parts.dateMs))
  // R-RESP-8: to HTTP/1.0 the end of the connection is the end of a body of unknown length.
  let closes = !parts.keepAlive || (unknownLength && parts.httpMinor == 0)
  add(&fields, "Connection", closes ? "close" : "keep-alive")
}

/// Statuses whose responses have no content and no field that describes it (RFC 9110 sections 8.6 and 15.4.5).
private func isBodyless(_ status: Int) -> Bool {
  status == 204 || status == 304
}

/// Appends a field of the proxy's own, unless it has no value.
private func add(_ fields: inout FieldList, _ name: ByteString, _ value: ByteString?) {
  if let value {
    fields.append(name)
    fields.append(value)
  }
}

/// Appends a field that came from outside, unless it has no value or could not stand in a head.
private func addForeign(_ fields: inout FieldList, _ name: ByteString, _ value: ByteString?) {
  // R-RESP-2
  if let value, isToken(name), isFieldValue(value) {
    fields.append(name)
    fields.append(value)
  }
}
