import Dispatch
import FoundationEssentials
import Security

/// TLS between the connection and its socket. All but the judge's answer is called with the lock held.
extension ConnectionCore {
  /// Content that is encrypted before the socket has taken what was encrypted before.
  private static let encryptedBytesMax = 64 * 1024
  /// Encrypted bytes that are read at a time.
  private static let cipherPieceBytes = 64 * 1024

  func proceedHandshake() {
    while phase == .preparing, let tls {
      let step = tls.handshake()
      if let code = flushCipher() { return wait(NWError(errno: code)) }
      switch step {
      case .done: return becomeReady()
      case .wantsVerdict: return askJudge(tls)
      case .failed(let error): return wait(error)
      case .wantsInput:
        switch readCipher(tls) {
        case .bytes: continue
        case .again: return
        case .end: return wait(.tls(errSSLClosedAbort))
        case .failed(let code): return wait(NWError(errno: code))
        }
      }
    }
  }

  func readSecure(_ piece: UnsafeMutableRawPointer, _ room: Int) -> (Int, Ending) {
    guard let tls else { return (0, .open) }
    var count = 0
    // A failure to write comes up again, in the next read or write.
    defer { _ = flushCipher() }
    while count < room {
      switch tls.read(piece + count, room - count) {
      case .bytes(let got): count += got
      case .closed: return (count, .ended)
      case .failed(let error): return (count, .failed(error))
      case .wantsInput:
        input.buffered = false
        switch wire?.readable == true ? readCipher(tls) : .again {
        case .bytes: continue
        case .again: return (count, .open)
        // Without close_notify anybody may have cut the stream here (RFC 8446 section 6.1).
        case .end: return (count, .failed(.tls(errSSLClosedNoNotify)))
        case .failed(let code): return (count, .failed(NWError(errno: code)))
        }
      }
    }
    input.buffered = true
    return (count, .open)
  }

  func flushSecure() {
    while isReady {
      if let code = flushCipher() { return broken(code) }
      guard cipher.isEmpty, !outbox.isEmpty, let tls else { return }
      if outbox[0].left > 0, let content = outbox[0].content {
        let slice = content.dropFirst(outbox[0].offset).prefix(ConnectionCore.encryptedBytesMax)
        outbox[0].offset += slice.count
        if let error = encrypt(slice) { return fail(error) }
      } else if outbox[0].ends && !output.notified {
        output.notified = true
        tls.closeNotify()
      } else if !completeFirst() {
        return
      }
    }
  }

  func encrypt(_ content: Data) -> NWError? {
    content.withUnsafeBytes { tls?.write($0) }
  }

  func takeCipher() {
    tls?.takeOutput { cipher.append(contentsOf: $0) }
  }

  /// Writes what the session has made; an errno when the socket refuses.
  private func flushCipher() -> Int32? {
    takeCipher()
    while !cipher.isEmpty {
      guard wire?.writable == true else {
        watchOutput()
        return nil
      }
      switch cipher.withUnsafeBytes({ wire?.write($0) ?? .again }) {
      case .bytes(let count): cipher = count == cipher.count ? Data() : cipher.dropFirst(count)
      case .again: continue
      case .failed(let code):
        cipher = Data()
        return code
      }
    }
    return nil
  }

  private func readCipher(_ tls: TLSSession) -> Wire.ReadOutcome {
    let piece = ReceivePool.shared.take()
    defer { ReceivePool.shared.give(piece) }
    let outcome = wire?.read(piece, ConnectionCore.cipherPieceBytes) ?? .again
    if case .bytes(let count) = outcome { tls.feed(piece, count) }
    return outcome
  }

  private func askJudge(_ tls: TLSSession) {
    guard let trust = tls.trust() else { return wait(.tls(errSSLBadCert)) }
    let question = Question(trust: trust, metadata: tls.metadata)
    if let verify = settings.tls?.verify {
      (settings.tls?.verifyQueue ?? judges).async { [weak self] in
        verify(question.metadata, sec_trust_t(question.trust)) { self?.decided(tls, $0 ? nil : .tls(errSSLBadCert)) }
      }
    } else {
      judges.async { [weak self] in
        var error: CFError?
        let trusted = SecTrustEvaluateWithError(question.trust, &error)
        self?.decided(tls, trusted ? nil : .tls(tlsStatus(error)))
      }
    }
  }

  /// Takes the lock: the judge's answer comes from its own queue.
  private func decided(_ session: TLSSession, _ error: NWError?) {
    lock.locked {
      guard tls === session, session.decide(error) else { return }
      proceedHandshake()
    }
  }
}

/// A chain on its way to the judge's queue, which is its only user.
private struct Question: @unchecked Sendable {
  let trust: SecTrust
  let metadata: sec_protocol_metadata_t
}

/// Chains are judged here: it takes long enough to keep it off event loops.
private let judges = DispatchQueue(label: "network.trust", attributes: .concurrent)
