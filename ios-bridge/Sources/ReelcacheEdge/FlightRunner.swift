import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Buffers in one write.
private let writeBuffersMax = 64

/// Carries out one flight: asks the origin, keeps the bytes in memory that the core still needs, writes them to the
/// file, one write at a time. No copy: a chunk is the buffer that the socket filled.
package final class FlightRunner: @unchecked Sendable {
  package let flight: Flight
  package let engine: Engine
  /// Requests sent so far: events of an earlier one are not of this flight any more.
  private var attempt = 0
  private var transfer: (any OriginTransfer)?
  private var decoder: (any ContentDecoder)?
  /// Runs while bytes wait that are not worth a write yet.
  private var timer: LoopTimer?
  /// What came behind a head that is not judged yet: a paused origin may have sent a little more.
  private var held: [() -> Void] = []
  private var isHolding = false
  /// Received bytes in memory, in order; `offsets` are where each begins.
  private var chunks: [Data] = []
  private var offsets: [Int] = []
  private var first = 0

  package init(_ engine: Engine, _ flight: Flight) {
    self.engine = engine
    self.flight = flight
  }

  /// Sends the flight's current request; an earlier one is given up.
  package func send(_ fields: FieldList) {
    abort()
    attempt += 1
    let attempt = attempt
    let limits = engine.state.options.limits
    let transfer = engine.origin.start(
      OriginRequest(
        method: flight.method,
        url: flight.url,
        fields: fields,
        limits: limits,
        headSilenceMs: flightSilenceMs(flight, limits),
        passes: passes()
      ),
      OriginEvents(
        onHead: { head in
          if attempt == self.attempt { self.onHead(head) }
        },
        onData: { bytes in
          if attempt != self.attempt { return }
          if self.isHolding {
            self.held.append { self.onData(bytes) }
          } else if let decoder = self.decoder {
            decoder.feed(bytes)
          } else {
            self.onData(bytes)
          }
        },
        onDone: { failure in
          if attempt != self.attempt { return }
          if self.isHolding {
            self.held.append { self.onDone(failure) }
          } else if failure == nil, let decoder = self.decoder {
            decoder.end()
          } else {
            self.onDone(failure)
          }
        }
      )
    )
    self.transfer = transfer
    if flight.paused { transfer.pause() }
  }

  private func passes() -> OriginPass? {
    if flight.verb.isEmpty { return nil }
    return OriginPass(method: flight.verb, content: engine.takeContent(flight.asker))
  }

  /// Closes the origin's connection; nothing more is heard of it, and what it brought is written.
  package func abort() {
    attempt += 1
    transfer?.abort()
    decoder?.abort()
    transfer = nil
    decoder = nil
    held = []
    isHolding = false
    write()
  }

  /// The origin refused the URL: what it says waits until the library's caller has another, or has none.
  package func resign(_ answer: OriginAnswer) {
    let attempt = attempt
    transfer?.pause()
    isHolding = true
    engine.resign(flight.source, answer.status) { url in
      if attempt != self.attempt { return }
      let held = self.held
      self.held = []
      self.isHolding = false
      self.engine.run { nowMs in flightResigned(self.engine.state, self.flight, answer, url, nowMs) }
      // Sent anew, or given up.
      if attempt != self.attempt { return }
      if !self.flight.paused { self.transfer?.resume() }
      for event in held { event() }
    }
  }

  package func pause() {
    transfer?.pause()
  }

  package func resume() {
    transfer?.resume()
  }

  /// The bytes in memory from `offset` to the end of their chunk, at most up to `end` (-1: no limit).
  package func bytesAt(_ offset: Int, _ end: Int) -> Data {
    var at = chunks.count - 1
    while at > first && offsets[at] > offset { at -= 1 }
    precondition(at >= first && offsets[at] <= offset, "flight \(flight.id) holds no byte at \(offset)")
    let chunk = chunks[at]
    let start = offsets[at]
    precondition(offset < start + chunk.count, "flight \(flight.id) holds no byte at \(offset)")
    let stop = end == -1 ? chunk.count : min(chunk.count, end - start)
    return offset == start && stop == chunk.count ? chunk : part(chunk, offset - start, stop)
  }

  /// Writes what waits for the disk: at once if that is worth a write, else with what comes within `journalMs`.
  package func write() {
    let limits = engine.state.options.limits
    if flightShouldWrite(flight, limits) {
      writeNow()
    } else if flight.body.storing && flight.written < flight.position && timer == nil {
      timer = engine.loop.after(limits.journalMs) { [weak self] in self?.writeNow() }
    }
  }

  /// When no other write of the file is under way.
  private func writeNow() {
    let body = flight.body
    timer?.cancel()
    timer = nil
    if !body.storing || flight.written >= flight.position || !engine.takeWrite(body.entry.id, self) { return }
    body.onDisk = true
    let buffers = buffersFrom(flight.written)
    var upTo = flight.written
    for buffer in buffers { upTo += buffer.count }
    engine.files.write(body.entry.id, buffers, flight.written) { error in
      self.engine.giveWrite(body.entry.id)
      if let error {
        self.engine.writeFailed(body, error)
        return
      }
      self.engine.run { nowMs in
        self.engine.checkReserve(nowMs)
        flightWritten(self.engine.state, self.flight, upTo, nowMs)
        self.trim()
        flightSettle(self.engine.state, self.flight, nowMs)
        self.engine.resumeIfDue(self.flight)
      }
      self.write()
    }
  }

  private func onHead(_ head: OriginHead) {
    if head.status == 200 && isEncoded(head.fields) { startDecoder(head) }
    engine.run { nowMs in flightHead(engine.state, flight, answer(head), nowMs) }
  }

  private func onData(_ bytes: Data) {
    let offset = flight.position
    let accepted = flightData(flight, bytes.count)
    if accepted > 0 {
      chunks.append(accepted == bytes.count ? bytes : part(bytes, 0, accepted))
      offsets.append(offset)
      engine.bytesFromOrigin += accepted
    }
    // The player first, the disk after: nothing waits for the disk.
    engine.runHot { nowMs in
      pumpReaders(engine.state, flight.body)
      engine.drain()
      trim()
      flightSettle(engine.state, flight, nowMs)
    }
    write()
  }

  private func onDone(_ failure: OriginFailure?) {
    transfer = nil
    if let failure {
      engine.log.debug(
        "a transfer failed",
        ["flight": flight.id, "url": loggedUrl(flight.url), "code": failure.code.rawValue, "detail": failure.detail]
      )
    }
    let told = failure.map(toldFailure)
    engine.run { nowMs in
      flightDone(engine.state, flight, told.map { (code: $0.code, detail: $0.detail) }, nowMs)
    }
    write()
  }

  private func startDecoder(_ head: OriginHead) {
    let encoding = lowerAscii(fieldFirst(head.fields, "content-encoding") ?? "")
    let attempt = attempt
    decoder = decodeContent(
      encoding,
      engine.state.options.limits.playlistBytesMax,
      DecoderEvents(
        onData: { bytes in
          if attempt == self.attempt { self.onData(bytes) }
        },
        onDone: { failure in
          if attempt == self.attempt { self.onDone(failure) }
        }
      ),
      engine.loop
    )
  }

  /// Lets go of chunks that neither the disk nor a reader needs in memory.
  private func trim() {
    let floor = flightTrim(engine.state, flight)
    while first < chunks.count && offsets[first] + chunks[first].count <= floor {
      // The slot stays until there are some to remove at once, its bytes go now.
      chunks[first] = Data()
      first += 1
    }
    if first == chunks.count || first >= 64 {
      chunks.removeSubrange(0..<first)
      offsets.removeSubrange(0..<first)
      first = 0
    }
  }

  private func buffersFrom(_ offset: Int) -> [Data] {
    var buffers: [Data] = []
    var at = first
    while at < chunks.count && buffers.count < writeBuffersMax {
      let chunk = chunks[at]
      let start = offsets[at]
      if start >= offset {
        buffers.append(chunk)
      } else if start + chunk.count > offset {
        buffers.append(part(chunk, offset - start, chunk.count))
      }
      at += 1
    }
    return buffers
  }
}

/// A part of a piece, by offsets from its own beginning; it shares the piece's memory.
private func part(_ piece: Data, _ start: Int, _ end: Int) -> Data {
  piece[piece.startIndex + start..<piece.startIndex + end]
}

/// The head as the core takes it.
private func answer(_ head: OriginHead) -> OriginAnswer {
  OriginAnswer(status: head.status, reason: head.reason, fields: head.fields, framing: head.framing)
}
