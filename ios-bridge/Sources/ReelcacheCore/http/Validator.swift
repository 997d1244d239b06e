/// Validators: what tells two versions of a resource apart (RFC 9110 section 8.8), and the conditions made of them
/// (section 13). An absent field is nil.

/// True for an entity tag that promises the same bytes: well formed and not marked weak.
package func isStrongEtag(_ etag: ByteString) -> Bool {
  // R-VALID-1
  isOpaqueTag(etag, 0)
}

/// True for a well-formed entity tag, weak or strong (RFC 9110 section 8.8.3). The mark is a capital "W".
package func isValidEtag(_ etag: ByteString) -> Bool {
  isOpaqueTag(etag, etag.startsWith("W/") ? 2 : 0)
}

/// Strong comparison (RFC 9110 section 8.8.3.2): both strong, and the same.
package func etagEqualStrong(_ a: ByteString, _ b: ByteString) -> Bool {
  // R-VALID-2
  isStrongEtag(a) && a == b
}

/// Weak comparison (RFC 9110 section 8.8.3.2): the same but for the weak marks. Malformed tags compare as text.
package func etagEqualWeak(_ a: ByteString, _ b: ByteString) -> Bool {
  // R-VALID-3
  opaquePart(a) == opaquePart(b)
}

/// True when If-None-Match lets the body be sent: no tag of the field is the stored one (RFC 9110 section 13.1.2).
package func ifNoneMatchHolds(_ fieldValue: ByteString, _ etag: ByteString?) -> Bool {
  // R-VALID-4
  if trimOws(fieldValue) == "*" { return false }
  guard let etag else { return true }
  return !etagListed(fieldValue, trimOws(etag))
}

/// True when If-Modified-Since lets the body be sent: stored later, or either date unreadable (RFC 9110 13.1.3).
package func ifModifiedSinceHolds(_ value: ByteString, _ lastModified: ByteString?, _ nowMs: Int) -> Bool {
  let since = parseHttpDate(value, nowMs)
  let modified = lastModified.map { parseHttpDate($0, nowMs) } ?? -1
  // R-VALID-5
  return since < 0 || modified < 0 || modified > since
}

/// True when If-Range lets the Range be honoured: a strong tag that matches, or the exact date (RFC 9110 13.1.5).
package func ifRangeHolds(
  _ value: ByteString,
  _ etag: ByteString?,
  _ lastModified: ByteString?,
  _ nowMs: Int
) -> Bool {
  let text = trimOws(value)
  // R-VALID-6
  if text.startsWith("\"") || text.startsWith("W/") {
    guard let etag else { return false }
    return etagEqualStrong(text, trimOws(etag))
  }
  guard let lastModified, !text.isEmpty else { return false }
  // R-VALID-7
  let date = parseHttpDate(text, nowMs)
  return text == trimOws(lastModified) || (date >= 0 && date == parseHttpDate(lastModified, nowMs))
}

/// True when nothing tells response A from response B: each validator that both have is equal, and so are the totals
/// when both are known. Totals in bytes, -1 unknown.
package func sameVersion(
  _ etagA: ByteString?,
  _ lastModifiedA: ByteString?,
  _ totalA: Int,
  _ etagB: ByteString?,
  _ lastModifiedB: ByteString?,
  _ totalB: Int
) -> Bool {
  // R-VALID-8
  if let etagA, let etagB, !etagEqualWeak(trimOws(etagA), trimOws(etagB)) { return false }
  if let lastModifiedA, let lastModifiedB, trimOws(lastModifiedA) != trimOws(lastModifiedB) { return false }
  return totalA < 0 || totalB < 0 || totalA == totalB
}

/// The If-Range value with which a fetch resumes: the strong tag, else Last-Modified, else nil (RFC 9110 13.1.5).
package func resumeValidator(_ etag: ByteString?, _ lastModified: ByteString?) -> ByteString? {
  let tag = etag.map(trimOws) ?? ""
  // R-VALID-9
  if isStrongEtag(tag) { return tag }
  let date = lastModified.map(trimOws) ?? ""
  return date.count > 0 ? date : nil
}

/// True when the bytes from `start` on are one opaque tag: quotes around etagc (0x21, 0x23 to 0x7E, obs-text).
private func isOpaqueTag(_ text: ByteString, _ start: Int) -> Bool {
  let last = text.count - 1
  if last <= start || text.code(start) != 34 || text.code(last) != 34 { return false }
  for at in start + 1..<last {
    let code = text.code(at)
    if code <= 32 || code == 34 || code == 127 { return false }
  }
  return true
}

private func opaquePart(_ etag: ByteString) -> ByteString {
  etag.startsWith("W/") ? etag.slice(2) : etag
}

/// Whether the list holds the tag, compared weakly. A backslash escapes nothing inside an entity tag, so it is no listItems.
private func etagListed(_ list: ByteString, _ etag: ByteString) -> Bool {
  var start = 0
  var quoted = false
  for at in 0...list.count {
    let code = at < list.count ? list.code(at) : 44
    quoted = code == 34 ? !quoted : quoted
    if code == 44 && (!quoted || at == list.count) {
      // R-VALID-10
      let item = trimOws(list.slice(start, at))
      if item.count > 0 && etagEqualWeak(item, etag) { return true }
      start = at + 1
    }
  }
  return false
}
