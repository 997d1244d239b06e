/// One seeded run of the exchange machine: random requests, answers, faults and failing disks, event for event what the
/// reference plays under the same seed.

@testable import ReelcacheCore

/// What may go wrong in a run.
struct Weather {
  let name: String
  let place: Int
  let faults: Bool
  let versions: Bool
  let disk: Bool
  let clears: Bool

  var isFair: Bool { place == 0 }
}

let weathers: [Weather] = [
  Weather(name: "in fair weather", place: 0, faults: false, versions: false, disk: false, clears: false),
  Weather(name: "while origins fail", place: 1, faults: true, versions: false, disk: false, clears: false),
  Weather(
    name: "while versions change and the cache is cleared",
    place: 2,
    faults: false,
    versions: true,
    disk: false,
    clears: true
  ),
  Weather(name: "while the disk fails", place: 3, faults: false, versions: false, disk: true, clears: true),
  Weather(name: "while everything fails", place: 4, faults: true, versions: true, disk: true, clears: true),
]

/// Limits so small that a few hundred bytes meet all of them.
private func smallLimits(_ entriesMax: Int) -> Limits {
  var limits = defaultLimits
  limits.slotsMax = 3
  limits.hostSlotsMax = 3
  limits.extraSlotsMax = 1
  limits.queueLengthMax = 5
  limits.expressMax = 2
  limits.heldMax = 2
  limits.expressRangeBytes = 16
  limits.readAheadBytesMax = 300
  limits.tailBytesMax = 120
  limits.seekBytesMin = 200
  limits.detachBytesMax = 150
  limits.commitBytes = 200
  limits.readPieceBytes = 100
  limits.playlistBytesMax = 160
  limits.startAheadBytesMax = 600
  limits.breakerFailures = 2
  limits.breakerPauseMsMax = 3_000
  limits.preloadTransfersMax = 2
  limits.laterMax = 3
  limits.laterAtOnceMax = 1
  limits.entriesMax = entriesMax
  return limits
}

private let steps = 160

/// One run; `onNote` may look at it after each event.
final class RandomRun {
  let sim: Simulator
  let origin: RandomOrigin
  /// What happened, for a seed that failed.
  private(set) var log: [ByteString] = []
  private(set) var faults: [String] = []
  var onNote: (Simulator) -> Void = { _ in }
  private let weather: Weather
  private let random: Dice

  init(_ seed: Int, _ weather: Weather) {
    let random = Dice(seed * 5 + weather.place)
    var options = simOptions(smallLimits(weather.clears ? 3 : 99))
    options.maxCacheBytes = weather.clears ? random.one([900, 2_500, 1_000_000]) : 1_000_000
    options.policy = !weather.isFair && random(5) == 0 ? .http : .media
    setStoredOptions(&options, seed)
    sim = Simulator(options, [], 1, 0)
    origin = RandomOrigin(sim, randomResources(random, weather), random)
    self.weather = weather
    self.random = random
    origin.faultOneIn = weather.faults ? 4 + random(20) : 0
  }

  /// Plays the whole run and looks at what came of it.
  func play() {
    playSome(steps)
    do {
      if faults.isEmpty {
        origin.faultOneIn = 0
        origin.unreachable = false
        if sim.state.offline { try sim.run { connectivityChanged(sim.state, true, sim.nowMs) } }
        try settle()
        faults += invariantFaults(sim) + leftovers(sim)
      }
      for player in sim.players.values {
        faults += playerFaults(origin, player, !weather.faults && !weather.versions)
      }
      if weather.isFair { faults += twiceFaults(origin) }
    } catch {
      faults.append("\(error)")
    }
  }

  /// Plays so many events, and leaves all as it is.
  func playSome(_ steps: Int) {
    sim.onSend = { [unowned self] flight, fields in
      faults += sendFaults(flight)
      origin.noteSend(flight, fields)
    }
    do {
      for step in 0..<steps where faults.isEmpty {
        let what = try randomEvent()
        note("\(step): \(what)")
        faults += invariantFaults(sim) + memoryFaults(sim)
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
    onNote(sim)
  }

  /// One thing that happens; says what.
  private func randomEvent() throws -> ByteString {
    sim.nowMs += random(4) == 0 ? random(400) : random(3)
    let kind = random(100)
    if kind < 14 { return try randomRequest() }
    if kind < 62 {
      guard let flight = random.any(origin.ready()) else { return "nothing is ready" }
      try origin.step(flight)
      return "origin of f\(flight.flight.id)"
    }
    if kind < 76 { return try randomDisk() }
    if kind < 86 {
      guard let player = pick({ $0.end == .none }) else { return "window of nobody" }
      try sim.openWindow(player, random(200))
      return "window of \(player.name)"
    }
    if kind < 91 {
      guard let player = pick({ $0.end == .none }) else { return "nobody leaves" }
      try sim.leave(player)
      return "\(player.name) leaves"
    }
    if kind < 97 {
      try tick()
      return "tick at \(sim.nowMs)"
    }
    return try rareEvent()
  }

  /// A command of control: a preload, or the end of one.
  private func randomPreload(_ path: ByteString) throws -> ByteString {
    let url: ByteString = "url=http%3A%2F%2Fo.example\(percentEncode(path))"
    let cancels = random(4) == 0
    let target: ByteString =
      cancels ? "/control/cancel?id=\(random(20))" : "/control/preload?\(url)&bytes=\(1 + random(2_000))"
    let request = PlayerRequest(
      method: "POST",
      target: target,
      httpMinor: 1,
      fields: ["Host", "127.0.0.1:9000", "Reelcache-Control", "1"],
      localAddress: "127.0.0.1",
      localPort: 9_000,
      close: false
    )
    try sim.request("control", request, 0)
    return target
  }

  private func randomRequest() throws -> ByteString {
    let resource = random.one(origin.resources)
    let path = random(30) == 0 ? "/missing.ts" : resource.path
    let name: ByteString = "P\(sim.players.count)"
    if random(8) == 0 {
      if random(2) == 0 { return try randomPreload(path) }
      try sim.preload(name, "http://o.example\(path)")
      return "\(name) preloads \(path)"
    }
    let query: ByteString = random(6) == 0 ? "?_HLS_msn=\(random(3))" : ""
    let target = path + query
    var fields: FieldList = ["Host", "127.0.0.1:9000"]
    let first = random(resource.total + 20)
    let shape = random(10)
    if shape < 3 {
      fields += ["Range", "bytes=\(first)-"]
    } else if shape < 6 {
      fields += ["Range", "bytes=\(first)-\(first + random(resource.total))"]
    } else if shape == 6 {
      fields += ["Range", "bytes=-\(random(resource.total + 5))"]
    }
    if random(12) == 0 { fields += ["If-Range", random(2) == 0 ? "\"v1\"" : "\"other\""] }
    if random(15) == 0 { fields += ["If-None-Match", "\"v1\""] }
    if !weather.isFair && random(15) == 0 { fields += ["Authorization", "Basic x"] }
    let method: ByteString = random(12) == 0 ? "HEAD" : "GET"
    let request = PlayerRequest(
      method: method,
      target: "/proxy?url=http%3A%2F%2Fo.example\(percentEncode(target))",
      httpMinor: random(9) == 0 ? 0 : 1,
      fields: fields,
      localAddress: "127.0.0.1",
      localPort: 9_000,
      close: false
    )
    try sim.request(name, request, random(2) == 0 ? random(200) : 1_000_000)
    return "\(name) \(method) \(target) \(joined(Array(fields.dropFirst(2)), " "))"
  }

  private func randomDisk() throws -> ByteString {
    if let reader = pick({ $0.reading != nil }), random(2) == 0 {
      let fails = weather.disk && random(8) == 0
      try sim.read(reader, fails)
      return "\(fails ? "failed read" : "read") of \(reader.name)"
    }
    guard let sim = random.any(writing()) else { return "no write is under way" }
    let flight = sim.flight
    if weather.disk && random(25) == 0 {
      try self.sim.writeFailed(flight.body)
      return "failed write of f\(flight.id)"
    }
    let unwritten = flight.position - flight.written
    let upTo = flight.position - (random(2) == 0 ? 0 : random(unwritten))
    try self.sim.written(sim, upTo)
    return "f\(flight.id) written to \(upTo)"
  }

  private func rareEvent() throws -> ByteString {
    let kind = random(6)
    if kind > 3 && weather.faults {
      origin.unreachable.toggle()
      return "the origin is \(origin.unreachable ? "out of" : "in") reach"
    }
    if kind == 0 && weather.versions {
      let place = random(origin.resources.count)
      origin.resources[place].version += 1
      return "\(origin.resources[place].path) has a new version"
    }
    if kind == 1 && weather.clears {
      try sim.run { clearProxy(sim.state) }
      return "clear"
    }
    if kind == 2 && weather.disk {
      let short = random(2) * random(500)
      try sim.run { setReserveShortfall(sim.state, short, sim.nowMs) }
      return "reserve short of \(short)"
    }
    let isOnline = !weather.faults || random(3) > 0
    try sim.run { connectivityChanged(sim.state, isOnline, sim.nowMs) }
    return isOnline ? "network" : "no network"
  }

  /// Everyone is willing now: goes on until nothing happens any more.
  private func settle() throws {
    for player in sim.players.values where player.end == .none { try sim.openWindow(player, 1_000_000) }
    note("windows open")
    for _ in 0..<3_000 {
      if let reader = sim.players.values.first(where: { $0.reading != nil }) {
        try sim.read(reader, false)
        note("settling \(reader.name)")
      } else if let writer = writing().first {
        try sim.written(writer, writer.flight.position)
        note("settling \(writer.flight.id)")
      } else if let ready = origin.ready().first {
        try origin.step(ready)
        note("settling \(ready.flight.id)")
      } else {
        let deadline = proxyDeadline(sim.state)
        if deadline == -1 { return }
        sim.nowMs = max(sim.nowMs, deadline)
        try tick()
        note("settling by a tick")
      }
    }
    throw SimulatorError(description: "it does not come to rest")
  }

  private func tick() throws {
    try sim.run { proxyTick(sim.state, sim.nowMs) }
  }

  private func pick(_ fits: (SimPlayer) -> Bool) -> SimPlayer? {
    random.any(sim.players.values.filter(fits))
  }

  private func writing() -> [SimFlight] {
    sim.flights.values.filter { $0.flight.body.storing && $0.flight.written < $0.flight.position }
  }
}

/// Options by which what is stored has a say in what players are given, each in other seeds.
private func setStoredOptions(_ options: inout CoreOptions, _ seed: Int) {
  let deliveries: [DeliveryPolicy] = [.all, .head, .all, .cdnFirst]
  options.startAhead = seed % 2 == 0
  options.offlineFilter = seed % 3 == 0
  options.warmFirst = seed % 5 == 0
  options.delivery = deliveries[seed % 4]
  options.playlistFreshMs = seed % 7 == 0 ? 1_000 : 0
}

/// What a resource is by a draw; a third of those that would be lies are.
private let playlists: [RandomResource.Playlist] = [.live, .vod, .lie, .multivariant]

private func randomResources(_ random: Dice, _ weather: Weather) -> [RandomResource] {
  (0..<4).map { at in
    let kind = random(8)
    let isNone = kind >= playlists.count || (kind == 2 && random(3) > 0)
    let playlist: RandomResource.Playlist = isNone ? .none : playlists[kind]
    let named = playlist != .none && random(3) > 0
    return RandomResource(
      path: "/\(at).\(named ? "m3u8" : "ts")",
      total: random(12) == 0 ? random(3) : 40 + random(900),
      validator: random.one([.etag, .etag, .modified, .weak, .none]),
      ranges: random(5) > 0,
      ignoresIfRange: random(4) == 0,
      framing: random.one([.length, .length, .length, .chunked, .close]),
      cacheControl: random(6) == 0 ? "no-store" : random(4) == 0 ? "public, max-age=5" : "",
      playlist: playlist,
      redirects: random(6) == 0,
      cookies: random(6) == 0,
      version: weather.versions ? random(3) : 1
    )
  }
}
