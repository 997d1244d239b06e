import Dispatch
import Glibc
@testable import ReelcacheCore
@testable import ReelcacheEdge
import SQLite3

private let directory = heldDirectory()
private let folder = directory.dir
private let loop = EventLoop(label: "fuzz")
private let now = 1_800_000_000_000

/// Rows of any values in the index, and files of any sizes beside it: what is loaded is sound, and the proxy serves it
/// without a trap. For some inputs the index is started as a whole, twice: the second start finds what the first left.
func fuzzIndex(_ input: [UInt8]) {
  var reader = InputReader(input)
  if access("\(folder)/index.sqlite", F_OK) != 0 { _ = start { _, _ in } }
  makeFiles(reader.byte())
  writeRows(&reader)
  if let loaded = loadRows() {
    checkEntries(loaded.entries)
    check(loaded.entries.allSatisfy { $0.id <= loaded.idMax }, "an id is given again")
    serve(loaded.entries, loaded.idMax + 1)
  }
  if digest(input) % 32 == 0 { startTwice() }
}

private func startTwice() {
  var first: [String] = []
  var second: [String] = []
  let told = start { _, entries in first = entries.map(line) }
  let toldAgain = start { index, entries in
    second = entries.map(line)
    check(entries.allSatisfy { $0.id < index.firstId() }, "an id is given again")
  }
  check(told || toldAgain || first == second, "a second start finds something else: \(first) \(second)")
}

/// What the start reads, without the rest of the start, which costs a hundred times as much.
private func loadRows() -> LoadedIndex? {
  do {
    // Statements live as long as their connection.
    let connection = try SqliteConnection("\(folder)/index.sqlite", 0)
    defer { connection.close() }
    return try loadIndex(connection, directory.dataDir)
  } catch {
    check(isNoIdLeft("\(error)"), "\(error)")
    return nil
  }
}

private func digest(_ input: [UInt8]) -> UInt64 {
  input.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// The only fault that rows alone can have.
private func isNoIdLeft(_ error: String) -> Bool {
  error.hasSuffix("no ids left")
}

/// Opens the index, hands over what it holds and closes it; true when the index told of a problem.
private func start(_ body: (CacheIndex, [Entry]) -> Void) -> Bool {
  let told = Told()
  loop.queue.sync {
    let options = CacheIndexOptions(loop: loop, journalMs: 60_000, journalRowsMax: 100) { told.errors.append("\($0)") }
    let index = openCacheIndex(folder, options)
    body(index, index.load())
    index.close()
  }
  for error in told.errors { check(isNoIdLeft(error), error) }
  return !told.errors.isEmpty
}

private final class Told: @unchecked Sendable {
  var errors: [String] = []
}

private func line(_ entry: Entry) -> String {
  "\(entry.id) \(entry.key) \(entry.url) \(entry.kind) \(entry.fields) \(entry.total) \(entry.spans) \(entry.pinned)"
}

private func checkEntries(_ entries: [Entry]) {
  check(Set(entries.map { $0.id }).count == entries.count, "an id stands twice")
  check(Set(entries.map { $0.key }).count == entries.count, "a key stands twice")
  for entry in entries {
    check(entry.id >= 0 && entry.id < integerMax, "an id is no id")
    check(entry.fields.count % 2 == 0, "a field without a value")
    check(entry.total >= -1 && entry.total <= integerMax, "a total is no length")
    let times = [entry.requestMs, entry.responseMs, entry.targetDurationMs, entry.accessMs]
    check(times.allSatisfy { $0 >= 0 && $0 <= integerMax }, "a time is no time")
    check(entry.spans.count % 2 == 0, "a span without an end")
    var last = -1
    for offset in entry.spans {
      check(offset > last, "spans are out of order")
      last = offset
    }
    check(entry.total == -1 || last <= entry.total, "a span leaves the resource")
  }
}

/// What the engine does with entries: plan, read, answer, evict.
private func serve(_ entries: [Entry], _ firstId: Int) {
  let state = newProxyState(coreOptions(), firstId, 0)
  loadEntries(state, entries)
  for entry in entries.prefix(6) where isUpstreamUrl(entry.url) {
    for (at, range) in ["", "bytes=0-", "bytes=-1", "bytes=1-2"].enumerated() {
      let form: UrlForm = at % 2 == 0 ? .query : .path
      ask(state, proxiedUpstreamUrl("", form, withoutFragment(entry.url)), ByteString(utf8: range))
    }
  }
  proxyTick(state, now + 100_000)
  clearProxy(state)
  check(countBytes(state) == 0, "bytes are left in an empty cache")
}

private func ask(_ state: ProxyState, _ target: ByteString, _ range: ByteString) {
  let request = PlayerRequest(
    method: "GET",
    target: target,
    httpMinor: 1,
    fields: range.isEmpty ? ["Host", "localhost:1"] : ["Host", "localhost:1", "Range", range],
    localAddress: "127.0.0.1",
    localPort: 1,
    close: false
  )
  guard case .exchange(let exchange) = admitRequest(state, request, now) else { return }
  startExchange(state, exchange, now)
  var steps = 0
  while steps < 20, let body = exchange.body, let cursor = exchange.cursor {
    if nextStep(state, exchange, now) != .disk { break }
    let end = readerDiskEnd(body, cursor)
    check(end > cursor.offset, "a read from the file brings nothing")
    readerAdvanced(state, exchange, end, now)
    steps += 1
  }
  exchangeEnded(state, exchange, now)
}

private func withoutFragment(_ url: ByteString) -> ByteString {
  let mark = url.indexOf("#")
  return mark < 0 ? url : url.slice(0, mark)
}

private func coreOptions() -> CoreOptions {
  CoreOptions(
    limits: defaultLimits,
    policy: .media,
    keyRules: KeyRules(dropParameters: [], keepParameters: nil),
    keyUrl: { $0 },
    secret: "",
    allowedHosts: [],
    allowUpstream: [],
    playlistFreshMs: 300_000,
    ignoreNoStore: false,
    validateOutdated: false,
    apart: true,
    shared: false,
    heuristicPercent: 0,
    startAhead: false,
    delivery: .all,
    headMs: 0,
    headSegments: 0,
    offlineFilter: false,
    offlineMs: 0,
    warmFirst: false,
    cors: true,
    keepAlive: true,
    forwardFields: [],
    requestFields: [],
    responseFields: [],
    maxCacheBytes: 1_000_000,
    resigns: false
  )
}

/// Data files of the ids 1 to 4, each absent, empty or of some size.
private func makeFiles(_ choice: Int) {
  for id in 1...4 {
    let path = "\(folder)/data/\(dataFileName(id))"
    let size = [-1, 0, 100, 1 << 40][choice >> ((id - 1) * 2) & 3]
    unlink(path)
    if size < 0 { continue }
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    check(file >= 0 && ftruncate(file, size) == 0, "no file \(path): \(errno)")
    close(file)
  }
}

private let emptied = "BEGIN; DELETE FROM entry; DELETE FROM span; DELETE FROM sqlite_sequence"

/// Replaces all rows. A value that the database itself refuses, such as a second of a key, is no row.
private func writeRows(_ reader: inout InputReader) {
  var database: OpaquePointer?
  check(sqlite3_open("\(folder)/index.sqlite", &database) == SQLITE_OK, "the index cannot be opened")
  defer { sqlite3_close(database) }
  run(database, "PRAGMA synchronous = OFF")
  run(database, emptied)
  let entry = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
  var rows = 0
  while !reader.isEmpty && rows < 40 {
    switch reader.byte() % 4 {
    case 0, 1:
      insert(database, entry, entryValues(&reader))
    case 2:
      insert(database, "INSERT INTO span VALUES (?, ?, ?)", [value(&reader), value(&reader), value(&reader)])
    default:
      insert(database, "INSERT INTO sqlite_sequence VALUES ('entry', ?)", [value(&reader)])
    }
    // A row for whose id no number is left undoes all before it.
    if sqlite3_get_autocommit(database) != 0 { run(database, emptied) }
    rows += 1
  }
  run(database, "COMMIT")
}

private enum Value {
  case null
  case integer(Int64)
  case real(Double)
  case text([UInt8])
  case blob([UInt8])
}

/// A sound entry in which some columns are replaced by anything: 12 columns of noise would never pass for a row.
private func entryValues(_ reader: inout InputReader) -> [Value] {
  let id = Int64(reader.byte() % 5)
  var values: [Value] = [
    .integer(id), .text(Array("k\(id)".utf8)), .text(Array("https://h/\(id).ts".utf8)),
    .text(Array("https://h/\(id).ts".utf8)), .text(Array("media".utf8)),
    .text(Array("[\"Content-Type\",\"video/mp2t\",\"ETag\",\"\\\"v\\\"\"]".utf8)), .integer(1_000),
    .integer(Int64(now - 2)), .integer(Int64(now - 1)), .integer(0), .integer(Int64(now)), .integer(0),
  ]
  for _ in 0..<reader.byte() % 4 {
    values[reader.byte() % values.count] = value(&reader)
  }
  return values
}

private func value(_ reader: inout InputReader) -> Value {
  switch reader.byte() % 10 {
  case 0: return .null
  case 1: return .integer(reader.word())
  case 2, 3: return .integer(Int64(reader.byte()))
  case 4: return .integer(Int64(integerMax) - 2 + Int64(reader.byte() % 5))
  case 5: return .real(Double(bitPattern: UInt64(bitPattern: reader.word())))
  case 6: return .blob(reader.take(reader.byte()))
  default: return .text(reader.take(reader.byte()))
  }
}

private func insert(_ database: OpaquePointer?, _ sql: String, _ values: [Value]) {
  var statement: OpaquePointer?
  check(sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK, "\(sql) is no statement")
  defer { sqlite3_finalize(statement) }
  // SQLITE_TRANSIENT: SQLite copies what it is given.
  let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  for (at, value) in values.enumerated() {
    let column = Int32(at + 1)
    switch value {
    case .null: sqlite3_bind_null(statement, column)
    case .integer(let number): sqlite3_bind_int64(statement, column, number)
    case .real(let number): sqlite3_bind_double(statement, column, number)
    case .text(let bytes):
      // Terminated, since no bytes at all would be no text but NULL.
      let text = (bytes + [0]).map { CChar(bitPattern: $0) }
      sqlite3_bind_text(statement, column, text, Int32(bytes.count), copied)
    case .blob(let bytes):
      _ = bytes.withUnsafeBytes { sqlite3_bind_blob(statement, column, $0.baseAddress, Int32($0.count), copied) }
    }
  }
  sqlite3_step(statement)
}

private func run(_ database: OpaquePointer?, _ sql: String) {
  let done = sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK
  check(done, "\(sql): \(sqlite3_errmsg(database).map { String(cString: $0) } ?? "")")
}

/// A directory of our own, in memory where there is such a file system.
private func heldDirectory() -> HeldDirectory {
  let base = getenv("REELCACHE_FUZZ_FOLDER").map { String(cString: $0) } ?? "/tmp"
  let path = "\(base)/reelcache-fuzz-\(getpid())"
  guard case .held(let directory) = prepareDirectory(path) else { fatalError("\(path) cannot be had") }
  for id in 1...4 { mkdir("\(directory.dataDir)/\(dataFileName(id).prefix(2))", 0o700) }
  return directory
}
