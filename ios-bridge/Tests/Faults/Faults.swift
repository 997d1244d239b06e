/// Faults on purpose: what scripts/sanitize.ts commits before it believes a sanitizer that reports nothing. Only programs
/// of the tests link this.
import Foundation
import ReelcacheCore
import ReelcacheEdge

package enum Fault: String {
  case race
  case useAfterFree = "use after free"

  /// Does what it is named after, with what the proxy itself is made of, and returns if it can.
  package func commit() {
    switch self {
    case .race: raceForAnEntry()
    case .useAfterFree: readWhatIsGivenBack()
    }
  }
}

/// An entry that two threads have at once, as no entry may be.
private final class SharedEntry: @unchecked Sendable {
  let entry = Entry(
    id: 1,
    key: "race",
    url: "race",
    finalUrl: "race",
    kind: .media,
    fields: [],
    total: 0,
    spans: [],
    requestMs: 0,
    responseMs: 0,
    targetDurationMs: 0,
    accessMs: 0,
    pinned: false
  )
}

/// One thread writes a number that the other has the core read, and nothing puts them in an order: each begins only
/// when both are there, or the end of one could come before the start of the other, which is no race.
private func raceForAnEntry() {
  let shared = SharedEntry()
  let here = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
  let ended = DispatchGroup()
  let sides: [@Sendable () -> Void] = [
    { for total in 0..<1_000 { shared.entry.total = total } },
    { for _ in 0..<1_000 { _ = entryComplete(shared.entry) } },
  ]
  for (place, side) in sides.enumerated() {
    ended.enter()
    Thread {
      here[place].signal()
      here[1 - place].wait()
      side()
      ended.leave()
    }.start()
  }
  ended.wait()
}

/// The bytes of a buffer that its pool has freed.
private func readWhatIsGivenBack() {
  let loop = EventLoop()
  loop.queue.sync {
    let pool = BufferPool(loop, 1_024, 0)
    let piece = pool.take()
    pool.give(piece)
    let bytes = UnsafeRawBufferPointer(start: piece, count: pool.pieceBytes)
    var copy = SharedBytes()
    copy.append(contentsOf: bytes[...])
  }
}
