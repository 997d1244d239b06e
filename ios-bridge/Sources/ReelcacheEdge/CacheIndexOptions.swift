/// What the index is made with.
package struct CacheIndexOptions {
  package var loop: EventLoop
  /// Time between two journal writes, in milliseconds.
  package var journalMs: Int
  /// Rows in one transaction; as many queued ones start it at once.
  package var journalRowsMax: Int
  /// Told of every failure that is not the caller's, on the loop.
  package var onError: (Error) -> Void

  package init(loop: EventLoop, journalMs: Int, journalRowsMax: Int, onError: @escaping (Error) -> Void) {
    self.loop = loop
    self.journalMs = journalMs
    self.journalRowsMax = journalRowsMax
    self.onError = onError
  }
}

/// Counts for the statistics.
package struct CacheIndexCounts: Equatable, Sendable {
  package let queued: Int
  package let written: Int
  package let forgotten: Int
  package let strays: Int
}

/// "degraded" while what is queued cannot be written.
package enum IndexHealth: String, Sendable {
  case ok
  case degraded
}
