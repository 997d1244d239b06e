/// What the data files are made with.
package struct SpanFilesOptions {
  package var loop: EventLoop
  /// Where the pieces come from that `read` gives.
  package var pool: BufferPool
  /// Descriptors kept open at most.
  package var openFilesMax: Int
  /// Of them, files that were not read since they were opened, those being closed among them; `openFilesMax` without.
  package var unreadFilesMax: Int?
  /// Ids from here on have no file before their first write in this run (`CacheIndex.firstId`).
  package var firstNewId: Int
  /// Failures that no callback carries: closing a descriptor, asking for free space.
  package var onError: (Error) -> Void
  /// The file system, for tests that need a full or broken one; nil is the machine's.
  package var calls: FileCalls?

  package init(
    loop: EventLoop,
    pool: BufferPool,
    openFilesMax: Int,
    unreadFilesMax: Int? = nil,
    firstNewId: Int,
    onError: @escaping (Error) -> Void,
    calls: FileCalls? = nil
  ) {
    self.loop = loop
    self.pool = pool
    self.openFilesMax = openFilesMax
    self.unreadFilesMax = unreadFilesMax
    self.firstNewId = firstNewId
    self.onError = onError
    self.calls = calls
  }
}

/// Counts for the statistics.
package struct SpanFilesCounts: Equatable, Sendable {
  package let open: Int
  package let waiting: Int
}

/// Descriptors that may be on their way to being closed while others are opened; a phone's process has few.
let closingMax = 8
