/// What the index and the data folder say when the proxy starts, and where they disagree: a row counts only as far as
/// its file goes, and a file without a row is nobody's.
import ReelcacheCore
import SQLite3

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the index holds of one entry: the engine's own type.
package typealias StoredEntry = Entry

/// What was loaded.
struct LoadedIndex {
  var entries: [StoredEntry] = []
  /// Ids of rows that are no use any more.
  var dead: [Int] = []
  /// Spans that the files do not have.
  var lost: [(id: Int, start: Int, end: Int)] = []
  /// Highest id that the database ever held.
  var idMax = 0
}

/// Data files found by name, and the folders that could not be read.
struct DataFiles {
  var ids: [Int] = []
  var errors: [FileError] = []
}

/// Entries and spans in file order, reconciled with the files' sizes. Throws SQLite's error, or `ForeignIndex`.
func loadIndex(_ connection: SqliteConnection, _ dataDir: String) throws -> LoadedIndex {
  var loaded = LoadedIndex()
  var spans = SpanRows(
    try connection.prepare("SELECT entry_id, start_byte, end_byte FROM span ORDER BY entry_id, start_byte")
  )
  let rows = try connection.prepare(
    """
    SELECT id, key, url, final_url, kind, fields, total, request_ms, response_ms, target_duration_ms, access_ms,
       pinned FROM entry ORDER BY id
    """
  )
  defer {
    spans.rows.finish()
    rows.finish()
  }
  while try rows.step() {
    let id = rows.int(0)
    loaded.idMax = max(loaded.idMax, id)
    guard let entry = entryOf(rows, try spans.of(id)) else {
      loaded.dead.append(id)
      continue
    }
    clipToFile(entry, dataDir, &loaded)
    // R-INDEX-5: without a byte an entry says nothing, unless it is known to be empty or somebody pinned it.
    if entry.spans.isEmpty && entry.total != 0 && !entry.pinned {
      loaded.dead.append(id)
    } else {
      loaded.entries.append(entry)
    }
  }
  loaded.idMax = max(loaded.idMax, try connection.integer("SELECT seq FROM sqlite_sequence WHERE name = 'entry'") ?? 0)
  // Past it the next id would be no exact number to the reference.
  if loaded.idMax >= integerMax { throw ForeignIndex(description: "index.sqlite has no ids left") }
  return loaded
}

/// Ids of all data files, by their names alone. Whatever else lies in the folders is left alone.
func scanDataFiles(_ dataDir: String) -> DataFiles {
  var found = DataFiles()
  for byte in 0..<256 {
    let folder = String(dataFileName(byte).prefix(2))
    do throws(FileError) {
      for name in try folderNames("\(dataDir)/\(folder)") {
        let id = dataFileId(folder, name)
        if id > 0 { found.ids.append(id) }
      }
    } catch {
      if error.code != ENOENT { found.errors.append(error) }
    }
  }
  return found
}

/// The span rows, read along with the entries: both come in order of id.
private struct SpanRows {
  let rows: SqliteStatement
  /// The statement stands on a row that belongs to none of the ids asked for so far.
  private var standing = false
  private var over = false

  init(_ rows: SqliteStatement) {
    self.rows = rows
  }

  /// The spans of an id, which must be above the one before.
  mutating func of(_ id: Int) throws(SqliteError) -> SpanSet {
    var spans: SpanSet = []
    while try stand() && rows.int(0) <= id {
      if rows.isInt(0) && rows.int(0) == id && rows.isInt(1) && rows.isInt(2) {
        appendSpan(&spans, rows.int(1), rows.int(2))
      }
      standing = false
    }
    return spans
  }

  private mutating func stand() throws(SqliteError) -> Bool {
    if !standing && !over {
      standing = try rows.step()
      over = !standing
    }
    return standing
  }
}

/// A row as an entry, or nil when a value is not what it must be: the file may come from anywhere.
private func entryOf(_ row: SqliteStatement, _ spans: SpanSet) -> StoredEntry? {
  guard let key = row.text(1).flatMap(wireText), let url = row.text(2).flatMap(wireText) else { return nil }
  guard let finalUrl = row.text(3).flatMap(wireText), let fields = row.text(5).flatMap(wireFields) else { return nil }
  guard let kind = row.text(4).flatMap({ EntryKind(rawValue: String(decoding: $0, as: UTF8.self)) }) else { return nil }
  let counts: [Int32] = [0, 7, 8, 9, 10]
  guard counts.allSatisfy({ isCount(row, $0) }), row.isInt(6) else { return nil }
  let total = row.int(6)
  guard total == -1 || isCount(row, 6), total == -1 || (spans.last ?? 0) <= total else { return nil }
  return Entry(
    id: row.int(0),
    key: key,
    url: url,
    finalUrl: finalUrl,
    kind: kind,
    fields: fields,
    total: total,
    spans: spans,
    requestMs: row.int(7),
    responseMs: row.int(8),
    targetDurationMs: row.int(9),
    accessMs: row.int(10),
    pinned: row.isInt(11) && row.int(11) == 1
  )
}

private func isCount(_ row: SqliteStatement, _ column: Int32) -> Bool {
  row.isInt(column) && isCount(row.int(column))
}

private func isCount(_ value: Int) -> Bool {
  value >= 0 && value <= integerMax
}

/// Adds the next span in order of start, merged with the one before when they touch.
private func appendSpan(_ spans: inout SpanSet, _ start: Int, _ end: Int) {
  if !isCount(start) || !isCount(end) || end <= start { return }
  let last = spans.count - 1
  if last < 0 || start > spans[last] {
    spans += [start, end]
  } else {
    spans[last] = max(spans[last], end)
  }
}

/// Takes what the file does not have from the spans, and notes it as lost.
private func clipToFile(_ entry: StoredEntry, _ dataDir: String, _ loaded: inout LoadedIndex) {
  guard let end = entry.spans.last else { return }
  // R-INDEX-8: what cannot be read is as good as gone.
  let size = max(0, fileSize("\(dataDir)/\(dataFileName(entry.id))"))
  if size >= end { return }
  loaded.lost.append((entry.id, size, end))
  spanClip(&entry.spans, size)
}
