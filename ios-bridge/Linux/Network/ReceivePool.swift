import FoundationEssentials
import Glibc

/// Memory to read into. What was read is handed out without a copy when it fills a good part of a piece, else as a
/// right-sized copy, so that a short request does not hold a long piece.
final class ReceivePool: @unchecked Sendable {
  static let shared = ReceivePool()
  static let pieceBytes = 256 * 1024
  /// Up to here a copy costs less than what it would keep.
  static let copiedBytesMax = 32 * 1024
  private static let keptMax = 32

  private let lock = Lock()
  private var kept: [UnsafeMutableRawPointer] = []

  func take() -> UnsafeMutableRawPointer {
    if let piece = lock.locked({ kept.popLast() }) { return piece }
    guard let piece = malloc(ReceivePool.pieceBytes) else { fatalError("no memory to read into") }
    return piece
  }

  func give(_ piece: UnsafeMutableRawPointer) {
    let keeps = lock.locked {
      guard kept.count < ReceivePool.keptMax else { return false }
      kept.append(piece)
      return true
    }
    if !keeps { free(piece) }
  }

  /// The first bytes of a piece. The piece is this object's again: now, or when the Data is let go.
  func data(_ piece: UnsafeMutableRawPointer, _ count: Int) -> Data {
    if count <= ReceivePool.copiedBytesMax {
      defer { give(piece) }
      return Data(bytes: piece, count: count)
    }
    return Data(bytesNoCopy: piece, count: count, deallocator: .custom { piece, _ in ReceivePool.shared.give(piece) })
  }
}
