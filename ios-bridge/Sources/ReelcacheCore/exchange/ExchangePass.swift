/// Requests that pass through: methods that change something go to the origin as they came, and end what was stored.

/// Sends an exchange's request to its origin, for it alone.
package func openPass(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  exchange.note.fwd = "method"
  let body = blankBody(state, exchange.space, exchange.url, nowMs)
  launchFlight(state, openOpening(state, exchange, body, nil, nowMs), nowMs)
}

/// The origin answered a request that passes through.
package func acceptPass(_ state: ProxyState, _ flight: Flight, _ answer: OriginAnswer, _ nowMs: Int) {
  // A part of what, nobody asked.
  if answer.status == 206 {
    abortAndFail(state, flight, .upstreamBadRange, "206 to a request that passes through", nowMs)
    return
  }
  let location = absolute(flight, answer, "location")
  // R-PASS-3
  if answer.status < 400 {
    invalidate(state, flight.source)
    for url in [location, absolute(flight, answer, "content-location")] {
      if !url.isEmpty && originOf(url) == originOf(flight.url) { invalidate(state, url) }
    }
  }
  var total = answer.framing == .none ? 0 : -1
  if answer.framing == .length, !isEncoded(answer.fields), let length = fieldFirst(answer.fields, "content-length") {
    total = parseDigits(length)
  }
  flight.body.location = location
  passOn(state, flight, answer, total, nowMs)
}

/// Lets go of all that is stored of a URL, and of what is on its way to be (RFC 9111 section 4.4).
private func invalidate(_ state: ProxyState, _ url: ByteString) {
  let key = keyOf(state.options, url)
  if let current = findSlot(state.table, key)?.current { doomBody(state, current) }
  for body in variantsOf(state.table, key) { doomBody(state, body) }
  for flight in flightsByAge(state) where resourceKey(flight.space) == key && flight.verb.isEmpty {
    leaveSlot(state, flight)
    flight.unpublished = true
  }
}

/// The http or https URL that a field of an answer names, without fragment; "" when it names none.
private func absolute(_ flight: Flight, _ answer: OriginAnswer, _ name: ByteString) -> ByteString {
  guard let value = fieldFirst(answer.fields, name) else { return "" }
  let url = withoutFragment(resolveReference(parseUri(flight.url), value))
  return isHttpUrl(url) ? url : ""
}
