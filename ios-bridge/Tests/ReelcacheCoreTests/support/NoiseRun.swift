@testable import ReelcacheCore

/// What is drawn from: fixtures/noise/exchange.json.
struct Noise {
  typealias Pool = [(name: ByteString, values: [ByteString])]

  let targets: [ByteString]
  let methods: [ByteString]
  let urls: [ByteString]
  let ranges: [ByteString]
  let requestFields: Pool
  let statuses: [Int]
  let reasons: [ByteString]
  let framings: [Framing]
  let responseFields: Pool
  let texts: [ByteString]
  let failures: [ErrorCode]
  let numbers: [Int]
  /// Length of everything at the origin, while it makes sense.
  let totals: [Int]
  let pauses: [Int]
  let limits: [WritableKeyPath<Limits, Int>]

  init(json: Json) throws {
    targets = try json.member("targets")
    methods = try json.member("methods")
    urls = try json.member("urls")
    ranges = try json.member("ranges")
    requestFields = try Noise.pool(json.member("requestFields"))
    statuses = try json.member("statuses")
    reasons = try json.member("reasons")
    framings = try json.unions("framings")
    responseFields = try Noise.pool(json.member("responseFields"))
    texts = try json.member("texts")
    failures = try json.unions("failures")
    numbers = try json.member("numbers")
    totals = try json.member("totals")
    pauses = try json.member("pauses")
    let names: [ByteString] = try json.member("limits")
    limits = try names.map { name in
      guard let row = limitFields.first(where: { $0.name == name }) else {
        throw JsonError(description: "\"\(name)\" is no limit")
      }
      return row.field
    }
  }

  private static func pool(_ rows: [Json]) throws -> Pool {
    try rows.map { row in
      let parts = try row.list()
      guard parts.count == 2 else { throw JsonError(description: "no row of a pool: \(row)") }
      return (try ByteString(json: parts[0]), try [ByteString](json: parts[1]))
    }
  }
}

extension Json {
  fileprivate func unions<Value: RawRepresentable>(_ name: String) throws -> [Value] where Value.RawValue == String {
    let texts: [ByteString] = try member(name)
    return try texts.map { text in
      guard let value = Value(rawValue: text.description) else {
        throw JsonError(description: "\"\(text)\" is no \(Value.self)")
      }
      return value
    }
  }
}

private let steps = 120
/// Files beyond are not kept by the simulator: their disk only fails.
private let fileBytesMax = 100_000

/// One seeded run of players, origins, disks and limits that make no sense, event for event what the reference plays.
final class NoiseRun {
  let sim: Simulator
  private(set) var log: [ByteString] = []
  private(set) var faults: [String] = []
  private let noise: Noise
  private let total: Int
  private let random: Dice

  init(_ seed: Int, _ noise: Noise) {
    let random = Dice(seed)
    var limits = defaultLimits
    limits.readPieceBytes = 50
    for field in noise.limits where random(3) == 0 { limits[keyPath: field] = random.one(noise.numbers) }
    var options = simOptions(limits)
    options.policy = random(2) == 0 ? .http : .media
    options.cors = random(2) == 0
    options.ignoreNoStore = random(4) == 0
    options.apart = seed % 3 != 0
    options.allowUpstream = random(2) == 0 ? [] : ["*"]
    options.maxCacheBytes = random.one(noise.numbers)
    options.playlistFreshMs = random.one(noise.numbers)
    options.startAhead = seed % 2 == 0
    let deliveries: [DeliveryPolicy] = [.all, .head, .cdnFirst, .cdnFirst]
    options.offlineFilter = seed % 3 == 1
    options.offlineMs = seed % 2 == 0 ? 4_000 : 0
    options.warmFirst = seed % 5 == 0
    options.delivery = deliveries[seed % 4]
    options.headMs = seed % 8 == 1 ? 4_000 : 0
    options.headSegments = seed % 3
    total = random.one(noise.totals)
    sim = Simulator(options, [], 1, 0)
    self.noise = noise
    self.random = random
  }

  func play() {
    do {
      for step in 0..<steps where faults.isEmpty {
        sim.nowMs += random.one(noise.pauses)
        let what = try playNoise()
        note("\(step): \(what)")
        faults += invariantFaults(sim)
      }
      if faults.isEmpty {
        try endAll()
        note("the end")
        faults += invariantFaults(sim) + leftovers(sim)
      }
    } catch {
      faults.append("\(error)")
    }
  }

  func digest() -> String {
    runDigest(sim, log)
  }

  private func note(_ what: ByteString) {
    log.append(what)
    for line in sim.lines { log.append("    \(line)") }
    sim.lines = []
  }

  /// One thing that happens; says what.
  private func playNoise() throws -> ByteString {
    let kind = random(24)
    if kind < 4 { return try playRequest() }
    if kind < 13 { return try playOrigin() }
    if kind < 16 { return try playDisk() }
    if kind < 21 { return try playPlayer(kind) }
    if kind == 21 {
      try sim.run { proxyTick(sim.state, sim.nowMs) }
      return "tick at \(sim.nowMs)"
    }
    if kind == 22 {
      let url = random.one(noise.urls)
      let name: ByteString = "P\(sim.players.count)"
      try sim.preload(name, url)
      return "\(name) preloads \(url)"
    }
    return try playRare()
  }

  private func playRequest() throws -> ByteString {
    let name: ByteString = "P\(sim.players.count)"
    let range: FieldList = random(2) == 0 ? ["Range", random.one(noise.ranges)] : []
    let request = PlayerRequest(
      method: random.one(noise.methods),
      target: random.one(noise.targets),
      httpMinor: random(5) == 0 ? 0 : 1,
      fields: ["Host", "127.0.0.1:9000"] + range + drawFields(noise.requestFields, 25),
      localAddress: random.one(["127.0.0.1", "::1", "::ffff:127.0.0.1"]),
      localPort: 9_000,
      close: random(4) == 0
    )
    if random(20) == 0 {
      if case .answer(let head, _) = refuse(sim.state, request, .stopping, "", sim.nowMs) {
        sim.lines.append(headLine(name, head))
      }
      return "\(name) is refused"
    }
    try sim.request(name, request, random.one([0, 1, 30, 1_000_000]))
    return "\(name) \(request.method) \(request.target) \(joined(Array(request.fields.dropFirst(2)), " "))"
  }

  private func playOrigin() throws -> ByteString {
    guard let flight = random.any(sim.flights.values.filter(\.open)) else { return "nobody is asked" }
    let name: ByteString = "f\(flight.flight.id)"
    if random(8) == 0 {
      let code = random(2) == 0 ? nil : random.one(noise.failures)
      try sim.done(flight, code.map { ($0, "noise") })
      return "\(name) ends \(latin1(code?.rawValue ?? "well"))"
    }
    if flight.flight.state == .asked && random(3) > 0 {
      var answer = fittingAnswer(flight.flight)
      answer.fields += drawFields(noise.responseFields, 25)
      try sim.head(flight, answer)
      return "\(name) \(answer.status) \(joined(answer.fields, " "))"
    }
    if flight.flight.state == .asked {
      let status = random.one(noise.statuses)
      let fields = drawFields(noise.responseFields, 3)
      let reason = random.one(noise.reasons)
      let framing = random.one(noise.framings)
      try sim.head(flight, OriginAnswer(status: status, reason: reason, fields: fields, framing: framing))
      return "\(name) \(status) \(joined(fields, " "))"
    }
    let text = random(3) == 0 ? random.one(noise.texts) : ByteString([UInt8](repeating: 46, count: random(120)))
    try sim.data(flight, text)
    return "\(name) brings \(text.count)"
  }

  /// What an origin in its senses would say.
  private func fittingAnswer(_ flight: Flight) -> OriginAnswer {
    let suffix = flight.askSuffix
    let start = suffix >= 0 ? max(0, total - suffix) : flight.askStart
    let end = suffix >= 0 || flight.askEnd == -1 ? total : min(flight.askEnd, total)
    let part = (flight.askStart != 0 || flight.askEnd != -1) && start < end
    var fields: FieldList = ["Content-Length", .decimal(part ? end - start : total), "ETag", "\"v1\""]
    if part { fields += ["Content-Range", "bytes \(start)-\(end - 1)/\(total)"] }
    return OriginAnswer(status: part ? 206 : 200, reason: "", fields: fields, framing: .length)
  }

  private func playDisk() throws -> ByteString {
    guard let sim = random.any(writers()) else { return "no write is under way" }
    let flight = sim.flight
    if flight.position > fileBytesMax || random(10) == 0 {
      try self.sim.writeFailed(flight.body)
      return "failed write of f\(flight.id)"
    }
    let upTo = flight.position - random(flight.position - flight.written)
    try self.sim.written(sim, upTo)
    return "f\(flight.id) written to \(upTo)"
  }

  private func playPlayer(_ kind: Int) throws -> ByteString {
    let players = sim.players.values.filter { $0.end == .none }
    guard let player = random.any(kind < 19 ? players.filter { $0.reading != nil } : players) else {
      return "nobody is there"
    }
    if kind < 19 {
      let fails = random(6) == 0
      try sim.read(player, fails)
      return "\(fails ? "failed read" : "read") of \(player.name)"
    }
    if kind == 19 {
      try sim.openWindow(player, random.one([1, 30, 1_000]))
      return "window of \(player.name)"
    }
    try sim.leave(player)
    return "\(player.name) leaves"
  }

  private func playRare() throws -> ByteString {
    let kind = random(3)
    if kind == 0 {
      try sim.run { clearProxy(sim.state) }
      return "clear"
    }
    if kind == 1 {
      let short = random.one(noise.numbers)
      try sim.run { setReserveShortfall(sim.state, short, sim.nowMs) }
      return "reserve short of \(short)"
    }
    let isOnline = random(2) == 0
    try sim.run { connectivityChanged(sim.state, isOnline, sim.nowMs) }
    return isOnline ? "network" : "no network"
  }

  /// Everyone leaves, every origin breaks off, every disk fails.
  private func endAll() throws {
    // Who ends would make room for the next.
    dropLater(sim.state)
    for player in sim.players.values { try sim.leave(player) }
    for flight in sim.flights.values where flight.open { try sim.done(flight, (.upstreamTruncated, "")) }
    for flight in writers() { try sim.writeFailed(flight.flight.body) }
  }

  private func writers() -> [SimFlight] {
    sim.flights.values.filter { sim in
      let flight = sim.flight
      return flight.body.storing && flight.state != .ended && flight.written < flight.position
    }
  }

  /// Each field of the pool with the chance of one in `oneIn`, some of them twice.
  private func drawFields(_ pool: Noise.Pool, _ oneIn: Int) -> FieldList {
    var fields: FieldList = []
    for (name, values) in pool {
      if random(oneIn) == 0 { fields += [name, random.one(values)] }
      if random(oneIn * 10) == 0 { fields += [lowerAscii(name), random.one(values)] }
    }
    return fields
  }
}
