import XCTest

@testable import ReelcacheEdge

final class DeadlinesTests: XCTestCase {
  private let loop = EventLoop(label: "test.deadlines")

  func testDeadlinesComeInTheirOrderEachOnceAndCancelledOnesNever() throws {
    let deadlines = Deadlines(loop)
    var order: [Int] = []
    let pending: Pending<Void> = loop.start { done in
      for ms in [30, 5, 20, 1, 10] { _ = deadlines.after(ms) { order.append(ms) } }
      let cancelled = deadlines.after(3) { order.append(-1) }
      _ = deadlines.after(2) { cancelled.cancel() }
      let last = deadlines.after(40) { done(()) }
      _ = last
      deadlines.after(15) { order.append(-2) }.cancel()
    }
    try pending.value()
    XCTAssertEqual(loop.run { order }, [1, 5, 10, 20, 30])
    XCTAssertEqual(loop.run { deadlines.count }, 0)
  }

  func testWorkMaySetAndCancelDeadlines() throws {
    let deadlines = Deadlines(loop)
    var turns = 0
    let pending: Pending<Int> = loop.start { done in
      let later = deadlines.after(60_000) { turns = -100 }
      func again() {
        turns += 1
        if turns < 20 {
          _ = deadlines.after(0, again)
        } else {
          later.cancel()
          done(deadlines.count)
        }
      }
      _ = deadlines.after(0, again)
    }
    XCTAssertEqual(try pending.value(), 0)
    XCTAssertEqual(loop.run { turns }, 20)
  }

  func testAnEarlierDeadlineThanAllOthersIsNotLate() throws {
    let deadlines = Deadlines(loop)
    let pending: Pending<UInt64> = loop.start { done in
      for _ in 0..<100 { _ = deadlines.after(60_000) {} }
      let start = uptime()
      _ = deadlines.after(20) { done(uptime() - start) }
    }
    let waited = try pending.value()
    XCTAssertGreaterThanOrEqual(waited, 20_000_000)
    XCTAssertLessThan(waited, 10_000_000_000)
    XCTAssertEqual(loop.run { deadlines.count }, 100)
  }
}
