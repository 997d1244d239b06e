/// What must hold of the proxy's state between any two events, whatever happened.

@testable import ReelcacheCore

/// The invariants that do not hold now, as sentences; none when all is well.
func invariantFaults(_ sim: Simulator) -> [String] {
  var faults: [String] = []
  checkTable(sim, &faults)
  for body in bodiesOf(sim) { checkBody(sim, body, &faults) }
  checkFlights(sim, &faults)
  checkLanes(sim, &faults)
  checkExchanges(sim, &faults)
  checkPlayers(sim, &faults)
  checkPreloads(sim, &faults)
  return faults
}

/// What is left although all players have gone and all flights have ended.
func leftovers(_ sim: Simulator) -> [String] {
  let state = sim.state
  var faults: [String] = []
  if !state.flights.isEmpty { faults.append("\(state.flights.count) flights are left") }
  if !state.exchanges.isEmpty { faults.append("\(state.exchanges.count) exchanges are left") }
  if !state.lanes.tickets.isEmpty { faults.append("\(state.lanes.tickets.count) lane tickets are left") }
  if !state.lanes.hostSlots.isEmpty { faults.append("host slots are left") }
  if state.later.running > 0 { faults.append("\(state.later.running) fetches for later are left") }
  if state.preloads.running > 0 { faults.append("\(state.preloads.running) fetches of preloads are left") }
  for slot in state.table.slots.values {
    if slot.opening != nil || slot.current == nil { faults.append("the slot \(slot.key) is left empty or opening") }
  }
  for body in state.table.bodies {
    if body.uses != 0 || !body.cursors.isEmpty || !body.flights.isEmpty { faults.append("\(nameOf(body)) is in use") }
  }
  let known = Set(state.table.bodies.map(\.entry.id))
  for id in sim.files.keys.sorted() where !known.contains(id) { faults.append("the file of e\(id) is left behind") }
  return faults
}

/// What a request to the origin asks for although it is here or on its way.
func sendFaults(_ flight: Flight) -> [String] {
  let body = flight.body
  if flight.purpose != .hole || body.rangeless || !body.storing { return [] }
  var faults: [String] = []
  let end = flight.askEnd == -1 ? body.entry.total : flight.askEnd
  let next = spanNextStart(body.entry.spans, flight.askStart)
  if next != -1 && next < end { faults.append("f\(flight.id) asks for bytes that are stored") }
  for other in body.flights where other !== flight {
    let to = other.state == .draining ? other.position : other.limit
    if other.start < end && (to == -1 || to > flight.askStart) {
      faults.append("f\(flight.id) asks for bytes that f\(other.id) brings")
    }
  }
  return faults
}

private func bodiesOf(_ sim: Simulator) -> [Body] {
  let state = sim.state
  var bodies: [ObjectIdentifier: Body] = [:]
  for body in state.table.bodies { bodies[ObjectIdentifier(body)] = body }
  for flight in state.flights.values { bodies[ObjectIdentifier(flight.body)] = flight.body }
  for exchange in state.exchanges.values {
    if let body = exchange.body { bodies[ObjectIdentifier(body)] = body }
  }
  return bodies.values.sorted { $0.entry.id < $1.entry.id }
}

private func checkTable(_ sim: Simulator, _ faults: inout [String]) {
  let table = sim.state.table
  if countBytes(sim.state) != table.bytes {
    faults.append("the table counts \(table.bytes) bytes, not \(countBytes(sim.state))")
  }
  for (at, body) in table.bodies.enumerated() {
    if table.places[body.entry.id] != at { faults.append("\(nameOf(body)) is out of its place") }
    if table.slots[body.entry.key]?.current !== body { faults.append("\(nameOf(body)) is not found by its key") }
    if body.doomed || body.hidden { faults.append("\(nameOf(body)) is doomed or hidden in the table") }
  }
  if table.places.count != table.bodies.count { faults.append("the table has places without bodies") }
  checkVariants(sim, &faults)
  for slot in table.slots.values {
    if slot.current == nil && slot.opening == nil { faults.append("the slot \(slot.key) is empty") }
    if let opening = slot.opening, sim.state.flights[opening.id] !== opening {
      faults.append("the slot \(slot.key) waits for a flight that is over")
    }
  }
}

private func checkVariants(_ sim: Simulator, _ faults: inout [String]) {
  let table = sim.state.table
  let variants = table.bodies.filter { $0.entry.key != resourceKey($0.entry.key) }
  var listed = 0
  for (resource, bodies) in table.variants {
    listed += bodies.count
    if bodies.isEmpty { faults.append("the variants of \(resource) are none") }
    if bodies.count > sim.state.options.limits.variantsMax {
      faults.append("\(resource) has more variants than variantsMax")
    }
    for body in bodies where resourceKey(body.entry.key) != resource || !variants.contains(where: { $0 === body }) {
      faults.append("\(resource) has a variant that is none of it")
    }
  }
  if listed != variants.count { faults.append("\(listed) variants are listed, \(variants.count) stored") }
}

private func checkBody(_ sim: Simulator, _ body: Body, _ faults: inout [String]) {
  var uses = 0
  for exchange in sim.state.exchanges.values where exchange.body === body { uses += 1 }
  if uses != body.uses { faults.append("\(nameOf(body)) counts \(body.uses) uses, not \(uses)") }
  for cursor in body.cursors {
    let exchange = sim.state.exchanges[cursor.owner]
    if exchange?.cursor !== cursor || exchange?.body !== body {
      faults.append("\(nameOf(body)) has a cursor of nobody")
    }
  }
  for flight in body.flights where sim.state.flights[flight.id] !== flight {
    faults.append("\(nameOf(body)) has f\(flight.id), which is over")
  }
  if body.storing && !body.rangeless { checkOverlap(body, &faults) }
  if body.journalled && body.hidden { faults.append("\(nameOf(body)) has a row and is hidden") }
}

private func checkOverlap(_ body: Body, _ faults: inout [String]) {
  for a in body.flights {
    for b in body.flights {
      if a === b || a.state == .draining || b.state == .draining || a.position > b.position { continue }
      let empty = b.limit != -1 && b.position >= b.limit
      if !empty && (a.limit == -1 || a.limit > b.position) && (a.position < b.position || a.id < b.id) {
        faults.append("f\(a.id) and f\(b.id) bring the same bytes")
      }
    }
  }
}

private func checkFlights(_ sim: Simulator, _ faults: inout [String]) {
  let state = sim.state
  for flight in state.flights.values {
    let name = "f\(flight.id)"
    if !flight.body.flights.contains(where: { $0 === flight }) {
      faults.append("\(name) is not among its body's flights")
    }
    if flight.state == .ended { faults.append("\(name) is over and still known") }
    if flight.tailStart > flight.position || flight.written > flight.position {
      faults.append("\(name) is out of order")
    }
    if flight.body.storing && flight.tailStart > flight.written {
      faults.append("\(name) forgot what is not written")
    }
    if flight.limit != -1 && flight.position > flight.limit { faults.append("\(name) is beyond its end") }
    let holds = state.lanes.tickets[flight.id] != nil
    let needs = flight.state != .draining || flight.body.storing
    if needs && !holds { faults.append("\(name) (\(flight.state.rawValue)) holds no place in a lane") }
    let sends = flight.state == .asked || flight.state == .flowing
    if sends && flight.paused && !flightShouldPause(flight, state.options.limits) {
      faults.append("\(name) is paused for nothing")
    }
    for id in flight.waiters where state.exchanges[id]?.waitingOn !== flight {
      faults.append("\(name) is waited for by nobody (\(id))")
    }
  }
}

private func checkLanes(_ sim: Simulator, _ faults: inout [String]) {
  let state = sim.state
  let limits = state.options.limits
  let counts = laneCounts(state.lanes)
  if counts.running.regular + counts.running.background > limits.slotsMax { faults.append("more slots than slotsMax") }
  if counts.extra > limits.extraSlotsMax { faults.append("more extra slots than extraSlotsMax") }
  if counts.running.express > limits.expressMax { faults.append("more express transfers than expressMax") }
  if counts.running.held > limits.heldMax { faults.append("more held transfers than heldMax") }
  for id in state.lanes.tickets.keys where state.flights[id] == nil {
    faults.append("the lane ticket of f\(id) is left")
  }
}

private func checkExchanges(_ sim: Simulator, _ faults: inout [String]) {
  for exchange in sim.state.exchanges.values {
    let name = "exchange \(exchange.id)"
    if exchange.state == .done { faults.append("\(name) is done and still known") }
    if exchange.state == .waiting && exchange.waitingOn?.waiters.contains(exchange.id) != true {
      faults.append("\(name) waits for nothing")
    }
    if exchange.state != .waiting && exchange.cursor == nil { faults.append("\(name) reads without a cursor") }
    // What was let go of may have been renewed for others while it was read.
    guard let body = exchange.body, exchange.state != .waiting, !body.passing, !body.doomed else { continue }
    if sim.state.options.apart && !isOwn(sim.state, exchange, body) {
      faults.append("\(name) reads what is for others")
    }
  }
}

private func checkPlayers(_ sim: Simulator, _ faults: inout [String]) {
  let state = sim.state
  for player in sim.players.values where sim.isWilling(player) {
    guard let body = player.exchange.body, let cursor = player.exchange.cursor else {
      faults.append("\(player.name) is forgotten")
      continue
    }
    let step = readerStep(body, cursor, state.options.limits, sim.nowMs)
    // The next tick calls it.
    let asleep = state.sleepers.contains { $0 === cursor }
    if step != .wait && !((step == .open || step == .cut) && asleep) {
      faults.append("\(player.name) could go on (\(step.rawValue)) and was not called")
    } else if step == .wait && coveringFlight(body, cursor.offset) == nil && !asleep {
      faults.append("\(player.name) waits for nothing")
    }
  }
  for player in sim.players.values where player.end != .none {
    if state.exchanges[player.exchange.id] != nil {
      faults.append("\(player.name) is gone and its exchange is left")
    }
  }
}

/// A preload that could go on does, and none is at work with nothing to do.
private func checkPreloads(_ sim: Simulator, _ faults: inout [String]) {
  let state = sim.state
  let preloads = state.preloads
  for preload in preloads.active {
    let name = "preload \(preload.id)"
    if preload.running.contains(where: { state.exchanges[$0]?.task?.preload !== preload }) {
      faults.append("\(name) waits for an exchange that is none of its own")
    }
    if preload.landing.contains(where: { $0.flight.state == .ended || !$0.flight.body.storing }) {
      faults.append("\(name) waits for bytes that come no more")
    }
    if !preload.running.isEmpty || !preload.landing.isEmpty { continue }
    if preload.todo.isEmpty {
      faults.append("\(name) is at work with nothing to do")
    } else if preloads.running == 0 && preloads.wakeMs == -1 && !state.offline {
      faults.append("\(name) could go on and does not")
    }
  }
  let running = preloads.active.reduce(0) { $0 + $1.running.count }
  let landing = preloads.active.reduce(0) { $0 + $1.landing.count }
  if preloads.running != running { faults.append("preloads count \(preloads.running) requests, not \(running)") }
  if preloads.landing != landing { faults.append("preloads count \(preloads.landing) landings, not \(landing)") }
}

/// Whether what an exchange reads is stored for it: its own resource, or a playlist that it looks up.
private func isOwn(_ state: ProxyState, _ exchange: Exchange, _ body: Body) -> Bool {
  guard let survey = exchange.survey else { return isFor(state, exchange, body) }
  return body.hidden || findStoredOf(state, exchange, survey.urls[survey.at]) === body
}

private func nameOf(_ body: Body) -> String {
  "e\(body.entry.id)"
}
