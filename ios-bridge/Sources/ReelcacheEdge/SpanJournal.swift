/// Between the data files and the index: a span's row is queued only once its bytes would survive a loss of power. One
/// file is synchronised at a time, off the loop, so that reads are not held up behind it; nothing waits for it but rows.
import ReelcacheCore

package struct SpanJournalParts {
  package var loop: EventLoop
  /// Makes a file's bytes durable (fdatasync).
  package var sync: (_ id: Int, _ done: @escaping (FileError?) -> Void) -> Void
  /// Queues a span's row.
  package var record: (_ id: Int, _ start: Int, _ end: Int) -> Void
  /// Time over which the spans of a file gather before it is synchronised, in milliseconds.
  package var journalMs: Int
  package var onError: (Error) -> Void

  package init(
    loop: EventLoop,
    sync: @escaping (_ id: Int, _ done: @escaping (FileError?) -> Void) -> Void,
    record: @escaping (_ id: Int, _ start: Int, _ end: Int) -> Void,
    journalMs: Int,
    onError: @escaping (Error) -> Void
  ) {
    self.loop = loop
    self.sync = sync
    self.record = record
    self.journalMs = journalMs
    self.onError = onError
  }
}

package final class SpanJournal: @unchecked Sendable {
  private let parts: SpanJournalParts
  /// Spans that wait for their file's synchronisation, by entry id, oldest file first.
  private var waiting = OrderedMap<Int, SpanSet>()
  private var syncing = -1
  private var timer: LoopTimer?
  private var flushed: (() -> Void)?

  package init(_ parts: SpanJournalParts) {
    self.parts = parts
  }

  /// The bytes from `start` to `end` (exclusive) of an entry are in its file.
  package func add(_ id: Int, _ start: Int, _ end: Int) {
    parts.loop.assertHere()
    if waiting.change(id, { spanAdd(&$0, start, end) }) == nil {
      var spans: SpanSet = []
      spanAdd(&spans, start, end)
      waiting.set(id, spans)
    }
    if timer == nil && syncing == -1 {
      timer = parts.loop.after(parts.journalMs) { [weak self] in self?.next() }
    }
  }

  /// The entry is gone: its spans get no row.
  package func drop(_ id: Int) {
    parts.loop.assertHere()
    waiting.remove(id)
    if syncing == id { syncing = 0 }
  }

  /// Queues every row; calls `done` once that is so.
  package func flush(_ done: @escaping () -> Void) {
    parts.loop.assertHere()
    flushed = done
    if syncing == -1 { next() }
  }

  private func next() {
    timer?.cancel()
    timer = nil
    guard let (id, spans) = waiting.first else {
      let done = flushed
      flushed = nil
      done?()
      return
    }
    waiting.remove(id)
    syncing = id
    parts.sync(id) { [self] error in
      // R-CACHE-6: 0 when the entry was dropped meanwhile; what cannot be made durable gets no row.
      if let error { parts.onError(error) } else if syncing == id { record(id, spans) }
      syncing = -1
      next()
    }
  }

  private func record(_ id: Int, _ spans: SpanSet) {
    var at = 0
    while at + 1 < spans.count {
      parts.record(id, spans[at], spans[at + 1])
      at += 2
    }
  }
}
