import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class CacheIndexTests: StorageTestCase {
  func testAnEntryWithAllItsValuesComesBackAsItWasPut() throws {
    let first = IndexBench(loop, dir)
    XCTAssertEqual(first.ids, [])
    let changes = { (entry: Entry) in
      entry.key = ByteString(Array("http://k/?a=".utf8) + [0xff, 0x00])
      entry.finalUrl = "http://f/"
      entry.kind = .vod
      entry.fields = ["X-Bytes", ByteString((0..<256).map { UInt8($0) }), "ETag", "\"a\\\""]
      entry.total = 9_007_199_254_740_991
      entry.requestMs = 1_790_000_000_001
      entry.responseMs = 1_790_000_000_002
      entry.targetDurationMs = 6_006
      entry.accessMs = 1_790_000_000_003
      entry.pinned = true
    }
    let id = try first.store(self, [5, 10, 20, 4_000], changes)
    first.on { $0.close() }
    let second = IndexBench(loop, dir)
    let expected = plainEntry(id, changes)
    expected.spans = [5, 10, 20, 4_000]
    XCTAssertEqual(second.entries.map(plain), [plain(expected)])
    XCTAssertEqual(second.health, .ok)
    second.on { $0.close() }
    XCTAssertEqual(first.errors + second.errors, [])
    XCTAssertEqual(try mode("\(dir)/index.sqlite"), 0o600)
  }

  func testTheDatabaseCarriesTheApplicationIdAndTheSchemaVersion() throws {
    // R-INDEX-2
    IndexBench(loop, dir).on { $0.close() }
    XCTAssertEqual(try Inspector.rows(dir, "PRAGMA application_id"), [[0x7265_656c]])
    XCTAssertEqual(try Inspector.rows(dir, "PRAGMA user_version"), [[1]])
    XCTAssertEqual(
      try Inspector.rows(dir, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"),
      [[1]]
    )
  }

  func testTheFilesOfTheIndexAreTheUsersAlone() throws {
    let bench = IndexBench(loop, dir)
    _ = try bench.store(self, [0, 10])
    bench.on { $0.flush() }
    for suffix in ["", "-wal", "-shm"] { XCTAssertEqual(try mode("\(dir)/index.sqlite\(suffix)"), 0o600, suffix) }
    bench.on { $0.close() }
  }

  func testAnIdIsNeverGivenTwiceNotEvenAfterItsEntryAndItsRowAreGone() throws {
    // R-INDEX-1
    let first = IndexBench(loop, dir)
    XCTAssertEqual(first.on { $0.firstId() }, 1)
    XCTAssertEqual([try first.store(self, [0, 10]), try first.store(self, [0, 10])], [1, 2])
    first.on { index in
      index.flush()
      index.drop(2)
      index.close()
    }
    try unlinkFile(dataFile(2))
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.on { $0.firstId() }, 3)
    XCTAssertEqual(second.on { $0.nextId() }, 3)
    second.on { index in
      index.clear()
      index.close()
    }
    try makeFile(77, 10)
    let third = IndexBench(loop, dir)
    XCTAssertEqual(third.on { $0.nextId() }, 78, "above a data file that no row knows")
    third.on { $0.close() }
  }

  func testSpansThatOverlapOrTouchAreOneRowAndACutSplitsIt() throws {
    // R-INDEX-4
    let bench = IndexBench(loop, dir)
    let id = bench.on { $0.nextId() }
    bench.on { $0.put(plainEntry(id)) }
    try makeFile(id, 1_000)
    let after = { (change: (CacheIndex) -> Void) throws -> [[Int]] in
      bench.on { index in
        change(index)
        index.flush()
      }
      return try Inspector.rows(self.dir, "SELECT start_byte, end_byte FROM span ORDER BY start_byte", 2)
    }
    let three = try after { index in
      index.spans(id, 100, 200)
      index.spans(id, 300, 400)
      index.spans(id, 500, 600)
    }
    XCTAssertEqual(three, [[100, 200], [300, 400], [500, 600]])
    XCTAssertEqual(try after { $0.spans(id, 200, 250) }, [[100, 250], [300, 400], [500, 600]])
    XCTAssertEqual(try after { $0.spans(id, 240, 550) }, [[100, 600]])
    XCTAssertEqual(try after { $0.spans(id, 150, 160) }, [[100, 600]], "what is known changes nothing")
    XCTAssertEqual(try after { $0.cut(id, 200, 300) }, [[100, 200], [300, 600]])
    XCTAssertEqual(try after { $0.cut(id, 0, 350) }, [[350, 600]])
    XCTAssertEqual(try after { $0.cut(id, 600, 700) }, [[350, 600]], "a cut that only touches takes nothing")
    XCTAssertEqual(try after { $0.spans(999, 0, 10) }, [[350, 600]], "a span without an entry is none")
    bench.on { $0.close() }
  }

  func testAKeyNamesItsNewestEntryWhateverOrderTheRowsComeIn() throws {
    // R-INDEX-3
    let bench = IndexBench(loop, dir)
    let key = { (entry: Entry) in entry.key = "k" }
    let old = try bench.store(self, [0, 10], key)
    bench.on { $0.flush() }
    let fresh = try bench.store(self, [0, 20], key)
    bench.on { index in
      index.flush()
      index.put(plainEntry(old, key))
      index.spans(old, 0, 10)
      index.close()
    }
    XCTAssertEqual(bench.errors, [])
    XCTAssertEqual(try Inspector.rows(dir, "SELECT entry_id FROM span"), [[fresh]], "the old one's spans go as well")
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [fresh])
    XCTAssertEqual(second.entries.first?.spans, [0, 20])
    XCTAssertEqual(try second.sweep(), 1, "the old one's file goes")
    second.on { $0.close() }
  }

  func testDroppingTakesBackWhatWaitsAndDeletesWhatWasWritten() throws {
    // R-INDEX-6
    let bench = IndexBench(loop, dir)
    let written = try bench.store(self, [0, 10])
    bench.on { index in
      index.flush()
      index.touch(written, 9_000)
      index.spans(written, 20, 30)
    }
    let waiting = try bench.store(self, [0, 10, 20, 30])
    XCTAssertEqual(bench.counts.queued, 5)
    bench.on { index in
      index.drop(waiting)
      index.drop(written)
    }
    XCTAssertEqual(bench.counts.queued, 2, "only the deletions are left")
    bench.on { $0.close() }
    let left = try Inspector.rows(dir, "SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM span)")
    XCTAssertEqual(left, [[0]])
  }

  func testTouchesAreWrittenLateTheLatestWinsAndAHitWritesNothingByItself() throws {
    let bench = IndexBench(loop, dir)
    let id = try bench.store(self, [0, 10])
    bench.on { $0.flush() }
    let before = bench.counts.written
    bench.on { index in
      for hit in 0..<1_000 { index.touch(id, 10_000 + hit) }
    }
    XCTAssertEqual(bench.counts.written, before)
    XCTAssertEqual(bench.counts.queued, 1)
    bench.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.entries.first?.accessMs, 10_999)
    second.on { $0.close() }
  }

  func testTheQueueWritesItselfAfterJournalMsOrAtOnceWhenABatchIsFull() throws {
    let slow = IndexBench(loop, dir, journalRowsMax: 4)
    _ = try slow.store(self, [0, 10, 20, 30])
    // Twice through the loop: what was to come at once would have begun.
    loop.run {}
    loop.run {}
    XCTAssertEqual(slow.counts.written, 0, "three rows of four wait for the timer")
    slow.on { $0.drop(50) }
    loop.until("the fourth row starts the write") { slow.index.counts().written == 4 }
    slow.on { $0.close() }
    let quick = IndexBench(loop, dir, journalMs: 1)
    _ = try quick.store(self, [0, 10])
    loop.until("the timer writes") { quick.index.counts().written == 2 }
    quick.on { $0.close() }
  }

  func testOfWhatIsAskedForInTurnATimeIsWrittenOnceAnIntervalHoweverOften() throws {
    let bench = IndexBench(loop, dir, journalRowsMax: 10)
    for round in 0..<20 {
      bench.on { index in for id in 1...490 { index.touch(id, round) } }
    }
    XCTAssertEqual(bench.counts.queued, 490, "all of it waits")
    XCTAssertEqual(bench.counts.written, 0)
    // A full transaction of changes is written at once, and they are left to wait for all that.
    bench.on { index in for id in 1_001...1_010 { index.drop(id) } }
    loop.until("the changes are written") { bench.index.counts().written == 10 }
    for _ in 0..<5 { loop.run {} }
    XCTAssertEqual(bench.counts.queued, 490)
    bench.on { index in for id in 491...501 { index.touch(id, 20) } }
    loop.until("more than half of what may wait is written at once") { bench.index.counts().written == 511 }
    bench.on { $0.close() }
    let often = IndexBench(loop, dir, journalMs: 20, journalRowsMax: 10)
    var hits = 0
    loop.until("three intervals are over") {
      // As players do, also between two transactions.
      for id in 1...100 { often.index.touch(id, hits) }
      hits += 100
      return often.index.counts().written >= 300
    }
    XCTAssertLessThan(often.counts.written * 4, hits)
    often.on { $0.close() }
  }

  func testATransactionHasAtMostJournalRowsMaxRowsAndEventsRunBetweenTwo() throws {
    // R-INDEX-11
    let bench = IndexBench(loop, dir, journalRowsMax: 10)
    let rows = RowWatch(loop, bench.index)
    bench.on { index in
      for _ in 0..<35 { index.put(plainEntry(index.nextId())) }
      rows.look()
    }
    loop.until("all is written") { bench.index.counts().queued == 0 && rows.seen.last == 35 }
    XCTAssertEqual(loop.run { rows.seen }, [0, 10, 20, 30, 35])
    bench.on { $0.close() }
  }

  func testClearForgetsEverythingAtOnceAndWhatIsPutAfterwardsStays() throws {
    let first = IndexBench(loop, dir)
    for _ in 0..<20 { _ = try first.store(self, [0, 10]) }
    first.on { $0.flush() }
    _ = try first.store(self, [0, 10])
    first.on { $0.clear() }
    XCTAssertEqual(try Inspector.rows(dir, "SELECT count(*) FROM entry"), [[0]], "at once")
    let id = try first.store(self, [0, 10])
    first.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [id])
    XCTAssertEqual(try second.sweep(), 21)
    second.on { $0.close() }
  }

  func testWhatChangesWhileATransactionIsUnderWayIsWrittenByTheNext() throws {
    // With times of access that wait for no more than a moment.
    let bench = IndexBench(loop, dir, journalMs: 5, journalRowsMax: 20)
    let expected = try bench.on { index in
      var ids: [Int] = []
      for _ in 0..<200 {
        let id = index.nextId()
        ids.append(id)
        try makeFile(id, 40)
        index.put(plainEntry(id))
        for start in [0, 20, 10, 30] { index.spans(id, start, start + 10) }
        index.touch(id, 5_000)
        if id % 3 == 0 { index.drop(id) }
        if id % 5 == 0 && id % 3 != 0 { index.cut(id, 5, 25) }
      }
      return ids.filter { $0 % 3 != 0 }
    }
    // Between its transactions, as they come: each is under way while the loop goes on.
    for id in expected where id % 7 == 0 {
      bench.on { $0.touch(id, 6_000) }
      bench.on { index in
        index.spans(id, 40, 50)
        index.cut(id, 40, 50)
      }
    }
    loop.until("all is written") { bench.index.counts().queued == 0 }
    bench.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, expected)
    for entry in second.entries {
      XCTAssertEqual(entry.spans, entry.id % 5 == 0 ? [0, 5, 25, 40] : [0, 40], "\(entry.id)")
      XCTAssertEqual(entry.accessMs, entry.id % 7 == 0 ? 6_000 : 5_000, "\(entry.id)")
    }
    XCTAssertEqual(bench.errors + second.errors, [])
    second.on { $0.close() }
  }

  func testAFlushWaitsForTheTransactionThatIsUnderWay() throws {
    let bench = IndexBench(loop, dir, journalRowsMax: 50)
    for turn in 1...20 {
      bench.on { index in
        for _ in 0..<75 { index.put(plainEntry(index.nextId())) }
      }
      // By now the first fifty are on their way, or there.
      bench.on { $0.flush() }
      XCTAssertEqual(bench.counts.queued, 0)
      XCTAssertEqual(bench.counts.written, turn * 75)
      XCTAssertEqual(try Inspector.rows(dir, "SELECT count(*) FROM entry"), [[turn * 75]])
    }
    bench.on { $0.close() }
  }
}

/// Looks at the rows written, once a turn of the loop.
private final class RowWatch: @unchecked Sendable {
  private let loop: EventLoop
  private let index: CacheIndex
  private(set) var seen: [Int] = []

  init(_ loop: EventLoop, _ index: CacheIndex) {
    self.loop = loop
    self.index = index
  }

  func look() {
    let counts = index.counts()
    if seen.last != counts.written { seen.append(counts.written) }
    if counts.queued > 0 { loop.later { self.look() } }
  }
}
