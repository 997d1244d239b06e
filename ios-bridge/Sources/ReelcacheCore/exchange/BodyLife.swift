/// The life of a body: made, found by its key, used, doomed, gone.

/// A new, hidden body for a resource of which nothing is known yet.
package func blankBody(_ state: ProxyState, _ key: ByteString, _ url: ByteString, _ nowMs: Int) -> Body {
  let entry = Entry(
    id: state.nextEntryId,
    key: key,
    url: url,
    finalUrl: url,
    kind: .media,
    fields: [],
    total: -1,
    spans: [],
    requestMs: nowMs,
    responseMs: nowMs,
    targetDurationMs: 0,
    accessMs: nowMs,
    pinned: false
  )
  state.nextEntryId += 1
  return newBody(entry)
}

/// Makes the body the one that its key finds; the version before it is doomed.
package func publishBody(_ state: ProxyState, _ body: Body) {
  let slot = slotFor(state.table, body.entry.key)
  if let current = slot.current {
    // R-PIN-1
    if current.entry.pinned { body.entry.pinned = true }
    doomBody(state, current)
  }
  installBody(state.table, slotFor(state.table, body.entry.key), body)
}

/// Writes the body's row, when it has one to write: a length is known and its key finds it.
package func storeBody(_ state: ProxyState, _ body: Body) {
  if body.hidden || body.doomed || body.entry.total == -1 { return }
  body.journalled = true
  state.actions.append(.store(body: body))
}

/// Takes the body from its key at once; its file goes with its last use (R-CACHE-1).
package func doomBody(_ state: ProxyState, _ body: Body) {
  if body.doomed { return }
  removeBody(state.table, body)
  body.doomed = true
  if body.journalled { state.actions.append(.forget(body: body)) }
  body.journalled = false
  releaseBody(state, body)
}

/// Stops keeping the body's bytes: what comes from now on passes from memory only (R-CACHE-4).
package func stopStoring(_ state: ProxyState, _ body: Body) {
  if !body.storing { return }
  // The table counts the spans of what it holds, so it lets go first.
  doomBody(state, body)
  body.storing = false
}

/// Removes the file of a doomed body that nobody uses.
package func releaseBody(_ state: ProxyState, _ body: Body) {
  let free = body.uses == 0 && body.flights.isEmpty
  // An eviction that could not help may now: this one was in use.
  if free && !body.hidden && !body.entry.pinned { state.evictionIdleBytes = -1 }
  if !body.doomed || body.uses > 0 || !body.flights.isEmpty || !body.onDisk { return }
  body.onDisk = false
  state.actions.append(.remove(body: body))
}

/// Lets an exchange hold a body.
package func holdBody(_ exchange: Exchange, _ body: Body) {
  exchange.body = body
  body.uses += 1
}

/// Lets an exchange go of its body.
package func dropBody(_ state: ProxyState, _ exchange: Exchange) {
  guard let body = exchange.body else { return }
  exchange.body = nil
  body.uses -= 1
  let cursor = exchange.cursor
  exchange.cursor = nil
  if let cursor, let place = body.cursors.firstIndex(where: { $0 === cursor }) {
    body.cursors.remove(at: place)
  }
  releaseBody(state, body)
}
