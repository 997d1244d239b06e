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
    case .race: raceForEntries()
    case .useAfterFree: readWhatIsGivenBack()
    }
  }
}

/// An entry that two threads have at once, as none may be.
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

/// One thread writes numbers that another has the core read, and nothing puts them in an order: they meet before each.
/// Each number is of an entry of its own, and both threads are new several times: of one entry of two threads that met
/// once ThreadSanitizer missed one in seven, of a thousand entries of two threads one in 150. Why is not known.
private func raceForEntries() {
  for _ in 0..<10 {
    let shared = (0..<100).map { _ in SharedEntry() }
    let here = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
    let ended = DispatchGroup()
    let sides: [@Sendable (Entry) -> Void] = [
      { entry in entry.total = 1 },
      { entry in _ = entryComplete(entry) },
    ]
    for (place, side) in sides.enumerated() {
      ended.enter()
      Thread {
        for one in shared {
          here[place].signal()
          here[1 - place].wait()
          side(one.entry)
        }
        ended.leave()
      }.start()
    }
    ended.wait()
  }
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
