import SQLite3

/// What SQLite refused, by its extended code.
struct SqliteError: Error, Equatable, CustomStringConvertible {
  let code: Int32
  let message: String

  /// The kind of failure without its detail.
  var primary: Int32 { code & 0xff }

  /// "SQLITE_BUSY".
  var name: String {
    for row in sqliteNames where row.code == primary { return row.name }
    return "SQLITE_\(primary)"
  }

  var description: String { "\(name): \(message)" }
}

/// A database, used by one thread at a time. Statements are prepared once and live as long as it does.
final class SqliteConnection {
  private var handle: OpaquePointer?
  private var statements: [SqliteStatement] = []

  /// Opens or creates the database; a lock of another process is waited for at most `busyMs`. Throws `SqliteError`.
  init(_ path: String, _ busyMs: Int) throws(SqliteError) {
    var flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    #if os(iOS) || os(tvOS) || os(watchOS) || os(visionOS)
      // For the -wal and -shm files as well, whatever the app's own default is.
      flags |= SQLITE_OPEN_FILEPROTECTION_COMPLETEUNTILFIRSTUSERAUTHENTICATION
    #endif
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    if code != SQLITE_OK {
      let error = SqliteError(code: handle.map(sqlite3_extended_errcode) ?? code, message: message())
      close()
      throw error
    }
    sqlite3_extended_result_codes(handle, 1)
    setBusyTimeout(busyMs)
  }

  deinit { close() }

  func setBusyTimeout(_ milliseconds: Int) {
    sqlite3_busy_timeout(handle, Int32(clamping: milliseconds))
  }

  /// Runs statements that take and give nothing.
  func exec(_ sql: String) throws(SqliteError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil))
  }

  func prepare(_ sql: String) throws(SqliteError) -> SqliteStatement {
    var statement: OpaquePointer?
    try check(sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
    let prepared = SqliteStatement(self, statement)
    statements.append(prepared)
    return prepared
  }

  /// The first column of the first row as an integer; nil when there is no row.
  func integer(_ sql: String) throws(SqliteError) -> Int? {
    let statement = try prepare(sql)
    defer { statement.finish() }
    return try statement.step() ? statement.int(0) : nil
  }

  /// Runs `body` in a transaction that writes; when it throws, nothing of it is written.
  func transaction(_ body: () throws(SqliteError) -> Void) throws(SqliteError) {
    try exec("BEGIN IMMEDIATE")
    do throws(SqliteError) {
      try body()
      try exec("COMMIT")
    } catch {
      // SQLite has rolled back by itself after some errors, and what it says then is of no interest.
      if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
      throw error
    }
  }

  /// Once closed it can do nothing more; a second call does nothing.
  func close() {
    for statement in statements { statement.finish() }
    statements = []
    sqlite3_close_v2(handle)
    handle = nil
  }

  fileprivate func check(_ code: Int32) throws(SqliteError) {
    if code != SQLITE_OK { throw SqliteError(code: code, message: message()) }
  }

  fileprivate func message() -> String {
    handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
  }
}

/// A prepared statement. Parameters and columns are numbered as SQLite does it: from 1 and from 0.
final class SqliteStatement {
  private unowned let connection: SqliteConnection
  private var handle: OpaquePointer?

  fileprivate init(_ connection: SqliteConnection, _ handle: OpaquePointer?) {
    self.connection = connection
    self.handle = handle
  }

  func bind(_ index: Int32, _ value: Int) throws(SqliteError) {
    try connection.check(sqlite3_bind_int64(handle, index, Int64(value)))
  }

  /// Binds UTF-8 text, which may hold zero bytes.
  func bindText(_ index: Int32, _ utf8: [UInt8]) throws(SqliteError) {
    // SQLite takes a copy: SQLITE_TRANSIENT, which is a cast that Swift does not import.
    let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    // An empty array may have no address, which would bind NULL: the zero is there for it.
    let code = (utf8 + [0]).withUnsafeBytes { bytes in
      let text = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      return sqlite3_bind_text(handle, index, text, Int32(clamping: utf8.count), copied)
    }
    try connection.check(code)
  }

  /// Goes to the next row; false when there is none, and then the statement can be run anew.
  func step() throws(SqliteError) -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    // Said before the reset, which would say it again.
    let error = code == SQLITE_DONE ? nil : SqliteError(code: code, message: connection.message())
    sqlite3_reset(handle)
    if let error { throw error }
    return false
  }

  /// Runs a statement that gives no rows, or of which only the first matters; true when there was one.
  @discardableResult
  func run(_ values: Int...) throws(SqliteError) -> Bool {
    for (at, value) in values.enumerated() { try bind(Int32(at + 1), value) }
    defer { sqlite3_reset(handle) }
    return try step()
  }

  /// Whether the column holds an integer.
  func isInt(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_INTEGER }

  func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }

  /// The UTF-8 of a text column; nil when it holds no text.
  func text(_ column: Int32) -> [UInt8]? {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT else { return nil }
    guard let start = sqlite3_column_text(handle, column) else { return nil }
    return Array(UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  func finish() {
    sqlite3_finalize(handle)
    handle = nil
  }
}

/// The primary codes.
private let sqliteNames: [(code: Int32, name: String)] = [
  (SQLITE_ERROR, "SQLITE_ERROR"),
  (SQLITE_INTERNAL, "SQLITE_INTERNAL"),
  (SQLITE_PERM, "SQLITE_PERM"),
  (SQLITE_ABORT, "SQLITE_ABORT"),
  (SQLITE_BUSY, "SQLITE_BUSY"),
  (SQLITE_LOCKED, "SQLITE_LOCKED"),
  (SQLITE_NOMEM, "SQLITE_NOMEM"),
  (SQLITE_READONLY, "SQLITE_READONLY"),
  (SQLITE_INTERRUPT, "SQLITE_INTERRUPT"),
  (SQLITE_IOERR, "SQLITE_IOERR"),
  (SQLITE_CORRUPT, "SQLITE_CORRUPT"),
  (SQLITE_NOTFOUND, "SQLITE_NOTFOUND"),
  (SQLITE_FULL, "SQLITE_FULL"),
  (SQLITE_CANTOPEN, "SQLITE_CANTOPEN"),
  (SQLITE_PROTOCOL, "SQLITE_PROTOCOL"),
  (SQLITE_SCHEMA, "SQLITE_SCHEMA"),
  (SQLITE_TOOBIG, "SQLITE_TOOBIG"),
  (SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"),
  (SQLITE_MISMATCH, "SQLITE_MISMATCH"),
  (SQLITE_MISUSE, "SQLITE_MISUSE"),
  (SQLITE_NOLFS, "SQLITE_NOLFS"),
  (SQLITE_AUTH, "SQLITE_AUTH"),
  (SQLITE_RANGE, "SQLITE_RANGE"),
  (SQLITE_NOTADB, "SQLITE_NOTADB"),
]
