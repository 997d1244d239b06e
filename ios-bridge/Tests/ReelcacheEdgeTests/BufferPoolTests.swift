import Foundation
import XCTest

@testable import ReelcacheEdge

final class BufferPoolTests: XCTestCase {
  private let loop = EventLoop()

  func testPooledBuffersAreUsedAgainAndBounded() {
    // R-DISK-9
    loop.run {
      let pool = BufferPool(loop, 1_024, 2)
      let taken = [pool.take(), pool.take(), pool.take()]
      XCTAssertEqual(pool.counts(), BufferPoolCounts(taken: 3, kept: 0, made: 3))
      for buffer in taken { pool.give(buffer) }
      XCTAssertEqual(pool.counts(), BufferPoolCounts(taken: 0, kept: 2, made: 3))
      let again = pool.take()
      XCTAssert(taken.contains(again))
      pool.give(again)
    }
  }

  func testGivingTwiceOrGivingAnotherBufferIsAProgrammersError() throws {
    // R-DISK-9
    try assertTraps("give twice", "", "given back once")
    try assertTraps("give another", "", "given back once")
  }

  func testAPieceGoesBackWhenTheLastReferenceToItsBytesIsGoneOnWhateverThread() throws {
    let pool = BufferPool(loop, 1_024, 2)
    var data: Data? = loop.run {
      let piece = pool.take()
      piece.initializeMemory(as: UInt8.self, repeating: 7, count: 1_024)
      return pool.data(piece, 1_000)
    }
    var slice = data?[500..<510]
    XCTAssertEqual(data?.count, 1_000)
    data = nil
    XCTAssertEqual(loop.run { pool.counts().taken }, 1, "a slice holds it")
    XCTAssertEqual(slice.map { Array($0) }, Array(repeating: 7, count: 10))
    slice = nil
    loop.until("it is back") { pool.counts() == BufferPoolCounts(taken: 0, kept: 1, made: 1) }
  }

  func testAPieceWithoutBytesGoesBackAtOnce() throws {
    let pool = BufferPool(loop, 1_024, 2)
    XCTAssertEqual(loop.run { pool.data(pool.take(), 0) }, Data())
    loop.until("it is back") { pool.counts().taken == 0 }
  }

  func testPiecesOutliveTheirPool() throws {
    var pool: BufferPool? = BufferPool(loop, 1_024, 2)
    let data = loop.run {
      pool.map { pool in
        let piece = pool.take()
        piece.initializeMemory(as: UInt8.self, repeating: 9, count: 1_024)
        return pool.data(piece, 1_024)
      }
    }
    pool = nil
    XCTAssertEqual(data, Data(repeating: 9, count: 1_024))
  }
}
