import Dispatch

/// The index's thread and the database that only it touches. The loop hands it a transaction at a time, or waits for
/// it by `queue.sync`; it never waits for the loop.
final class IndexDisk: @unchecked Sendable {
  let queue = DispatchQueue(label: "reelcache.index", qos: .utility)
  private let dir: String
  private let dataDir: String
  private var database: IndexDatabase?

  init(_ dir: String, _ dataDir: String) {
    self.dir = dir
    self.dataDir = dataDir
  }

  /// Opens the database if need be and reads it. Throws an operating error.
  func load(_ busyMs: Int) throws -> LoadedIndex {
    dispatchPrecondition(condition: .onQueue(queue))
    return try loadIndex(opened(busyMs).connection, dataDir)
  }

  /// Writes one transaction, and notes in it what failed.
  func perform(_ write: IndexWrite) {
    dispatchPrecondition(condition: .onQueue(queue))
    do {
      try opened(0).write(write.batch, write.clears, write.fenceId)
    } catch {
      write.error = error
    }
  }

  /// Closes the database and moves it out of the way. Throws the file system's error.
  func moveAside() throws {
    dispatchPrecondition(condition: .onQueue(queue))
    database?.connection.close()
    database = nil
    try ReelcacheEdge.moveAside(dir)
  }

  /// Closes the database, the journal written into it if `checkpoint`. Throws SQLite's error, closed all the same.
  func close(_ checkpoint: Bool) throws {
    dispatchPrecondition(condition: .onQueue(queue))
    guard let database else { return }
    self.database = nil
    defer { database.connection.close() }
    if checkpoint { try database.connection.exec("PRAGMA wal_checkpoint(TRUNCATE)") }
  }

  private func opened(_ busyMs: Int) throws -> IndexDatabase {
    if let database { return database }
    let fresh = try openIndexDatabase(dir, busyMs)
    database = fresh
    return fresh
  }
}

/// One transaction: handed from the loop to the index's thread and back, and never held by both.
final class IndexWrite: @unchecked Sendable {
  let batch: Batch
  let clears: Bool
  let fenceId: Int
  var error: Error?

  init(_ batch: Batch, _ clears: Bool, _ fenceId: Int) {
    self.batch = batch
    self.clears = clears
    self.fenceId = fenceId
  }
}
