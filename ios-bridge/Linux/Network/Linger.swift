import Dispatch
import FoundationEssentials
import Glibc

/// What becomes of a socket after `cancel`: the rest of the content goes out, then a FIN; what still comes in is read and
/// dropped for a while, because a socket that is closed over unread input resets the connection, and a reset takes from
/// the peer what it has not read yet.
///
/// It stays in the set of its runner, which costs less than to move it: most peers close at once.
final class Linger: Pollable, @unchecked Sendable {
  /// Time without progress after which the peer is given up, in milliseconds.
  private static let quietMilliseconds: UInt64 = 10_000
  /// Time for the peer to close after the FIN, in milliseconds.
  private static let farewellMilliseconds: UInt64 = 2_000
  private static let droppedBytesMax = 1024 * 1024

  private let lock = Lock()
  private let runner: QueueRunner
  private var wire: Wire
  private var content: [Data]
  private var part = 0
  private var offset = 0
  private var dropped = 0
  /// The FIN is out.
  private var finished = false
  private var inputEnded = false
  private var closed = false
  private var deadline: UInt64 = 0

  /// Takes over a socket that is in the runner's set. nil when it is closed already.
  static func close(_ wire: Wire, _ runner: QueueRunner, _ content: [Data]) -> Linger? {
    let linger = Linger(wire, runner, content)
    return linger.lock.locked {
      linger.proceed()
      if linger.closed { return nil }
      runner.hand(wire.token, to: linger)
      Farewells.shared.add(linger)
      return linger
    }
  }

  private init(_ wire: Wire, _ runner: QueueRunner, _ content: [Data]) {
    self.wire = wire
    self.runner = runner
    self.content = content
    deadline = milliseconds() + Linger.quietMilliseconds
  }

  func ready(_ events: UInt32) {
    lock.locked {
      if closed { return }
      wire.note(events)
      proceed()
    }
  }

  /// Ends it when its time is over. Whether it is done.
  fileprivate func expire(_ now: UInt64) -> Bool {
    lock.locked {
      if !closed && now >= deadline { shut() }
      return closed
    }
  }

  private func proceed() {
    if !finished { flush() }
    if !closed && !inputEnded { drop() }
    if !closed && finished && inputEnded { shut() }
  }

  private func flush() {
    while part < content.count {
      guard wire.writable else { return wire.watchOutput(runner) }
      let outcome = content[part].withUnsafeBytes { wire.write(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
      switch outcome {
      case .bytes(let count):
        deadline = milliseconds() + Linger.quietMilliseconds
        offset += count
        if offset == content[part].count {
          content[part] = Data()
          part += 1
          offset = 0
        }
      case .again: break
      case .failed: return shut()
      }
    }
    finished = true
    deadline = milliseconds() + Linger.farewellMilliseconds
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
    runner.close(wire.descriptor, wire.token)
  }
}

/// The sockets that linger, and one timer for all of their deadlines.
private final class Farewells: @unchecked Sendable {
  static let shared = Farewells()
  private static let tickMilliseconds = 250

  private let lock = Lock()
  private let queue = DispatchQueue(label: "network.farewells")
  private var lingers: [Linger] = []
  private var ticking = false

  func add(_ linger: Linger) {
    let starts = lock.locked {
      lingers.append(linger)
      defer { ticking = true }
      return !ticking
    }
    if starts { plan() }
  }

  private func plan() {
    queue.asyncAfter(deadline: .now() + .milliseconds(Farewells.tickMilliseconds)) { self.tick() }
  }

  private func tick() {
    let due = lock.locked {
      defer { lingers = [] }
      return lingers
    }
    let now = milliseconds()
    let left = due.filter { !$0.expire(now) }
    let goesOn = lock.locked {
      lingers.append(contentsOf: left)
      ticking = !lingers.isEmpty
      return ticking
    }
    if goesOn { plan() }
  }
}

private func milliseconds() -> UInt64 { DispatchTime.now().uptimeNanoseconds / 1_000_000 }
