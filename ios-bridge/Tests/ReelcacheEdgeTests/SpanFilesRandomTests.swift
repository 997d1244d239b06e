import Foundation
import XCTest

@testable import ReelcacheEdge

final class SpanFilesRandomTests: StorageTestCase {
  func testWhateverTheDiskRefusesEveryOperationEndsEveryByteIsRightAndNoDescriptorIsLost() throws {
    for seed in 1...4 {
      try? FileManager.default.removeItem(atPath: dir)
      try makeFolders(dataDir, 0o700)
      let crowd = Crowd(loop, dataDir, seed)
      let done: Pending<Void> = loop.start { done in crowd.start { done(()) } }
      try done.value()
      XCTAssertEqual(crowd.wrong, [], "seed \(seed)")
      XCTAssertEqual(crowd.descriptors.value, 0, "seed \(seed)")
      XCTAssertLessThanOrEqual(crowd.descriptors.most, 3, "seed \(seed)")
      XCTAssertEqual(crowd.operations, 800, "seed \(seed)")
      XCTAssertGreaterThan(crowd.reads, 10, "seed \(seed)")
      loop.until("all pieces are back") { crowd.pool.counts().taken == 0 }
    }
  }
}

/// Operations on a few files at once, each followed by the next, on a disk that refuses at random; all on the loop.
private final class Crowd: @unchecked Sendable {
  let pool: BufferPool
  let descriptors = Tally()
  private(set) var wrong: [String] = []
  private(set) var operations = 0
  private(set) var reads = 0
  private let loop: EventLoop
  private var random: StorageRandom
  private var made: SpanFiles?
  /// Bytes written so far, by id; an id that is gone is removed, and none comes back.
  private var ends: [Int: Int] = [:]
  private var writing: Set<Int> = []
  private var nextId = 1
  private var underWay = 0
  private var done: (() -> Void)?

  init(_ loop: EventLoop, _ dataDir: String, _ seed: Int) {
    self.loop = loop
    random = StorageRandom(seed)
    pool = BufferPool(loop, 65_536, 4)
    let options = SpanFilesOptions(
      loop: loop,
      pool: pool,
      openFilesMax: 3,
      unreadFilesMax: 2,
      firstNewId: 1,
      onError: { _ in },
      calls: calls()
    )
    made = SpanFiles(dataDir, options)
  }

  func start(_ done: @escaping () -> Void) {
    self.done = done
    for _ in 0..<12 { next() }
  }

  private var files: SpanFiles {
    guard let made else { preconditionFailure("made with the crowd") }
    return made
  }

  /// A disk that refuses one call in eight, and writes short.
  private func calls() -> FileCalls {
    let real = realFileCalls(loop)
    var calls = real
    calls.open = { [unowned self] name, flags, mode, done in
      if refuses(), let code = [EMFILE, ENFILE, EIO].dropFirst(random.below(3)).first {
        loop.later { done(FileError(code, "injected"), -1) }
        return
      }
      real.open(name, flags, mode) { error, descriptor in
        if error == nil { self.descriptors.add(1) }
        done(error, descriptor)
      }
    }
    calls.writev = { [unowned self] descriptor, buffers, position, done in
      if refuses() {
        loop.later { done(FileError(ENOSPC, "injected"), 0) }
      } else {
        real.writev(descriptor, [(buffers.first ?? Data()).prefix(1 + random.below(4_000))], position, done)
      }
    }
    calls.read = { [unowned self] descriptor, room, position, done in
      if refuses() {
        loop.later { done(FileError(EIO, "injected"), 0) }
      } else {
        real.read(descriptor, room, position, done)
      }
    }
    calls.close = { [unowned self] descriptor, done in
      descriptors.add(-1)
      real.close(descriptor, done)
    }
    return calls
  }

  private func refuses() -> Bool { random.below(8) == 0 }

  private func next() {
    if operations == 800 {
      if underWay == 0, let done {
        self.done = nil
        files.closeAll(done)
      }
      return
    }
    operations += 1
    underWay += 1
    let ids = ends.keys.sorted()
    let id = ids.isEmpty ? 0 : ids[random.below(ids.count)]
    switch random.below(10) {
    case _ where ids.count < 3: write(newId())
    case 0: remove(id)
    case 1: files.sync(id) { _ in self.ended() }
    case 2...4 where !writing.contains(id): write(id)
    case 5: write(newId())
    default: read(id)
    }
  }

  private func newId() -> Int {
    nextId += 1
    ends[nextId - 1] = 0
    return nextId - 1
  }

  private func write(_ id: Int) {
    guard let start = ends[id] else { return ended() }
    writing.insert(id)
    let bytes = patternBytes(id, start, 1 + random.below(20_000))
    let cut = random.below(bytes.count)
    files.write(id, [bytes.prefix(cut), bytes.dropFirst(cut)], start) { error in
      self.writing.remove(id)
      if error == nil && self.ends[id] != nil { self.ends[id] = start + bytes.count }
      if let error, ![ENOSPC, EIO, ENOENT, EMFILE, ENFILE].contains(error.code) { self.wrong.append("write \(error)") }
      self.ended()
    }
  }

  private func read(_ id: Int) {
    guard let end = ends[id], end > 0 else {
      loop.later { self.ended() }
      return
    }
    let start = random.below(end)
    let length = min(end - start, 1 + random.below(40_000))
    files.read(id, start, length) { error, bytes in
      if error == nil {
        self.reads += 1
        if bytes != patternBytes(id, start, length) {
          self.wrong.append("\(id) at \(start): \(bytes.count) of \(length)")
        }
      } else if let error, ![EIO, ENOENT, EMFILE, ENFILE].contains(error.code) {
        self.wrong.append("read \(error)")
      }
      self.ended()
    }
  }

  private func remove(_ id: Int) {
    ends[id] = nil
    files.remove(id) { error in
      if let error { self.wrong.append("remove \(error)") }
      self.ended()
    }
  }

  private func ended() {
    underWay -= 1
    next()
  }
}
