import ReelcacheCore

/// A request whose head is complete.
package struct RequestHead: Equatable, Sendable {
  package var method: ByteString
  package var target: ByteString
  /// Minor version of HTTP/1, 0 or 1.
  package var httpMinor: Int
  package var fields: FieldList
  /// The player wants the connection closed after the response.
  package var close: Bool
}

/// What bytes of a player came to.
package enum RequestEvent: Equatable, Sendable {
  case request(RequestHead)
  /// Content of the request before, from and to these places in the bytes at hand; only when it is told.
  case content(Int, Int)
  case contentEnd
  /// They are no request. Nothing behind them is looked at any more.
  case refused(ErrorCode)
}

/// Makes requests of a player's bytes (RFC 9112), without I/O and without a clock. It takes and refuses what the HTTP
/// library under the reference takes and refuses, so that both answer a wire alike; how the bytes are cut into pieces
/// makes no difference. Content of a request is passed over, unless `tellsContent` is set behind its head.
package struct RequestParser: Sendable {
  private enum Place { case between, line, fields, length, chunks, trailer, ended, refused }

  private var place = Place.between
  private var line = RequestLineReader(false)
  private var lines = FieldLinesReader(true, RequestFraming())
  private var chunks = ChunkedBodyReader()
  private var budget: HeadBudget
  private var framing = RequestFraming()
  private var left: UInt64 = 0
  private var strayCr = false
  /// A head went out whose content cannot be delimited: refused next.
  private var endless = false
  /// The content of the request that was told last is told as well.
  package var tellsContent = false
  private var contentEnds = false
  /// Requests that have begun so far, for who counts their time.
  package private(set) var begun = 0

  /// `headBytesMax` is the size from which on a head is too large, in bytes.
  package init(_ headBytesMax: Int) {
    budget = HeadBudget(headBytesMax)
  }

  /// Whether a request has begun whose last byte has not come.
  package var isInside: Bool {
    switch place {
    case .between, .ended, .refused: false
    case .line, .fields, .length, .chunks, .trailer: true
    }
  }

  /// Takes bytes from `at` on, up to the next event. Nil when all are taken and more are needed.
  package mutating func next(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> RequestEvent? {
    if endless { return refuse(.badRequest) }
    while at < bytes.count && !contentEnds {
      let event: RequestEvent?
      switch place {
      case .between, .ended:
        event = takeBetween(bytes[at], &at)
      case .line:
        event = took(line.read(bytes, &at, &budget))
      case .fields, .trailer:
        event = took(lines.read(bytes, &at, &budget))
      case .length:
        let start = at
        passOver(bytes, &at)
        event = tellsContent ? .content(start, at) : nil
      case .chunks where tellsContent && chunks.isAtData:
        let start = at
        at += chunks.takeData(bytes.count - at)
        event = .content(start, at)
      case .chunks:
        event = took(chunks.read(bytes, &at, tellsContent))
      case .refused:
        at = bytes.count
        event = nil
      }
      if let event { return event }
    }
    if !contentEnds { return nil }
    contentEnds = false
    tellsContent = false
    return .contentEnd
  }

  /// The player ended its side: inside a request, that is no request.
  package mutating func finish() -> RequestEvent? {
    isInside || endless ? refuse(.badRequest) : nil
  }

  // R-HTTP-6: empty lines before a request are no matter (RFC 9112 section 2.2).
  private mutating func takeBetween(_ byte: UInt8, _ at: inout Int) -> RequestEvent? {
    if byte == Ascii.cr || byte == Ascii.lf {
      strayCr = byte == Ascii.cr
      at += 1
      return nil
    }
    // R-HTTP-13: who asked for the end of the connection has nothing more to say.
    if place == .ended { return refuse(.badRequest) }
    begun += 1
    budget.reset()
    line = RequestLineReader(strayCr)
    strayCr = false
    place = .line
    return nil
  }

  private mutating func took(_ step: ReadStep) -> RequestEvent? {
    switch step {
    case .more:
      return nil
    case .refused(let code):
      return refuse(code)
    case .done:
      break
    }
    switch place {
    case .line:
      lines = FieldLinesReader(true, RequestFraming())
      place = .fields
    case .fields:
      return headDone()
    case .chunks:
      budget.reset()
      lines = FieldLinesReader(false, framing)
      place = .trailer
    default:
      framing = lines.framing
      end()
    }
    return nil
  }

  private mutating func headDone() -> RequestEvent {
    framing = lines.framing
    let fields = lines.fields
    let (method, target) = (line.method, line.target)
    // R-HTTP-6: a tunnel is not opened, and without a version of ours what follows means nothing.
    if method == connectMethod { return refuse(.methodNotAllowed) }
    if line.major != 1 { return refuse(.badRequest) }
    if framing.chunked {
      chunks = ChunkedBodyReader()
      place = .chunks
    } else if framing.transferEncoding {
      endless = true
    } else if let length = framing.length, length > 0 {
      left = length
      place = .length
    } else {
      end()
    }
    let close = asksToClose(fields, line.minor)
    // R-HTTP-11: Expect is a field like any other; nobody waits for a 100 before a head that is answered at once.
    return .request(RequestHead(method: method, target: target, httpMinor: line.minor, fields: fields, close: close))
  }

  private mutating func passOver(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) {
    let taken = min(left, UInt64(bytes.count - at))
    left -= taken
    at += Int(taken)
    if left == 0 { end() }
  }

  private mutating func end() {
    contentEnds = tellsContent
    place = framing.allowsMore(line.major, line.minor) ? .between : .ended
  }

  private mutating func refuse(_ code: ErrorCode) -> RequestEvent {
    endless = false
    place = .refused
    lines = FieldLinesReader(false, RequestFraming())
    line = RequestLineReader(false)
    return .refused(code)
  }
}
