/// The request with which a flight asks its origin.

/// The fields with which a flight asks its origin.
package func flightRequest(_ flight: Flight) -> FieldList {
  var fields = flight.forward
  // R-FLIGHT-5: what another flight took over while this one waited is not asked for.
  if flight.purpose == .hole && !flight.body.rangeless { flight.askEnd = flight.limit }
  if !flight.verb.isEmpty {
    push(&fields, "Accept-Encoding", "identity")
    return fields
  }
  // R-ASK-1
  push(&fields, "Accept-Encoding", flight.playlist ? "gzip" : "identity")
  let ask = Ask(
    method: flight.method,
    url: flight.url,
    start: flight.askStart,
    end: flight.askEnd,
    suffix: flight.askSuffix,
    conditional: false
  )
  if isRanged(ask) {
    push(
      &fields,
      "Range",
      flight.askSuffix >= 0 ? "bytes=-\(flight.askSuffix)" : rangeText(flight.askStart, flight.askEnd)
    )
  }
  if flight.purpose == .hole {
    // R-FLIGHT-8
    let validator = resumeValidator(entryEtag(flight.body.entry), entryLastModified(flight.body.entry))
    if let validator, isRanged(ask) { push(&fields, "If-Range", validator) }
  } else if let known = flight.revalidates {
    pushConditions(&fields, known)
  }
  return fields
}

private func pushConditions(_ fields: inout FieldList, _ known: Body) {
  // R-REVAL-4
  if let etag = entryEtag(known.entry) { push(&fields, "If-None-Match", etag) }
  if let lastModified = entryLastModified(known.entry) { push(&fields, "If-Modified-Since", lastModified) }
}

private func push(_ fields: inout FieldList, _ name: ByteString, _ value: ByteString) {
  fields.append(name)
  fields.append(value)
}
