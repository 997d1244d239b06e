import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One response on its way to a player. Its head is kept back until the first bytes and leaves with them; a body of
/// unknown length is chunked here. Responses behind another one on the same connection wait until it is out.
///
/// Lives on the loop. Bytes are handed on as they are, never copied unless there are few of them.
package final class PlayerResponse: @unchecked Sendable {
  /// There is room again after `needsDrain`. It may come once more than needed.
  package var onDrain: (() -> Void)?
  /// Once: the response went out whole, or the player left.
  package var onClose: (() -> Void)?
  /// Where the content of its request goes; without, it is passed over.
  package var content: RequestContent?
  /// `writeHead` was called.
  package private(set) var headersSent = false

  private var connection: PlayerConnection?
  private let isHead: Bool
  private var keptHead: ResponseHead?
  private var chunked = false
  private var hasBody = true
  private var over = false
  private var isCut = false
  /// Its turn has come: what is written goes to the socket.
  private var current = false
  /// What was written before its turn.
  private var held: [Data] = []
  private var heldBytes = 0
  /// The connection ends with this response.
  private(set) var closesConnection = false

  init(_ connection: PlayerConnection, _ isHead: Bool) {
    self.connection = connection
    self.isHead = isHead
  }

  /// Whether the player's end is full: the next bytes had better wait for `onDrain`.
  package var needsDrain: Bool {
    guard let connection, !over else { return false }
    return current ? connection.isCongested : heldBytes > PlayerConnection.highWaterBytes
  }

  /// Takes the head, to be sent with the first bytes.
  package func writeHead(_ head: ResponseHead) {
    assert(!headersSent, "a response has one head")
    headersSent = true
    keptHead = head
    chunked = fieldFirst(head.fields, "transfer-encoding") != nil
    // RFC 9112 section 6.3: these have no content, whatever their fields say.
    hasBody = !isHead && head.status != 204 && head.status != 304
    // Connection is the last field of every head (R-RESP-1).
    if head.fields.last == "close" {
      closesConnection = true
      connection?.markClosing()
    }
  }

  /// Tells a player that waits with its content to send it (RFC 9110 section 15.2.1).
  package func goOn() {
    if !over && !headersSent { hand([Data("HTTP/1.1 100 Continue\r\n\r\n".utf8)]) }
  }

  /// Sends bytes; none at all send the head alone.
  package func write(_ bytes: Data) {
    if over { return }
    var pieces: [Data] = []
    takeHead(&pieces)
    if hasBody && !bytes.isEmpty { addBody(&pieces, bytes) }
    hand(pieces)
  }

  /// Sends the last bytes, if there are any, and ends the response.
  package func end(_ bytes: Data?) {
    if over { return }
    assert(headersSent, "a response begins with its head")
    var pieces: [Data] = []
    takeHead(&pieces)
    if hasBody, let bytes, !bytes.isEmpty { addBody(&pieces, bytes) }
    if hasBody && chunked { pieces.append(lastChunk) }
    handLast(pieces)
  }

  /// Sends the whole body and ends the response: one piece, into which the text is copied once.
  package func end(whole text: ByteString) {
    guard !over, hasBody, !chunked, let head = keptHead else { return end(Data(text)) }
    keptHead = nil
    handLast([headData(head, text)])
  }

  /// Ends the connection before the response is whole: what was written goes out, then the end.
  package func cut() {
    if over { return }
    over = true
    keptHead = nil
    // Behind another response it is cut when its turn comes.
    isCut = true
    if current { connection?.cut(self) }
  }

  /// Its turn has come.
  func activate() {
    current = true
    let pieces = held
    held = []
    heldBytes = 0
    if isCut {
      connection?.send(pieces)
      connection?.cut(self)
    } else if over {
      connection?.end(self, pieces)
    } else {
      connection?.send(pieces)
      if !needsDrain { onDrain?() }
    }
  }

  /// There is room at the player's end.
  func drained() {
    if !over { onDrain?() }
  }

  /// It is out, or never will be.
  func close() {
    guard connection != nil else { return }
    over = true
    connection = nil
    held = []
    keptHead = nil
    onDrain = nil
    let told = onClose
    onClose = nil
    told?()
  }

  private func hand(_ pieces: [Data]) {
    if current {
      connection?.send(pieces)
    } else {
      held.append(contentsOf: pieces)
      for piece in pieces { heldBytes += piece.count }
    }
  }

  private func handLast(_ pieces: [Data]) {
    over = true
    if current {
      connection?.end(self, pieces)
    } else {
      hand(pieces)
    }
  }

  private func takeHead(_ pieces: inout [Data]) {
    if let keptHead { pieces.append(headData(keptHead)) }
    keptHead = nil
  }

  private func addBody(_ pieces: inout [Data], _ bytes: Data) {
    if !chunked {
      pieces.append(bytes)
      return
    }
    // R-RESP-7
    pieces.append(Data((String(bytes.count, radix: 16) + "\r\n").utf8))
    pieces.append(bytes)
    pieces.append(lineEnd)
  }
}

private let lineEnd = Data([13, 10])
private let lastChunk = Data("0\r\n\r\n".utf8)

/// The bytes of a head, as they go onto the wire, and of a text behind it.
func headData(_ head: ResponseHead, _ content: ByteString = "") -> Data {
  let (status, reason, fields) = (ByteString.decimal(head.status), head.reason, head.fields)
  var size = statusLineStart.count + status.count + 1 + reason.count + 2 + 2 + content.count
  for text in fields { size += text.count + 2 }
  let start = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
  var place = put(statusLineStart, start)
  place = put(status, place)
  place = put(" ", place)
  place = put(reason, place)
  place = put("\r\n", place)
  var at = 0
  while at + 1 < fields.count {
    place = put(fields[at], place)
    place = put(": ", place)
    place = put(fields[at + 1], place)
    place = put("\r\n", place)
    at += 2
  }
  place = put("\r\n", place)
  place = put(content, place)
  precondition(place == start + size, "names and values are pairs")
  return Data(bytesNoCopy: start, count: size, deallocator: .custom { start, _ in start.deallocate() })
}

/// Writes a text where there is room for it; returns where it ends.
private func put(_ text: ByteString, _ place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  text.bytes.withUnsafeBufferPointer { bytes in
    if let first = bytes.baseAddress { place.copyMemory(from: first, byteCount: bytes.count) }
  }
  return place + text.count
}

private let statusLineStart: ByteString = "HTTP/1.1 "
