import XCTest

@testable import ReelcacheCore

/// What the test itself knows of a ticket.
private struct Known {
  let host: ByteString
  var lane: Lane
  var running: Bool
}

/// Random traffic through the lanes: what must hold whatever comes (rules R-LANE-1 to R-LANE-14).
final class LaneQueueTests: XCTestCase {
  func testLimitsHoldNobodyIsLostAndNobodyStartsTwiceWhateverComes() {
    for seed in 1...200 {
      var traffic = Traffic(seed)
      if let fault = traffic.run() { return XCTFail("seed \(seed): \(fault)") }
    }
  }

  func testTenVideosOfFiftySegmentsNeverExceedTheSlotsAllAreServedAndPlaylistsStartAtOnce() {
    let queue = laneQueue(defaultLimits)
    var nowMs = 0
    var running: [Int] = []
    for id in 1...500 where laneEnter(queue, id, .regular, "cdn\(id % 10)", nowMs) == .granted { running.append(id) }
    XCTAssertEqual(laneEnter(queue, 501, .express, "cdn1", nowMs), .granted, "a playlist starts beside full slots")
    var served = 0
    while served < running.count {
      nowMs += 1
      running += laneLeave(queue, running[served], nowMs)
      served += 1
      if laneCounts(queue).running.regular > defaultLimits.slotsMax { XCTFail("slots exceeded after \(served)") }
    }
    XCTAssertEqual(served, 500)
    XCTAssertEqual(laneLeave(queue, 501, nowMs), [])
    XCTAssertEqual(queue.tickets.count, 0, "the queue is empty")
    XCTAssertEqual(queue.hostSlots.count, 0, "no host is remembered")
  }
}

/// One run of random calls.
private struct Traffic {
  private var random: SeededRandom
  private let limits: Limits
  private let queue: LaneQueue
  /// In the order of entering, which decides whom a random number names: a dictionary has no order of its own.
  private var ids: [Int] = []
  private var known: [Int: Known] = [:]
  private var nowMs = 0

  init(_ seed: Int) {
    var random = SeededRandom(seed)
    var limits = defaultLimits
    limits.slotsMax = 1 + random.next(5)
    limits.hostSlotsMax = 1 + random.next(3)
    limits.extraSlotsMax = random.next(4)
    limits.expressMax = 1 + random.next(3)
    limits.heldMax = 1 + random.next(3)
    limits.queueLengthMax = 1 + random.next(12)
    limits.queueWaitMs = 20 + random.next(100)
    self.random = random
    self.limits = limits
    queue = laneQueue(limits)
  }

  /// The first broken promise in words, nil when all hold.
  mutating func run() -> String? {
    for step in 0..<300 {
      nowMs += random.next(12)
      if let fault = oneCall(step + 1) ?? brokenPromise() { return "step \(step): \(fault)" }
    }
    return drain()
  }

  private mutating func oneCall(_ id: Int) -> String? {
    let chosen = random.next(ids.count)
    let some = ids.isEmpty ? 0 : ids[chosen]
    let lane = Lane.allCases[random.next(4)]
    let choice = random.next(10)
    if choice < 5 {
      let host: ByteString = "h\(random.next(3))"
      let answer = laneEnter(queue, id, lane, host, nowMs)
      if answer != .full {
        ids.append(id)
        known[id] = Known(host: host, lane: lane, running: answer == .granted)
      }
      return nil
    }
    if choice < 8 {
      forget(some)
      return grant(laneLeave(queue, some, nowMs))
    }
    if choice < 9 {
      let fault = grant(lanePromote(queue, some, lane, nowMs))
      if let ticket = queue.tickets[some] { known[some]?.lane = ticket.lane }
      return fault
    }
    return tick()
  }

  private mutating func tick() -> String? {
    let dueMs = laneNextDeadline(queue)
    let due = laneTick(queue, nowMs)
    for refused in due.refused {
      guard let row = known[refused], !row.running, row.lane != .background else {
        return "\(refused) was refused though it does not wait against time"
      }
      forget(refused)
    }
    if (dueMs < 0 || nowMs < dueMs) && due.granted.count + due.refused.count > 0 {
      return "a tick before the deadline changed something"
    }
    let nextMs = laneNextDeadline(queue)
    return nextMs >= 0 && nextMs <= nowMs ? "a tick left someone overdue" : grant(due.granted)
  }

  private mutating func forget(_ id: Int) {
    known[id] = nil
    ids.removeAll { $0 == id }
  }

  /// Notes who may start; each must have been waiting.
  private mutating func grant(_ granted: [Int]) -> String? {
    for id in granted {
      guard let row = known[id], !row.running else { return "\(id) was granted though it does not wait" }
      known[id]?.running = true
    }
    return nil
  }

  private func brokenPromise() -> String? {
    let counts = laneCounts(queue)
    let (running, waiting) = (counts.running, counts.waiting)
    let runningSum = running.express + running.held + running.regular + running.background + counts.extra
    let waitingSum = waiting.express + waiting.held + waiting.regular + waiting.background
    let slots = running.regular + running.background
    let runs = known.values.filter(\.running).count
    if runningSum != runs || waitingSum != known.count - runs { return "counts differ from what was told: \(counts)" }
    let apart = running.express > limits.expressMax || running.held > limits.heldMax
    if slots > limits.slotsMax || counts.extra > limits.extraSlotsMax || apart {
      return "a limit is exceeded: \(counts)"
    }
    if waitingSum > 3 * limits.queueLengthMax { return "too many wait" }
    let perHost = queue.hostSlots.values
    if perHost.contains(where: { $0 > limits.hostSlotsMax || $0 < 1 }) || perHost.reduce(0, +) != slots {
      return "host slots are wrong: \(queue.hostSlots)"
    }
    if slots < limits.slotsMax {
      if waits(.regular) { return "a player waits beside a free slot" }
      if waiting.regular == 0 && waits(.background) { return "a preload waits beside a free slot" }
    }
    if running.held < limits.heldMax && waiting.held > 0 { return "a directed reload waits beside room" }
    return running.express < limits.expressMax && waiting.express > 0 ? "a playlist waits beside room" : nil
  }

  /// Whether someone of this lane waits whose host has room.
  private func waits(_ lane: Lane) -> Bool {
    known.values.contains { row in
      row.lane == lane && !row.running && (queue.hostSlots[row.host] ?? 0) < limits.hostSlotsMax
    }
  }

  /// Everyone leaves; nothing may be left behind.
  private func drain() -> String? {
    for id in ids { _ = laneLeave(queue, id, nowMs) }
    let left = queue.tickets.count + queue.hostSlots.count
    return left == 0 && laneNextDeadline(queue) == -1 ? nil : "the queue is not empty at the end"
  }
}
