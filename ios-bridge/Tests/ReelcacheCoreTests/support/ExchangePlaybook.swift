/// Playbooks of the exchange machine: their shape, and how each event is played on the simulator.

@testable import ReelcacheCore

struct ExchangePlaybook {
  let title: String
  let steps: [PlaybookStep]
  private let stage: Json

  struct PlaybookStep {
    let at: Int?
    let event: Json
    let actions: [ByteString]
    let deadline: Int?
  }

  init(json: Json) throws {
    title = try json.string("title")
    stage = json
    let steps: [Json] = try json.member("steps")
    self.steps = try steps.map { step in
      PlaybookStep(
        at: try step.optional("at"),
        event: try step.member("event"),
        actions: try step.member("actions"),
        deadline: try step.optional("deadline")
      )
    }
  }

  /// The simulator that the playbook begins with.
  func simulator() throws -> Simulator {
    var options = simOptions(try limits())
    for (name, value) in try (stage.optional("options") ?? Json.record([:])).record() {
      try setOption(&options, name, value)
    }
    let stored: [Json] = try stage.optional("stored") ?? []
    let entries = try stored.enumerated().map { at, one in try storedEntry(one, at + 1, options) }
    // A proxy that loads entries counts on from them by itself.
    let sim = Simulator(options, entries, 1, try stage.optional("evictAfterMs") ?? 0)
    for (one, entry) in zip(stored, entries) {
      sim.files[entry.id] = try one.optional("text") ?? dots(max(0, entry.spans.last ?? 0))
    }
    return sim
  }

  private func limits() throws -> Limits {
    var limits = defaultLimits
    for (name, value) in try (stage.optional("limits") ?? Json.record([:])).record() {
      guard let row = limitFields.first(where: { $0.name == latin1(name) }) else {
        throw JsonError(description: "\"\(name)\" is no limit")
      }
      limits[keyPath: row.field] = try Int(json: value)
    }
    return limits
  }
}

/// Plays one event at the simulator's time.
func playEvent(_ sim: Simulator, _ event: Json) throws {
  let state = sim.state
  let nowMs = sim.nowMs
  switch try event.kind() {
  case "request":
    try sim.request(event.member("as"), playerRequest(event), event.optional("window") ?? integerMax)
  case "preload":
    try sim.preload(event.member("as"), event.member("url"))
  case "validate":
    try sim.validate(event.member("as"), event.member("url"), event.optional("fields") ?? [])
  case "resign":
    let url: ByteString? = try event.member("url")
    try sim.resign(openFlight(sim, event), url)
  case "refuse":
    let name: ByteString = try event.member("as")
    if case .answer(let head, let content) = refuse(state, try playerRequest(event), .stopping, "", nowMs) {
      sim.lines += [headLine(name, head), "\(name) body \(content)"]
    }
  case "head":
    let answer = OriginAnswer(
      status: try event.member("status"),
      reason: try event.optional("reason") ?? "",
      fields: try event.optional("fields") ?? [],
      framing: try union(event.optional("framing") ?? "length")
    )
    try sim.head(openFlight(sim, event), answer)
  case "data":
    let text: ByteString? = try event.optional("text")
    try sim.data(openFlight(sim, event), text ?? dots(event.member("bytes")))
  case "done":
    let failure: ByteString? = try event.optional("failure")
    try sim.done(openFlight(sim, event), failure.map { (try union($0), "") })
  case "written":
    try sim.written(knownFlight(sim, event), event.member("upTo"))
  case "write-failed":
    try sim.writeFailed(knownFlight(sim, event).flight.body)
  case "read":
    try sim.read(knownPlayer(sim, event), false)
  case "read-failed":
    try sim.read(knownPlayer(sim, event), true)
  case "leave":
    try sim.leave(knownPlayer(sim, event))
  case "window":
    try sim.openWindow(knownPlayer(sim, event), event.member("bytes"))
  case "reserve":
    let bytes: Int = try event.member("bytes")
    try sim.run { setReserveShortfall(state, bytes, nowMs) }
  case "tick":
    try sim.run { proxyTick(state, nowMs) }
  case "clear":
    try sim.run { clearProxy(state) }
  case "network":
    let isOnline: Bool = try event.optional("online") ?? true
    try sim.run { connectivityChanged(state, isOnline, nowMs) }
  case let kind:
    throw JsonError(description: "\"\(kind)\" is no event")
  }
}

extension Json {
  /// A member that may be absent.
  func optional<Value: JsonConvertible>(_ name: String) throws -> Value? {
    try record()[name].map { try Value(json: $0) }
  }
}

private func setOption(_ options: inout CoreOptions, _ name: String, _ value: Json) throws {
  switch name {
  case "policy": options.policy = try union(ByteString(json: value))
  case "keyRules":
    options.keyRules.dropParameters = try value.member("dropParameters")
    options.keyRules.keepParameters = try value.member("keepParameters")
  case "secret": options.secret = try ByteString(json: value)
  case "allowedHosts": options.allowedHosts = try [ByteString](json: value)
  case "allowUpstream": options.allowUpstream = try [ByteString](json: value)
  case "playlistFreshMs": options.playlistFreshMs = try Int(json: value)
  case "ignoreNoStore": options.ignoreNoStore = try Bool(json: value)
  case "apart": options.apart = try Bool(json: value)
  case "shared": options.shared = try Bool(json: value)
  case "heuristicPercent": options.heuristicPercent = try Int(json: value)
  case "validateOutdated": options.validateOutdated = try Bool(json: value)
  case "resigns": options.resigns = try Bool(json: value)
  case "startAhead": options.startAhead = try Bool(json: value)
  case "delivery": options.delivery = try union(ByteString(json: value))
  case "headMs": options.headMs = try Int(json: value)
  case "headSegments": options.headSegments = try Int(json: value)
  case "offlineFilter": options.offlineFilter = try Bool(json: value)
  case "offlineMs": options.offlineMs = try Int(json: value)
  case "warmFirst": options.warmFirst = try Bool(json: value)
  case "cors": options.cors = try Bool(json: value)
  case "keepAlive": options.keepAlive = try Bool(json: value)
  case "forwardFields": options.forwardFields = try [ByteString](json: value)
  case "requestFields": options.requestFields = try FieldList(json: value)
  case "responseFields": options.responseFields = try [ByteString](json: value)
  case "maxCacheBytes": options.maxCacheBytes = try Int(json: value)
  default: throw JsonError(description: "\"\(name)\" is no option")
  }
}

private func storedEntry(_ stored: Json, _ id: Int, _ options: CoreOptions) throws -> Entry {
  let atMs: Int = try stored.optional("atMs") ?? 0
  let url: ByteString = try stored.member("url")
  return Entry(
    id: id,
    key: cacheKey(url, options.keyRules),
    url: url,
    finalUrl: try stored.optional("finalUrl") ?? url,
    kind: try union(stored.optional("kind") ?? "media"),
    fields: try stored.optional("fields") ?? [],
    total: try stored.member("total"),
    spans: try stored.member("spans"),
    requestMs: atMs,
    responseMs: atMs,
    targetDurationMs: try stored.optional("targetDurationMs") ?? 0,
    accessMs: try stored.optional("accessMs") ?? atMs,
    pinned: try stored.optional("pinned") ?? false
  )
}

private func playerRequest(_ request: Json) throws -> PlayerRequest {
  let named = try request.record()["host"]
  let host: ByteString? = try named.map { try ByteString?(json: $0) } ?? "127.0.0.1:9000"
  let fields: FieldList = try request.optional("fields") ?? []
  return PlayerRequest(
    method: try request.optional("method") ?? "GET",
    target: try request.member("target"),
    httpMinor: try request.optional("minor") ?? 1,
    fields: (host.map { ["Host", $0] } ?? []) + fields,
    localAddress: try request.optional("local") ?? "127.0.0.1",
    localPort: 9_000,
    close: try request.optional("close") ?? false
  )
}

private func knownFlight(_ sim: Simulator, _ event: Json) throws -> SimFlight {
  let name: ByteString = try event.member("flight")
  guard let flight = sim.flights.get(parseDigits(name.slice(1))) else {
    throw SimulatorError(description: "\(name) was never sent")
  }
  return flight
}

private func openFlight(_ sim: Simulator, _ event: Json) throws -> SimFlight {
  let flight = try knownFlight(sim, event)
  if !flight.open {
    throw SimulatorError(description: "f\(flight.flight.id) is closed: nothing more is heard of it")
  }
  return flight
}

private func knownPlayer(_ sim: Simulator, _ event: Json) throws -> SimPlayer {
  let name: ByteString = try event.member("as")
  guard let player = sim.players.get(name) else { throw SimulatorError(description: "there is no player \(name)") }
  return player
}

/// A union of strings, by its text.
private func union<Value: RawRepresentable>(_ text: ByteString) throws -> Value where Value.RawValue == String {
  guard let value = Value(rawValue: text.description) else {
    throw JsonError(description: "\"\(text)\" is no \(Value.self)")
  }
  return value
}

private func dots(_ count: Int) -> ByteString {
  ByteString([UInt8](repeating: 46, count: count))
}
