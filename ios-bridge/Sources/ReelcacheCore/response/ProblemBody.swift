/// The JSON body of the proxy's own errors (RFC 9457; SPEC: R-RESP-10).

/// The body for `code`, in ASCII, with its members always in one order; media type application/problem+json.
/// `detail` ("" leaves it out) and `instance` (nil leaves it out) are byte strings.
package func problemBody(_ code: ErrorCode, _ detail: ByteString, _ instance: ByteString?) -> ByteString {
  let row = errorRow(code)
  // R-RESP-10
  let type = ByteString(utf8: "urn:reelcache:error:" + code.rawValue)
  var body: ByteString = "{\"type\":\(jsonString(type)),\"title\":\(jsonString(row.title))"
  body += ",\"status\":\(row.status)"
  if !detail.isEmpty { body += ",\"detail\":\(jsonString(detail))" }
  if let instance { body += ",\"instance\":\(jsonString(instance))" }
  return body + "}"
}

/// A JSON string (RFC 8259 section 7); every character outside printable ASCII becomes `\u00xx`.
package func jsonString(_ text: ByteString) -> ByteString {
  var quoted: ByteString = "\""
  for index in 0..<text.count {
    let code = text.code(index)
    // R-RESP-11
    if code == 0x22 || code == 0x5c {
      quoted += "\\"
      quoted.bytes.append(text.bytes[index])
    } else if code >= 0x20 && code <= 0x7e {
      quoted.bytes.append(text.bytes[index])
    } else {
      quoted += unicodeEscape(code)
    }
  }
  return quoted + "\""
}

/// `\uXXXX` in lower-case hexadecimal.
private func unicodeEscape(_ code: Int) -> ByteString {
  let digits: ByteString = "0123456789abcdef"
  var text: ByteString = "\\u"
  for divisor in [4096, 256, 16, 1] { text.bytes.append(digits.bytes[code / divisor % 16]) }
  return text
}
