import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What the parser found in the bytes of a connection.
package enum ResponseEvent: Equatable {
  /// A complete head, an interim one too. Names and values are flat, with the white space behind the values.
  case head(status: Int, reason: ByteString, raw: FieldList)
  /// Bytes of the body: a slice of what was pushed.
  case data(Data)
  case ended
  case failed(ByteString)
}

/// Takes the responses of one request apart: bytes in, events out, no I/O and no clock.
///
/// The grammar is that of the reference's parser (llhttp, nothing lenient), RFC 9112 but for what it lets pass: empty
/// lines before a response, other protocols' names and versions, any bytes in a reason phrase. Events are pulled, so a
/// caller that pauses simply pulls no more; what was pushed waits.
package struct ResponseParser {
  /// Whether any byte of a response arrived.
  package internal(set) var answered = false
  /// Whether the origin lets the connection live on; known once the body's framing was given.
  package internal(set) var keepAlive = false

  var state = ParserState.start
  /// The bytes being parsed, and how far that is, counted from their first.
  var piece = Data()
  var at = 0
  /// Names and values of the head (or trailer section) so far, in bytes, and how many are too many.
  var headBytes = 0
  let headBytesMax: Int
  /// Bytes still to come of a body by length or of a chunk. Unsigned, as a chunk may announce up to 2^64-1.
  var remaining: UInt64 = 0
  /// The fields being read are those behind a chunked body.
  var trailing = false

  var word = ByteString()
  var matched = 0
  var major = 0
  var minor = 0
  var status = 0
  var reason = ByteString()
  var reasonLost = false
  var raw: FieldList = []
  var name = ByteString()
  var value = ByteString()
  var special = SpecialField.none
  var hasLength = false
  var hasCoding = false
  var saysClose = false
  var saysKeepAlive = false

  package init(_ headBytesMax: Int) {
    self.headBytesMax = headBytesMax
  }

  /// Whether all that was pushed is parsed.
  package var isDrained: Bool { at >= piece.count }

  /// Gives the next bytes. What was pushed before must have been pulled out.
  package mutating func push(_ bytes: Data) {
    precondition(isDrained, "the piece before is parsed")
    piece = bytes
    at = 0
  }

  /// The next event; nil when it takes more bytes, or the body's framing, or all is over.
  package mutating func next() -> ResponseEvent? {
    if state == .ending {
      state = .ended
      return .ended
    }
    while at < piece.count {
      switch state {
      case .bodyLength, .bodyClose, .chunkData:
        return takeBody()
      case .awaitingBody, .ended, .failed:
        return nil
      default:
        let bytes = piece
        let event = bytes.withUnsafeBytes { scan($0) }
        if let event { return event }
      }
    }
    return nil
  }

  /// Says how the body after the head just told is delimited; `length` in bytes, -1 for none announced.
  package mutating func body(_ method: AskMethod, _ framing: OriginFraming, _ length: Int) {
    precondition(state == .awaitingBody, "a final head was told")
    // As a body that should not be there might follow, and be taken for the next response.
    let suspect = framing == .none && method == .get && (length > 0 || hasCoding)
    // R-ORIGIN-3
    keepAlive = staysOpen && framing != .close && !suspect
    switch framing {
    case .none:
      state = .ending
    case .chunked:
      state = .chunkFirst
    case .close:
      state = .bodyClose
    case .length:
      remaining = UInt64(max(0, length))
      state = length > 0 ? .bodyLength : .ending
    }
    headBytes = 0
  }

  /// Whether the response is whole when the connection ends here in an orderly way.
  package mutating func finish() -> Bool {
    if state == .bodyClose { state = .ended }
    return state == .ended || state == .ending
  }

  /// Whether nothing but line ends is left, which are let pass between responses; they are dropped.
  package mutating func dropLineEnds() -> Bool {
    while at < piece.count {
      let byte = piece[piece.startIndex + at]
      if byte != Ascii.cr && byte != Ascii.lf { return false }
      at += 1
    }
    return true
  }

  /// Lets go of the bytes, so that an idle connection holds no buffer.
  package mutating func forget() {
    piece = Data()
    at = 0
  }

  private mutating func takeBody() -> ResponseEvent {
    let left = piece.count - at
    let taken = state == .bodyClose || remaining > UInt64(left) ? left : Int(remaining)
    let start = piece.startIndex + at
    let bytes = taken == piece.count ? piece : piece[start..<start + taken]
    at += taken
    if state != .bodyClose {
      remaining -= UInt64(taken)
      if remaining == 0 { state = state == .chunkData ? .chunkReturn : .ending }
    }
    return .data(bytes)
  }

  /// Goes through bytes up to the next event or the next bytes of a body.
  private mutating func scan(_ bytes: UnsafeRawBufferPointer) -> ResponseEvent? {
    while at < bytes.count {
      let event: ResponseEvent?
      switch state.part {
      case .line: event = scanLine(bytes)
      case .fields: event = scanFields(bytes)
      case .chunk: event = scanChunk(bytes)
      case .rest: return nil
      }
      if let event { return event }
    }
    return nil
  }

  mutating func fail(_ fault: ByteString) -> ResponseEvent {
    state = .failed
    return .failed(fault)
  }

  /// R-ORIGIN-12: counts bytes of names and values; nil while they are not too many.
  mutating func count(_ bytes: Int) -> ResponseEvent? {
    headBytes += bytes
    return headBytes >= headBytesMax ? fail("the head is too large") : nil
  }

  /// What version and Connection say of the connection's future (RFC 9112 section 9.3).
  private var staysOpen: Bool {
    major > 0 && minor > 0 ? !saysClose : saysKeepAlive
  }

  /// The head is complete: tells it, and gets ready for what follows.
  mutating func headDone() -> ResponseEvent {
    // R-ORIGIN-12
    if status < 100 { return fail("an invalid status") }
    let event = ResponseEvent.head(status: status, reason: reasonLost ? "" : reason, raw: raw)
    if status >= 200 || status == 100 || status == 101 {
      state = .awaitingBody
    } else {
      // R-ORIGIN-5
      state = staysOpen ? .start : .closed
      raw = []
      reason = ""
      reasonLost = false
      headBytes = 0
      hasLength = false
      hasCoding = false
      saysClose = false
      saysKeepAlive = false
    }
    return event
  }
}

/// Where in a response the parser is.
enum ParserState {
  case start, closed, protocolName, major, dot, minor, space
  case firstDigit, secondDigit, thirdDigit, codeEnd, reason, lineFeed
  case headStart, fieldStart, name, valueStart, emptyLineFeed, emptyNext, value, valueLineFeed, valueNext
  case headLineFeed
  case chunkFirst, chunkSize, extensionStart, extensionName, extensionValue, quoted, quotedPair, quotedEnd
  case chunkLineFeed, chunkReturn, chunkReturnFeed
  case awaitingBody, bodyLength, bodyClose, chunkData, ending, ended, failed

  enum Part {
    case line, fields, chunk, rest
  }

  var part: Part {
    switch self {
    case .start, .closed, .protocolName, .major, .dot, .minor, .space, .firstDigit, .secondDigit, .thirdDigit, .codeEnd,
      .reason, .lineFeed:
      return .line
    case .headStart, .fieldStart, .name, .valueStart, .emptyLineFeed, .emptyNext, .value, .valueLineFeed,
      .valueNext, .headLineFeed:
      return .fields
    case .chunkFirst, .chunkSize, .extensionStart, .extensionName, .extensionValue, .quoted, .quotedPair, .quotedEnd,
      .chunkLineFeed, .chunkReturn, .chunkReturnFeed:
      return .chunk
    case .awaitingBody, .bodyLength, .bodyClose, .chunkData, .ending, .ended, .failed:
      return .rest
    }
  }
}

/// Fields that the framing or the connection's life hangs on.
enum SpecialField {
  case none, connection, length, coding
}
