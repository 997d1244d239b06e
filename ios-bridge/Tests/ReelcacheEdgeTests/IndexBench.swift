/// What the tests of the index share: an index that writes only when it is told to, entries with files, and the
/// database as another process sees it.
import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// An hour: nothing is written but by a full batch or a flush.
let neverMs = 3_600_000

/// An index, opened and loaded; failures are collected by name. Every call goes to the loop.
final class IndexBench: @unchecked Sendable {
  let index: CacheIndex
  let entries: [StoredEntry]
  private let loop: EventLoop
  private let dataDir: String
  private let told = Told()

  private final class Told: @unchecked Sendable {
    var names: [String] = []
  }

  init(_ loop: EventLoop, _ dir: String, journalMs: Int = neverMs, journalRowsMax: Int = 100) {
    self.loop = loop
    dataDir = "\(dir)/data"
    let told = told
    let options = CacheIndexOptions(loop: loop, journalMs: journalMs, journalRowsMax: journalRowsMax) { error in
      told.names.append((error as? SqliteError)?.name ?? (error as? FileError)?.name ?? "\(error)")
    }
    let index = openCacheIndex(dir, options)
    self.index = index
    entries = loop.run { index.load() }
  }

  var errors: [String] { loop.run { told.names } }
  /// For who is on the loop already.
  var errorsOnLoop: [String] { told.names }
  var ids: [Int] { entries.map { $0.id } }
  var counts: CacheIndexCounts { loop.run { index.counts() } }
  var health: IndexHealth { loop.run { index.health() } }

  /// Calls the index on the loop.
  @discardableResult
  func on<Answer>(_ body: (CacheIndex) throws -> Answer) rethrows -> Answer {
    try loop.run { try body(index) }
  }

  /// Puts an entry with spans, and makes the file that they speak of.
  func store(_ test: StorageTestCase, _ spans: [Int], _ change: (Entry) -> Void = { _ in }) throws -> Int {
    let id = on { index in
      let id = index.nextId()
      index.put(plainEntry(id, change))
      for at in stride(from: 0, to: spans.count, by: 2) { index.spans(id, spans[at], spans[at + 1]) }
      return id
    }
    try test.makeFile(id, spans.last ?? 0)
    return id
  }

  func sweep() throws -> Int {
    try loop.start { index.sweep($0) }.value()
  }
}

/// The database as another process sees it.
final class Inspector {
  let connection: SqliteConnection

  init(_ dir: String) throws {
    connection = try SqliteConnection("\(dir)/index.sqlite", 0)
  }

  /// All rows of a query for integers.
  func rows(_ sql: String, _ columns: Int32 = 1) throws -> [[Int]] {
    let statement = try connection.prepare(sql)
    defer { statement.finish() }
    var rows: [[Int]] = []
    while try statement.step() { rows.append((0..<columns).map { statement.int($0) }) }
    return rows
  }

  static func rows(_ dir: String, _ sql: String, _ columns: Int32 = 1) throws -> [[Int]] {
    let inspector = try Inspector(dir)
    defer { inspector.connection.close() }
    return try inspector.rows(sql, columns)
  }

  static func exec(_ dir: String, _ sql: String) throws {
    let inspector = try Inspector(dir)
    defer { inspector.connection.close() }
    try inspector.connection.exec(sql)
  }
}
