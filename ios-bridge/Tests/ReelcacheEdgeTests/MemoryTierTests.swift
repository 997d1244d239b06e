import Foundation
import XCTest

@testable import ReelcacheEdge

private let minute = 60_000

/// The bytes that stay in memory: which are kept, which go, and that they are the right ones; as
/// server/test/memory-tier.test.ts proves it of the reference.
final class MemoryTierTests: XCTestCase {
  private let loop = EventLoop()

  func testBytesAreKeptWhenTheyAreReadForTheSecondTime() {
    on(10_000) { tier in
      tier.offer(1, 0, piece(100, 7))
      XCTAssertNil(tier.get(1, 0, 100), "once is not enough")
      tier.offer(1, 0, piece(100, 7))
      XCTAssertEqual(tier.get(1, 0, 100), piece(100, 7))
      XCTAssertEqual(tier.get(1, 40, 100), piece(60, 7), "from inside a piece to its end")
      XCTAssertEqual(tier.get(1, 40, 50), piece(10, 7), "or to the end that was asked for")
      XCTAssertEqual(tier.get(1, 0, 1_000), piece(100, 7), "never beyond a piece")
      XCTAssertNil(tier.get(1, 100, 200))
      XCTAssertNil(tier.get(2, 0, 100), "of its entry alone")
      XCTAssertEqual(tier.counts(), MemoryTierCounts(pieces: 1, bytes: 356, hits: 4, reads: 2))
    }
  }

  func testThePieceThatWasOfferedGoesBackToItsPool() {
    let pool = BufferPool(loop, 1_024, 1)
    on(10_000) { tier in
      for fill in [UInt8(1), 1, 2] {
        let buffer = pool.take()
        buffer.initializeMemory(as: UInt8.self, repeating: fill, count: 1_024)
        let read = pool.data(buffer, 1_000)
        tier.offer(1, 0, read[0..<500])
      }
      XCTAssertEqual(pool.counts(), BufferPoolCounts(taken: 0, kept: 1, made: 1))
      XCTAssertEqual(tier.get(1, 0, 1_000), piece(500, 1), "the buffer was written to since")
    }
  }

  func testAHitSharesTheMemoryOfItsPieceAndOutlivesIt() throws {
    try on(10_000) { tier in
      for _ in 0..<2 { tier.offer(1, 0, piece(1_000, 3)) }
      let whole = try XCTUnwrap(tier.get(1, 0, 1_000))
      let part = try XCTUnwrap(tier.get(1, 400, 500))
      XCTAssertEqual(address(whole), try address(XCTUnwrap(tier.get(1, 0, 1_000))))
      XCTAssertEqual(address(part), address(whole).map { $0 + 400 })
      tier.clear()
      XCTAssertEqual(whole, piece(1_000, 3))
      XCTAssertEqual(part, piece(100, 3))
    }
  }

  func testAReadEndsWhereAPieceBeginsAndPiecesNeverOverlap() {
    on(10_000) { tier in
      for _ in 0..<2 { tier.offer(1, 500, piece(100, 5)) }
      XCTAssertEqual(tier.readEnd(1, 0, 1_000), 500)
      XCTAssertEqual(tier.readEnd(1, 0, 300), 300)
      XCTAssertEqual(tier.readEnd(1, 600, 1_000), 1_000)
      XCTAssertEqual(tier.readEnd(2, 0, 1_000), 1_000)
      for start in [400, 599] {
        for _ in 0..<2 { tier.offer(1, start, piece(200, 4)) }
        XCTAssertEqual(tier.counts().pieces, 1, "what overlaps is not kept")
      }
      XCTAssertNil(tier.get(1, 400, 600))
      XCTAssertNil(tier.get(1, 600, 700))
    }
  }

  func testWhatWasUsedLongestAgoMakesRoom() {
    on(3_000) { tier in
      for id in 1...2 { for _ in 0..<2 { tier.offer(id, 0, piece(1_000, UInt8(id))) } }
      XCTAssertNotNil(tier.get(1, 0, 1))
      for _ in 0..<2 { tier.offer(3, 0, piece(1_000, 3)) }
      XCTAssertNotNil(tier.get(1, 0, 1), "used since")
      XCTAssertNil(tier.get(2, 0, 1), "not used since")
      XCTAssertNotNil(tier.get(3, 0, 1))
      XCTAssertLessThanOrEqual(tier.counts().bytes, 3_000)
    }
  }

  func testAPassThroughMoreThanThereIsRoomForWashesOutNothing() {
    on(5_000) { tier in
      func round() -> Int {
        var found = 0
        for id in 1...8 {
          if tier.get(id, 0, 1_000) != nil { found += 1 } else { tier.offer(id, 0, piece(1_000, UInt8(id))) }
        }
        return found
      }
      _ = [round(), round()]
      XCTAssertEqual([round(), round()], [3, 3], "as many as there is room for, time and again")
    }
  }

  func testOfLargePiecesOneInEightMakesRoom() {
    on(150_000) { tier in
      for _ in 0..<2 { tier.offer(1, 0, piece(100_000, 1)) }
      XCTAssertNotNil(tier.get(1, 0, 1), "where there is room no turn is needed")
      var offers = 0
      while tier.get(2, 0, 1) == nil && offers < 20 {
        tier.offer(2, 0, piece(100_000, 2))
        offers += 1
      }
      XCTAssertEqual(offers, 9, "the first is only remembered")
      XCTAssertNil(tier.get(1, 0, 1))
    }
  }

  func testOfReadsThatAreNotHeldOnlyTheLastAreRemembered() {
    on(10_000) { tier in
      for id in 0...8_192 { tier.offer(id, 0, piece(10, 1)) }
      tier.offer(0, 0, piece(10, 1))
      XCTAssertEqual(tier.counts().pieces, 0, "the one before the last 8,192 is forgotten")
      tier.offer(8_192, 0, piece(10, 1))
      XCTAssertEqual(tier.counts().pieces, 1)
    }
  }

  func testAnEntryThatGoesTakesItsBytesAlong() {
    on(10_000) { tier in
      for _ in 0..<2 {
        tier.offer(1, 0, piece(100, 1))
        tier.offer(1, 100, piece(100, 1))
        tier.offer(2, 0, piece(100, 2))
      }
      tier.drop(1)
      tier.drop(3)
      XCTAssertNil(tier.get(1, 0, 100))
      XCTAssertNil(tier.get(1, 100, 200))
      XCTAssertEqual(tier.get(2, 0, 100), piece(100, 2))
      XCTAssertEqual(tier.counts().pieces, 1)
      tier.drop(2)
      XCTAssertEqual(tier.counts().bytes, 0)
    }
  }

  func testWithoutRoomNothingIsKept() {
    on(0) { tier in
      for _ in 0..<2 { tier.offer(1, 0, piece(1, 1)) }
      XCTAssertNil(tier.get(1, 0, 1))
    }
  }

  func testEverythingIsLetGoWhenNobodyAsksAnyMore() {
    let tier = MemoryTier(loop, MemoryTierOptions(bytesMax: 10_000, idleMs: 1))
    loop.run {
      for _ in 0..<2 { tier.offer(1, 0, piece(100, 1)) }
      tier.offer(2, 0, piece(100, 2))
      XCTAssertEqual(tier.counts().pieces, 1)
    }
    loop.until("it is empty") { tier.counts().pieces == 0 }
    loop.run {
      XCTAssertNil(tier.get(1, 0, 100))
      XCTAssertEqual(tier.counts().bytes, 0)
      tier.offer(2, 0, piece(100, 2))
      XCTAssertEqual(tier.counts().pieces, 0, "what was read before it was emptied is forgotten, too")
    }
  }

  func testAUseBuysAnotherIdleTime() {
    let tier = MemoryTier(loop, MemoryTierOptions(bytesMax: 10_000, idleMs: 100))
    let start = DispatchTime.now()
    loop.run {
      for _ in 0..<2 { tier.offer(1, 0, piece(100, 1)) }
      XCTAssertNotNil(tier.get(1, 0, 100))
    }
    loop.until("it is empty") { tier.counts().pieces == 0 }
    XCTAssertGreaterThanOrEqual(DispatchTime.now(), start + .milliseconds(200))
  }

  func testATierThatIsLetGoOfLeavesNothingBehind() {
    weak var gone: MemoryTier?
    loop.run {
      let tier = MemoryTier(loop, MemoryTierOptions(bytesMax: 100_000_000, idleMs: minute))
      for id in 0..<100_000 { for _ in 0..<2 { tier.offer(id, 0, piece(1, 1)) } }
      XCTAssertEqual(tier.counts().pieces, 100_000)
      gone = tier
    }
    XCTAssertNil(gone, "neither its timer nor its pieces hold it")
  }

  func testWhateverIsHeldAtRandomIsWhatWasReadWithinItsBound() {
    on(40_000) { tier in
      var random = StorageRandom(20)
      let files = (0..<4).map { id in Data((0..<20_000).map { UInt8(($0 * 7 + id) & 255) }) }
      var faults = 0
      for _ in 0..<20_000 {
        let id = random.below(4)
        let offset = random.below(20) * 1_000
        let end = min(files[id].count, offset + 1 + random.below(5_000))
        if let held = tier.get(id, offset, end) {
          if held.isEmpty || offset + held.count > end { faults += 1 }
          if held != files[id][offset..<(offset + held.count)] { faults += 1 }
        } else {
          let readEnd = tier.readEnd(id, offset, end)
          if readEnd <= offset || readEnd > end { faults += 1 }
          tier.offer(id, offset, files[id][offset..<readEnd])
        }
        if random.below(500) == 0 { tier.drop(random.below(4)) }
        if tier.counts().bytes > 40_000 { faults += 1 }
      }
      XCTAssertEqual(faults, 0)
      XCTAssertGreaterThan(tier.counts().hits, 1_000)
    }
  }

  /// Runs the work with a tier of so many bytes, on the loop.
  private func on(_ bytesMax: Int, _ work: (MemoryTier) throws -> Void) rethrows {
    try loop.run {
      let tier = MemoryTier(loop, MemoryTierOptions(bytesMax: bytesMax, idleMs: minute))
      try work(tier)
      tier.clear()
      XCTAssertEqual(tier.counts().bytes, 0)
    }
  }

  private func piece(_ length: Int, _ fill: UInt8) -> Data { Data(repeating: fill, count: length) }

  private func address(_ data: Data) -> UnsafeRawPointer? { data.withUnsafeBytes { $0.baseAddress } }
}
