#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Dispatch

/// Counts for the statistics, in buffers.
package struct BufferPoolCounts: Equatable, Sendable {
  package let taken: Int
  package let kept: Int
  package let made: Int
}

/// Buffers of one size for positional reads, used again and again: fresh memory for each read of 256 KiB would cost a
/// page fault for every 4 or 16 KiB of it.
package final class BufferPool: @unchecked Sendable {
  /// Size of each buffer, in bytes.
  package let pieceBytes: Int
  private let loop: EventLoop
  private let keptMax: Int
  private var kept: [UnsafeMutableRawPointer] = []
  private var taken: Set<UnsafeMutableRawPointer> = []
  private var made = 0

  /// `pieceBytes` a buffer; at most `keptMax` unused ones are kept, the others go back to the system.
  package init(_ loop: EventLoop, _ pieceBytes: Int, _ keptMax: Int) {
    precondition(pieceBytes > 0, "a pooled buffer has a size")
    self.loop = loop
    self.pieceBytes = pieceBytes
    self.keptMax = keptMax
  }

  deinit {
    for buffer in kept { buffer.deallocate() }
  }

  /// A buffer of `pieceBytes` with arbitrary content, the taker's until given back.
  package func take() -> UnsafeMutableRawPointer {
    loop.assertHere()
    var buffer = kept.popLast()
    if buffer == nil { made += 1 }
    let piece = buffer ?? UnsafeMutableRawPointer.allocate(byteCount: pieceBytes, alignment: 16)
    buffer = nil
    taken.insert(piece)
    return piece
  }

  /// Gives a taken buffer back. Giving twice, or giving another buffer, is a programmer's error.
  package func give(_ buffer: UnsafeMutableRawPointer) {
    loop.assertHere()
    // R-DISK-9
    precondition(taken.remove(buffer) != nil, "a buffer is given back once, and only by who took it")
    if kept.count < keptMax {
      kept.append(buffer)
    } else {
      buffer.deallocate()
    }
  }

  /// The first bytes of a taken buffer, which is given back when the last reference to them is gone, on any thread.
  package func data(_ buffer: UnsafeMutableRawPointer, _ count: Int) -> Data {
    loop.assertHere()
    precondition(count <= pieceBytes && taken.contains(buffer), "a piece is of this pool")
    let piece = PooledPiece(self, buffer)
    return Data(bytesNoCopy: buffer, count: count, deallocator: .custom { _, _ in piece.giveBack() })
  }

  package func counts() -> BufferPoolCounts {
    loop.assertHere()
    return BufferPoolCounts(taken: taken.count, kept: kept.count, made: made)
  }

  fileprivate func takeBack(_ piece: PooledPiece) {
    // On the loop at once: a block of its own would wake a thread for each piece.
    if loop.isHere { return give(piece.buffer) }
    loop.queue.async { [self] in give(piece.buffer) }
  }
}

/// A taken buffer on its way through the network's threads. Nobody touches it after the last reference.
private final class PooledPiece: @unchecked Sendable {
  let pool: BufferPool
  let buffer: UnsafeMutableRawPointer

  init(_ pool: BufferPool, _ buffer: UnsafeMutableRawPointer) {
    self.pool = pool
    self.buffer = buffer
  }

  func giveBack() { pool.takeBack(self) }
}
