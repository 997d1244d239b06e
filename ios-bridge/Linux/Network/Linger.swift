import Dispatch
import FoundationEssentials
import Glibc

/// What becomes of a socket after `cancel`: the rest of the content goes out, then a FIN; what still comes in is read and
/// dropped for a while, because a socket that is closed over unread input resets the connection, and a reset takes from
/// the peer what it has not read yet.
final class Linger: Pollable, @unchecked Sendable {
  private static let runner = QueueRunner.of(DispatchQueue(label: "network.linger"))
  /// Time without progress after which the peer is given up, in milliseconds.
  private static let quietMilliseconds = 10_000
  /// Time for the peer to close after the FIN, in milliseconds.
  private static let farewellMilliseconds = 2_000
  private static let droppedBytesMax = 1024 * 1024

  private let lock = Lock()
  private var wire: Wire
  private var content: [Data]
  private var part = 0
  private var offset = 0
  private var dropped = 0
  /// The FIN is out.
  private var finished = false
  private var inputEnded = false
  private var closed = false
  private var progressed = false

  /// Takes over the descriptor, which is in no runner's set any more.
  static func close(_ descriptor: Int32, _ content: [Data]) {
    let linger = Linger(descriptor, content)
    linger.lock.locked {
      linger.proceed()
      if !linger.closed { linger.stay() }
    }
  }

  private init(_ descriptor: Int32, _ content: [Data]) {
    wire = Wire(descriptor)
    wire.readable = true
    self.content = content
  }

  func ready(_ events: UInt32) {
    lock.locked {
      if closed { return }
      wire.note(events)
      proceed()
    }
  }

  private func stay() {
    wire.token = Linger.runner.add(wire.descriptor, self)
    watch(finished ? Linger.farewellMilliseconds : Linger.quietMilliseconds)
  }

  private func watch(_ milliseconds: Int) {
    let wasFinished = finished
    progressed = false
    Linger.runner.queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak self] in
      self?.lock.locked { self?.expire(wasFinished) }
    }
  }

  /// The lock is held. The farewell begins anew with the FIN; before it, every bit of progress buys time.
  private func expire(_ wasFinished: Bool) {
    if closed { return }
    if finished != wasFinished { return watch(Linger.farewellMilliseconds) }
    if !finished && progressed { return watch(Linger.quietMilliseconds) }
    shut()
  }

  private func proceed() {
    if !finished { flush() }
    if !closed && !inputEnded { drop() }
    if !closed && finished && inputEnded { shut() }
  }

  private func flush() {
    while wire.writable, part < content.count {
      let outcome = content[part].withUnsafeBytes { wire.write(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
      switch outcome {
      case .bytes(let count):
        progressed = true
        offset += count
        if offset == content[part].count {
          content[part] = Data()
          part += 1
          offset = 0
        }
      case .again: return
      case .failed: return shut()
      }
    }
    guard part == content.count else { return }
    finished = true
    if shutdown(wire.descriptor, Int32(SHUT_WR)) != 0 { shut() }
  }

  private func drop() {
    guard wire.readable else { return }
    let piece = ReceivePool.shared.take()
    defer { ReceivePool.shared.give(piece) }
    while wire.readable {
      switch wire.read(piece, ReceivePool.pieceBytes) {
      case .bytes(let count):
        dropped += count
        if dropped > Linger.droppedBytesMax { return shut() }
      case .again: return
      case .end:
        inputEnded = true
        return
      case .failed: return shut()
      }
    }
  }

  private func shut() {
    closed = true
    content = []
    if wire.token > 0 { Linger.runner.remove(wire.descriptor, wire.token) }
    Glibc.close(wire.descriptor)
  }
}
