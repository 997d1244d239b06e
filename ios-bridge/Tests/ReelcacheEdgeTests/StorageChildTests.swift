/// The other process of tests that need one (ChildProcess.swift). In an ordinary run it does nothing.
import Faults
import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class StorageChildTests: XCTestCase {
  private let loop = EventLoop()

  func testIsTheChildOfAnotherTest() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let task = environment[childVariable], let dir = environment[childFolderVariable] else { return }
    switch task {
    case "lock": lock(dir)
    case "write": try writeWithoutEnd(dir)
    case "two writes": try twoWrites(dir)
    case "give twice": giveTwice()
    case "give another": giveAnother()
    default:
      // Asked for by the gate of the sanitizers, which must see it.
      try XCTUnwrap(Fault(rawValue: task), "no such task: \(task)").commit()
    }
  }

  private func lock(_ dir: String) {
    switch prepareDirectory(dir) {
    case .held: print("got it")
    case .refused(let message): print(message)
    }
  }

  private func twoWrites(_ dir: String) throws {
    let files = FileBench(self, loop, dir)
    XCTAssertNil(try files.write(1, [patternBytes(1, 0, 10)], 0).value())
    loop.run {
      files.files.write(1, [patternBytes(1, 10, 10)], 10) { _ in }
      files.files.write(1, [patternBytes(1, 20, 10)], 20) { _ in }
    }
  }

  private func giveTwice() {
    loop.run {
      let pool = BufferPool(loop, 1_024, 2)
      let piece = pool.take()
      pool.give(piece)
      pool.give(piece)
    }
  }

  private func giveAnother() {
    loop.run {
      BufferPool(loop, 1_024, 2).give(UnsafeMutableRawPointer.allocate(byteCount: 1_024, alignment: 16))
    }
  }

  /// Writes pattern bytes to data files and journals them as the engine does, until it is killed. Prints a line with the
  /// spans told so far for each hundred.
  private func writeWithoutEnd(_ dir: String) throws {
    let writer = try StorageWriter(loop, dir)
    loop.run { writer.start() }
    // The parent kills this process; if it dies itself, that is the end as well.
    while getppid() != 1 { usleep(100_000) }
  }
}

/// Writes without end, as the engine does: bytes, then span; every third entry is replaced.
private final class StorageWriter: @unchecked Sendable {
  private let loop: EventLoop
  private let index: CacheIndex
  private let files: SpanFiles
  private var told = 0

  init(_ loop: EventLoop, _ dir: String) throws {
    self.loop = loop
    // The lock of the one killed before must have ended with it.
    guard case .held(let held) = prepareDirectory(dir) else { die(FileError(EBUSY, "locked")) }
    index = openCacheIndex(
      held.dir,
      CacheIndexOptions(loop: loop, journalMs: 2, journalRowsMax: 10, onError: { die($0) })
    )
    let index = index
    files = loop.run {
      _ = index.load()
      let pool = BufferPool(loop, 262_144, 4)
      let options = SpanFilesOptions(
        loop: loop,
        pool: pool,
        openFilesMax: 8,
        firstNewId: index.firstId(),
        onError: { die($0) }
      )
      return SpanFiles(held.dataDir, options)
    }
  }

  func start() {
    for _ in 0..<6 { startFile() }
  }

  private func startFile() {
    let id = index.nextId()
    index.put(plainEntry(id) { $0.key = ByteString(utf8: "key-\(id % 50)") })
    writeFile(id, 0)
  }

  /// Writes the pieces of one file, a hole before each, then goes on with the next id.
  private func writeFile(_ id: Int, _ piece: Int) {
    if piece == 20 {
      if id % 3 != 0 {
        startFile()
        return
      }
      index.drop(id)
      files.remove(id) { error in
        if let error { die(error) }
        self.startFile()
      }
      return
    }
    let start = piece * 10_000 + 100
    let bytes = patternBytes(id, start, 5_000 + (id * 7 + piece) % 4_000)
    files.write(id, [bytes.prefix(1_000), bytes.dropFirst(1_000)], start) { error in
      if let error { die(error) }
      self.index.spans(id, start, start + bytes.count)
      self.index.touch(id, 1_790_000_000_000 + self.told)
      self.told += 1
      if self.told % 100 == 0 { FileHandle.standardOutput.write(ascii("\n\(self.told)\n")) }
      self.writeFile(id, piece + 1)
    }
  }
}

private func die(_ error: Error) -> Never {
  print("failed: \(error)")
  exit(1)
}
