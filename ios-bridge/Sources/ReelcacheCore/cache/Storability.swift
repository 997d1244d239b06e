/// Whether a response may be stored (RFC 9111 section 3; SPEC: R-STORE-1).
///
/// An entry is shared by all players of the proxy and found by its URL alone. What depends on who asks is therefore not
/// stored in this version: entries kept apart by identity come later.

/// Why: "ok" when storable.
package enum StoreReason: String, TextUnion, CaseIterable, Sendable {
  case ok
  case method
  case status
  case noStore = "no-store"
  case credentials
  case vary
}

package struct StoreVerdict: Equatable, Sendable {
  package var store: Bool
  package var reason: StoreReason
}

package struct StoreOptions: Equatable, Sendable {
  /// Store in spite of no-store, by the operator's option.
  package var overrideNoStore: Bool
  /// Names, in any case, of request fields that are forwarded beside the field table's.
  package var extraRequestFields: [ByteString]
}

/// Varying on these changes nothing: the proxy asks for one coding and sends its own CORS fields.
private let harmlessVary: [ByteString] = ["accept-encoding", "origin"]

/// The verdict for a response with `status` and `responseFields` to a player's request with `requestFields`.
package func storable(
  _ method: ByteString,
  _ requestFields: FieldList,
  _ status: Int,
  _ responseFields: FieldList,
  _ options: StoreOptions
) -> StoreVerdict {
  // R-STORE-1
  if method != "GET" { return StoreVerdict(store: false, reason: .method) }
  // R-STORE-2
  if status != 200 && status != 206 { return StoreVerdict(store: false, reason: .status) }
  let responseControl = parseCacheControl(fieldCombined(responseFields, "cache-control"))
  // R-STORE-3, R-STORE-4
  if (forbidsStoring(requestFields) || responseControl.noStore) && !options.overrideNoStore {
    return StoreVerdict(store: false, reason: .noStore)
  }
  // R-STORE-5
  if carriesCredentials(requestFields) && !responseControl.isPublic {
    return StoreVerdict(store: false, reason: .credentials)
  }
  if variesByPlayer(fieldCombined(responseFields, "vary"), options.extraRequestFields) {
    return StoreVerdict(store: false, reason: .vary)
  }
  return StoreVerdict(store: true, reason: .ok)
}

/// Whether a request names who asks; its response is then stored only when the origin calls it public.
package func carriesCredentials(_ requestFields: FieldList) -> Bool {
  fieldFirst(requestFields, "authorization") != nil || fieldFirst(requestFields, "cookie") != nil
}

/// Whether a request says that nothing of its response may be stored (RFC 9111 section 5.2.1.5).
package func forbidsStoring(_ requestFields: FieldList) -> Bool {
  parseCacheControl(fieldCombined(requestFields, "cache-control")).noStore
}

/// Whether a Vary value names "*" or a field that reaches the origin from the player.
private func variesByPlayer(_ vary: ByteString?, _ extraRequestFields: [ByteString]) -> Bool {
  guard let vary else { return false }
  for item in listItems(vary) {
    let name = lowerAscii(item)
    // R-STORE-6
    if name == "*" { return true }
    // R-STORE-7
    if !harmlessVary.contains(name) && isForwarded(name, extraRequestFields) { return true }
  }
  return false
}

/// Whether the request field of this name reaches the origin, by the field table or by option.
private func isForwarded(_ name: ByteString, _ extraRequestFields: [ByteString]) -> Bool {
  for row in requestFieldTable where equalIgnoreCase(row.name, name) { return true }
  for extra in extraRequestFields where equalIgnoreCase(extra, name) { return true }
  return false
}
