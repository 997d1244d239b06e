/// What a URI and a byte range of a playlist name: bytes of a resource, as a player asks for them.

/// Bytes of the resource at an absolute upstream URL: from `start` to `end`, exclusive, -1 for all of it.
package struct PlaylistPart: Equatable, Sendable {
  package var url: ByteString
  package var start: Int
  package var end: Int
}

/// Whether the line's content, between two offsets, is this tag, with a value or without.
package func isTag(_ bytes: ByteString, _ from: Int, _ end: Int, _ tag: ByteString) -> Bool {
  let after = from + tag.count
  return bytes.startsWith(tag, from) && (after >= end || bytes.code(after) == colon)
}

/// The quoted text of the one attribute of that name; "" when there is none, more than one, or it has no quotes.
package func onlyQuoted(_ bytes: ByteString, _ attributes: [Attribute], _ name: ByteString) -> ByteString {
  let found = attributes.filter { $0.name == name }
  guard found.count == 1, let one = found.first, one.quoted else { return "" }
  return bytes.slice(one.valueStart, one.valueEnd)
}

/// The absolute upstream URL that a URI means, without fragment; "" for none, and for one with a variable.
package func partUrl(_ mapper: UriMapper, _ uri: ByteString) -> ByteString {
  uri.isEmpty || uri.includes("{$") ? "" : withoutFragment(upstreamUri(mapper, uri))
}

/// The bytes that a URL and a byte range (nil: none) name; nil when that is nothing that can be fetched for certain.
/// A range without an offset begins at `before`, -1 when it has none to begin at.
package func rangedPart(_ url: ByteString, _ range: ByteString?, _ before: Int) -> PlaylistPart? {
  if url.isEmpty { return nil }
  guard let range else { return PlaylistPart(url: url, start: 0, end: -1) }
  // R-AHEAD-3
  let mark = range.indexOf("@")
  let length = parseDigits(mark < 0 ? range : range.slice(0, mark))
  let start = mark < 0 ? before : parseDigits(range.slice(mark + 1))
  if length < 1 || start < 0 || length >= integerMax - start { return nil }
  return PlaylistPart(url: url, start: start, end: start + length)
}

/// The initialization section that the attributes of an EXT-X-MAP name, which stand between two offsets.
package func mapPart(_ bytes: ByteString, _ mapper: UriMapper, _ from: Int, _ end: Int) -> PlaylistPart? {
  let attributes = attributeList(bytes, from, end)
  let isRanged = attributes.contains { $0.name == "BYTERANGE" }
  let url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"))
  return rangedPart(url, isRanged ? onlyQuoted(bytes, attributes, "BYTERANGE") : nil, -1)
}

private let colon = 0x3a
