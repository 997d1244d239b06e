// Text of options and messages, scalar by scalar: Swift's characters would join a comma and what combines with it.

/// The parts of a text between separators; empty ones count.
package func split(_ text: String, _ separator: Unicode.Scalar) -> [String] {
  text.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
}

/// The text without white space at its ends.
package func trimmed(_ text: String) -> String {
  let scalars = text.unicodeScalars
  guard let first = scalars.firstIndex(where: { !isWhiteSpace($0) }),
    let last = scalars.lastIndex(where: { !isWhiteSpace($0) })
  else { return "" }
  return String(scalars[first...last])
}

/// White space as ECMAScript counts it: the reference's, so that both read the same lists.
package func isWhiteSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09...0x0D, 0x20, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF: true
  default: false
  }
}

/// The text as a JSON string, quotes included, as ECMAScript's JSON.stringify writes it.
package func jsonText(_ text: String) -> String {
  var json = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": json += "\\\""
    case "\\": json += "\\\\"
    case "\u{8}": json += "\\b"
    case "\u{c}": json += "\\f"
    case "\n": json += "\\n"
    case "\r": json += "\\r"
    case "\t": json += "\\t"
    case "\0"..."\u{1f}":
      let code = String(scalar.value, radix: 16)
      json += "\\u" + String(repeating: "0", count: 4 - code.count) + code
    default: json.unicodeScalars.append(scalar)
    }
  }
  return json + "\""
}
