import Foundation
import XCTest

@testable import ReelcacheEdge

final class SpanFilesTests: StorageTestCase {
  func testBytesComeBackFromWhereTheyWereWrittenWithAHoleBeforeThem() throws {
    let bench = FileBench(self, loop, dataDir)
    XCTAssertEqual(bench.files.size(7), -1)
    XCTAssertNil(try bench.write(7, [patternBytes(7, 5_000, 10), patternBytes(7, 5_010, 90)], 5_000).value())
    XCTAssertNil(try bench.write(7, [patternBytes(7, 9_000_000, 100)], 9_000_000).value())
    XCTAssertEqual(try bench.read(7, 5_000, 100).bytes(), patternBytes(7, 5_000, 100))
    let short = try bench.read(7, 9_000_050, 100).bytes()
    XCTAssertEqual(short, patternBytes(7, 9_000_050, 50), "short at the end of the file")
    XCTAssertEqual(bench.files.size(7), 9_000_100)
    XCTAssertEqual(try mode(dataFile(7)), 0o600)
    XCTAssertEqual(try mode("\(dataDir)/07"), 0o700)
    var status = stat()
    XCTAssertEqual(stat(dataFile(7), &status), 0)
    XCTAssertLessThan(Int(status.st_blocks) * 512, 1_000_000, "the hole takes no room")
    try bench.close()
  }

  func testReadsOfEverySizeGiveTheirBytesAndTheirPiecesBack() throws {
    let bench = FileBench(self, loop, dataDir)
    XCTAssertNil(try bench.write(3, [patternBytes(3, 0, 300_000)], 0).value())
    for length in [1, 14, 15, 16_384, 16_385, 65_536, 262_144] {
      XCTAssertEqual(try bench.read(3, 7, length).bytes(), patternBytes(3, 7, length), "\(length) bytes")
      loop.until("the piece is back") { bench.pool.counts().taken == 0 }
    }
    XCTAssertEqual(try bench.read(3, 300_000, 262_144).bytes(), Data(), "behind the end there is nothing")
    loop.until("all pieces are back") { bench.pool.counts().taken == 0 }
    XCTAssertEqual(loop.run { bench.pool.counts().made }, 1, "one piece served them all")
    try bench.close()
  }

  func testASmallReadOfAnOpenFileIsAnsweredAtOnce() throws {
    // On a busy machine a read may take as long as one from a slow disk, after which there are none for a while.
    var calls = realFileCalls(loop)
    calls.nowMs = { 0 }
    let bench = FileBench(self, loop, dataDir, openFilesMax: 1, calls: calls)
    let now = { (id: Int, position: Int, length: Int) in self.loop.run { bench.files.readNow(id, position, length) } }
    XCTAssertNil(now(1, 0, 10), "there is no such file")
    XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 400_000)], 0).value())
    for length in [1, 2_000, 65_536, 262_144] { XCTAssertEqual(now(1, 3, length), patternBytes(1, 3, length)) }
    XCTAssertNil(now(1, 0, 262_145), "too long")
    XCTAssertNil(now(1, 399_999, 2), "not all there")
    XCTAssertNil(try bench.write(2, [patternBytes(2, 0, 10)], 0).value())
    XCTAssertNil(now(1, 0, 10), "its descriptor was closed")
    XCTAssertEqual(now(2, 0, 10), patternBytes(2, 0, 10))
    XCTAssertNil(try bench.remove(2).value())
    XCTAssertNil(now(2, 0, 10))
    try bench.close()
    XCTAssertNil(now(1, 0, 10))
    loop.until("all pieces are back") { bench.pool.counts().taken == 0 }
  }

  func testAfterASlowDiskSmallReadsAreNotAnsweredAtOnceForAWhile() throws {
    let clock = Tally()
    let real = realFileCalls(loop)
    var calls = real
    calls.nowMs = { clock.value }
    calls.readSync = { descriptor, room, position in
      clock.value += Int(clock.code)
      return try real.readSync(descriptor, room, position)
    }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 100)], 0).value())
    let now = { (atMs: Int, tookMs: Int32) in
      self.loop.run {
        clock.value = atMs
        clock.code = tookMs
        return bench.files.readNow(1, 0, 10)
      }
    }
    XCTAssertNotNil(now(1_000, 1))
    XCTAssertNotNil(now(1_001, 5), "what was read is given")
    XCTAssertNil(now(1_007, 0))
    XCTAssertNil(now(1_030, 0))
    XCTAssertEqual(try bench.read(1, 0, 10).bytes(), patternBytes(1, 0, 10), "the other way is open")
    XCTAssertNotNil(now(1_031, 0))
    try bench.close()
  }

  func testANewIdsFileBeginsEmptyWhateverLiesThere() throws {
    // R-DISK-4
    try makeFile(5, 22)
    let bench = FileBench(self, loop, dataDir)
    XCTAssertNil(try bench.write(5, [ascii("new")], 10).value())
    XCTAssertEqual(try bench.read(5, 0, 100).bytes(), Data(count: 10) + ascii("new"))
    try bench.close()
  }

  func testAFileThatIsGoneIsNotMadeAnewByALaterWrite() throws {
    // R-DISK-4
    let bench = FileBench(self, loop, dataDir, openFilesMax: 1)
    XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 100)], 0).value())
    // The one descriptor goes to another file, so that the next write has to open the first one again.
    XCTAssertNil(try bench.write(2, [patternBytes(2, 0, 100)], 0).value())
    try unlinkFile(dataFile(1))
    XCTAssertEqual(try bench.write(1, [patternBytes(1, 200, 100)], 200).value()?.name, "ENOENT")
    XCTAssertEqual(fileSize(dataFile(1)), -1)
    XCTAssertEqual(try bench.read(1, 0, 100).errorName(), "ENOENT")
    try bench.close()
  }

  func testAFileOfAnEarlierRunIsWrittenAndReadNeverEmptied() throws {
    try makeFile(5, 10)
    let bench = FileBench(self, loop, dataDir, openFilesMax: 2, firstNewId: 6)
    XCTAssertNil(try bench.write(5, [ascii("ab")], 10).value())
    XCTAssertEqual(try bench.read(5, 0, 100).bytes(), patternBytes(5, 0, 10) + ascii("ab"))
    XCTAssertEqual(try bench.write(4, [ascii("ab")], 10).value()?.name, "ENOENT")
    try bench.close()
  }

  func testDescriptorsNeverExceedTheLimitAndOneInUseIsNeverClosed() throws {
    // R-DISK-6
    let open = Tally()
    let busy = BusySet()
    let real = realFileCalls(loop)
    var calls = real
    calls.open = { name, flags, mode, done in
      real.open(name, flags, mode) { error, descriptor in
        if error == nil { open.add(1) }
        done(error, descriptor)
      }
    }
    calls.read = { descriptor, room, position, done in
      busy.enter(descriptor)
      real.read(descriptor, room, position) { error, bytes in
        busy.leave(descriptor)
        done(error, bytes)
      }
    }
    calls.close = { descriptor, done in
      XCTAssertFalse(busy.has(descriptor), "closed while idle")
      open.add(-1)
      real.close(descriptor, done)
    }
    let bench = FileBench(self, loop, dataDir, openFilesMax: 3, calls: calls)
    let ids = Array(1...20)
    let writes = ids.map { bench.write($0, [patternBytes($0, 0, 1_000)], 0) }
    for write in writes { XCTAssertNil(try write.value()) }
    let reads = (ids + ids + ids).map { bench.read($0, 10, 100) }
    for (at, read) in reads.enumerated() { XCTAssertEqual(try read.bytes(), patternBytes(at % 20 + 1, 10, 100)) }
    XCTAssertEqual(open.most, 3)
    XCTAssertEqual(bench.counts, SpanFilesCounts(open: 3, waiting: 0))
    try bench.close()
    XCTAssertEqual(open.value, 0)
  }

  func testTheLeastRecentlyUsedIdleFileMakesRoom() throws {
    // R-DISK-6
    let opened = Tally()
    let real = realFileCalls(loop)
    var calls = real
    calls.open = { name, flags, mode, done in
      opened.names.append(String(name.suffix(1)))
      real.open(name, flags, mode, done)
    }
    let bench = FileBench(self, loop, dataDir, openFilesMax: 2, calls: calls)
    for id in [1, 2] { XCTAssertNil(try bench.write(id, [patternBytes(id, 0, 10)], 0).value()) }
    _ = try bench.read(1, 0, 10).bytes()
    XCTAssertNil(try bench.write(3, [patternBytes(3, 0, 10)], 0).value())
    loop.run { opened.names = [] }
    _ = try bench.read(1, 0, 10).bytes()
    XCTAssertEqual(loop.run { opened.names }, [], "the file used last stayed open")
    _ = try bench.read(2, 0, 10).bytes()
    XCTAssertEqual(loop.run { opened.names }, ["2"], "the other one had been closed")
    try bench.close()
  }

  func testDescriptorsOnTheirWayToBeingClosedAreBounded() throws {
    // R-DISK-6
    let held = HeldCalls(loop)
    let opened = Tally()
    let letThrough = Tally()
    let real = realFileCalls(loop)
    var calls = real
    calls.open = { name, flags, mode, done in
      real.open(name, flags, mode) { error, descriptor in
        if error == nil { opened.add(1) }
        done(error, descriptor)
      }
    }
    calls.close = { descriptor, done in
      let close = {
        opened.add(-1)
        real.close(descriptor, done)
      }
      if letThrough.value > 0 { close() } else { held.hold(close) }
    }
    let bench = FileBench(self, loop, dataDir, openFilesMax: 3, unreadFilesMax: 40, calls: calls)
    let writes = (1...40).map { bench.write($0, [patternBytes($0, 0, 10)], 0) }
    loop.until("closes wait") { held.count == closingMax }
    for write in writes[..<(closingMax + 3)] { XCTAssertNil(try write.value()) }
    XCTAssertEqual(loop.run { opened.value }, closingMax + 3, "what is being closed counts as well")
    loop.run { letThrough.add(1) }
    held.letGo()
    for write in writes { XCTAssertNil(try write.value()) }
    XCTAssertEqual(opened.most, closingMax + 3)
    try bench.close()
  }

  func testARemovedFileIsGoneAtOnceAndAReadUnderWayStillGetsItsBytes() throws {
    // R-DISK-7
    let held = HeldCalls(loop)
    let real = realFileCalls(loop)
    var calls = real
    calls.read = { descriptor, room, position, done in held.hold { real.read(descriptor, room, position, done) } }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    XCTAssertNil(try bench.write(9, [patternBytes(9, 0, 100)], 0).value())
    let reading = bench.read(9, 0, 100)
    loop.until("the read is under way") { held.count == 1 }
    XCTAssertNil(try bench.remove(9).value())
    XCTAssertEqual(fileSize(dataFile(9)), -1)
    XCTAssertEqual(try bench.read(9, 0, 100).errorName(), "ENOENT", "a new read finds nothing")
    held.letGo()
    XCTAssertEqual(try reading.bytes(), patternBytes(9, 0, 100))
    XCTAssertEqual(bench.counts, SpanFilesCounts(open: 0, waiting: 0))
    XCTAssertNil(try bench.remove(9).value(), "removing what is not there is no error")
    try bench.close()
  }

  func testAFileRemovedWhileItIsBeingCreatedDoesNotStayBehind() throws {
    // R-DISK-7
    let bench = FileBench(self, loop, dataDir)
    let removed = Pending<FileError?>()
    let written: Pending<FileError?> = loop.start { done in
      bench.files.write(4, [patternBytes(4, 0, 10)], 0, done)
      bench.files.remove(4) { removed.come($0) }
    }
    XCTAssertNil(try written.value())
    XCTAssertNil(try removed.value())
    XCTAssertEqual(fileSize(dataFile(4)), -1)
    try bench.close()
    XCTAssertEqual(bench.counts.open, 0)
  }

  func testAWriteThatComesWhileAReadersOpeningFailsStillCreatesTheFile() throws {
    // The bytes wait for the read: once the file is open, it is chance which of the two the disk serves first.
    let held = HeldCalls(loop)
    let real = realFileCalls(loop)
    var calls = real
    calls.writev = { descriptor, buffers, position, done in
      held.hold { real.writev(descriptor, buffers, position, done) }
    }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    let writing = Pending<FileError?>()
    let reading: Pending<Result<Data, FileError>> = loop.start { done in
      bench.files.read(4, 0, 10) { error, data in done(error.map { .failure($0) } ?? .success(data)) }
      bench.files.write(4, [patternBytes(4, 0, 10)], 0) { writing.come($0) }
    }
    XCTAssertEqual(try reading.bytes(), Data())
    held.letGo()
    XCTAssertNil(try writing.value())
    XCTAssertEqual(try bench.read(4, 0, 10).bytes(), patternBytes(4, 0, 10))
    try bench.close()
  }

  func testClosingWaitsForWhatIsUnderWayAndRefusesWhatComesLater() throws {
    let bench = FileBench(self, loop, dataDir, openFilesMax: 1)
    XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 10)], 0).value())
    let queued = Pending<FileError?>()
    let closed = Pending<Void>()
    let reading: Pending<Result<Data, FileError>> = loop.start { done in
      bench.files.read(1, 0, 10) { error, data in done(error.map { .failure($0) } ?? .success(data)) }
      bench.files.write(2, [patternBytes(2, 0, 10)], 0) { queued.come($0) }
      bench.files.closeAll { closed.come(()) }
    }
    try closed.value()
    XCTAssertEqual(try reading.bytes(), patternBytes(1, 0, 10))
    XCTAssertEqual(try queued.value()?.name, "EBADF", "it had no descriptor yet")
    XCTAssertEqual(try bench.read(1, 0, 10).errorName(), "EBADF")
    XCTAssertEqual(bench.counts.open, 0)
  }

  func testTwoWritesAtOnceToOneFileAreAProgrammersError() throws {
    try assertTraps("two writes", dataDir, "one write in flight a file")
  }
}

/// Descriptors with a read under way; on the loop.
private final class BusySet: @unchecked Sendable {
  private var counts: [Int32: Int] = [:]

  func enter(_ descriptor: Int32) { counts[descriptor, default: 0] += 1 }
  func leave(_ descriptor: Int32) { counts[descriptor, default: 0] -= 1 }
  func has(_ descriptor: Int32) -> Bool { (counts[descriptor] ?? 0) > 0 }
}
