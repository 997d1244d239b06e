import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Bytes that tell a playlist from anything else: a byte order mark, #EXTM3U, a line end.
private let sniffBytes = 12

/// Carries out one exchange: writes its head and bytes to the player's socket at the player's own pace.
package final class ExchangeRunner: @unchecked Sendable {
  package let exchange: Exchange
  /// Nil: nobody listens, the bytes are fetched to be kept.
  private let response: PlayerResponse?
  private let engine: Engine
  private let onOver: (ExchangeRunner) -> Void
  private var reading = false
  private var pumping = false
  private var over = false
  private var gathered: [Data] = []
  private var gatheredBytes = 0
  private var sniffed = false
  /// Whether the head is on its way to the socket: written alone, or before the first bytes.
  private var headOut = false
  /// From the file, or from what memory holds of it.
  package private(set) var bytesFromDisk = 0
  package private(set) var bytesFromFlights = 0

  package init(
    _ engine: Engine,
    _ exchange: Exchange,
    _ response: PlayerResponse?,
    _ onOver: @escaping (ExchangeRunner) -> Void
  ) {
    self.engine = engine
    self.exchange = exchange
    self.response = response
    self.onOver = onOver
    guard let response else { return }
    response.onDrain = { self.engine.run { _ in self.pump() } }
    response.onClose = { self.gone() }
  }

  /// Sends the head; with `content` that is the whole response.
  package func head(_ head: ResponseHead, _ content: ByteString?) {
    if let response {
      response.writeHead(head)
      if let content {
        response.end(whole: content)
      } else if exchange.method == .head {
        response.end(nil)
      } else {
        for bytes in gathered { write(response, bytes) }
      }
    }
    gathered = []
    if content != nil || exchange.method == .head { finish() }
  }

  /// Tells a player that waits with its content to send it.
  package func goOnSending() {
    guard let expects = fieldFirst(exchange.fields, "expect") else { return }
    if equalIgnoreCase(expects, "100-continue") { response?.goOn() }
  }

  /// Takes the next steps, as far as the player takes bytes.
  package func pump() {
    if reading || pumping || over { return }
    pumping = true
    while !over && !reading && step() {
      // Each step says whether another may follow at once.
    }
    pumping = false
    // A head alone must not wait for the first byte.
    if let response, response.headersSent, !headOut, exchange.state == .sending, !reading {
      write(response, Data())
    }
  }

  /// Ends the player's connection before the response is whole: what was sent goes out, then the end.
  package func cut() {
    finish()
    response?.cut()
  }

  /// Lets go of an exchange that the core has ended without an action: nobody waits for a head.
  package func endIfDone() {
    if exchange.state == .done { finish() }
  }

  /// The player closed its connection, or the response went out whole.
  private func gone() {
    if over { return }
    engine.run { nowMs in exchangeEnded(engine.state, exchange, nowMs) }
    finish()
  }

  private func finish() {
    if over { return }
    over = true
    gathered = []
    // The response outlives its exchange until its bytes are out; it holds the runner no longer.
    response?.onDrain = nil
    response?.onClose = nil
    onOver(self)
  }

  private func step() -> Bool {
    let state = exchange.state
    if state != .sending && state != .gathering { return false }
    if state == .sending, let response, response.needsDrain { return false }
    guard let body = exchange.body, let cursor = exchange.cursor else { return false }
    let nowMs = engine.now()
    let before = engine.state.actions.count
    let step = nextStep(engine.state, exchange, nowMs)
    if !engine.settled(exchange, before) || over { return false }
    switch step {
    case .end:
      return end(nowMs)
    case .tail:
      guard let flight = tailFlight(body, cursor.offset) else { return true }
      let bytes = engine.flightRunner(flight).bytesAt(cursor.offset, cursor.end)
      bytesFromFlights += bytes.count
      return take(bytes, cursor.offset + bytes.count)
    case .disk:
      return readDisk(body.entry.id, cursor.offset, readerDiskEnd(body, cursor))
    case .wait, .open:
      return false
    case .cut:
      // Of a playlist that broke off nothing is read.
      gathered = []
      gatheredBytes = 0
      engine.loseExchange(exchange)
      return gathersOn()
    }
  }

  private func readDisk(_ id: Int, _ offset: Int, _ end: Int) -> Bool {
    if response == nil && exchange.state == .sending {
      readerAdvanced(engine.state, exchange, end, engine.now())
      return true
    }
    if let held = engine.memory.get(id, offset, end) { return stored(held, offset) }
    let wanted = engine.memory.readEnd(id, offset, end) - offset
    let length = min(wanted, engine.state.options.limits.readPieceBytes)
    if let bytes = engine.files.readNow(id, offset, length) {
      engine.memory.offer(id, offset, bytes)
      return stored(bytes, offset)
    }
    reading = true
    engine.files.read(id, offset, length) { error, bytes in
      self.reading = false
      if self.over { return }
      if error != nil || bytes.count < length {
        self.engine.run { nowMs in self.readBroke(id, error, nowMs) }
        return
      }
      self.engine.memory.offer(id, offset, bytes)
      self.engine.run { _ in
        if self.stored(bytes, offset) { self.pump() }
      }
    }
    return false
  }

  /// Takes bytes that were stored.
  private func stored(_ bytes: Data, _ offset: Int) -> Bool {
    bytesFromDisk += bytes.count
    engine.bytesFromDisk += bytes.count
    return take(bytes, offset + bytes.count)
  }

  private func readBroke(_ id: Int, _ error: FileError?, _ nowMs: Int) {
    let cause = error ?? FileError(EIO, "the file ends before the stored bytes do")
    engine.log.warn("stored bytes cannot be read; they are fetched anew", ["err": cause, "entry": id])
    readFailed(engine.state, exchange, id, nowMs)
  }

  /// Hands bytes to the player or the gathering. A piece read from a file goes back to its pool by itself, when the
  /// socket has it.
  private func take(_ bytes: Data, _ offset: Int) -> Bool {
    let before = engine.state.actions.count
    if exchange.state == .gathering {
      gather(bytes)
    } else if let response {
      write(response, bytes)
    }
    readerAdvanced(engine.state, exchange, offset, engine.now())
    return engine.settled(exchange, before) && !over
  }

  private func write(_ response: PlayerResponse, _ bytes: Data) {
    headOut = true
    response.write(bytes)
  }

  /// Keeps bytes of what may be a playlist, and lets the core look at the first of them.
  private func gather(_ bytes: Data) {
    gathered.append(bytes)
    gatheredBytes += bytes.count
    if !sniffed && gatheredBytes >= sniffBytes {
      sniffed = true
      _ = gatherBegan(engine.state, exchange, gatheredText(sniffBytes), engine.now())
    }
    if exchange.state == .gathering && gatheredBytes > engine.state.options.limits.playlistBytesMax {
      gatherTooLarge(engine.state, exchange, engine.now())
    }
  }

  /// All was read; true when more is to be gathered before the player is answered.
  private func end(_ nowMs: Int) -> Bool {
    if exchange.state == .gathering {
      let bytes = gatheredText(gatheredBytes)
      gathered = []
      gatheredBytes = 0
      gatherDone(engine.state, exchange, bytes, nowMs)
      engine.drain()
      return gathersOn()
    }
    response?.end(nil)
    exchangeEnded(engine.state, exchange, nowMs)
    engine.drain()
    finish()
    return false
  }

  /// Whether another body is to be gathered: its pump came while this runner was at work.
  private func gathersOn() -> Bool {
    !over && exchange.state == .gathering
  }

  /// The first gathered bytes, up to `length`, as text.
  private func gatheredText(_ length: Int) -> ByteString {
    var text = ByteString()
    text.bytes.reserveCapacity(length)
    for piece in gathered {
      if text.count >= length { break }
      text.bytes.append(contentsOf: piece.prefix(length - text.count))
    }
    return text
  }
}
