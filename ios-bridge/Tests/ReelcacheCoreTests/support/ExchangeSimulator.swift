@testable import ReelcacheCore

/// A player, or with `background` the one who fetches for later.
final class SimPlayer {
  struct Reading {
    let id: Int
    let from: Int
    let to: Int
    let text: ByteString
  }

  enum End: String {
    case none = ""
    case whole
    case cut
    case left
  }

  let name: ByteString
  let exchange: Exchange
  let background: Bool
  /// Bytes that it still takes before it blocks.
  var window: Int
  /// The read of the file that is under way.
  var reading: Reading?
  var pumping = false
  var waited = false
  var head: ResponseHead?
  /// What it received after the head.
  var received = ByteString()
  var gathered = ByteString()
  var sniffed = false
  var end = End.none

  init(_ name: ByteString, _ exchange: Exchange, _ window: Int, _ background: Bool) {
    self.name = name
    self.exchange = exchange
    self.window = window
    self.background = background
  }
}

private let sniffBytes = 12

/// The edge without I/O: carries out the actions of the core as the engine and its runners do, in virtual time, and
/// writes one line for each. Origins, disks and players are the caller's: it says what comes and when.
final class Simulator {
  let state: ProxyState
  var players = OrderedMap<ByteString, SimPlayer>()
  var flights = OrderedMap<Int, SimFlight>()
  /// Data files by entry id.
  var files: [Int: ByteString] = [:]
  private var removed: Set<Int> = []
  /// What origins said of URLs that are being signed anew, by flight.
  private var refused: [Int: OriginAnswer] = [:]
  var lines: [ByteString] = []
  var nowMs = 0
  /// Told of every request that goes to the origin.
  var onSend: (Flight, FieldList) -> Void = { _, _ in }
  /// Told of every action, before it is carried out.
  var onAction: (Action) -> Void = { _ in }
  private var names: [Int: SimPlayer] = [:]
  private var draining = false

  init(_ options: CoreOptions, _ entries: [Entry], _ nextEntryId: Int, _ evictAfterMs: Int) {
    state = newProxyState(options, nextEntryId, evictAfterMs)
    loadEntries(state, entries)
  }

  /// Hands an event to the core and carries out what follows.
  func run(_ event: () throws -> Void) throws {
    try event()
    try drain()
  }

  func request(_ name: ByteString, _ request: PlayerRequest, _ window: Int) throws {
    try run {
      switch admitRequest(state, request, nowMs) {
      case .local(let path, let query):
        lines.append("\(name) local \(path)\(query.isEmpty ? "" : "?\(query)")")
      case .answer(let head, let content):
        lines.append(headLine(name, head))
        if !content.isEmpty { lines.append("\(name) body \(content)") }
      case .control(let command):
        control(name, command)
      case .exchange(let exchange):
        attach(SimPlayer(name, exchange, window, false))
        startExchange(state, exchange, nowMs)
      }
    }
  }

  func preload(_ name: ByteString, _ url: ByteString) throws {
    try run {
      let exchange = backgroundExchange(state, PlaylistPart(url: url, start: 0, end: -1), noParameters(), nowMs)
      attach(SimPlayer(name, exchange, integerMax, true))
      startExchange(state, exchange, nowMs)
    }
  }

  func validate(_ name: ByteString, _ url: ByteString, _ fields: FieldList) throws {
    try run {
      let exchange = validationExchange(state, url, fields, nowMs)
      attach(SimPlayer(name, exchange, 0, true))
      startExchange(state, exchange, nowMs)
    }
  }

  func resign(_ sim: SimFlight, _ url: ByteString?) throws {
    guard let answer = refused.removeValue(forKey: sim.flight.id) else {
      throw JsonError(description: "f\(sim.flight.id) asks for no other URL")
    }
    try run { flightResigned(state, sim.flight, answer, url, nowMs) }
  }

  func head(_ sim: SimFlight, _ answer: OriginAnswer) throws {
    try run { flightHead(state, sim.flight, answer, nowMs) }
  }

  func data(_ sim: SimFlight, _ text: ByteString) throws {
    let flight = sim.flight
    let offset = flight.position
    let accepted = flightData(flight, text.count)
    if accepted > 0 { sim.chunks.append((offset, text.slice(0, accepted))) }
    try run {
      pumpReaders(state, flight.body)
      try drain()
      trim(sim)
      flightSettle(state, flight, nowMs)
    }
    try beginWrite(flight)
  }

  func done(_ sim: SimFlight, _ failure: (code: ErrorCode, detail: ByteString)?) throws {
    sim.open = false
    try run { flightDone(state, sim.flight, failure, nowMs) }
    try beginWrite(sim.flight)
  }

  func written(_ sim: SimFlight, _ upTo: Int) throws {
    let flight = sim.flight
    let id = flight.body.entry.id
    let text = try heldText(sim, flight.written, upTo)
    // What was being written when its file was removed goes with the file.
    if !removed.contains(id) {
      var file = files[id] ?? ""
      while file.count < flight.written { file += ByteString([0]) }
      files[id] = file.slice(0, flight.written) + text + file.slice(upTo)
    }
    try run {
      flightWritten(state, flight, upTo, nowMs)
      trim(sim)
      flightSettle(state, flight, nowMs)
      resumeIfDue(flight)
    }
    try beginWrite(flight)
  }

  func writeFailed(_ body: Body) throws {
    try run {
      bodyWriteFailed(state, body, nowMs)
      for flight in body.flights { resumeIfDue(flight) }
    }
  }

  /// The read of the file that a player waits for comes to its end, or with `fails` to nothing.
  func read(_ player: SimPlayer, _ fails: Bool) throws {
    let reading = player.reading
    player.reading = nil
    guard let reading, player.end == .none else { return }
    try run {
      if fails {
        readFailed(state, player.exchange, reading.id, nowMs)
        return
      }
      if try take(player, reading.text, reading.from, "disk") { try pump(player) }
    }
  }

  func openWindow(_ player: SimPlayer, _ bytes: Int) throws {
    player.window += bytes
    try run { try pump(player) }
  }

  func leave(_ player: SimPlayer) throws {
    if player.end != .none { return }
    try run { exchangeEnded(state, player.exchange, nowMs) }
    player.end = .left
  }

  /// Whether the player would take bytes now.
  func isWilling(_ player: SimPlayer) -> Bool {
    if player.end != .none || player.reading != nil { return false }
    if player.exchange.state == .gathering { return true }
    return player.exchange.state == .sending && (player.background || player.window > 0)
  }

  private func attach(_ player: SimPlayer) {
    players.set(player.name, player)
    names[player.exchange.id] = player
  }

  private func drain() throws {
    if draining { return }
    draining = true
    defer {
      state.actions.removeAll()
      draining = false
    }
    var at = 0
    while at < state.actions.count {
      try carryOut(state.actions[at])
      at += 1
    }
  }

  private func settled(_ exchange: Exchange, _ before: Int) throws -> Bool {
    if state.actions.count == before { return true }
    if draining {
      state.actions.append(.pump(exchange: exchange))
      return false
    }
    try drain()
    return true
  }

  private func carryOut(_ action: Action) throws {
    onAction(action)
    switch action {
    case .pump(let exchange):
      if let player = names[exchange.id] { try pump(player) }
      return
    case .head(let exchange, let head, let content):
      try sendHead(exchange, head, content)
      return
    case .validated(let exchange, let found):
      let player = names[exchange.id]
      player?.end = .whole
      lines.append("\(player?.name ?? "") finds it \(latin1(found.rawValue))")
      return
    default:
      lines.append(actionLine(action))
    }
    switch action {
    case .resign(let flight, let answer):
      refused[flight.id] = answer
    case .begin(let exchange):
      attach(SimPlayer("X\(exchange.id)", exchange, integerMax, true))
      startExchange(state, exchange, nowMs)
    case .send(let flight, let fields):
      onSend(flight, fields)
      if let known = flights.get(flight.id) {
        known.open = true
      } else {
        flights.set(flight.id, SimFlight(flight))
      }
    case .abort(let flight):
      flights.get(flight.id)?.open = false
    case .remove(let body):
      files[body.entry.id] = nil
      removed.insert(body.entry.id)
    default:
      break
    }
  }

  private func sendHead(_ exchange: Exchange, _ head: ResponseHead, _ content: ByteString?) throws {
    guard let player = names[exchange.id], player.end == .none else { return }
    if player.head != nil { throw SimulatorError(description: "\(player.name) gets a second head") }
    player.head = head
    lines.append(headLine(player.name, head))
    player.received = content ?? ""
    if let content, !content.isEmpty { lines.append("\(player.name) body \(content)") }
    if content == nil && !player.gathered.isEmpty {
      lines.append("\(player.name) takes 0-\(player.gathered.count) gathered")
      player.received = player.gathered
      player.window -= player.gathered.count
    }
    player.gathered = ""
    if content != nil || exchange.method == .head { player.end = .whole }
  }

  private func pump(_ player: SimPlayer) throws {
    if player.reading != nil || player.pumping || player.end != .none { return }
    player.pumping = true
    while try player.end == .none && player.reading == nil && step(player) { player.waited = false }
    player.pumping = false
  }

  private func step(_ player: SimPlayer) throws -> Bool {
    let exchange = player.exchange
    guard isWilling(player), let body = exchange.body, let cursor = exchange.cursor else { return false }
    let before = state.actions.count
    let step = nextStep(state, exchange, nowMs)
    if try !settled(exchange, before) || player.end != .none { return false }
    switch step {
    case .end:
      return try end(player)
    case .tail:
      guard let flight = tailFlight(body, cursor.offset), let sim = flights.get(flight.id) else { return true }
      let text = try chunkAt(sim, cursor.offset, cursor.end)
      return try take(player, text, cursor.offset, "f\(flight.id)")
    case .disk:
      return try beginRead(player, body.entry.id, cursor.offset, readerDiskEnd(body, cursor))
    case .wait, .open:
      if !player.waited { lines.append("\(player.name) waits") }
      player.waited = true
      return false
    case .cut:
      player.gathered = ""
      if !exchangeLost(state, exchange, nowMs) {
        lines.append("\(player.name) cut")
        player.end = .cut
      }
      try drain()
      return player.end == .none && exchange.state == .gathering
    }
  }

  private func beginRead(_ player: SimPlayer, _ id: Int, _ offset: Int, _ end: Int) throws -> Bool {
    if player.background && player.exchange.state == .sending {
      readerAdvanced(state, player.exchange, end, nowMs)
      return true
    }
    let to = min(end, offset + state.options.limits.readPieceBytes)
    // A read under way comes to its end even when its file is removed meanwhile.
    let text = (files[id] ?? "").slice(offset, to)
    if text.count != to - offset { throw SimulatorError(description: "the file of e\(id) ends before \(to)") }
    player.reading = SimPlayer.Reading(id: id, from: offset, to: to, text: text)
    lines.append("\(player.name) reads \(offset)-\(to) of e\(id)")
    return false
  }

  private func take(_ player: SimPlayer, _ text: ByteString, _ offset: Int, _ source: ByteString) throws -> Bool {
    let exchange = player.exchange
    let upTo = offset + text.count
    let before = state.actions.count
    let gathers = exchange.state == .gathering
    lines.append("\(player.name) \(gathers ? "gathers" : "takes") \(offset)-\(upTo) from \(source)")
    if gathers {
      gather(player, text)
    } else {
      player.received += text
      player.window -= text.count
    }
    readerAdvanced(state, exchange, upTo, nowMs)
    return try settled(exchange, before) && player.end == .none
  }

  private func gather(_ player: SimPlayer, _ text: ByteString) {
    let exchange = player.exchange
    player.gathered += text
    if !player.sniffed && player.gathered.count >= sniffBytes {
      player.sniffed = true
      _ = gatherBegan(state, exchange, player.gathered.slice(0, sniffBytes), nowMs)
    }
    if exchange.state == .gathering && player.gathered.count > state.options.limits.playlistBytesMax {
      gatherTooLarge(state, exchange, nowMs)
    }
  }

  private func end(_ player: SimPlayer) throws -> Bool {
    if player.exchange.state == .gathering {
      let bytes = player.gathered
      player.gathered = ""
      gatherDone(state, player.exchange, bytes, nowMs)
      try drain()
      if player.end == .none && player.exchange.state == .gathering { return true }
      if player.background { player.end = .whole }
      return false
    }
    lines.append("\(player.name) ends")
    exchangeEnded(state, player.exchange, nowMs)
    player.end = .whole
    try drain()
    return false
  }

  private func beginWrite(_ flight: Flight) throws {
    if !flight.body.storing || flight.written >= flight.position { return }
    if removed.contains(flight.body.entry.id) {
      throw SimulatorError(description: "f\(flight.id) writes a file that was removed")
    }
    flight.body.onDisk = true
  }

  private func resumeIfDue(_ flight: Flight) {
    if flight.paused && !flightShouldPause(flight, state.options.limits) { unpause(state, flight) }
  }

  private func trim(_ sim: SimFlight) {
    let floor = flightTrim(state, sim.flight)
    while let first = sim.chunks.first, first.offset + first.text.count <= floor { sim.chunks.removeFirst() }
  }
}
