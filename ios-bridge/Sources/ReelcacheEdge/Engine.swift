import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the engine is made of; the composition root makes it.
package struct EngineParts {
  package let loop: EventLoop
  package let state: ProxyState
  package let origin: OriginClient
  package let files: SpanFiles
  package let index: CacheIndex
  package let journal: SpanJournal
  package let memory: MemoryTier
  package let log: Log
  /// Milliseconds since the epoch.
  package let now: () -> Int
  package let freeDiskReserveBytes: Int
  /// Gives a URL that an origin takes in place of one that it refused; nil when nobody can.
  package let resign: (@Sendable (ByteString, Int, @escaping @Sendable (ByteString?) -> Void) -> Void)?
  /// Told of every exchange that is over, and of what else a listener may want to know.
  package let onExchange: (ExchangeRunner) -> Void
  package let onEvent: (ProxyEvent, ByteString) -> Void
}

/// Runs the core: hands it events, carries out its actions in order, and keeps its clock. One queue, no locks: an event
/// that comes up while actions are carried out adds its own to the end.
package final class Engine: @unchecked Sendable {
  package let loop: EventLoop
  package let state: ProxyState
  package let origin: OriginClient
  package let files: SpanFiles
  package let memory: MemoryTier
  package let log: Log
  package let now: () -> Int
  package var bytesFromOrigin = 0
  package var bytesFromDisk = 0
  private let parts: EngineParts
  private var flights: [Int: FlightRunner] = [:]
  private var runners: [Int: ExchangeRunner] = [:]
  /// Runners without a player, oldest first.
  private var background: [ExchangeRunner] = []
  /// Flights that write a file, or wait to: the first of each list writes.
  private var writers: [Int: [FlightRunner]] = [:]
  package private(set) lazy var preloads = PreloadDesk(self)
  private lazy var starts = StartQueue(self)
  /// Content of requests that pass through, until they are sent, by exchange.
  private var contents: [Int: RequestContent] = [:]
  /// Who waits for what a validation finds, by exchange.
  private var validations: [Int: (Validation) -> Void] = [:]
  private var draining = false
  /// Nothing is asked of the core any more: what it would store, nobody writes down.
  package private(set) var stopped = false
  /// Called when nothing is on its way to the disk any more, once the engine is stopped.
  private var idle: (() -> Void)?
  private var timer: LoopTimer?
  private var timerMs = -1

  package init(_ parts: EngineParts) {
    self.parts = parts
    loop = parts.loop
    state = parts.state
    origin = parts.origin
    files = parts.files
    memory = parts.memory
    log = parts.log
    now = parts.now
  }

  /// Hands an event to the core and carries out what follows.
  package func run(_ event: (Int) -> Void) {
    loop.assertHere()
    event(now())
    drain()
    // A player hears its end from its socket; who has none, from here.
    for runner in background { runner.endIfDone() }
    setTimer()
  }

  /// Like `run` for the byte path, which sets no timers.
  package func runHot(_ event: (Int) -> Void) {
    loop.assertHere()
    event(now())
    drain()
  }

  /// Whether a runner may go on after a call to the core that began with `before` actions waiting. If it added some,
  /// they come first: at once, or, from inside another action, before the runner is called again.
  package func settled(_ exchange: Exchange, _ before: Int) -> Bool {
    if state.actions.count == before { return true }
    if draining {
      state.actions.append(.pump(exchange: exchange))
      return false
    }
    drain()
    return true
  }

  /// Carries out the actions that wait, unless that is being done further up the stack.
  package func drain() {
    if draining || state.actions.isEmpty { return }
    draining = true
    var at = 0
    while at < state.actions.count {
      carryOut(state.actions[at])
      at += 1
    }
    state.actions.removeAll(keepingCapacity: true)
    draining = false
  }

  /// Takes on the player of an exchange (nil: none).
  package func attach(_ exchange: Exchange, _ response: PlayerResponse?) {
    if state.reserveShortfallBytes > 0 { checkReserve(now()) }
    let runner = ExchangeRunner(self, exchange, response) { over in
      self.runners[over.exchange.id] = nil
      self.contents[over.exchange.id] = nil
      self.background.removeAll { $0 === over }
      self.parts.onExchange(over)
    }
    runners[exchange.id] = runner
    if response == nil { background.append(runner) }
  }

  /// Asks the library's caller for another URL; `done` hears within `resignMs`, once.
  package func resign(_ url: ByteString, _ status: Int, _ done: @escaping (ByteString?) -> Void) {
    let asked = ResignAsked(done)
    // R-SIGN-2
    asked.timer = loop.after(state.options.limits.resignMs) { asked.tell(nil) }
    let loop = loop
    if let resign = parts.resign {
      resign(url, status) { signed in loop.later { asked.tell(signed) } }
    } else {
      asked.tell(nil)
    }
  }

  /// Keeps the content of a request that passes through until its origin is asked.
  package func keepContent(_ exchange: Exchange, _ content: RequestContent) {
    contents[exchange.id] = content
  }

  /// The content of a request that is being sent; its player is told to go on.
  package func takeContent(_ exchangeId: Int) -> RequestContent? {
    guard let content = contents.removeValue(forKey: exchangeId) else { return nil }
    // R-PASS-5
    runners[exchangeId]?.goOnSending()
    return content
  }

  /// Calls `done` with what an exchange that validates finds.
  package func whenValidated(_ exchange: Exchange, _ done: @escaping (Validation) -> Void) {
    validations[exchange.id] = done
  }

  /// The runner of a flight.
  package func flightRunner(_ flight: Flight) -> FlightRunner {
    if let runner = flights[flight.id] { return runner }
    let runner = FlightRunner(self, flight)
    flights[flight.id] = runner
    return runner
  }

  /// Whether this flight may write its file now; if not, it is called when it may.
  package func takeWrite(_ id: Int, _ runner: FlightRunner) -> Bool {
    guard let waiting = writers[id] else {
      writers[id] = [runner]
      return true
    }
    if !waiting.contains(where: { $0 === runner }) { writers[id, default: []].append(runner) }
    return false
  }

  /// A write of the file is over: the next flight that waits for it writes.
  package func giveWrite(_ id: Int) {
    guard let waiting = writers.removeValue(forKey: id) else { return }
    for runner in waiting.dropFirst() { runner.write() }
  }

  /// A write failed: the body is passed through from memory from now on.
  package func writeFailed(_ body: Body, _ error: FileError) {
    log.warn(
      "the cache cannot be written; the response is passed through",
      ["err": error, "entry": body.entry.id]
    )
    run { nowMs in
      bodyWriteFailed(state, body, nowMs)
      if error.code == ENOSPC || error.code == EDQUOT { checkReserve(nowMs) }
      for flight in body.flights { resumeIfDue(flight) }
    }
  }

  /// Lets an origin go on when nothing holds it back any more.
  package func resumeIfDue(_ flight: Flight) {
    if flight.paused && !flightShouldPause(flight, state.options.limits) { unpause(state, flight) }
  }

  /// Ends an exchange whose bytes cannot be had any more.
  package func loseExchange(_ exchange: Exchange) {
    log.warn(
      "the response is cut: its bytes cannot be had",
      ["exchange": exchange.id, "url": loggedUrl(exchange.url)]
    )
    let runner = runners[exchange.id]
    if !exchangeLost(state, exchange, now()) { runner?.cut() }
    drain()
  }

  /// Ends every exchange and every origin transfer; `done` follows once what was received is on the disk, or after
  /// `graceMs` without that.
  package func stop(_ graceMs: Int, _ done: @escaping () -> Void) {
    timer?.cancel()
    timer = nil
    stopped = true
    for (_, runner) in runners.sorted(by: { $0.key < $1.key }) { runner.cut() }
    run { nowMs in
      dropLater(state)
      cancelPreloads(state, nowMs)
      for (_, exchange) in state.exchanges.sorted(by: { $0.key < $1.key }) { exchangeEnded(state, exchange, nowMs) }
      for flight in flightsByAge(state) { abortFlight(state, flight, nowMs) }
    }
    if state.flights.isEmpty {
      done()
      return
    }
    let grace = loop.after(graceMs) { self.idle?() }
    idle = {
      grace.cancel()
      self.idle = nil
      done()
    }
  }

  /// Asks the disk, at most once a second, whether it still has its reserve.
  package func checkReserve(_ nowMs: Int) {
    let free = files.freeBytes()
    if free < 0 { return }
    let shortfall = max(0, parts.freeDiskReserveBytes - free)
    if shortfall != state.reserveShortfallBytes { setReserveShortfall(state, shortfall, nowMs) }
  }

  private func carryOut(_ action: Action) {
    switch action {
    case .send(let flight, let fields):
      flightRunner(flight).send(fields)
    case .abort(let flight):
      flightRunner(flight).abort()
    case .resign(let flight, let answer):
      flightRunner(flight).resign(answer)
    case .landed(let flight):
      flights[flight.id] = nil
      if stopped && state.flights.isEmpty { idle?() }
    case .pause(let flight):
      flightRunner(flight).pause()
    case .resume(let flight):
      flightRunner(flight).resume()
    case .head(let exchange, let head, let content):
      runners[exchange.id]?.head(head, content)
    case .pump(let exchange):
      runners[exchange.id]?.pump()
    case .begin(let exchange):
      attach(exchange, nil)
      // What was asked for by request does not wait for a connection that rests.
      if exchange.task == nil {
        starts.add(exchange)
      } else {
        startExchange(state, exchange, now())
      }
    case .preload(let preload):
      preloads.tell(preload)
    case .validated(let exchange, let found):
      validations.removeValue(forKey: exchange.id)?(found)
    case .store(let body):
      parts.index.put(body.entry)
    case .span(let body, let start, let end):
      parts.journal.add(body.entry.id, start, end)
    case .touch(let body):
      parts.index.touch(body.entry.id, body.entry.accessMs)
    case .forget(let body):
      parts.journal.drop(body.entry.id)
      parts.index.drop(body.entry.id)
    case .remove(let body):
      let id = body.entry.id
      memory.drop(id)
      files.remove(id) { error in
        if let error { self.log.warn("a data file cannot be deleted", ["err": error, "entry": id]) }
      }
    case .event(let name, let detail):
      parts.onEvent(name, detail)
    }
  }

  private func setTimer() {
    let deadline = stopped ? -1 : proxyDeadline(state)
    if deadline == timerMs { return }
    timer?.cancel()
    timer = nil
    timerMs = deadline
    if deadline == -1 { return }
    timer = loop.after(max(0, deadline - now())) {
      self.timer = nil
      self.timerMs = -1
      self.run { nowMs in proxyTick(self.state, nowMs) }
    }
  }
}

/// A question for another URL: the first answer counts. Lives on the loop.
private final class ResignAsked: @unchecked Sendable {
  var timer: LoopTimer?
  private var done: ((ByteString?) -> Void)?

  init(_ done: @escaping (ByteString?) -> Void) {
    self.done = done
  }

  func tell(_ url: ByteString?) {
    timer?.cancel()
    timer = nil
    let done = done
    self.done = nil
    done?(url)
  }
}
