import FoundationEssentials
import Glibc

/// One call of `send` whose content has not gone out in whole.
struct Outgoing {
  let content: Data?
  /// This end writes no more afterwards.
  let ends: Bool
  let completion: (@Sendable (NWError?) -> Void)?
  /// Bytes that are out (TLS: that are encrypted).
  var offset = 0

  var left: Int { (content?.count ?? 0) - offset }
}

/// How far the stream to the peer is.
struct OutputState {
  /// Blocks of `batch` that are running.
  var batches = 0
  /// The FIN is out.
  var ended = false
  /// TLS: close_notify is written.
  var notified = false
}

/// The sending side. All but `send` and the batch calls is called with the lock held.
extension ConnectionCore {
  /// Contents that leave in one write.
  private static let partsMax = 16

  func send(_ content: Data?, ends: Bool, _ completion: NWConnection.SendCompletion) {
    var handler: (@Sendable (NWError?) -> Void)?
    if case .contentProcessed(let given) = completion { handler = given }
    lock.locked {
      if !isReady {
        if case .cancelled = phase { return post(.failed(handler, .posix(.ECANCELED), content)) }
        if case .failed(let error) = phase { return post(.failed(handler, error, content)) }
      }
      if let content, !ends, writesAtOnce {
        writeAtOnce(content, handler)
      } else {
        outbox.append(Outgoing(content: content, ends: ends, completion: handler))
        flush()
      }
    }
  }

  func beginBatch() {
    lock.locked { output.batches += 1 }
  }

  func endBatch() {
    lock.locked {
      output.batches -= 1
      flush()
    }
  }

  /// Whether content may go straight to the socket: nothing is before it.
  private var writesAtOnce: Bool {
    isReady && tls == nil && outbox.isEmpty && output.batches == 0 && !output.ended && wire?.writable == true
  }

  /// Most contents go out whole, at once and alone.
  private func writeAtOnce(_ content: Data, _ completion: (@Sendable (NWError?) -> Void)?) {
    let outcome = content.withUnsafeBytes { wire?.write($0) } ?? .again
    if case .bytes(content.count) = outcome { return post(.sent(completion, content)) }
    var item = Outgoing(content: content, ends: false, completion: completion)
    if case .bytes(let count) = outcome { item.offset = count }
    outbox.append(item)
    if case .failed(let code) = outcome { broken(code) } else { flush() }
  }

  /// Writes what the socket takes.
  func flush() {
    guard isReady, output.batches == 0 else { return }
    if tls != nil { return flushSecure() }
    while isReady, !outbox.isEmpty {
      guard wire?.writable == true else { return watchOutput() }
      let outcome = withUnsafeTemporaryAllocation(of: iovec.self, capacity: ConnectionCore.partsMax) { gather(0, $0) }
      switch outcome {
      case .bytes(let count): advance(count)
      case .again: continue
      case .failed(let code): return broken(code)
      }
    }
  }

  /// What is left waits for room.
  func watchOutput() {
    if let runner { wire?.watchOutput(runner) }
  }

  /// Collects contents from this one on, and writes them together: pointers into a Data are good inside its closure only.
  private func gather(_ index: Int, _ parts: UnsafeMutableBufferPointer<iovec>) -> Wire.WriteOutcome {
    let isLast = index > 0 && outbox[index - 1].ends
    guard index < parts.count, index < outbox.count, !isLast else { return wire?.write(parts, index) ?? .again }
    guard let content = outbox[index].content, outbox[index].left > 0 else {
      parts[index] = iovec(iov_base: nil, iov_len: 0)
      return gather(index + 1, parts)
    }
    let offset = outbox[index].offset
    return content.withUnsafeBytes { bytes in
      let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
      parts[index] = iovec(iov_base: start.map { $0 + offset }, iov_len: bytes.count - offset)
      return gather(index + 1, parts)
    }
  }

  /// So many bytes went out: tells whose contents are through.
  private func advance(_ count: Int) {
    var count = count
    while !outbox.isEmpty {
      let left = outbox[0].left
      if left > count {
        outbox[0].offset += count
        return
      }
      count -= left
      if !completeFirst() { return }
    }
  }

  /// The first content is through. Whether anything may follow.
  func completeFirst() -> Bool {
    let item = outbox.removeFirst()
    if item.ends, let wire {
      output.ended = true
      shutdown(wire.descriptor, Int32(SHUT_WR))
    }
    post(.sent(item.completion, item.content))
    if !output.ended { return true }
    for late in outbox.removeAll() { post(.failed(late.completion, .posix(.EPIPE), late.content)) }
    return false
  }

  /// A write failed. What the peer said before comes first: it may explain why the peer wants no more.
  func broken(_ code: Int32) {
    wire?.readable = true
    fillReceives()
    if isReady { fail(NWError(errno: code)) }
  }

  /// What is still to go out when the socket is let go; `contents` are those that the user sent.
  func remainder(of contents: [Outgoing]) -> [Data] {
    guard let tls else {
      return contents.compactMap { item in item.content.map { $0.dropFirst(item.offset) } }.filter { !$0.isEmpty }
    }
    for item in contents {
      if let content = item.content { _ = encrypt(content.dropFirst(item.offset)) }
    }
    if established && !output.notified { tls.closeNotify() }
    takeCipher()
    return cipher.isEmpty ? [] : [cipher]
  }
}
