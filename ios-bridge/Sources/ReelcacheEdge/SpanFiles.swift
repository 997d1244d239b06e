/// The data files: one sparse file an entry, each byte at its own offset in the representation (docs/formats.md).
///
/// Callbacks: this is the byte path. A descriptor serves reads and writes alike, is opened when the first byte needs
/// it, and stays open until it is the least recently used one of `openFilesMax`. One with an operation under way is
/// never closed; when all are busy, the next opening waits for one of them. Of files that nobody reads there are fewer:
/// their bytes went to the players from memory, and only the next write or the journal needs them open.
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How long an answer to "how much is free?" is good for, in milliseconds.
private let freeBytesMs = 1_000
/// Longest read on the loop, in bytes: a whole piece, since the way to a thread and back costs more than the copy.
private let readNowBytesMax = 262_144
/// A read on the loop that takes this long has found the disk cold, or the processor busy: there are no more for a
/// while, which is short, since the two look alike. In milliseconds.
private let readNowSlowMs = 2
private let readNowPauseMs = 25

package final class SpanFiles: @unchecked Sendable {
  package typealias Done = (FileError?) -> Void
  package typealias ReadDone = (FileError?, Data) -> Void

  private let dataDir: String
  private let loop: EventLoop
  private let pool: BufferPool
  private let firstNewId: Int
  private let onError: (Error) -> Void
  private let calls: FileCalls
  private let unreadFilesMax: Int
  private var openFilesMax: Int
  /// Files open or opening, least recently used first.
  private var files = OrderedMap<Int, SpanFile>()
  /// Files that wait until a descriptor may be opened, first come first served.
  private var queue: [SpanFile] = []
  /// Files with a descriptor that nobody has read, in order of their opening; until it is really closed.
  private var unread = OrderedMap<ObjectIdentifier, SpanFile>()
  /// Ids from `firstNewId` on whose file has been created.
  private var created: Set<Int> = []
  private var open = 0
  /// Descriptors on their way to being closed.
  private var closing = 0
  /// Closes and removals under way.
  private var ending = 0
  private var knownFreeBytes = -1
  private var freeBytesAtMs = Int.min
  /// Until then nothing is read on the loop.
  private var readNowAtMs = Int.min
  private var closed = false
  private var onClosed: (() -> Void)?

  package init(_ dataDir: String, _ options: SpanFilesOptions) {
    precondition(options.openFilesMax > 0, "at least one file may be open")
    self.dataDir = dataDir
    loop = options.loop
    pool = options.pool
    openFilesMax = options.openFilesMax
    unreadFilesMax = options.unreadFilesMax ?? options.openFilesMax
    precondition(unreadFilesMax > 0, "at least one file may be written")
    firstNewId = options.firstNewId
    onError = options.onError
    calls = options.calls ?? realFileCalls(options.loop)
  }

  /// Writes the buffers at `position`. The file comes into being with the first byte of a new id; a file that was there
  /// and is gone is ENOENT, since a new one would pass holes off as its bytes. One write at a time a file. `done` comes
  /// later, never during the call.
  package func write(_ id: Int, _ buffers: [Data], _ position: Int, _ done: @escaping Done) {
    loop.assertHere()
    let creates = id >= firstNewId && !created.contains(id)
    use(id, creates ? .creates : .other, done) { [self] file in
      precondition(!file.writing, "one write in flight a file")
      file.writing = true
      writeRest(file.descriptor, buffers, position) { [self] error in
        file.writing = false
        leave(file)
        done(error)
      }
    }
  }

  /// Reads up to `length` bytes at `position`, at most a pool's piece. Fewer: the file ends there. The bytes are a piece
  /// of the pool, given back when the last reference to them is gone.
  package func read(_ id: Int, _ position: Int, _ length: Int, _ done: @escaping ReadDone) {
    loop.assertHere()
    use(id, .reads, { done($0, Data()) }) { [self] file in
      let room = ReadRoom(pool, length)
      calls.read(file.descriptor, room.bytes, position) { [self] error, bytesRead in
        leave(file)
        done(error, room.data(error == nil ? bytesRead : 0))
      }
    }
  }

  /// What `read` would give, at once: for small reads, of which the way to another thread and back costs the most. Nil
  /// when the file is not open, when the bytes are too many or not all there, and for a while after the disk was slow:
  /// then `read` answers. The loop waits for the disk no longer than one such read takes.
  package func readNow(_ id: Int, _ position: Int, _ length: Int) -> Data? {
    loop.assertHere()
    let startMs = calls.nowMs()
    if length > readNowBytesMax || startMs < readNowAtMs || closed { return nil }
    guard let file = files[id], file.descriptor != -1, !file.removed else { return nil }
    files.remove(id)
    files.set(id, file)
    wasRead(file)
    let room = ReadRoom(pool, length)
    let count = (try? calls.readSync(file.descriptor, room.bytes, position)) ?? -1
    let endMs = calls.nowMs()
    if endMs - startMs >= readNowSlowMs { readNowAtMs = endMs + readNowPauseMs }
    let data = room.data(max(0, count))
    return count == length ? data : nil
  }

  /// Makes the bytes of a file survive a loss of power.
  package func sync(_ id: Int, _ done: @escaping Done) {
    loop.assertHere()
    use(id, .other, done) { [self] file in
      calls.fdatasync(file.descriptor) { [self] error in
        leave(file)
        done(error)
      }
    }
  }

  /// Unlinks a file. Operations under way complete; no others may follow. A file that is not there is no error.
  package func remove(_ id: Int, _ done: @escaping Done) {
    loop.assertHere()
    let file = files[id]
    file?.removed = true
    created.remove(id)
    if let file, file.descriptor == -1 {
      // R-DISK-7: unlinking now could come before the opening that creates the file, and leave it behind.
      file.waiting.append { [self] _ in unlinkData(id, done) }
      return
    }
    if let file { closeWhenIdle(file) }
    unlinkData(id, done)
    pump()
  }

  /// Size of an id's file in bytes, -1 when there is none. Not for the byte path.
  package func size(_ id: Int) -> Int {
    calls.sizeSync(path(id))
  }

  /// Free bytes on the disk for this user, at most a second old; -1 when they cannot be told.
  package func freeBytes() -> Int {
    loop.assertHere()
    let nowMs = calls.nowMs()
    if freeBytesAtMs != Int.min && nowMs - freeBytesAtMs < freeBytesMs { return knownFreeBytes }
    freeBytesAtMs = nowMs
    do {
      knownFreeBytes = try calls.freeBytesSync(dataDir)
    } catch {
      knownFreeBytes = -1
      onError(error)
    }
    return knownFreeBytes
  }

  /// Closes everything once the operations under way are done; later ones fail with EBADF.
  package func closeAll(_ done: @escaping () -> Void) {
    loop.assertHere()
    precondition(!closed, "files are closed once")
    closed = true
    onClosed = done
    let waiting = queue
    queue = []
    for file in waiting { opened(file, closedError()) }
    for file in allFiles() { closeWhenIdle(file) }
    ended(0)
  }

  package func counts() -> SpanFilesCounts {
    loop.assertHere()
    return SpanFilesCounts(open: open, waiting: queue.count)
  }

  /// Calls `action` with the id's file open and held, or `failed` when it cannot be opened.
  private func use(_ id: Int, _ how: FileUse, _ failed: @escaping Done, _ action: @escaping (SpanFile) -> Void) {
    if closed {
      loop.later { failed(closedError()) }
      return
    }
    let known = files.remove(id)
    let file = known ?? SpanFile(id)
    // The last of the map is the most recently used.
    files.set(id, file)
    if known == nil {
      queue.append(file)
      if how != .reads && unread.count >= unreadFilesMax { closeIdle(firstIdle(unread)) }
    } else if file.removed {
      loop.later { failed(FileError(ENOENT, "the data file was removed")) }
      return
    }
    file.uses += 1
    if how == .reads { wasRead(file) }
    if file.descriptor != -1 {
      action(file)
      return
    }
    if how == .creates { file.creates = true }
    file.waiting.append { error in
      if let error {
        file.uses -= 1
        failed(error)
      } else {
        action(file)
      }
    }
    pump()
  }

  private func wasRead(_ file: SpanFile) {
    file.read = true
    if unread.remove(ObjectIdentifier(file)) != nil && !queue.isEmpty { pump() }
  }

  /// The operation is over: an idle file may be closed, if it is removed or others wait for a descriptor.
  private func leave(_ file: SpanFile) {
    file.uses -= 1
    if file.uses > 0 { return }
    let inTheWay = !queue.isEmpty && unread.count >= unreadFilesMax && unread[ObjectIdentifier(file)] != nil
    if file.removed || closed || inTheWay { closeWhenIdle(file) }
    pump()
  }

  /// Opens what waits, closing idle files in order of use to make room.
  private func pump() {
    while !closed {
      guard let at = queue.firstIndex(where: { $0.read || unread.count < unreadFilesMax }) else { return }
      // R-DISK-6
      if open >= openFilesMax && (closing >= closingMax || !closeIdle(firstIdle(files))) { return }
      let file = queue.remove(at: at)
      open += 1
      if !file.read { unread.set(ObjectIdentifier(file), file) }
      openData(file)
    }
  }

  private func firstIdle<Key: Hashable>(_ files: OrderedMap<Key, SpanFile>) -> SpanFile? {
    var idle: SpanFile?
    files.forEach { _, file in
      if file.uses == 0 && file.descriptor != -1 { idle = file }
      return idle == nil
    }
    return idle
  }

  @discardableResult
  private func closeIdle(_ idle: SpanFile?) -> Bool {
    if let idle { closeWhenIdle(idle) }
    return idle != nil
  }

  private func allFiles() -> [SpanFile] {
    var all: [SpanFile] = []
    files.forEach { _, file in
      all.append(file)
      return true
    }
    return all
  }

  /// Closes the file if nothing uses it; otherwise `leave` comes back here.
  private func closeWhenIdle(_ file: SpanFile) {
    if file.uses > 0 || file.descriptor == -1 { return }
    let descriptor = file.descriptor
    file.descriptor = -1
    if files[file.id] === file { files.remove(file.id) }
    // The place is free at once: a waiting opening need not wait for this close, only for one of many.
    open -= 1
    closing += 1
    ending += 1
    calls.close(descriptor) { [self] error in
      closing -= 1
      if let error { onError(error) }
      unread.remove(ObjectIdentifier(file))
      ended(1)
    }
  }

  private func openData(_ file: SpanFile) {
    let creates = file.creates
    // R-DISK-4: a new file begins empty, whatever an earlier run left under its name.
    let flags = O_RDWR | (creates ? O_CREAT | O_TRUNC : 0)
    let name = path(file.id)
    file.alone = open == 1 && ending == 0
    calls.open(name, flags, fileMode) { [self] error, descriptor in
      if error?.code != ENOENT {
        openEnded(file, creates, error, descriptor)
      } else if !creates && file.creates {
        // A write that came while the file was being opened for a reader still creates it.
        openData(file)
      } else if !creates {
        openEnded(file, creates, error, -1)
      } else {
        calls.mkdir(parentFolder(name), folderMode) { [self] folderError in
          if folderError != nil {
            openEnded(file, creates, folderError, -1)
          } else {
            file.alone = open == 1 && ending == 0
            calls.open(name, flags, fileMode) { [self] again, opened in openEnded(file, creates, again, opened) }
          }
        }
      }
    }
  }

  private func openEnded(_ file: SpanFile, _ created: Bool, _ error: FileError?, _ descriptor: Int32) {
    guard let error else {
      file.descriptor = descriptor
      if created && !file.removed { self.created.insert(file.id) }
      opened(file, nil)
      return
    }
    open -= 1
    unread.remove(ObjectIdentifier(file))
    let exhausted = error.code == EMFILE || error.code == ENFILE
    if !exhausted || closed || file.alone {
      opened(file, error)
      return
    }
    // R-DISK-8: the process has fewer descriptors than hoped for. It makes do with what it got, and the file waits
    // until one is really closed.
    openFilesMax = max(1, open)
    onError(error)
    queue.insert(file, at: 0)
    // What was closing may be closed by now: then nobody else would try again.
    if !closeIdle(firstIdle(files)) && open == 0 && ending == 0 { pump() }
  }

  /// Tells all who wait for the file, in order.
  private func opened(_ file: SpanFile, _ error: FileError?) {
    if error != nil && files[file.id] === file { files.remove(file.id) }
    let waiting = file.waiting
    file.waiting = []
    for tell in waiting { tell(error) }
    if error == nil && file.uses == 0 && (file.removed || closed) { closeWhenIdle(file) }
    pump()
    ended(0)
  }

  private func unlinkData(_ id: Int, _ done: @escaping Done) {
    ending += 1
    calls.unlink(path(id)) { [self] error in
      done(error?.code == ENOENT ? nil : error)
      ended(1)
    }
  }

  /// Goes on after a short write until all bytes are in the file.
  private func writeRest(_ descriptor: Int32, _ buffers: [Data], _ position: Int, _ done: @escaping Done) {
    calls.writev(descriptor, buffers, position) { [self] error, written in
      // R-DISK-10: what was full may have room again, so the file stays as it is for the next write.
      if let error {
        done(error)
        return
      }
      let rest = buffersAfter(buffers, written)
      if rest.isEmpty {
        done(nil)
      } else if written == 0 {
        // R-DISK-5: no progress and no error would go on for ever.
        done(FileError(EIO, "the file takes no more bytes"))
      } else {
        writeRest(descriptor, rest, position + written, done)
      }
    }
  }

  private func ended(_ count: Int) {
    ending -= count
    if count > 0 { pump() }
    guard let done = onClosed, ending == 0, files.isEmpty else { return }
    onClosed = nil
    loop.later(done)
  }

  private func path(_ id: Int) -> String {
    "\(dataDir)/\(dataFileName(id))"
  }
}

private func closedError() -> FileError {
  FileError(EBADF, "the data files are closed")
}
