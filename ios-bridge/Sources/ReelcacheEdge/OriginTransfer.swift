/// One transfer from an origin: a request, its response, at most one retry; the machine between the connection's events
/// and the three events of the caller.

import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is asked, in the parts that go on the wire.
struct OriginCall {
  let method: AskMethod
  /// The pool's key.
  let key: OriginKey
  /// The value of Host: the URL's authority.
  let host: ByteString
  /// The request target in origin form.
  let target: ByteString
  /// Names and values, flat, latin1.
  let fields: FieldList
  let limits: Limits
  let headSilenceMs: Int
  let passes: OriginPass?
}

/// A request that passes through: its own method, and its content, nil for none. Its response is like one to GET.
package struct OriginPass {
  package let method: ByteString
  package let content: RequestContent?

  package init(method: ByteString, content: RequestContent?) {
    self.method = method
    self.content = content
  }
}

/// What the caller hears: at most one head, then bytes, then exactly one done; nothing after an abort.
package struct OriginEvents {
  package let onHead: (OriginHead) -> Void
  /// The bytes may be kept: their memory is never written again. They may be a slice that shares it with neighbours.
  package let onData: (Data) -> Void
  package let onDone: (OriginFailure?) -> Void

  package init(
    onHead: @escaping (OriginHead) -> Void,
    onData: @escaping (Data) -> Void,
    onDone: @escaping (OriginFailure?) -> Void
  ) {
    self.onHead = onHead
    self.onData = onData
    self.onDone = onDone
  }
}

/// What the caller can do meanwhile. All calls are harmless once the transfer is over.
package protocol OriginTransfer: AnyObject {
  /// Stops reading; what was already read waits.
  func pause()
  func resume()
  /// Closes the connection at once; no event follows.
  func abort()
}

final class OriginRun: OriginTransfer, @unchecked Sendable {
  private(set) var finished = false
  private let call: OriginCall
  private let events: OriginEvents
  private let loop: EventLoop
  private let deadlines: Deadlines
  private let pool: OriginPool
  private let onFinished: (OriginRun) -> Void
  private var attempt: Attempt?
  private var retried = false
  private var paused = false
  /// A piece of the content is on its way; all of it is sent.
  private var isSending = false
  private var contentSent = false
  private var head: OriginHead?
  private var timer: Deadline?
  /// When the silence that the timer measures began, in nanoseconds of the system's uptime.
  private var silentSince: UInt64 = 0

  init(
    _ call: OriginCall,
    _ events: OriginEvents,
    _ loop: EventLoop,
    _ deadlines: Deadlines,
    _ pool: OriginPool,
    _ onFinished: @escaping (OriginRun) -> Void
  ) {
    self.call = call
    self.events = events
    self.loop = loop
    self.deadlines = deadlines
    self.pool = pool
    self.onFinished = onFinished
  }

  /// Sends the request on an idle connection, or a new one.
  func begin() {
    if finished { return }
    guard let bytes = requestHead(call) else {
      // R-ORIGIN-1
      fail(OriginFailure(code: .internal, detail: "a field would break the request"))
      return
    }
    if call.passes != nil {
      // R-PASS-2: what may have reached an origin is not sent again, so no connection is taken that may be gone.
      dispatch(pool.open(call.key, call.limits.connectMs), bytes)
      return
    }
    let connection = pool.take(call.key, call.limits.connectMs)
    if connection.turns == 0 {
      dispatch(connection, bytes)
    } else {
      loop.later { self.dispatchIdle(connection, bytes) }
    }
  }

  func pause() {
    loop.assertHere()
    if finished || head?.framing == OriginFraming.none { return }
    // R-ORIGIN-19
    paused = true
    if head == nil { return }
    attempt?.connection.pause()
    // R-ORIGIN-10
    timer?.cancel()
  }

  func resume() {
    loop.assertHere()
    if finished || !paused { return }
    paused = false
    // Later: the caller may be inside an event of this transfer.
    loop.later {
      if self.finished || self.paused || self.head == nil { return }
      self.watch("body", self.call.limits.bodySilenceMs)
      self.attempt?.connection.resume()
    }
  }

  func abort() {
    loop.assertHere()
    if finished { return }
    // R-ORIGIN-20
    finish()
  }

  /// Ends the transfer with a failure and closes its connection.
  func fail(_ failure: OriginFailure) {
    if finished { return }
    finish()
    events.onDone(failure)
  }

  /// The request is being written.
  fileprivate func sent(_ attempt: Attempt) {
    if self.attempt !== attempt || finished { return }
    // R-ORIGIN-10
    watch("head", call.headSilenceMs)
    guard let content = call.passes?.content else { return }
    content.onMore = { [weak self, weak attempt] in if let attempt { self?.sendContent(attempt) } }
    loop.later { self.sendContent(attempt) }
  }

  /// Sends what has come of the content, one piece at a time.
  private func sendContent(_ attempt: Attempt) {
    guard let content = call.passes?.content, self.attempt === attempt, !finished else { return }
    if isSending || contentSent { return }
    if content.isBroken {
      fail(OriginFailure(code: .upstreamRefused, detail: "the content of the request broke off"))
      return
    }
    var bytes = Data()
    if let piece = content.take() {
      bytes = isChunked ? Data("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Data("\r\n".utf8) : piece
    } else if content.isWhole {
      contentSent = true
      if isChunked { bytes = Data("0\r\n\r\n".utf8) }
    }
    if bytes.isEmpty { return }
    isSending = true
    attempt.connection.sendMore(bytes) { [weak self] in
      guard let self, !self.finished, let attempt = self.attempt else { return }
      self.isSending = false
      // R-PASS-2
      if self.head == nil { self.watch("head", self.call.limits.headSilenceMs) }
      self.sendContent(attempt)
    }
  }

  /// Its content says its own length.
  private var isChunked: Bool { fieldFirst(call.fields, "content-length") == nil }

  fileprivate func headed(_ attempt: Attempt, _ status: Int, _ reason: ByteString, _ raw: FieldList) {
    if self.attempt !== attempt || finished { return }
    // R-ORIGIN-5
    if status < 200 && status != 100 && status != 101 { return }
    let fields = originFields(raw)
    let framing = originFraming(call.method, status, fields)
    if !framing.fault.isEmpty {
      fail(OriginFailure(code: .upstreamProtocol, detail: framing.fault))
      return
    }
    attempt.connection.expect(call.method, framing.framing, framing.length, fields)
    let head = OriginHead(
      status: status,
      reason: originReason(reason),
      fields: fields,
      framing: framing.framing
    )
    self.head = head
    // R-ORIGIN-11
    if framing.framing == .none { paused = false }
    timer?.cancel()
    if paused {
      attempt.connection.pause()
    } else {
      watch("body", call.limits.bodySilenceMs)
    }
    events.onHead(head)
  }

  fileprivate func data(_ attempt: Attempt, _ bytes: Data) {
    if self.attempt !== attempt || finished { return }
    silentSince = uptime()
    events.onData(bytes)
  }

  fileprivate func ended(_ attempt: Attempt) {
    if self.attempt !== attempt || finished { return }
    self.attempt = nil
    finish()
    loop.later { self.pool.release(attempt.connection) }
    events.onDone(nil)
  }

  fileprivate func failed(_ attempt: Attempt, _ error: OriginError) {
    if self.attempt !== attempt || finished { return }
    // R-ORIGIN-4
    if !retried && call.passes == nil && attempt.reused && !attempt.connection.answered && isConnectionLoss(error) {
      retried = true
      timer?.cancel()
      pool.discard(attempt.connection)
      self.attempt = nil
      loop.later { self.dispatchFresh() }
      return
    }
    // R-ORIGIN-14
    fail(originFailure(error, head != nil))
  }

  private func dispatch(_ connection: OriginConnection, _ bytes: Data) {
    let attempt = Attempt(self, connection)
    self.attempt = attempt
    connection.dispatch(bytes, attempt, call.passes != nil)
  }

  private func dispatchFresh() {
    if finished { return }
    guard let bytes = requestHead(call) else { return }
    dispatch(pool.open(call.key, call.limits.connectMs), bytes)
  }

  /// R-ORIGIN-21: goes on after a turn of the loop, so that bytes or an end that have already arrived are seen while the
  /// connection is idle: stray bytes must not answer this request.
  private func dispatchIdle(_ connection: OriginConnection, _ bytes: Data) {
    if finished {
      pool.release(connection)
    } else if connection.isUsable {
      dispatch(connection, bytes)
    } else {
      pool.discard(connection)
      dispatchFresh()
    }
  }

  private func watch(_ part: ByteString, _ silenceMs: Int) {
    silentSince = uptime()
    wait(part, silenceMs, silenceMs)
  }

  /// Looks after `waitMs` whether the silence is long enough. Bytes only note the time, as they are many.
  private func wait(_ part: ByteString, _ silenceMs: Int, _ waitMs: Int) {
    timer?.cancel()
    timer = deadlines.after(waitMs) { [weak self] in
      guard let self, !self.finished else { return }
      let silentMs = Int((uptime() - self.silentSince) / 1_000_000)
      if silentMs < silenceMs {
        self.wait(part, silenceMs, silenceMs - silentMs)
      } else {
        self.fail(OriginFailure(code: .upstreamTimeout, detail: "no \(part) for \(silenceMs) ms"))
      }
    }
  }

  private func finish() {
    finished = true
    timer?.cancel()
    timer = nil
    onFinished(self)
    guard let attempt else { return }
    self.attempt = nil
    pool.discard(attempt.connection)
  }
}

/// One try on one connection: hands the connection's events to the run, which ignores those of an earlier try.
private final class Attempt: OriginExchange {
  let connection: OriginConnection
  /// Whether the request goes onto a connection that had served another one.
  let reused: Bool
  private let run: OriginRun

  init(_ run: OriginRun, _ connection: OriginConnection) {
    self.run = run
    self.connection = connection
    reused = connection.turns > 0
  }

  func sent() {
    run.sent(self)
  }

  func headed(_ status: Int, _ reason: ByteString, _ raw: FieldList) {
    run.headed(self, status, reason, raw)
  }

  func data(_ bytes: Data) {
    run.data(self, bytes)
  }

  func ended() {
    run.ended(self)
  }

  func failed(_ error: OriginError) {
    run.failed(self, error)
  }
}
