import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// What the database must hold in the end, kept the simple way.
private struct IndexModel {
  struct Row {
    var key: Int
    var accessMs: Int
    /// One for each ten bytes.
    var cells = [Bool](repeating: false, count: 40)
  }
  var rows: [Int: Row] = [:]

  mutating func put(_ id: Int, _ key: Int, _ accessMs: Int) {
    rows[id, default: Row(key: key, accessMs: accessMs)].accessMs = accessMs
  }

  func holder(_ key: Int) -> Int? { rows.first { $0.value.key == key }?.key }

  mutating func edit(_ id: Int, _ start: Int, _ end: Int, _ stored: Bool) {
    for cell in start..<end { rows[id]?.cells[cell] = stored }
  }

  var text: [String] {
    rows.sorted { $0.key < $1.key }.map { id, row in
      var runs: [Int] = []
      for cell in 0..<40 where row.cells[cell] {
        if runs.last == cell * 10 {
          runs[runs.count - 1] = cell * 10 + 10
        } else {
          runs += [cell * 10, cell * 10 + 10]
        }
      }
      return "\(id) \(row.accessMs) \(runs)"
    }
  }
}

final class CacheIndexRandomTests: StorageTestCase {
  func testWhateverHappensToTheDatabaseItHoldsInTheEndWhatItWasTold() throws {
    for seed in 1...12 {
      try? FileManager.default.removeItem(atPath: dir)
      try makeFolders(dataDir, 0o700)
      let stored = try run(seed)
      XCTAssertEqual(stored, model.text, "seed \(seed)")
    }
  }

  private var model = IndexModel()

  /// Changes at random, with a database that another process locks now and then; what it holds in the end.
  private func run(_ seed: Int) throws -> [String] {
    var random = StorageRandom(seed)
    model = IndexModel()
    let bench = IndexBench(loop, dir, journalMs: 1, journalRowsMax: 1 + random.below(60))
    let other = try Inspector(dir)
    var locked = false
    for step in 0..<1_500 {
      bench.on { index in change(index, step, &random) }
      if random.below(60) == 0 {
        // The index itself may be writing: then the lock is not to be had.
        let sql = locked ? "ROLLBACK" : "BEGIN IMMEDIATE"
        if (try? other.connection.exec(sql)) != nil { locked.toggle() }
      }
      // It must never forget in this test: the model does not.
      if bench.counts.queued > 90 * 60 || (!locked && random.below(40) == 0) { usleep(2_000) }
      if locked && step % 200 == 199 {
        try other.connection.exec("ROLLBACK")
        locked = false
      }
      if random.below(100) == 0 { bench.on { $0.flush() } }
      if !locked && bench.counts.queued > 80 { bench.on { $0.flush() } }
    }
    if locked { try other.connection.exec("ROLLBACK") }
    other.connection.close()
    bench.on { $0.close() }
    XCTAssertEqual(Set(bench.errors).subtracting(["SQLITE_BUSY"]), [], "seed \(seed)")
    XCTAssertEqual(bench.counts.queued, 0, "seed \(seed)")
    return try stored(bench)
  }

  private func change(_ index: CacheIndex, _ step: Int, _ random: inout StorageRandom) {
    // Mostly ids that are in use, now and then one that is not.
    let ids = model.rows.keys.sorted()
    let id = ids.isEmpty || random.below(20) == 0 ? 1 + random.below(50) : ids[random.below(ids.count)]
    let start = random.below(39)
    let end = start + 1 + random.below(40 - start)
    switch random.below(24) {
    case 0...3:
      let fresh = index.nextId()
      let key = random.below(30)
      // As the engine does: what a new version replaces is dropped.
      if let old = model.holder(key) {
        model.rows[old] = nil
        index.drop(old)
      }
      model.put(fresh, key, step)
      index.put(entry(fresh, key, step))
    case 4:
      guard let row = model.rows[id] else { return }
      model.put(id, row.key, step)
      index.put(entry(id, row.key, step))
    case 5...14:
      model.edit(id, start, end, true)
      index.spans(id, start * 10, end * 10)
    case 15...17:
      model.edit(id, start, end, false)
      index.cut(id, start * 10, end * 10)
    case 18...21:
      model.rows[id]?.accessMs = step
      index.touch(id, step)
    case 22:
      model.rows[id] = nil
      index.drop(id)
    default:
      if random.below(30) > 0 || index.health() == .degraded { return }
      model.rows = [:]
      index.clear()
    }
  }

  private func entry(_ id: Int, _ key: Int, _ accessMs: Int) -> Entry {
    plainEntry(id) {
      $0.key = .decimal(key)
      $0.accessMs = accessMs
    }
  }

  private func stored(_ bench: IndexBench) throws -> [String] {
    XCTAssertEqual(bench.counts.forgotten, 0)
    var spans: [Int: [Int]] = [:]
    for row in try Inspector.rows(dir, "SELECT entry_id, start_byte, end_byte FROM span ORDER BY 1, 2", 3) {
      spans[row[0], default: []] += [row[1], row[2]]
    }
    let rows = try Inspector.rows(dir, "SELECT id, access_ms FROM entry ORDER BY id", 2)
    XCTAssertEqual(Set(spans.keys).subtracting(rows.map { $0[0] }), [], "no span without its entry")
    return rows.map { "\($0[0]) \($0[1]) \(spans[$0[0]] ?? [])" }
  }
}
