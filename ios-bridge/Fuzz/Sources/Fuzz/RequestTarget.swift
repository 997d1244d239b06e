@testable import ReelcacheCore
@testable import ReelcacheEdge

/// A small bound, so that an input reaches it.
private let headBytesMax = 600

/// A player's bytes: however they are cut into pieces they are the same requests; what comes out is text that a request
/// line and fields may hold, and written down again it reads the same.
func fuzzRequest(_ input: [UInt8]) {
  var reader = InputReader(input)
  let cut = reader.byte()
  let bytes = reader.rest()
  let whole = events(bytes, [bytes.count])
  for sizes in [pieces(bytes.count, cut), Array(repeating: 1, count: bytes.count)] {
    let cutUp = events(bytes, sizes)
    check(cutUp == whole, "pieces make a difference: \(cutUp) \(whole)")
  }
  for (at, event) in whole.enumerated() {
    switch event {
    case .request(let head):
      checkHead(head)
      checkMeaning(head)
    case .refused:
      check(at == whole.count - 1, "something comes after a refusal")
    case .content, .contentEnd:
      check(false, "content is told that nobody asked for")
    }
  }
}

private func events(_ bytes: [UInt8], _ sizes: [Int]) -> [RequestEvent] {
  var parser = RequestParser(headBytesMax)
  var events: [RequestEvent] = []
  var start = 0
  for size in sizes {
    bytes[start..<start + size].withUnsafeBytes { piece in
      var at = 0
      var idle = 0
      while idle < 2 {
        let before = at
        let event = parser.next(piece, &at)
        check(at >= before && at <= piece.count, "the place leaves the bytes")
        if let event { events.append(event) }
        check(event != nil || at == piece.count, "bytes are left without an event")
        idle = event == nil ? idle + 1 : 0
      }
    }
    start += size
  }
  let inside = parser.isInside
  let last = parser.finish()
  check(!inside || last != nil || events.last.map(isRefusal) == true, "an end inside a request is not noticed")
  if let last { events.append(last) }
  check(parser.finish() == nil, "a request ends twice")
  return events
}

private func isRefusal(_ event: RequestEvent) -> Bool {
  if case .refused = event { return true }
  return false
}

private func pieces(_ count: Int, _ seed: Int) -> [Int] {
  var sizes: [Int] = []
  var left = count
  var state = seed
  while left > 0 {
    state = (state * 73 + 41) % 257
    let size = min(left, 1 + state % 19)
    sizes.append(size)
    left -= size
  }
  return sizes
}

private func checkHead(_ head: RequestHead) {
  check(!head.method.isEmpty && head.method.bytes.allSatisfy(isTokenByte), "a method is no token")
  check(!head.target.isEmpty && head.target.bytes.allSatisfy { $0 > 0x20 && $0 != 0x7f }, "a target has white space")
  check(head.httpMinor == 0 || head.httpMinor == 1, "an unknown version")
  check(head.fields.count % 2 == 0, "a field without a value")
  var total = head.target.count
  for (at, text) in head.fields.enumerated() {
    total += text.count
    if at % 2 == 0 {
      check(!text.isEmpty && text.bytes.allSatisfy(isTokenByte), "a field's name is no token")
    } else {
      check(text.bytes.allSatisfy { $0 != 0x0a && $0 != 0x0d && $0 != 0 }, "a field's value would end its line")
      check(text == trimOws(text), "a field's value has white space around it")
    }
  }
  check(total < headBytesMax, "a head is larger than it may be")
  checkAgain(head)
}

/// The head written down plainly; fields that frame content would need that content.
private func checkAgain(_ head: RequestHead) {
  var lines: [ByteString] = ["\(head.method) \(head.target) HTTP/1.\(head.httpMinor)"]
  for at in stride(from: 0, to: head.fields.count, by: 2) {
    lines.append("\(head.fields[at]): \(head.fields[at + 1])")
  }
  let text = joined(lines + ["", ""], "\r\n")
  guard case .request(let again)? = events(Array(text.bytes), [text.count]).first else {
    check(false, "a head that was read is refused when it is written down: \(text)")
    return
  }
  check(again == head, "a head reads differently when it is written down: \(text)")
}

/// What the core makes of it.
private func checkMeaning(_ head: RequestHead) {
  for secret in ["", "s"] as [ByteString] {
    guard case .resource(let form, let url, let own) = parseTarget(head.target, secret) else { continue }
    check(isUpstreamUrl(url), "a target leads to what is no upstream URL: \(url)")
    check(!url.includes("#"), "a fragment travels")
    let prefix = secret.isEmpty ? "" : "/~\(secret)" as ByteString
    let back = parseTarget(withParameters(prefix, form, proxiedUpstreamUrl(prefix, form, url), own), secret)
    check(back == .resource(form: form, url: url, own: own), "a URL does not come back: \(url)")
  }
  _ = hostAllowed(fieldFirst(head.fields, "host"), fieldCount(head.fields, "host"), "127.0.0.1", 9_000, ["*.example"])
  _ = parseRange(fieldFirst(head.fields, "range"))
}

private func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
  default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
  }
}
