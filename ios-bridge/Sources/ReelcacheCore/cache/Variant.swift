/// Variants: stored responses of one resource of which each is for some requests only (RFC 9111 section 4.1). A variant
/// has a key of its own, made of the resource's and of digests of what tells the requests apart; a key without one is
/// for all. So it is found, journalled and evicted like any other, and never by a request of another key.

/// What stands in a key before the digest of the fields that a response varies on.
private let varyMark: ByteString = " vary="

/// Names that may tell variants apart: each request compares them all.
package let selectingNamesMax = 64

/// Varying on these changes nothing: the proxy asks for one coding and sends its own CORS fields.
private let harmlessVary: [ByteString] = ["accept-encoding", "origin"]

/// Whether a request names who asks.
package func carriesCredentials(_ requestFields: FieldList) -> Bool {
  fieldFirst(requestFields, "authorization") != nil || fieldFirst(requestFields, "cookie") != nil
}

/// The fields of a request that say who asks.
package func credentialFields(_ requestFields: FieldList) -> FieldList {
  var fields: FieldList = []
  if let authorization = fieldFirst(requestFields, "authorization") { fields += ["Authorization", authorization] }
  if let cookie = fieldJoined(requestFields, "cookie", "; ") { fields += ["Cookie", cookie] }
  return fields
}

/// The key of what is for one identity alone: of a resource's key and the credentials of a request, if it has any.
package func identityKey(_ key: ByteString, _ requestFields: FieldList) -> ByteString {
  // R-VARY-1
  if !carriesCredentials(requestFields) { return key }
  let authorization = fieldFirst(requestFields, "authorization")
  let cookie = fieldJoined(requestFields, "cookie", "; ")
  return "\(key) id=\(sha256Hex(selectedLine("authorization", authorization) + selectedLine("cookie", cookie)))"
}

/// The key of the variant for a request that sends `forwarded` to the origin, when `names` tell variants apart; the key
/// itself when none do.
package func variantKey(_ key: ByteString, _ names: [ByteString], _ forwarded: FieldList) -> ByteString {
  // R-VARY-2
  if names.isEmpty { return key }
  var lines = ByteString()
  for name in names { lines += selectedLine(name, fieldFirst(forwarded, name)) }
  return "\(key)\(varyMark)\(sha256Hex(lines))"
}

/// Whether a key is one that `variantKey` made of another.
package func isVariantOf(_ key: ByteString, _ of: ByteString) -> Bool {
  key.startsWith(of + varyMark)
}

/// The key of the resource that a variant is of.
package func resourceKey(_ key: ByteString) -> ByteString {
  // No URL of a resource holds a space (R-URI-8).
  let mark = key.indexOf(" ")
  return mark == -1 ? key : key.slice(0, mark)
}

/// The request fields that tell variants apart by a Vary value: those of the player that reach the origin, in lower
/// case, each once, in order of the alphabet.
package func selectingNames(_ vary: ByteString?, _ extraRequestFields: [ByteString]) -> [ByteString] {
  var names: [ByteString] = []
  guard let vary else { return names }
  for item in listItems(vary) {
    if names.count > selectingNamesMax { break }
    let name = lowerAscii(item)
    // R-VARY-3
    if !harmlessVary.contains(name) && isForwardedName(name, extraRequestFields) && !names.contains(name) {
      names.append(name)
    }
  }
  names.sort()
  return names
}

/// Whether a Vary value says that nothing in a request tells for whom the response is.
package func variesOnAll(_ vary: ByteString?) -> Bool {
  guard let vary else { return false }
  return listItems(vary).contains("*")
}

/// One line of what a digest is made of: an absent field is not an empty one.
private func selectedLine(_ name: ByteString, _ value: ByteString?) -> ByteString {
  guard let value else { return "\(name)\n" }
  return "\(name):\(value)\n"
}
