import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class CacheIndexFailureTests: StorageTestCase {
  func testACorruptDatabaseGivesWayToAFreshOneAndItsDataFilesGo() throws {
    // R-INDEX-7
    let damages: [(name: String, damage: (String, String) throws -> Void)] = [
      ("garbage", { _, file in try self.overwrite(file, 0, "these are not the bytes of a database. ", 500) }),
      ("cut off", { _, file in truncate(file, 5_000) }),
      ("garbage inside", { _, file in try self.overwrite(file, 4_096, "\u{7f}", fileSize(file) - 4_096) }),
      ("another application", { dir, _ in try Inspector.exec(dir, "PRAGMA application_id = 1") }),
      ("a newer release", { dir, _ in try Inspector.exec(dir, "PRAGMA user_version = 99") }),
      ("a table missing", { dir, _ in try Inspector.exec(dir, "DROP TABLE span") }),
      ("no ids left", { dir, _ in try Inspector.exec(dir, "UPDATE sqlite_sequence SET seq = 9223372036854775807") }),
    ]
    for (name, damage) in damages {
      try? FileManager.default.removeItem(atPath: dir)
      try makeFolders(dataDir, 0o700)
      let first = IndexBench(loop, dir)
      for _ in 0..<200 { _ = try first.store(self, [0, 10]) }
      first.on { $0.close() }
      try damage(dir, "\(dir)/index.sqlite")
      let second = IndexBench(loop, dir)
      XCTAssertEqual(second.ids, [], name)
      XCTAssertEqual(second.errors.count, 1, "\(name): \(second.errors)")
      XCTAssertEqual(second.health, .ok, name)
      XCTAssertGreaterThan(fileSize("\(dir)/index.sqlite.corrupt-1"), 0, name)
      XCTAssertEqual(second.on { $0.nextId() }, 201, "\(name): above the files of the lost entries")
      XCTAssertEqual(try second.sweep(), 200, name)
      let id = try second.store(self, [0, 10])
      second.on { $0.close() }
      let third = IndexBench(loop, dir)
      XCTAssertEqual(third.ids, [id], name)
      XCTAssertEqual(third.errors, [], name)
      third.on { $0.close() }
    }
  }

  func testOfTheDatabasesMovedAsideTheLastTwoAreKept() throws {
    // R-INDEX-7
    for turn in 0..<12 {
      try ascii("\(turn)").write(to: URL(fileURLWithPath: "\(dir)/index.sqlite"))
      try Data().write(to: URL(fileURLWithPath: "\(dir)/index.sqlite-wal"))
      XCTAssertEqual(try moveAside(dir), "\(dir)/index.sqlite.corrupt-\(turn + 1)")
    }
    XCTAssertEqual(
      try folderNames(dir).filter { $0.hasPrefix("index") }.sorted(),
      [
        "index.sqlite.corrupt-11", "index.sqlite.corrupt-11-wal", "index.sqlite.corrupt-12",
        "index.sqlite.corrupt-12-wal",
      ]
    )
  }

  func testADatabaseThatBreaksUnderUsIsReplacedAndWhatComesAfterIsKept() throws {
    // R-INDEX-7
    let bench = IndexBench(loop, dir)
    for _ in 0..<50 { _ = try bench.store(self, [0, 10]) }
    bench.on { $0.flush() }
    try Inspector.exec(dir, "DROP TABLE span")
    let id = try bench.store(self, [0, 10])
    bench.on { $0.flush() }
    XCTAssertEqual(bench.errors, ["SQLITE_ERROR"])
    XCTAssertEqual(bench.health, .ok)
    bench.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [id])
    second.on { $0.close() }
  }

  func testADatabaseThatBreaksUnderATransactionIsReplacedToo() throws {
    // R-INDEX-7
    let bench = IndexBench(loop, dir, journalMs: 1, journalRowsMax: 10)
    _ = try bench.store(self, [0, 10])
    loop.until("it is written") { bench.index.counts().queued == 0 }
    try Inspector.exec(dir, "DROP TABLE span")
    let ids = try (0..<10).map { _ in try bench.store(self, [0, 10]) }
    loop.until("it is written anew") { bench.index.counts().queued == 0 && bench.index.health() == .ok }
    XCTAssertEqual(bench.errors, ["SQLITE_ERROR"])
    bench.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, ids)
    second.on { $0.close() }
  }

  func testWhileAnotherProcessHasTheDatabaseLockedChangesWaitThenTheyAreWritten() throws {
    // R-INDEX-12
    let bench = IndexBench(loop, dir, journalMs: 1)
    let other = try Inspector(dir)
    try other.connection.exec("BEGIN IMMEDIATE")
    let start = Date()
    let id = try bench.store(self, [0, 10])
    bench.on { $0.flush() }
    XCTAssertLessThan(Date().timeIntervalSince(start), 0.5, "nobody waits for the lock")
    XCTAssertEqual(bench.health, .degraded)
    XCTAssertEqual(Set(bench.errors), ["SQLITE_BUSY"])
    let before = bench.errors.count
    loop.until("it tries again by itself") { bench.errorsOnLoop.count >= before + 2 }
    bench.on { $0.touch(id, 9_000) }
    try other.connection.exec("COMMIT")
    other.connection.close()
    loop.until("it recovers") { bench.index.health() == .ok && bench.index.counts().queued == 0 }
    bench.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [id])
    XCTAssertEqual(second.entries.first?.accessMs, 9_000)
    second.on { $0.close() }
  }

  func testADatabaseLockedAtTheStartLoadsAsEmptyAndOldRowsStayApart() throws {
    // R-INDEX-12
    let first = IndexBench(loop, dir)
    let old = try first.store(self, [0, 10]) { $0.key = "old" }
    let vanished = try first.store(self, [0, 10_000]) { $0.key = "vanished" }
    first.on { $0.close() }
    // Its row names an id that the folder does not show: a run that cannot read the rows will give that id again.
    try unlinkFile(dataFile(vanished))
    let other = try Inspector(dir)
    try other.connection.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE entry SET total = total")
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [])
    XCTAssertEqual(second.health, .degraded)
    XCTAssertEqual(try second.sweep(), 0, "files of rows unseen stay")
    let id = try second.store(self, [5, 20]) { $0.key = "new" }
    let start = Date()
    second.on { $0.flush() }
    XCTAssertLessThan(Date().timeIntervalSince(start), 0.5, "only the start waits for the lock")
    try other.connection.exec("ROLLBACK")
    other.connection.close()
    XCTAssertEqual(id, vanished)
    second.on { $0.flush() }
    XCTAssertEqual(second.health, .ok)
    second.on { $0.close() }
    let third = IndexBench(loop, dir)
    XCTAssertEqual(third.ids, [old, id])
    XCTAssertEqual(third.entries.map { $0.spans }, [[0, 10], [5, 20]])
    third.on { $0.close() }
  }

  func testTheQueueStaysBoundedWhileNothingCanBeWrittenTouchesGoFirst() throws {
    // R-INDEX-9
    let first = IndexBench(loop, dir, journalRowsMax: 10)
    let kept = try first.store(self, [0, 10])
    first.on { $0.flush() }
    let other = try Inspector(dir)
    try other.connection.exec("BEGIN IMMEDIATE")
    first.on { index in
      for touch in 0..<800 { index.touch(10_000 + touch, touch) }
      for _ in 0..<300 { index.put(plainEntry(index.nextId())) }
    }
    XCTAssertEqual(first.counts.queued, 1_000, "journalRowsMax times 100")
    XCTAssertEqual(first.counts.forgotten, 100, "touches went first")
    first.on { index in
      for _ in 0..<5_000 { index.put(plainEntry(index.nextId())) }
    }
    XCTAssertEqual(first.counts.queued, 1_000)
    try other.connection.exec("COMMIT")
    other.connection.close()
    first.on { $0.flush() }
    XCTAssertEqual(first.counts.queued, 0)
    first.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [kept])
    second.on { $0.close() }
  }

  func testADiskThatIsReallyFullStopsTheJournalNotTheCallerUntilThereIsRoomAgain() throws {
    // R-INDEX-12
    try onSmallDisk(524_288) { disk in
      try makeFolders("\(disk.dir)/data", 0o700)
      let bench = IndexBench(loop, disk.dir)
      let before = bench.on { $0.nextId() }
      bench.on { index in
        index.put(plainEntry(before) { $0.total = 0 })
        index.flush()
      }
      try disk.fill()
      bench.on { index in
        for _ in 0..<500 { index.put(plainEntry(index.nextId()) { $0.total = 0 }) }
        index.flush()
      }
      XCTAssertEqual(bench.health, .degraded)
      XCTAssert(["SQLITE_FULL", "SQLITE_IOERR"].contains(bench.errors.first ?? ""), "\(bench.errors)")
      XCTAssertGreaterThan(bench.counts.queued, 0)
      try unlinkFile("\(disk.dir)/ballast")
      bench.on { $0.flush() }
      XCTAssertEqual(bench.health, .ok)
      XCTAssertEqual(bench.counts.queued, 0)
      bench.on { $0.close() }
      let second = IndexBench(loop, disk.dir)
      XCTAssertEqual(second.entries.count, 501, "nothing was lost")
      XCTAssertEqual(second.ids.first, before)
      second.on { $0.close() }
    }
  }

  func testARowThatTheSchemaRefusesIsGivenUpInsteadOfTriedForEver() throws {
    // R-INDEX-12
    let bench = IndexBench(loop, dir)
    bench.on { $0.flush() }
    let refused = try bench.store(self, [0, 10])
    try Inspector.exec(
      dir,
      "CREATE TRIGGER refusal BEFORE INSERT ON entry WHEN new.id = \(refused) BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    bench.on { $0.flush() }
    XCTAssertEqual(bench.errors, ["SQLITE_CONSTRAINT"])
    XCTAssertEqual(bench.counts.queued, 0)
    let id = try bench.store(self, [0, 10])
    bench.on { $0.flush() }
    XCTAssertEqual(bench.health, .ok)
    bench.on { $0.close() }
    XCTAssertEqual(try Inspector.rows(dir, "SELECT id FROM entry"), [[id]])
  }

  func testACorruptDatabaseThatCannotBeMovedAsideLeavesTheIndexDegradedUntilItCan() throws {
    // R-INDEX-7, R-INDEX-12
    try ascii("no database").write(to: URL(fileURLWithPath: "\(dir)/index.sqlite"))
    // Two old ones make the older one go, and a folder cannot be deleted as a file.
    try makeFolders("\(dir)/index.sqlite.corrupt-1", 0o700)
    try makeFolders("\(dir)/index.sqlite.corrupt-2", 0o700)
    let bench = IndexBench(loop, dir)
    XCTAssertEqual(bench.errors.first, "SQLITE_NOTADB")
    XCTAssertEqual(bench.errors.count, 2)
    XCTAssertEqual(bench.health, .degraded)
    let id = try bench.store(self, [0, 10])
    XCTAssertEqual(rmdir("\(dir)/index.sqlite.corrupt-1"), 0)
    bench.on { $0.flush() }
    XCTAssertEqual(bench.health, .ok)
    bench.on { $0.close() }
    XCTAssertEqual(try Inspector.rows(dir, "SELECT id FROM entry"), [[id]])
  }

  func testADatabaseThatCannotBeOpenedAtTheStartLoadsAsEmptyAndTheIndexHealsWhenItCanBe() throws {
    // A folder in the place of the database: it can neither be opened nor be told to be corrupt.
    try makeFolders("\(dir)/index.sqlite", 0o700)
    let bench = IndexBench(loop, dir)
    XCTAssertEqual(bench.ids, [])
    XCTAssertEqual(bench.errors, ["EISDIR"])
    XCTAssertEqual(bench.health, .degraded)
    let id = try bench.store(self, [0, 10])
    XCTAssertEqual(rmdir("\(dir)/index.sqlite"), 0)
    bench.on { $0.flush() }
    XCTAssertEqual(bench.health, .ok)
    bench.on { $0.close() }
    let second = IndexBench(loop, dir)
    XCTAssertEqual(second.ids, [id])
    second.on { $0.close() }
  }

  private func overwrite(_ file: String, _ position: Int, _ text: String, _ count: Int) throws {
    let descriptor = try openFile(file, O_WRONLY, 0)
    _ = try writeFile(descriptor, [ascii(String(repeating: text, count: count))], position)
    try closeFile(descriptor)
  }
}
