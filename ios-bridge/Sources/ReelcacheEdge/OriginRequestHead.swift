import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The bytes of a request head; nil when a field would break the request (R-ORIGIN-1).
///
/// The rules for the caller's fields are those of the reference's library: framing fields and an expectation are
/// refused, Connection and Content-Length are checked and not sent.
func requestHead(_ call: OriginCall) -> Data? {
  if call.fields.count % 2 != 0 { return nil }
  // R-ORIGIN-3: HEAD, as an origin may send a body after all.
  var closes = call.method == .head || call.passes != nil
  var length: ByteString?
  var lines = ByteString()
  var at = 0
  while at + 1 < call.fields.count {
    let name = call.fields[at]
    let value = call.fields[at + 1]
    at += 2
    if !isToken(name) || !isFieldValue(value) { return nil }
    switch lowerAscii(name) {
    case "host", "transfer-encoding", "keep-alive", "upgrade", "expect":
      return nil
    case "content-length":
      if length != nil || parseDigits(value) < 0 { return nil }
      length = value
    case "connection":
      guard let close = saysClose(value) else { return nil }
      closes = closes || close
    default:
      lines += "\(name): \(value)\r\n"
    }
  }
  let connection: ByteString = closes ? "close" : "keep-alive"
  // R-ORIGIN-2
  let method = call.passes?.method ?? ByteString(utf8: call.method.rawValue)
  if let passes = call.passes {
    if let length {
      lines += "content-length: \(length)\r\n"
    } else if passes.content != nil {
      lines += "transfer-encoding: chunked\r\n"
    } else if bodiedMethods.contains(passes.method) {
      lines += "content-length: 0\r\n"
    }
  }
  let start: ByteString = "\(method) \(call.target) HTTP/1.1\r\nhost: \(call.host)\r\nconnection: \(connection)\r\n"
  return Data(start + lines + "\r\n")
}

/// Methods of which an origin expects content, so that they say when there is none (RFC 9110 section 8.6).
private let bodiedMethods: [ByteString] = ["PUT", "POST", "PATCH", "QUERY", "PROPFIND", "PROPPATCH"]

/// Whether the options of a Connection field have "close" among them; nil when one is no token.
private func saysClose(_ value: ByteString) -> Bool? {
  var close = false
  var start = 0
  while start <= value.count {
    let comma = value.indexOf(",", start)
    let end = comma < 0 ? value.count : comma
    let option = trimOws(value.slice(start, end))
    if !isToken(option) { return nil }
    close = close || equalIgnoreCase(option, "close")
    start = end + 1
  }
  return close
}
