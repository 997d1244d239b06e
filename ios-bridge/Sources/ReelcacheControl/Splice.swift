import Network
import ReelcacheEdge

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Two connections that are one: bytes, ends and resets go through as they come, each way at the pace of who reads.
/// Lives on the loop; holds itself until both are over.
final class Splice: @unchecked Sendable {
  private static let pieceBytes = 65_536

  private let loop: EventLoop
  private let front: NWConnection
  private let back: NWConnection
  private var waysOpen = 2
  private var over = false
  private var onConnect: ((Bool) -> Void)?
  private let onOver: () -> Void

  /// `front` runs already; `back` is one to a port of this device's loopback.
  init(_ loop: EventLoop, _ front: NWConnection, _ port: Int, _ onOver: @escaping () -> Void) {
    self.loop = loop
    self.front = front
    self.onOver = onOver
    let tcp = NWProtocolTCP.Options()
    tcp.noDelay = true
    let number = NWEndpoint.Port(rawValue: UInt16(truncatingIfNeeded: port)) ?? .any
    back = NWConnection(host: "127.0.0.1", port: number, using: NWParameters(tls: nil, tcp: tcp))
  }

  /// Connects; `done` hears whether that worked, and `begin` follows when it did.
  func connect(_ done: @escaping (Bool) -> Void) {
    loop.assertHere()
    onConnect = done
    back.stateUpdateHandler = { state in
      switch state {
      case .ready: self.connected(true)
      case .waiting, .failed, .cancelled: self.connected(false)
      default: break
      }
    }
    back.start(queue: loop.queue)
  }

  private func connected(_ worked: Bool) {
    let told = onConnect
    onConnect = nil
    back.stateUpdateHandler = nil
    if !worked { back.cancel() }
    told?(worked)
  }

  /// Carries bytes from now on. `early` came before, on the front.
  func begin(_ early: Data) {
    loop.assertHere()
    front.stateUpdateHandler = nil
    if early.isEmpty { carry(front, back) } else { hand(early, false, front, back) }
    carry(back, front)
  }

  private func carry(_ from: NWConnection, _ to: NWConnection) {
    from.receive(minimumIncompleteLength: 1, maximumLength: Splice.pieceBytes) { content, _, isComplete, error in
      if self.over { return }
      if error != nil { return self.reset() }
      self.hand(content, isComplete, from, to)
    }
  }

  private func hand(_ content: Data?, _ isLast: Bool, _ from: NWConnection, _ to: NWConnection) {
    to.send(
      content: content,
      contentContext: isLast ? .finalMessage : .defaultMessage,
      isComplete: isLast,
      completion: .contentProcessed { error in
        if self.over { return }
        if error != nil { return self.reset() }
        if isLast { self.wayClosed() } else { self.carry(from, to) }
      }
    )
  }

  private func wayClosed() {
    waysOpen -= 1
    if waysOpen > 0 { return }
    front.cancel()
    back.cancel()
    finish()
  }

  /// One side is gone without an end: so is the other.
  private func reset() {
    front.forceCancel()
    back.forceCancel()
    finish()
  }

  private func finish() {
    over = true
    onOver()
  }
}
