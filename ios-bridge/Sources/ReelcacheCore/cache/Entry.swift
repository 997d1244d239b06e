/// An entry is one stored version of one resource: what its origin said of it, and which of its bytes are in the file.
/// The index journals it; the file holds the bytes of `spans` at their own offsets (SPEC: R-SPAN-1).

/// What the index keeps of one version of a resource.
package final class Entry {
  /// Row and file name; never used again within a cache directory.
  @exclusivity(unchecked) package var id: Int
  /// The cache key (R-KEY-1).
  @exclusivity(unchecked) package var key: ByteString
  /// The upstream URL that was asked for.
  @exclusivity(unchecked) package var url: ByteString
  /// The URL that answered, after redirects: the base for a playlist's relative URIs.
  @exclusivity(unchecked) package var finalUrl: ByteString
  @exclusivity(unchecked) package var kind: EntryKind
  /// The stored response fields, flat.
  @exclusivity(unchecked) package var fields: FieldList
  /// Length of the whole representation in bytes, -1 while unknown.
  @exclusivity(unchecked) package var total: Int
  /// Stored byte intervals: start, end (exclusive), start, end …
  @exclusivity(unchecked) package var spans: SpanSet
  /// When the request that made or last validated it was sent, in milliseconds since the epoch.
  @exclusivity(unchecked) package var requestMs: Int
  /// When the response head came, in milliseconds since the epoch.
  @exclusivity(unchecked) package var responseMs: Int
  /// Target duration of a media playlist in milliseconds, 0 otherwise.
  @exclusivity(unchecked) package var targetDurationMs: Int
  /// Last access, in milliseconds since the epoch.
  @exclusivity(unchecked) package var accessMs: Int
  @exclusivity(unchecked) package var pinned: Bool

  package init(
    id: Int,
    key: ByteString,
    url: ByteString,
    finalUrl: ByteString,
    kind: EntryKind,
    fields: FieldList,
    total: Int,
    spans: SpanSet,
    requestMs: Int,
    responseMs: Int,
    targetDurationMs: Int,
    accessMs: Int,
    pinned: Bool
  ) {
    self.id = id
    self.key = key
    self.url = url
    self.finalUrl = finalUrl
    self.kind = kind
    self.fields = fields
    self.total = total
    self.spans = spans
    self.requestMs = requestMs
    self.responseMs = responseMs
    self.targetDurationMs = targetDurationMs
    self.accessMs = accessMs
    self.pinned = pinned
  }
}

/// Whether every byte of the entry is in the file.
package func entryComplete(_ entry: Entry) -> Bool {
  entry.total >= 0 && spanCovers(entry.spans, 0, entry.total)
}

/// Whether bytes of two responses may be put together: only when a validator shows that they are of one version
/// (RFC 9111 section 3.4). Without one, what is stored serves only requests that it covers whole. A weak entity tag
/// shows none: two versions with different bytes may have it.
package func entryCombinable(_ entry: Entry) -> Bool {
  // R-FLIGHT-8
  resumeValidator(entryEtag(entry), entryLastModified(entry)) != nil
}

/// The stored ETag, or nil.
package func entryEtag(_ entry: Entry) -> ByteString? {
  fieldFirst(entry.fields, "etag")
}

/// The stored Last-Modified, or nil.
package func entryLastModified(_ entry: Entry) -> ByteString? {
  fieldFirst(entry.fields, "last-modified")
}
