import Foundation
import XCTest

@testable import ReelcacheEdge

/// Files that are written and not read: few descriptors, whatever comes at once, and nobody else waits for them.
final class SpanFilesUnreadTests: StorageTestCase {
  func testFilesThatNobodyReadTakeFewDescriptorsThoseBeingClosedAmongThem() throws {
    let open = Tally()
    let real = realFileCalls(loop)
    var calls = real
    calls.open = { name, flags, mode, done in
      open.add(1)
      real.open(name, flags, mode) { error, descriptor in
        if error != nil { open.add(-1) }
        done(error, descriptor)
      }
    }
    calls.close = { descriptor, done in
      real.close(descriptor) { error in
        open.add(-1)
        done(error)
      }
    }
    let bench = FileBench(self, loop, dataDir, openFilesMax: 10, unreadFilesMax: 3, calls: calls)
    let ids = Array(1...20)
    try writeAndSync(bench, ids)
    XCTAssertEqual(loop.run { open.most }, 3)
    for id in ids { XCTAssertEqual(try bench.read(id, 10, 100).bytes(), patternBytes(id, 10, 100)) }
    XCTAssertEqual(bench.counts.open, 10, "those that are read stay open")
    loop.until("the files that were read and gave way are closed") { open.value == 10 }
    loop.run { open.most = 0 }
    try writeAndSync(bench, ids.map { $0 + 20 })
    XCTAssertLessThanOrEqual(loop.run { open.most }, 13, "three more at most, while others are being closed")
    try bench.close()
    XCTAssertEqual(loop.run { open.value }, 0)
  }

  func testWhoReadsDoesNotWaitBehindThoseWhoWrite() throws {
    let held = HeldCalls(loop)
    let holds = Tally()
    let real = realFileCalls(loop)
    var calls = real
    calls.writev = { descriptor, buffers, position, done in
      let write = { real.writev(descriptor, buffers, position, done) }
      if holds.value > 0 { held.hold(write) } else { write() }
    }
    let bench = FileBench(self, loop, dataDir, openFilesMax: 10, unreadFilesMax: 2, calls: calls)
    for id in 1...3 { XCTAssertNil(try bench.write(id, [patternBytes(id, 0, 100)], 0).value()) }
    loop.run { holds.value = 1 }
    let writes = (4...7).map { bench.write($0, [patternBytes($0, 0, 100)], 0) }
    loop.until("two writes are under way") { held.count == 2 }
    XCTAssertEqual(bench.counts.waiting, 2, "the others have no descriptor yet")
    XCTAssertEqual(try bench.read(1, 0, 100).bytes(), patternBytes(1, 0, 100))
    let readAndWritten = bench.write(1, [patternBytes(1, 100, 100)], 100)
    loop.until("a file that is read is written without a wait") { held.count == 3 }
    loop.run { holds.value = 0 }
    held.letGo()
    for write in writes + [readAndWritten] { XCTAssertNil(try write.value()) }
    for id in 4...7 { XCTAssertEqual(try bench.read(id, 0, 100).bytes(), patternBytes(id, 0, 100)) }
    try bench.close()
  }

  func testAFileReadOnTheLoopNoLongerCountsAsUnread() throws {
    let bench = FileBench(self, loop, dataDir, openFilesMax: 10, unreadFilesMax: 1)
    for id in 1...5 {
      XCTAssertNil(try bench.write(id, [patternBytes(id, 0, 100)], 0).value())
      XCTAssertEqual(loop.run { bench.files.readNow(id, 0, 100) }, patternBytes(id, 0, 100))
    }
    XCTAssertEqual(bench.counts.open, 5)
    try bench.close()
  }

  /// All at once.
  private func writeAndSync(_ bench: FileBench, _ ids: [Int]) throws {
    let ends = ids.map { id in
      loop.start { done in
        bench.files.write(id, [patternBytes(id, 0, 1_000)], 0) { error in
          if let error { done(error) } else { bench.files.sync(id, done) }
        }
      } as Pending<FileError?>
    }
    for end in ends { XCTAssertNil(try end.value()) }
  }
}
