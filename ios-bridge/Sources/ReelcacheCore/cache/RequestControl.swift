/// What a request says about the stored responses that it takes (RFC 9111 section 5.2.1), under the http policy.

/// The Cache-Control of a request, or what its Pragma says in its place (RFC 9111 section 5.4).
package func requestControl(_ requestFields: FieldList) -> CacheControl {
  let value = fieldCombined(requestFields, "cache-control")
  var control = parseCacheControl(value)
  let pragma = value == nil ? fieldCombined(requestFields, "pragma") : nil
  // R-REQ-1
  if let pragma, listItems(pragma).contains(where: { lowerAscii($0) == "no-cache" }) { control.noCache = true }
  return control
}

/// Whether a request takes a stored response of this age without asking the origin. `lifetimeMs` is its freshness
/// lifetime, -1 when it has none; `isStrict` when the response forbids to use it stale (RFC 9111 section 4.2.4).
package func requestTakes(_ control: CacheControl, _ lifetimeMs: Int, _ ageMs: Int, _ isStrict: Bool) -> Bool {
  // R-REQ-2
  if control.noCache { return false }
  // R-REQ-3
  if control.maxAge >= 0 && ageMs >= control.maxAge * 1000 { return false }
  let leftMs = max(0, lifetimeMs) - ageMs
  // R-REQ-4
  if control.minFresh >= 0 && leftMs < control.minFresh * 1000 { return false }
  if leftMs > 0 { return true }
  // R-REQ-5
  return !isStrict && control.maxStale >= 0 && -leftMs <= control.maxStale * 1000
}
