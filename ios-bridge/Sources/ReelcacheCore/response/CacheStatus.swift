/// The Cache-Status field (RFC 9211): what the cache did for this response, as one structured field item
/// (SPEC: R-CS-1).

/// What happened. `hit` excludes every forward parameter (RFC 9211 section 2.2).
package struct CacheNote: Equatable, Sendable {
  package var hit: Bool
  /// Why the request went to the origin: uri-miss, vary-miss, partial, stale, request, method, bypass; "" if not.
  package var fwd: ByteString
  /// The origin's status; 0 when there is none.
  package var fwdStatus: Int
  package var stored: Bool
  package var collapsed: Bool
  /// A word on the cause, as "offline"; "" when there is nothing to say.
  package var detail: ByteString
}

/// A note of nothing but `detail`: for what the proxy answers by itself, and for an exchange that begins ("").
package func newNote(_ detail: ByteString) -> CacheNote {
  // R-CS-6
  CacheNote(hit: false, fwd: "", fwdStatus: 0, stored: false, collapsed: false, detail: detail)
}

/// The field value: the cache's name, then its parameters in one fixed order.
package func cacheStatusText(_ note: CacheNote) -> ByteString {
  // R-CS-1
  var text: ByteString = "reelcache"
  if note.hit {
    // R-CS-2
    text += "; hit"
  } else if !note.fwd.isEmpty {
    // R-CS-3
    text += "; fwd=\(bareItem(note.fwd))"
    if note.fwdStatus > 0 { text += "; fwd-status=\(note.fwdStatus)" }
    if note.stored { text += "; stored" }
    if note.collapsed { text += "; collapsed" }
  }
  if !note.detail.isEmpty { text += "; detail=\(bareItem(note.detail))" }
  return text
}

/// A token when the text is one, else a string (RFC 9651 sections 4.1.6 and 4.1.7).
private func bareItem(_ text: ByteString) -> ByteString {
  // R-CS-4
  isStructuredToken(text) ? text : structuredString(text)
}

private let tokenMarks: ByteString = "!#$%&'+-.^_`|~:/"

/// Structured field token (RFC 9651 section 3.3.4): a letter or "*", then token characters, ":" or "/".
private func isStructuredToken(_ text: ByteString) -> Bool {
  for index in 0..<text.count {
    let code = text.code(index)
    let first = isLetter(code) || code == 0x2a
    if !(index == 0 ? first : first || isDigit(code) || tokenMarks.bytes.contains(text.bytes[index])) { return false }
  }
  return text.count > 0
}

/// Structured field string: quoted, with `"` and `\` escaped; what is not printable ASCII is left out.
private func structuredString(_ text: ByteString) -> ByteString {
  var quoted: ByteString = "\""
  for index in 0..<text.count {
    let code = text.code(index)
    if code < 0x20 || code > 0x7e { continue }
    if code == 0x22 || code == 0x5c { quoted += "\\" }
    quoted.bytes.append(text.bytes[index])
  }
  return quoted + "\""
}

private func isLetter(_ code: Int) -> Bool {
  (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}
