/// Finds what is stored for a request among the variants of its resource, and says which requests are for one answer.

/// The fields of an exchange's request as they reach the origin; what tells variants apart is among them.
package func forwardedFields(_ state: ProxyState, _ exchange: Exchange) -> FieldList {
  // R-PASS-1
  if !exchange.verb.isEmpty { return passedRequestFields(exchange.fields, state.options.requestFields) }
  return upstreamRequestFields(exchange.fields, state.options.forwardFields, state.options.requestFields)
}

/// The newest of what is stored for an exchange's request; nil when nothing is.
package func findStored(_ state: ProxyState, _ exchange: Exchange) -> Body? {
  newestFor(state, exchange, exchange.key, exchange.space)
}

/// The same for another URL that the exchange's player would ask for with the same fields.
package func findStoredOf(_ state: ProxyState, _ exchange: Exchange, _ url: ByteString) -> Body? {
  let key = keyOf(state.options, url)
  // What follows a resource's key in `space` is the identity's alone, whatever the resource.
  return newestFor(state, exchange, key, key + exchange.space.slice(exchange.key.count))
}

/// Whether a response is for an exchange's request: the keys that both have by the response's Vary are the same.
package func isFor(_ state: ProxyState, _ exchange: Exchange, _ body: Body) -> Bool {
  isForKeys(state, exchange, exchange.key, exchange.space, body)
}

/// Whether a response is stored that an exchange may have, but for the request fields that it varies on.
package func missesByVary(_ state: ProxyState, _ exchange: Exchange) -> Bool {
  // R-CS-7
  variantsOf(state.table, exchange.key).contains { body in
    if isVariantOf(body.entry.key, exchange.space) { return true }
    return isPublic(body.entry.fields) && isVariantOf(body.entry.key, exchange.key)
  }
}

/// The key under which requests wait for one answer; `current` is the stored version that it is to renew, if any.
package func openingKey(_ state: ProxyState, _ exchange: Exchange, _ current: Body?) -> ByteString {
  let newest = current ?? variantsOf(state.table, exchange.key).last
  // R-VARY-5
  let names = newest.map { namesOf(state, $0.entry.fields) } ?? []
  return variantKey(exchange.space, names, names.isEmpty ? [] : forwardedFields(state, exchange))
}

/// The key under which the response to a flight's request is kept.
package func responseKey(_ state: ProxyState, _ flight: Flight, _ fields: FieldList) -> ByteString {
  // R-VARY-1: what says public is for every identity.
  let space = isPublic(fields) ? resourceKey(flight.space) : flight.space
  return variantKey(space, namesOf(state, fields), flight.selecting)
}

/// Lets go of the variants of a resource beyond the bound, those first that were asked for longest ago; of `body`, which
/// has just come, when all others are pinned.
package func boundVariants(_ state: ProxyState, _ body: Body) {
  var others = variantsOf(state.table, resourceKey(body.entry.key)).filter { $0 !== body }
  others.sort { a, b in
    a.entry.accessMs == b.entry.accessMs ? a.entry.id < b.entry.id : a.entry.accessMs < b.entry.accessMs
  }
  // R-VARY-6
  let excess = others.count + 1 - state.options.limits.variantsMax
  let free = others.filter { !$0.entry.pinned }
  for other in free.prefix(max(0, excess)) { doomBody(state, other) }
  if excess > free.count { stopStoring(state, body) }
}

private func newestFor(_ state: ProxyState, _ exchange: Exchange, _ key: ByteString, _ space: ByteString) -> Body? {
  var found = findSlot(state.table, key)?.current
  if let body = found, !isForKeys(state, exchange, key, space, body) { found = nil }
  for body in variantsOf(state.table, key) {
    // R-VARY-4
    let isNewer = found.map { body.entry.id > $0.entry.id } ?? true
    if isNewer && isForKeys(state, exchange, key, space, body) { found = body }
  }
  return found
}

private func isForKeys(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ key: ByteString,
  _ space: ByteString,
  _ body: Body
) -> Bool {
  let names = namesOf(state, body.entry.fields)
  let selecting = names.isEmpty ? [] : forwardedFields(state, exchange)
  // R-VARY-4
  if body.entry.key == variantKey(space, names, selecting) { return true }
  return isPublic(body.entry.fields) && body.entry.key == variantKey(key, names, selecting)
}

/// The request fields that tell the variants of a response apart.
private func namesOf(_ state: ProxyState, _ fields: FieldList) -> [ByteString] {
  selectingNames(fieldCombined(fields, "vary"), state.options.forwardFields)
}

private func isPublic(_ fields: FieldList) -> Bool {
  parseCacheControl(fieldCombined(fields, "cache-control")).isPublic
}
