/// An answer after which the stored version is still the one: its fields and times are renewed.

/// 304: the stored version is still the one (RFC 9111 section 4.3.4).
package func acceptNotModified(_ state: ProxyState, _ flight: Flight, _ answer: OriginAnswer, _ nowMs: Int) {
  let known = flight.revalidates
  // R-REVAL-6
  if let known, !isOfVersion(known, answer, -1) { doomBody(state, known) }
  let waiters = takeWaiters(state, flight)
  let requestMs = flight.requestMs
  removeFlight(state, flight, nowMs)
  guard let known, !known.doomed else {
    for exchange in waiters { planExchange(state, exchange, nowMs) }
    return
  }
  let entry = known.entry
  let fresh = storedResponseFields(answer.fields, state.options.responseFields)
  // What they said was of the answer before.
  fieldRemove(&entry.fields, "age")
  fieldRemove(&entry.fields, "date")
  var at = 0
  while at + 1 < fresh.count {
    // R-REVAL-1: a 304 has no body of its own to describe, and its entity tag may be the weak form of the stored one.
    let name = lowerAscii(fresh[at])
    let isKept = name == "content-type" || (name == "etag" && entryEtag(entry) != nil)
    if !isKept { fieldSet(&entry.fields, fresh[at], fresh[at + 1]) }
    at += 2
  }
  entry.requestMs = requestMs
  entry.responseMs = nowMs
  let isForOthers = entry.key != responseKey(state, flight, entry.fields)
  // R-VARY-7, R-REVAL-7
  if isForOthers || !mayStore(state, flight, "GET", 200, entry.fields) { doomBody(state, known) }
  storeBody(state, known)
  for exchange in waiters {
    exchange.note.fwdStatus = answer.status
    // One before may have found that it cannot be completed.
    if known.doomed {
      planExchange(state, exchange, nowMs)
    } else {
      serveBody(state, exchange, known, nowMs)
    }
  }
}

/// Whether a 200 to HEAD shows, by a validator, that the stored version is still the one.
package func isSameHead(_ known: Body, _ answer: OriginAnswer, _ total: Int) -> Bool {
  let hasEtag = entryEtag(known.entry) != nil && fieldFirst(answer.fields, "etag") != nil
  let hasDate = entryLastModified(known.entry) != nil && fieldFirst(answer.fields, "last-modified") != nil
  return (hasEtag || hasDate) && isOfVersion(known, answer, total)
}

/// Whether nothing in an answer says that it is about another version than the stored one.
private func isOfVersion(_ known: Body, _ answer: OriginAnswer, _ total: Int) -> Bool {
  let entry = known.entry
  let stored = entryEtag(entry)
  let etag = fieldFirst(answer.fields, "etag")
  // Beside entity tags a date says nothing: the same bytes may have been written anew.
  let isTagged = stored != nil && etag != nil
  let storedDate = isTagged ? nil : entryLastModified(entry)
  return sameVersion(stored, storedDate, entry.total, etag, fieldFirst(answer.fields, "last-modified"), total)
}
