import ReelcacheCore

/// Reads one request line (RFC 9112 section 3): method, target, protocol and version.
struct RequestLineReader: Sendable {
  private enum Place {
    case method, oddTarget, oddVersion, spaces, target, bareEnd, moreSpaces, name, slash, major, dot, minor, cr, lf
  }

  private var place = Place.method
  /// A carriage return of its own stands before the method: no other reader would call this a request line.
  private let afterStrayCr: Bool
  private var scanner = TargetScanner(false)
  private var oddBytes = 0
  private var oddCr = false
  private var protocolName = ByteString()
  /// Bytes of the protocol's name, or of an odd line's version, that are as they should be.
  private var matched = 0
  private(set) var method = ByteString()
  private(set) var target = ByteString()
  private(set) var major = 0
  private(set) var minor = 0

  init(_ afterStrayCr: Bool) {
    self.afterStrayCr = afterStrayCr
  }

  mutating func read(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, _ budget: inout HeadBudget) -> ReadStep {
    while at < bytes.count {
      let byte = bytes[at]
      var step: ReadStep
      switch place {
      case .method:
        step = inMethod(byte, budget.bytesMax)
      case .oddTarget, .oddVersion:
        step = inOddLine(byte, budget.bytesMax)
      case .spaces:
        if byte != Ascii.space {
          scanner = TargetScanner(method == connectMethod)
          place = .target
          continue
        }
        step = .more
      case .target:
        step = inTarget(bytes, &at, &budget)
        if place == .target && step == .more { return step }
        if step == .more { continue }
      default:
        step = behindTarget(byte)
      }
      if case .refused = step { return step }
      at += 1
      if step == .done { return step }
    }
    return .more
  }

  /// The method: a token, and one that somebody has defined, or the line is looked at as a whole.
  private mutating func inMethod(_ byte: UInt8, _ bytesMax: Int) -> ReadStep {
    if ByteSet.token.contains(byte) {
      method.bytes.append(byte)
      return method.count < bytesMax ? .more : .refused(.badRequest)
    }
    if byte != Ascii.space || method.isEmpty { return .refused(.badRequest) }
    if isKnownMethod(method) {
      place = .spaces
    } else if afterStrayCr {
      return .refused(.badRequest)
    } else {
      place = .oddTarget
    }
    return .more
  }

  // R-HTTP-3: of a method that is not in the list, only the shape of its line is known.
  private mutating func inOddLine(_ byte: UInt8, _ bytesMax: Int) -> ReadStep {
    if place == .oddVersion { return inOddVersion(byte) }
    if byte == Ascii.space {
      if oddBytes == 0 { return .refused(.badRequest) }
      place = .oddVersion
      return .more
    }
    if oddCr && byte == Ascii.lf { return .refused(.badRequest) }
    oddCr = byte == Ascii.cr
    oddBytes += 1
    return oddBytes < bytesMax ? .more : .refused(.badRequest)
  }

  private mutating func inOddVersion(_ byte: UInt8) -> ReadStep {
    let isMinor = matched == 7
    let right = byte == versionEnd.bytes[matched] || (isMinor && byte == Ascii.zero)
    if !right { return .refused(.badRequest) }
    matched += 1
    return matched < versionEnd.count ? .more : .refused(.methodNotAllowed)
  }

  private mutating func inTarget(
    _ bytes: UnsafeRawBufferPointer,
    _ at: inout Int,
    _ budget: inout HeadBudget
  ) -> ReadStep {
    let start = at
    var verdict = TargetScanner.Verdict.goesOn
    while at < bytes.count {
      if scanner.isInPath {
        at = ByteSet.target.end(bytes, at)
        if at == bytes.count { break }
      }
      verdict = scanner.take(bytes[at])
      if verdict != .goesOn { break }
      at += 1
    }
    target.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<at]))
    switch verdict {
    case .goesOn:
      return budget.grow(target.count) ? .more : .refused(.headTooLarge)
    case .ended:
      if !budget.close(target.count) { return .refused(.headTooLarge) }
      // A line without a version is of HTTP/0.9: its fields are read, then it is refused.
      place = bytes[at] == Ascii.space ? .moreSpaces : .bareEnd
      minor = 9
      if bytes[at] == Ascii.lf { return behindTarget(Ascii.lf) }
      at += 1
      return .more
    case .wrong:
      // What came before counts first, or it would matter how the bytes are cut into pieces.
      return .refused(budget.grow(target.count) ? .badRequest : .headTooLarge)
    }
  }

  private mutating func behindTarget(_ byte: UInt8) -> ReadStep {
    switch place {
    case .bareEnd:
      return byte == Ascii.lf ? .done : .refused(.badRequest)
    case .moreSpaces, .name:
      return inProtocol(byte)
    case .slash, .dot:
      if byte != (place == .slash ? Ascii.slash : Ascii.dot) { return .refused(.badRequest) }
      place = place == .slash ? .major : .minor
    case .major:
      guard let digit = decimal(byte) else { return .refused(.badRequest) }
      major = digit
      place = .dot
    case .minor:
      guard let digit = decimal(byte) else { return .refused(.badRequest) }
      minor = digit
      if !isVersion() || method == prefaceMethod { return .refused(.badRequest) }
      place = .cr
    case .cr:
      if byte != Ascii.cr { return .refused(.badRequest) }
      place = .lf
    default:
      return byte == Ascii.lf ? .done : .refused(.badRequest)
    }
    return .more
  }

  /// The name before the slash. The reference's parser reads RTSP's and Icecast's requests too, and so do we.
  private mutating func inProtocol(_ byte: UInt8) -> ReadStep {
    if place == .moreSpaces {
      if byte == Ascii.space { return .more }
      guard let first = protocolNames.first(where: { $0.code(0) == Int(byte) }) else { return .refused(.badRequest) }
      protocolName = first
      place = .name
    }
    if byte != protocolName.bytes[matched] { return .refused(.badRequest) }
    matched += 1
    if matched < protocolName.count { return .more }
    place = .slash
    return isKnownMethod(method, protocolName) ? .more : .refused(.badRequest)
  }

  private func isVersion() -> Bool {
    switch (major, minor) {
    case (0, 9), (1, 0), (1, 1), (2, 0): true
    default: false
    }
  }

  private func decimal(_ byte: UInt8) -> Int? {
    byte >= Ascii.zero && byte <= Ascii.nine ? Int(byte - Ascii.zero) : nil
  }
}

private func isKnownMethod(_ method: ByteString) -> Bool {
  method == getMethod || httpMethods.contains(method) || rtspMethods.contains(method)
}

/// Whether the reference's parser knows the method with that protocol.
private func isKnownMethod(_ method: ByteString, _ protocolName: ByteString) -> Bool {
  if protocolName == protocolNames[0] { return method == getMethod || httpMethods.contains(method) }
  return protocolName == protocolNames[1] ? rtspMethods.contains(method) : method == sourceMethod
}

/// The protocols that may stand before the version: HTTP, RTSP (RFC 2326) and Icecast's.
private let protocolNames: [ByteString] = ["HTTP", "RTSP", "ICE"]
private let getMethod: ByteString = "GET"
private let prefaceMethod: ByteString = "PRI"
private let sourceMethod: ByteString = "SOURCE"
private let versionEnd: ByteString = "HTTP/1.1\r\n"

/// CONNECT, whose target is an authority.
let connectMethod: ByteString = "CONNECT"

/// The methods that the reference's parser knows with HTTP.
private let httpMethods: [ByteString] = [
  "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH", "COPY", "LOCK", "MKCOL", "MOVE",
  "PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK", "BIND", "REBIND", "UNBIND", "ACL", "REPORT", "MKACTIVITY", "CHECKOUT",
  "MERGE", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "MKCALENDAR", "LINK", "UNLINK", "PRI", "SOURCE",
  "QUERY",
]

/// The methods that it knows with RTSP (RFC 2326 section 10).
private let rtspMethods: [ByteString] = [
  "OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "REDIRECT",
  "RECORD", "FLUSH", "GET", "POST",
]
