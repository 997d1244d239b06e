import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class CacheIndexStartTests: StorageTestCase {
  func testRowsLoseWhatTheirFilesDoNotHave() throws {
    // R-INDEX-8
    let first = IndexBench(loop, dir)
    let whole = try first.store(self, [0, 100]) { $0.total = 100 }
    let shorter = try first.store(self, [0, 100, 200, 300]) { $0.total = 300 }
    let missing = try first.store(self, [0, 100])
    let empty = try first.store(self, []) { $0.total = 0 }
    let pinned = try first.store(self, [0, 100]) { $0.pinned = true }
    first.on { $0.close() }
    truncate(dataFile(shorter), 250)
    for id in [missing, pinned] { try unlinkFile(dataFile(id)) }
    for run in ["found out", "written"] {
      let bench = IndexBench(loop, dir)
      XCTAssertEqual(bench.ids, [whole, shorter, empty, pinned], run)
      XCTAssertEqual(bench.entries.map { $0.spans }, [[0, 100], [0, 100, 200, 250], [], []], run)
      XCTAssertEqual(bench.counts.queued, run == "written" ? 0 : 3)
      XCTAssertEqual(bench.errors, [])
      bench.on { $0.close() }
    }
  }

  func testAnEntryWithoutAByteIsForgottenAtTheStartUnlessEmptyOrPinned() throws {
    // R-INDEX-5
    let first = IndexBench(loop, dir)
    _ = try first.store(self, [])
    let empty = try first.store(self, []) { $0.total = 0 }
    let pinned = try first.store(self, []) { $0.pinned = true }
    first.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [empty, pinned])
    second.on { $0.close() }
    XCTAssertEqual(try Inspector.rows(dir, "SELECT id FROM entry ORDER BY id"), [[empty], [pinned]])
  }

  func testRowsWithImpossibleValuesAreDroppedTheOthersLoad() throws {
    let first = IndexBench(loop, dir)
    let good = try first.store(self, [0, 10])
    let bad = [
      "fields = 'not json'", "fields = '[\"odd\"]'", "fields = '[1,\"2\"]'", "fields = '[\"a\",\"\u{100}\"]'",
      "kind = 'film'", "kind = 'toString'", "total = -2", "total = 5", "total = 1e300", "access_ms = 'soon'",
      "access_ms = 9007199254740992", "request_ms = 1.5", "url = x'78'", "key = 'k\u{100}'",
      "final_url = CAST(x'ff' AS TEXT)",
    ]
    let ids = try bad.map { _ in try first.store(self, [0, 10]) }
    first.on { $0.close() }
    for (at, value) in bad.enumerated() { try Inspector.exec(dir, "UPDATE entry SET \(value) WHERE id = \(ids[at])") }
    try Inspector.exec(
      dir,
      """
      INSERT INTO span VALUES (\(good), 30, 20); INSERT INTO span VALUES ('text', 0, 5);
      INSERT INTO span VALUES (\(good), 'a', 'b'); INSERT INTO span VALUES (\(good).5, 50, 60)
      """
    )
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [good])
    XCTAssertEqual(second.entries.first?.spans, [0, 10])
    XCTAssertEqual(second.errors, [])
    XCTAssertEqual(try second.sweep(), bad.count)
    second.on { $0.close() }
  }

  func testSpanRowsThatOverlapLoadAsOneSpan() throws {
    let first = IndexBench(loop, dir)
    let id = try first.store(self, [0, 100, 200, 300])
    first.on { $0.close() }
    try Inspector.exec(dir, "INSERT INTO span VALUES (\(id), 50, 120); INSERT INTO span VALUES (\(id), 120, 130)")
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.entries.map { $0.spans }, [[0, 130, 200, 300]])
    second.on { $0.close() }
  }

  func testTheSweepDeletesFilesWithoutARowNeverThoseOfThisRunOrOfOthers() throws {
    // R-INDEX-10
    let first = IndexBench(loop, dir)
    let kept = try first.store(self, [0, 10])
    first.on { $0.close() }
    for id in 100..<400 { try makeFile(id, 1) }
    try ascii("not ours").write(to: URL(fileURLWithPath: "\(dataDir)/01/notes.txt"))
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.counts.strays, 300)
    let own = second.on { $0.nextId() }
    try makeFile(own, 10)
    try unlinkFile(dataFile(222))
    XCTAssertEqual(try second.sweep(), 299, "one was gone already")
    XCTAssertEqual(second.errors, [])
    let left = FileManager.default.subpaths(atPath: dataDir)?.filter { $0.count > 2 }.sorted()
    XCTAssertEqual(left, ["01/notes.txt", dataFileName(kept), dataFileName(own)].sorted())
    second.on { $0.close() }
  }

  func testAfterAKillInTheMiddleOfWritingEveryRowsBytesAreInTheFile() throws {
    // R-INDEX-13
    var seen = 0
    for run in 0..<4 {
      // A different moment in each run, always with writes, drops and transactions under way.
      let end = try runChild("write", dir, killedAt: "\n\(300 + run * 100)\n")
      XCTAssert(end.bySignal, end.output)
      let bench = IndexBench(loop, dir)
      XCTAssertEqual(bench.errors, [])
      XCTAssertGreaterThan(bench.entries.count, 0)
      for entry in bench.entries {
        let bytes = try fileBytes(dataFile(entry.id))
        for at in stride(from: 0, to: entry.spans.count, by: 2) {
          let (start, end) = (entry.spans[at], entry.spans[at + 1])
          seen += end - start
          if bytes.count < end || bytes[start..<end] != patternBytes(entry.id, start, end - start) {
            XCTFail("wrong bytes in entry \(entry.id) at \(start)")
          }
        }
      }
      bench.on { $0.close() }
    }
    XCTAssertGreaterThan(seen, 1_000_000)
  }

  func testAHundredThousandRowsLoadTheTimeIsPrinted() throws {
    IndexBench(loop, dir).on { $0.close() }
    try Inspector.exec(
      dir,
      """
      BEGIN;
      WITH RECURSIVE number(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM number WHERE id < 100000)
      INSERT INTO entry SELECT id, url, url, url, 'media', '["ETag","x"]', 100, 1, 2, 0, id, 0
        FROM (SELECT id, 'https://cdn.example/path/of/some/length/segment-' || id || '.ts' AS url FROM number);
      INSERT INTO span SELECT id, 0, 50 FROM entry;
      COMMIT
      """
    )
    // One file of each id in one folder only, so that the test does not spend its time on making files.
    for id in stride(from: 0x2a, through: 100_000, by: 256) { try makeFile(id, 50) }
    var start = Date()
    let bench = IndexBench(loop, dir)
    print("100000 rows: \(Int(Date().timeIntervalSince(start) * 1_000)) ms")
    XCTAssertEqual(bench.entries.count, 391)
    XCTAssertEqual(bench.counts.queued, 10_000, "the rest is dropped bit by bit, in a bounded queue")
    start = Date()
    bench.on { $0.clear() }
    print("clear: \(Int(Date().timeIntervalSince(start) * 1_000)) ms")
    bench.on { $0.close() }
  }
}
