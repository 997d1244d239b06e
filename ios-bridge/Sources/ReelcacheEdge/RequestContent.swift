#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The content of a request on its way from a player to an origin, a little of it at a time. Lives on the loop.
package final class RequestContent: @unchecked Sendable {
  /// Bytes that wait, from which on the player does.
  private static let waitingBytesMax = 262_144

  /// There is more to take, or an end.
  package var onMore: (() -> Void)?
  /// The player may go on.
  var onRoom: (() -> Void)?
  /// All of it has come.
  package private(set) var isWhole = false
  /// The rest never comes.
  package private(set) var isBroken = false
  private var pieces: [Data] = []
  private var waitingBytes = 0

  package init() {}

  var isFull: Bool { waitingBytes >= RequestContent.waitingBytesMax }

  /// The next piece, in order.
  package func take() -> Data? {
    if pieces.isEmpty { return nil }
    let piece = pieces.removeFirst()
    let wasFull = isFull
    waitingBytes -= piece.count
    if wasFull && !isFull { onRoom?() }
    return piece
  }

  func push(_ piece: Data) {
    pieces.append(piece)
    waitingBytes += piece.count
    onMore?()
  }

  func finish() {
    isWhole = true
    onMore?()
  }

  func fail() {
    if isWhole || isBroken { return }
    isBroken = true
    onMore?()
  }
}

/// The content that a connection reads at present, if any. A class, since who takes it may end the connection at once.
final class ContentIntake {
  private var content: RequestContent?

  var isOpen: Bool { content != nil }
  var isFull: Bool { content?.isFull == true }

  /// Takes content from now on; `onRoom` is called when there is room again.
  func begin(_ content: RequestContent, _ onRoom: @escaping () -> Void) {
    self.content = content
    content.onRoom = onRoom
  }

  /// Takes the bytes from `start` to `end` (exclusive), offsets from the first; they share the memory.
  func take(_ bytes: Data, _ start: Int, _ end: Int) {
    content?.push(bytes[bytes.startIndex + start..<bytes.startIndex + end])
  }

  /// All of it has come.
  func end() {
    let ended = content
    content = nil
    ended?.finish()
  }

  /// The rest never comes.
  func fail() {
    let broken = content
    content = nil
    broken?.fail()
  }
}
