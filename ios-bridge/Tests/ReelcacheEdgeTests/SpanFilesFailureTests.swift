import Foundation
import XCTest

@testable import ReelcacheEdge

final class SpanFilesFailureTests: StorageTestCase {
  func testAShortWriteGoesOnUntilAllBytesAreInTheFile() throws {
    // R-DISK-5
    let real = realFileCalls(loop)
    let count = Tally()
    var calls = real
    calls.writev = { descriptor, buffers, position, done in
      count.add(1)
      real.writev(descriptor, [(buffers.first ?? Data()).prefix(7)], position, done)
    }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    let parts = [patternBytes(3, 50, 20), Data(), patternBytes(3, 70, 3), patternBytes(3, 73, 27)]
    XCTAssertNil(try bench.write(3, parts, 50).value())
    XCTAssertEqual(try bench.read(3, 50, 100).bytes(), patternBytes(3, 50, 50))
    XCTAssertEqual(count.value, 8)
    try bench.close()
  }

  func testAWriteThatMakesNoProgressFailsInsteadOfLooping() throws {
    // R-DISK-5
    var calls = realFileCalls(loop)
    calls.writev = { [loop] _, _, _, done in loop.later { done(nil, 0) } }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    XCTAssertEqual(try bench.write(3, [ascii("x")], 0).value()?.name, "EIO")
    try bench.close()
  }

  func testAWriteOfMoreBuffersThanOneCallTakesIsWhole() throws {
    let bench = FileBench(self, loop, dataDir)
    let parts = (0..<2_500).map { patternBytes(6, $0 * 3, 3) }
    XCTAssertNil(try bench.write(6, parts, 0).value())
    XCTAssertEqual(try bench.read(6, 0, 10_000).bytes(), patternBytes(6, 0, 7_500))
    try bench.close()
  }

  func testAFullOrBrokenDiskIsTheCallbacksErrorAndTheFileWorksAgainAfterwards() throws {
    // R-DISK-10
    let broken = Tally()
    let real = realFileCalls(loop)
    var calls = real
    let loop = loop
    let injected = { FileError(broken.code, "injected") }
    calls.open = { name, flags, mode, done in
      if broken.code == 0 { real.open(name, flags, mode, done) } else { loop.later { done(injected(), -1) } }
    }
    calls.writev = { descriptor, buffers, position, done in
      if broken.code == 0 {
        real.writev(descriptor, buffers, position, done)
      } else {
        loop.later { done(injected(), 0) }
      }
    }
    calls.read = { descriptor, room, position, done in
      if broken.code == 0 { real.read(descriptor, room, position, done) } else { loop.later { done(injected(), 0) } }
    }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    for code in [ENOSPC, EDQUOT, EIO] {
      broken.code = code
      XCTAssertEqual(try bench.write(1, [patternBytes(1, 0, 100)], 0).value()?.code, code)
      broken.code = 0
      XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 100)], 0).value())
      broken.code = code
      XCTAssertEqual(try bench.write(1, [patternBytes(1, 100, 100)], 100).value()?.code, code)
      XCTAssertEqual(try bench.read(1, 0, 100).errorName(), FileError(code, "").name)
      broken.code = 0
      XCTAssertEqual(try bench.read(1, 0, 100).bytes(), patternBytes(1, 0, 100))
      XCTAssertNil(try bench.remove(1).value())
    }
    XCTAssertEqual(bench.counts, SpanFilesCounts(open: 0, waiting: 0))
    try bench.close()
  }

  func testAFolderThatCannotBeMadeIsTheWritesError() throws {
    // R-DISK-10
    let refuses = Tally()
    refuses.value = 1
    let real = realFileCalls(loop)
    let loop = loop
    var calls = real
    calls.mkdir = { name, mode, done in
      if refuses.value == 0 { real.mkdir(name, mode, done) } else { loop.later { done(FileError(EDQUOT, "injected")) } }
    }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    XCTAssertEqual(try bench.write(1, [patternBytes(1, 0, 10)], 0).value()?.name, "EDQUOT")
    loop.run { refuses.value = 0 }
    XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 10)], 0).value())
    try bench.close()
  }

  func testAReadThatTheSystemRefusesIsTheReadsError() throws {
    // R-DISK-10
    let bench = FileBench(self, loop, dataDir, firstNewId: 9)
    try makeFolders(dataFile(3), 0o700)
    XCTAssertEqual(try bench.read(3, 0, 10).errorName(), "EISDIR")
    try makeFile(4, 10)
    XCTAssertEqual(try bench.read(4, -1, 10).errorName(), "EINVAL")
    XCTAssertNil(loop.run { bench.files.readNow(4, -1, 10) })
    XCTAssertEqual(FileError(12_345, "x").description, "errno 12345, x")
    try bench.close()
  }

  func testADiskThatIsReallyFullSaysEnospcAndWhatWasWrittenBeforeStays() throws {
    // R-DISK-10
    try onSmallDisk(262_144) { disk in
      let bench = FileBench(self, loop, disk.dir)
      var end = 0
      var failure: FileError?
      while failure == nil && end < 1_048_576 {
        failure = try bench.write(1, [patternBytes(1, end, 30_000)], end).value()
        if failure == nil { end += 30_000 }
      }
      XCTAssertEqual(failure?.name, "ENOSPC")
      XCTAssertGreaterThan(end, 100_000)
      XCTAssertEqual(try bench.read(1, 0, end).bytes(), patternBytes(1, 0, end))
      XCTAssertLessThan(loop.run { bench.files.freeBytes() }, 30_000)
      try bench.close()
    }
  }

  func testWithFewerDescriptorsThanHopedForFilesWaitInsteadOfFailing() throws {
    // R-DISK-8
    let open = Tally()
    let told = Tally()
    let real = realFileCalls(loop)
    let loop = loop
    var calls = real
    calls.open = { name, flags, mode, done in
      if open.value >= 2 {
        loop.later { done(FileError(EMFILE, "injected"), -1) }
        return
      }
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
    let bench = FileBench(self, loop, dataDir, openFilesMax: 50, onError: { _ in told.add(1) }, calls: calls)
    let writes = (1...12).map { bench.write($0, [patternBytes($0, 0, 100)], 0) }
    for write in writes { XCTAssertNil(try write.value()) }
    XCTAssertGreaterThan(loop.run { told.value }, 0)
    try bench.close()
  }

  func testWithoutASingleDescriptorTheOperationFailsInsteadOfWaitingForEver() throws {
    // R-DISK-8
    var calls = realFileCalls(loop)
    let loop = loop
    calls.open = { _, _, _, done in loop.later { done(FileError(EMFILE, "injected"), -1) } }
    let bench = FileBench(self, loop, dataDir, onError: { _ in }, calls: calls)
    let writes = (1...5).map { bench.write($0, [patternBytes($0, 0, 100)], 0) }
    for write in writes { XCTAssertEqual(try write.value()?.name, "EMFILE") }
    XCTAssertEqual(bench.counts, SpanFilesCounts(open: 0, waiting: 0))
    try bench.close()
  }

  func testSyncGoesToTheDiskForTheFileThatWasWrittenAndPassesItsFailureOn() throws {
    let synced = Tally()
    let real = realFileCalls(loop)
    let loop = loop
    var calls = real
    calls.fdatasync = { descriptor, done in
      var status = stat()
      fstat(descriptor, &status)
      synced.value = Int(status.st_ino)
      if synced.code == 0 { real.fdatasync(descriptor, done) } else { loop.later { done(FileError(EIO, "injected")) } }
    }
    let bench = FileBench(self, loop, dataDir, calls: calls)
    XCTAssertNil(try bench.write(1, [patternBytes(1, 0, 10)], 0).value())
    XCTAssertNil(try bench.sync(1).value())
    var status = stat()
    stat(dataFile(1), &status)
    XCTAssertEqual(loop.run { synced.value }, Int(status.st_ino))
    loop.run { synced.code = EIO }
    XCTAssertEqual(try bench.sync(1).value()?.name, "EIO")
    try bench.close()
  }

  func testFreeSpaceIsAskedForAtMostOnceASecondAndIsMinusOneWhenItCannotBeTold() throws {
    let asked = Tally()
    let clock = Tally()
    let errors = Tally()
    var calls = realFileCalls(loop)
    calls.nowMs = { clock.value }
    calls.freeBytesSync = { _ in
      asked.add(1)
      if asked.value == 3 { throw FileError(EIO, "injected") }
      return asked.value * 1_000
    }
    let bench = FileBench(self, loop, dir, openFilesMax: 1, onError: { _ in errors.add(1) }, calls: calls)
    let free = { (atMs: Int) in
      self.loop.run {
        clock.value = atMs
        return bench.files.freeBytes()
      }
    }
    XCTAssertEqual(free(0), 1_000)
    XCTAssertEqual(free(999), 1_000)
    XCTAssertEqual(free(1_000), 2_000)
    XCTAssertEqual(free(2_000), -1)
    XCTAssertEqual(errors.value, 1)
    let real = FileBench(self, loop, dir)
    XCTAssertGreaterThan(loop.run { real.files.freeBytes() }, 0, "the real disk")
  }
}
