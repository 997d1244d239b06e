#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads up to here get memory of their own, in bytes: it costs less than a piece's way back to the pool.
private let ownMemoryMax = 16_384

/// Where a read puts its bytes.
struct ReadRoom {
  let bytes: UnsafeMutableRawBufferPointer
  private let pool: BufferPool
  private let pooled: Bool

  init(_ pool: BufferPool, _ length: Int) {
    precondition(length <= pool.pieceBytes, "a read fits a piece")
    self.pool = pool
    pooled = length > ownMemoryMax
    let start = pooled ? pool.take() : UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 16)
    bytes = UnsafeMutableRawBufferPointer(start: start, count: length)
  }

  /// The first bytes of the room, which goes back where it came from with them. Call it once.
  func data(_ count: Int) -> Data {
    guard let start = bytes.baseAddress else { return Data() }
    if pooled { return pool.data(start, count) }
    return Data(bytesNoCopy: start, count: count, deallocator: .custom { start, _ in start.deallocate() })
  }
}
