import XCTest

@testable import ReelcacheEdge

final class SpanJournalTests: XCTestCase {
  private let loop = EventLoop()

  func testSpansOfAFileGatherAndAreRecordedOnceItIsSynchronised() throws {
    // R-CACHE-6
    let bench = JournalBench(loop, 5)
    loop.run {
      bench.journal.add(1, 0, 10)
      bench.journal.add(1, 10, 20)
      bench.journal.add(1, 30, 40)
      bench.journal.add(2, 0, 5)
    }
    loop.until("the first file is being synchronised") { bench.syncs.count == 1 }
    XCTAssertEqual(loop.run { bench.log }, ["sync 1"], "one file at a time, and no row before")
    loop.run { bench.end(nil) }
    XCTAssertEqual(loop.run { bench.log }, ["sync 1", "row 1 0-20", "row 1 30-40", "sync 2"])
    loop.run { bench.end(nil) }
    XCTAssertEqual(loop.run { bench.log.suffix(1) }, ["row 2 0-5"])
  }

  func testWhatCannotBeMadeDurableGetsNoRow() throws {
    // R-CACHE-6
    let bench = JournalBench(loop, 1)
    loop.run { bench.journal.add(1, 0, 10) }
    loop.until("it is being synchronised") { bench.syncs.count == 1 }
    loop.run { bench.end(FileError(EIO, "injected")) }
    XCTAssertEqual(loop.run { bench.log }, ["sync 1", "error EIO"])
    loop.run { bench.journal.add(1, 10, 20) }
    loop.until("it is being synchronised") { bench.syncs.count == 1 }
    loop.run { bench.end(nil) }
    XCTAssertEqual(loop.run { bench.log.suffix(1) }, ["row 1 10-20"], "only what came later")
  }

  func testADroppedEntryGetsNoRowNotEvenWhileItIsBeingSynchronised() throws {
    let bench = JournalBench(loop, 1)
    loop.run {
      bench.journal.add(1, 0, 10)
      bench.journal.add(2, 0, 10)
    }
    loop.until("the first is being synchronised") { bench.syncs.count == 1 }
    loop.run {
      bench.journal.drop(1)
      bench.journal.drop(2)
      bench.end(nil)
    }
    XCTAssertEqual(loop.run { bench.log }, ["sync 1"])
  }

  func testAFlushSynchronisesEverythingAtOnceAndThenSaysSo() throws {
    let bench = JournalBench(loop, 3_600_000)
    let flushed: Pending<Void> = loop.start { done in
      bench.journal.add(1, 0, 10)
      bench.journal.add(2, 0, 10)
      bench.journal.flush {
        bench.log.append("flushed")
        done(())
      }
    }
    loop.run { bench.end(nil) }
    loop.run { bench.end(nil) }
    try flushed.value()
    XCTAssertEqual(loop.run { bench.log }, ["sync 1", "row 1 0-10", "sync 2", "row 2 0-10", "flushed"])
    let again: Pending<Void> = loop.start { done in bench.journal.flush { done(()) } }
    try again.value()
  }
}

/// A journal whose synchronisations end when the test says so; all on the loop.
private final class JournalBench: @unchecked Sendable {
  private(set) var syncs: [(FileError?) -> Void] = []
  var log: [String] = []
  private var made: SpanJournal?

  var journal: SpanJournal {
    guard let made else { preconditionFailure("made with the bench") }
    return made
  }

  init(_ loop: EventLoop, _ journalMs: Int) {
    made = SpanJournal(
      SpanJournalParts(
        loop: loop,
        sync: { [unowned self] id, done in
          log.append("sync \(id)")
          syncs.append(done)
        },
        record: { [unowned self] id, start, end in log.append("row \(id) \(start)-\(end)") },
        journalMs: journalMs,
        onError: { [unowned self] error in log.append("error \((error as? FileError)?.name ?? "")") }
      )
    )
  }

  func end(_ error: FileError?) {
    syncs.removeFirst()(error)
  }
}
