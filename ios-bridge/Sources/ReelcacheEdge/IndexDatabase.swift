/// The index database: its schema, how it is opened, and how a batch is written (docs/formats.md).
///
/// The SQL keeps to what SQLite 3.24 knows (upsert), since a phone brings its own SQLite: no STRICT, no RETURNING.
import ReelcacheCore
import SQLite3

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// "reel" in ASCII: tells an index of ours from any other database.
package let applicationId = 0x7265_656c

/// One string a version: `user_version` counts those that were run. Never edit one that was released; append.
private let migrations = [
  """
  CREATE TABLE entry (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE,
      url TEXT NOT NULL,
      final_url TEXT NOT NULL,
      kind TEXT NOT NULL,
      fields TEXT NOT NULL,
      total INTEGER NOT NULL,
      request_ms INTEGER NOT NULL,
      response_ms INTEGER NOT NULL,
      target_duration_ms INTEGER NOT NULL,
      access_ms INTEGER NOT NULL,
      pinned INTEGER NOT NULL
    );
    CREATE TABLE span (
      entry_id INTEGER NOT NULL,
      start_byte INTEGER NOT NULL,
      end_byte INTEGER NOT NULL,
      PRIMARY KEY (entry_id, start_byte)
    ) WITHOUT ROWID;
  """
]

/// Databases moved aside that are kept, newest last.
private let asideMax = 2

/// A sound database that is not an index this version can use.
struct ForeignIndex: Error, CustomStringConvertible {
  let description: String
}

/// The open database, used by one thread at a time. Statements are prepared once.
final class IndexDatabase {
  let connection: SqliteConnection
  private let newerHolder: SqliteStatement
  private let deleteKeySpans: SqliteStatement
  private let deleteKey: SqliteStatement
  private let upsert: SqliteStatement
  private let deleteEntry: SqliteStatement
  private let deleteSpans: SqliteStatement
  private let hasEntry: SqliteStatement
  private let near: SqliteStatement
  private let deleteNear: SqliteStatement
  private let insertSpan: SqliteStatement
  private let touch: SqliteStatement
  private let fenceSpans: SqliteStatement
  private let fenceEntries: SqliteStatement

  fileprivate init(_ connection: SqliteConnection) throws(SqliteError) {
    self.connection = connection
    newerHolder = try connection.prepare("SELECT 1 FROM entry WHERE key = ? AND id > ?")
    deleteKeySpans = try connection.prepare(
      "DELETE FROM span WHERE entry_id IN (SELECT id FROM entry WHERE key = ? AND id < ?)"
    )
    deleteKey = try connection.prepare("DELETE FROM entry WHERE key = ? AND id < ?")
    upsert = try connection.prepare(
      """
      INSERT INTO entry (id, key, url, final_url, kind, fields, total, request_ms, response_ms, target_duration_ms,
         access_ms, pinned)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET key = excluded.key, url = excluded.url, final_url = excluded.final_url,
         kind = excluded.kind, fields = excluded.fields, total = excluded.total, request_ms = excluded.request_ms,
         response_ms = excluded.response_ms, target_duration_ms = excluded.target_duration_ms,
         access_ms = excluded.access_ms, pinned = excluded.pinned
      """
    )
    deleteEntry = try connection.prepare("DELETE FROM entry WHERE id = ?")
    deleteSpans = try connection.prepare("DELETE FROM span WHERE entry_id = ?")
    hasEntry = try connection.prepare("SELECT 1 FROM entry WHERE id = ?")
    near = try connection.prepare(
      """
      SELECT start_byte, end_byte FROM span WHERE entry_id = ? AND start_byte <= ? AND end_byte >= ? ORDER BY start_byte
      """
    )
    deleteNear = try connection.prepare("DELETE FROM span WHERE entry_id = ? AND start_byte <= ? AND end_byte >= ?")
    insertSpan = try connection.prepare("INSERT INTO span (entry_id, start_byte, end_byte) VALUES (?, ?, ?)")
    touch = try connection.prepare("UPDATE entry SET access_ms = ? WHERE id = ?")
    fenceSpans = try connection.prepare("DELETE FROM span WHERE entry_id >= ?")
    fenceEntries = try connection.prepare("DELETE FROM entry WHERE id >= ?")
  }

  /// Writes a batch in one transaction; throws SQLite's error, and then nothing of it is written.
  func write(_ batch: Batch, _ clears: Bool, _ fenceId: Int) throws(SqliteError) {
    try connection.transaction { () throws(SqliteError) in
      if clears { try connection.exec("DELETE FROM span; DELETE FROM entry") }
      if fenceId >= 0 {
        try fenceSpans.run(fenceId)
        try fenceEntries.run(fenceId)
      }
      for part in batch.changes {
        if part.change.dropped {
          try deleteEntry.run(part.id)
          try deleteSpans.run(part.id)
        }
        if let row = part.change.row { try writeRow(row) }
        for edit in part.change.edits { try writeEdit(part.id, edit) }
      }
      for note in batch.touches { try touch.run(note.accessMs, note.id) }
    }
  }

  private func writeRow(_ row: EntryRow) throws(SqliteError) {
    let key = storedText(row.key)
    for statement in [newerHolder, deleteKeySpans, deleteKey] {
      try statement.bindText(1, key)
      try statement.bind(2, row.id)
      // R-INDEX-3: a key names its newest entry; an older one that still holds it gives way.
      if try statement.run() { return }
    }
    try upsert.bind(1, row.id)
    try upsert.bindText(2, key)
    try upsert.bindText(3, storedText(row.url))
    try upsert.bindText(4, storedText(row.finalUrl))
    try upsert.bindText(5, Array(row.kind.rawValue.utf8))
    try upsert.bindText(6, storedFields(row.fields))
    try upsert.bind(7, row.total)
    try upsert.bind(8, row.requestMs)
    try upsert.bind(9, row.responseMs)
    try upsert.bind(10, row.targetDurationMs)
    try upsert.bind(11, row.accessMs)
    try upsert.bind(12, row.pinned ? 1 : 0)
    try upsert.run()
  }

  private func writeEdit(_ id: Int, _ edit: SpanEdit) throws(SqliteError) {
    // R-INDEX-4: spans that overlap or touch become one row; a span without an entry is none.
    let known = try hasEntry.run(id)
    if edit.kind == .add && !known { return }
    var first = edit.start
    var last = edit.end
    try near.bind(1, id)
    try near.bind(2, edit.end)
    try near.bind(3, edit.start)
    var rows = 0
    while try near.step() {
      if rows == 0 { first = near.int(0) }
      last = near.int(1)
      rows += 1
    }
    try deleteNear.run(id, edit.end, edit.start)
    if edit.kind == .add {
      try insertSpan.run(id, min(first, edit.start), max(last, edit.end))
      return
    }
    if first < edit.start { try insertSpan.run(id, first, edit.start) }
    if last > edit.end { try insertSpan.run(id, edit.end, last) }
  }
}

/// Opens the index of a directory, made anew when there is none. Waits `busyMs` for a lock of another process, and
/// never later. Throws SQLite's error, the file system's, or `ForeignIndex`.
func openIndexDatabase(_ dir: String, _ busyMs: Int) throws -> IndexDatabase {
  let file = indexPath(dir)
  // SQLite would create it readable for all; its -wal and -shm files take the mode of the database.
  try closeFile(openFile(file, O_WRONLY | O_CREAT | O_APPEND, fileMode))
  let connection = try SqliteConnection(file, busyMs)
  do {
    try connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304")
    try migrate(connection)
    connection.setBusyTimeout(0)
    return try IndexDatabase(connection)
  } catch {
    connection.close()
    throw error
  }
}

/// Whether an error says that the database itself is beyond use, so that only a fresh one helps.
func isCorrupt(_ error: Error) -> Bool {
  guard let failure = error as? SqliteError else { return error is ForeignIndex }
  // SQLITE_ERROR: a table or column is missing that the version promises.
  return [SQLITE_ERROR, SQLITE_NOTADB, SQLITE_CORRUPT].contains(failure.primary)
}

/// Moves the database out of the way, for a person to look at; returns its new name. The last two are kept.
@discardableResult
func moveAside(_ dir: String) throws -> String {
  // R-INDEX-7
  let prefix = "index.sqlite.corrupt-"
  var numbers: [Int] = []
  for name in try folderNames(dir) where name.hasPrefix(prefix) {
    let rest = name.dropFirst(prefix.count)
    let digits = rest.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
    if digits, rest.utf8.count <= 9, let number = Int(rest) { numbers.append(number) }
  }
  numbers.sort()
  for number in numbers.prefix(max(0, numbers.count - asideMax + 1)) {
    for suffix in ["", "-wal", "-shm"] { try removeFile("\(dir)/\(prefix)\(number)\(suffix)") }
  }
  let target = "\(dir)/\(prefix)\((numbers.last ?? 0) + 1)"
  for suffix in ["-shm", "-wal", ""] where fileSize("\(indexPath(dir))\(suffix)") >= 0 {
    try renameFile("\(indexPath(dir))\(suffix)", "\(target)\(suffix)")
  }
  return target
}

private func indexPath(_ dir: String) -> String {
  "\(dir)/index.sqlite"
}

private func migrate(_ connection: SqliteConnection) throws {
  let id = try connection.integer("PRAGMA application_id") ?? 0
  let version = try connection.integer("PRAGMA user_version") ?? 0
  let objects = try connection.integer("SELECT count(*) FROM sqlite_master") ?? 0
  if objects > 0 && id != applicationId {
    throw ForeignIndex(description: "index.sqlite is not an index of reelcache")
  }
  if version > migrations.count {
    throw ForeignIndex(description: "index.sqlite has version \(version), made by a newer release")
  }
  if version == migrations.count { return }
  // R-INDEX-2
  try connection.transaction { () throws(SqliteError) in
    for sql in migrations.dropFirst(max(0, version)) { try connection.exec(sql) }
    try connection.exec("PRAGMA application_id = \(applicationId)")
    try connection.exec("PRAGMA user_version = \(migrations.count)")
  }
}
