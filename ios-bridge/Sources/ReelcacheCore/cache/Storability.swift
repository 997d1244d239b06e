/// Whether a response may be stored (RFC 9111 section 3; SPEC: R-STORE-1).
///
/// What depends on who asks is stored as a variant of its own, or, where an option says so, not at all.

/// Why: "ok" when storable.
package enum StoreReason: String, TextUnion, CaseIterable, Sendable {
  case ok
  case method
  case status
  case noStore = "no-store"
  case `private`
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
  /// What depends on who asks is kept apart.
  package var apart: Bool
  /// Several users share the cache, and none of them is to be told apart.
  package var shared: Bool
  /// Names, in any case, of request fields that are forwarded beside the field table's.
  package var extraRequestFields: [ByteString]
}

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
  // R-STORE-10
  if options.shared && isForOneUser(requestFields, responseControl) {
    return StoreVerdict(store: false, reason: .`private`)
  }
  // R-STORE-5
  if !options.apart && carriesCredentials(requestFields) && !responseControl.isPublic {
    return StoreVerdict(store: false, reason: .credentials)
  }
  let vary = fieldCombined(responseFields, "vary")
  // R-STORE-6
  if variesOnAll(vary) { return StoreVerdict(store: false, reason: .vary) }
  let selecting = selectingNames(vary, options.extraRequestFields).count
  // R-STORE-7, R-STORE-11
  if selecting > (options.apart ? selectingNamesMax : 0) { return StoreVerdict(store: false, reason: .vary) }
  return StoreVerdict(store: true, reason: .ok)
}

/// Whether a request says that nothing of its response may be stored (RFC 9111 section 5.2.1.5).
package func forbidsStoring(_ requestFields: FieldList) -> Bool {
  parseCacheControl(fieldCombined(requestFields, "cache-control")).noStore
}

/// Whether a response is for one user, to a cache that several share (RFC 9111 sections 3 and 3.5).
private func isForOneUser(_ requestFields: FieldList, _ control: CacheControl) -> Bool {
  if control.isPrivate { return true }
  let isAllowed = control.isPublic || control.mustRevalidate || control.sMaxAge >= 0
  return fieldFirst(requestFields, "authorization") != nil && !isAllowed
}
