/// The index on disk: a journal of what the engine holds in memory, so that a hit costs no write and the engine never
/// waits for it. Changes are queued and written in small transactions with a pause between them, by a thread of the
/// index's own: a phone's flash may take a while.
///
/// It never throws an operating error: what SQLite refuses is told to `onError` and tried again, the queue stays
/// bounded meanwhile, and a database beyond use is moved aside for a fresh one. Playback does not depend on it.
import Dispatch
import ReelcacheCore
import SQLite3

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Rows that may wait, as a multiple of a transaction's.
private let queueBatchesMax = 100
/// A failing index is tried again after `journalMs`, doubled each time up to this multiple.
private let retryFactorMax = 64
/// How long the start waits for another process that has the database locked, in milliseconds.
private let openBusyMs = 1_000
/// Files that one step of the sweep deletes.
private let sweepStep = 64

/// Opens the index of a directory that this process holds. What fails is told to `onError`, and tried again.
package func openCacheIndex(_ dir: String, _ options: CacheIndexOptions) -> CacheIndex {
  CacheIndex(dir, options)
}

package final class CacheIndex: @unchecked Sendable {
  private let dataDir: String
  private let options: CacheIndexOptions
  private let loop: EventLoop
  private let disk: IndexDisk
  private var queue: IndexQueue
  private var timer: LoopTimer?
  /// Counts what `loop.later` was asked for and given up again: only the latest call counts.
  private var turn = 0
  private var turnPending = false
  /// The transaction that the index's thread is writing.
  private var writing: IndexWrite?
  /// 0 while all is well, else the factor of the next retry's delay.
  private var retryFactor = 0
  private var firstIdOfRun = -1
  private var nextIdOfRun = -1
  /// Rows from this id on were never loaded and are not of this run: they go before anything is written; -1 none.
  private var fenceId = -1
  private var clears = false
  /// Data files without a row, for the sweep.
  private var strays: [Int] = []
  private var written = 0
  /// Rows to write before the next wait.
  private var left = 0
  private var closed = false

  package init(_ dir: String, _ options: CacheIndexOptions) {
    precondition(options.journalRowsMax > 0, "a transaction has rows")
    dataDir = "\(dir)/data"
    self.options = options
    loop = options.loop
    disk = IndexDisk(dir, dataDir)
    queue = indexQueue(options.journalRowsMax * queueBatchesMax)
  }

  /// All entries with their spans, as far as their files go; call it once, first. An index that cannot be read loads
  /// as empty.
  package func load() -> [StoredEntry] {
    loop.assertHere()
    precondition(firstIdOfRun == -1, "the index is loaded once")
    let files = scanDataFiles(dataDir)
    for error in files.errors { options.onError(error) }
    var outcome = tryLoad()
    // A database beyond use has been moved aside: the second try makes a fresh one.
    if case .again = outcome { outcome = tryLoad() }
    var usable: LoadedIndex?
    if case .loaded(let index) = outcome { usable = index }
    // R-INDEX-1
    firstIdOfRun = max(usable?.idMax ?? 0, files.ids.max() ?? 0) + 1
    nextIdOfRun = firstIdOfRun
    guard let usable else {
      fenceId = firstIdOfRun
      schedule()
      return []
    }
    for (id, start, end) in usable.lost { cut(id, start, end) }
    for id in usable.dead { drop(id) }
    retryFactor = 0
    let known = Set(usable.entries.map { $0.id })
    strays = files.ids.filter { !known.contains($0) }
    return usable.entries
  }

  /// The first id that `nextId` gives in this run: from here on no data file exists yet.
  package func firstId() -> Int {
    precondition(firstIdOfRun > 0, "the index is loaded first")
    return firstIdOfRun
  }

  /// An id that no entry of this directory has had.
  package func nextId() -> Int {
    precondition(nextIdOfRun > 0, "the index is loaded first")
    nextIdOfRun += 1
    return nextIdOfRun - 1
  }

  /// Queues an entry's row, without its spans: those are told one by one, as their bytes are in the file.
  package func put(_ entry: StoredEntry) {
    loop.assertHere()
    let row = EntryRow(
      id: entry.id,
      key: entry.key,
      url: entry.url,
      finalUrl: entry.finalUrl,
      kind: entry.kind,
      fields: entry.fields,
      total: entry.total,
      requestMs: entry.requestMs,
      responseMs: entry.responseMs,
      targetDurationMs: entry.targetDurationMs,
      accessMs: entry.accessMs,
      pinned: entry.pinned
    )
    queuePut(&queue, row)
    schedule()
  }

  /// Queues a stored span, end exclusive. Its bytes must be in the file, and its entry put before.
  package func spans(_ id: Int, _ start: Int, _ end: Int) {
    loop.assertHere()
    // R-INDEX-13
    precondition(0 <= start && start < end && end <= integerMax, "a span has bytes")
    queueEdit(&queue, id, SpanEdit(kind: .add, start: start, end: end))
    schedule()
  }

  /// Queues that bytes are not stored any more, end exclusive.
  package func cut(_ id: Int, _ start: Int, _ end: Int) {
    loop.assertHere()
    queueEdit(&queue, id, SpanEdit(kind: .cut, start: start, end: end))
    schedule()
  }

  /// Queues the time of an access, in milliseconds since the epoch; the latest one counts.
  package func touch(_ id: Int, _ accessMs: Int) {
    loop.assertHere()
    queueTouch(&queue, id, accessMs)
    schedule()
  }

  /// Queues the end of an entry; what waits for it is not written any more. Its file is the caller's to remove.
  package func drop(_ id: Int) {
    loop.assertHere()
    queueDrop(&queue, id)
    schedule()
  }

  /// Forgets all entries, at once.
  package func clear() {
    loop.assertHere()
    // What is on its way to the disk must be there, or back in the queue, before both are emptied.
    settle()
    queueClear(&queue)
    clears = true
    flush()
  }

  /// Writes all that waits, before it returns, unless the database refuses.
  package func flush() {
    loop.assertHere()
    stopTimers()
    settle()
    var moved = false
    while pending() {
      let write = begin()
      disk.queue.sync { disk.perform(write) }
      let outcome = ended(write)
      // A fresh database deserves one try.
      if outcome == .refused || (outcome == .moved && moved) { break }
      moved = outcome == .moved
    }
    schedule()
  }

  /// Writes all that waits and closes the database. Nothing may be queued afterwards.
  package func close() {
    if closed { return }
    flush()
    closed = true
    stopTimers()
    do {
      try disk.queue.sync { try disk.close(retryFactor == 0) }
    } catch {
      options.onError(error)
    }
  }

  /// "degraded" while what is queued cannot be written.
  package func health() -> IndexHealth {
    retryFactor == 0 ? .ok : .degraded
  }

  package func counts() -> CacheIndexCounts {
    loop.assertHere()
    return CacheIndexCounts(
      queued: queueRows(queue),
      written: written,
      forgotten: queue.forgotten,
      strays: strays.count
    )
  }

  /// Deletes the data files that had no row at the start, a few at a time; `done` gets how many went.
  package func sweep(_ done: @escaping (Int) -> Void) {
    loop.assertHere()
    loop.later { self.sweepOn(0, done) }
  }

  private func sweepOn(_ removed: Int, _ done: @escaping (Int) -> Void) {
    // R-INDEX-10
    let ids = closed ? [] : Array(strays.suffix(sweepStep))
    if ids.isEmpty {
      done(removed)
      return
    }
    strays.removeLast(ids.count)
    let sweep = IndexSweep(dataDir, ids) { [self] sweep in
      for error in sweep.errors { options.onError(error) }
      sweepOn(removed + sweep.removed, done)
    }
    DispatchQueue.global(qos: .utility).async { [loop] in
      sweep.perform()
      loop.queue.async { sweep.end() }
    }
  }

  private func tryLoad() -> LoadOutcome {
    do {
      return .loaded(try disk.queue.sync { try disk.load(openBusyMs) })
    } catch {
      return failed(error) ? .again : .failed
    }
  }

  private func pending() -> Bool {
    clears || fenceId != -1 || queueRows(queue) > 0
  }

  /// Starts what leads to the next write: at once for what is due, else in a while.
  private func schedule() {
    precondition(!closed, "nothing is queued in a closed index")
    if turnPending || writing != nil || !pending() { return }
    let due = retryFactor == 0 ? queueDue(queue, options.journalRowsMax) : 0
    if due > 0 {
      stopTimers()
      left = due
      runLater()
      return
    }
    if timer != nil { return }
    timer = loop.after(options.journalMs * max(1, retryFactor)) { [weak self] in
      guard let self else { return }
      self.left = queueRows(self.queue)
      self.run()
    }
  }

  private func runLater() {
    turnPending = true
    let own = turn
    loop.later { [weak self] in
      guard let self, self.turn == own else { return }
      self.run()
    }
  }

  /// Writes one batch; the next one follows after the events that came meanwhile, until what waited is written.
  private func run() {
    stopTimers()
    let write = begin()
    disk.queue.async { [disk, loop] in
      disk.perform(write)
      loop.queue.async {
        // A flush may have settled it before.
        guard self.writing === write else { return }
        let before = self.written
        let outcome = self.ended(write)
        self.left -= self.written - before
        let goesOn = outcome == .written && self.left > 0 && self.pending()
        if goesOn { self.runLater() } else { self.schedule() }
      }
    }
  }

  private func stopTimers() {
    timer?.cancel()
    timer = nil
    turn += 1
    turnPending = false
  }

  /// Waits for the transaction that is on its way, if there is one.
  private func settle() {
    guard let write = writing else { return }
    disk.queue.sync {}
    _ = ended(write)
  }

  private func begin() -> IndexWrite {
    let batch = queueBatch(queue, options.journalRowsMax)
    queueTake(&queue, batch)
    let write = IndexWrite(batch, clears, fenceId)
    writing = write
    return write
  }

  private func ended(_ write: IndexWrite) -> WriteOutcome {
    writing = nil
    if let error = write.error {
      // R-INDEX-12: the batch waits again. A row that the schema refuses would be refused for ever.
      if (error as? SqliteError)?.primary == SQLITE_CONSTRAINT {
        queueWritten(&queue, write.batch)
      } else {
        queueBack(&queue, write.batch)
      }
      return failed(error) ? .moved : .refused
    }
    queueWritten(&queue, write.batch)
    written += batchRows(write.batch)
    clears = false
    fenceId = -1
    retryFactor = 0
    return .written
  }

  /// Notes a failure; true when the database was beyond use and is out of the way.
  private func failed(_ error: Error) -> Bool {
    options.onError(error)
    retryFactor = min(max(1, retryFactor * 2), retryFactorMax)
    if !isCorrupt(error) { return false }
    do {
      try disk.queue.sync { try disk.moveAside() }
      return true
    } catch {
      options.onError(error)
      return false
    }
  }
}

private enum LoadOutcome {
  case loaded(LoadedIndex)
  case again
  case failed
}

private enum WriteOutcome {
  case written
  case moved
  case refused
}
