import ReelcacheCore

/// A field of a log line as JSON. What names a secret is not shown.
func logJson(_ key: String, _ value: Any) -> String {
  if secretKeys.contains(key) { return quotedJson("[redacted]") }
  switch value {
  case let text as String: return quotedJson(text)
  case let text as ByteString: return quotedJson(latin1Text(text))
  case let number as Int: return String(number)
  case let number as Int32: return String(number)
  case let flag as Bool: return flag ? "true" : "false"
  case let number as Double: return number.isFinite ? String(number) : "null"
  case let error as Error: return errorJson(error)
  case let fields as KeyValuePairs<String, Any>: return objectJson(fields)
  default: return otherJson(value)
  }
}

/// Text as a JSON string (RFC 8259 section 7).
func quotedJson(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case "\n": quoted += "\\n"
    case "\r": quoted += "\\r"
    case "\t": quoted += "\\t"
    default:
      if scalar.value < 32 {
        let hex = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      } else {
        quoted.unicodeScalars.append(scalar)
      }
    }
  }
  return quoted + "\""
}

/// Wire text as text: each byte is the character of that code, as in the reference.
func latin1Text(_ bytes: ByteString) -> String {
  var text = String.UnicodeScalarView()
  for byte in bytes.bytes { text.append(Unicode.Scalar(byte)) }
  return String(text)
}

private let secretKeys: [String] = ["authorization", "cookie", "secret"]

private func objectJson(_ fields: KeyValuePairs<String, Any>) -> String {
  "{" + fields.map { key, value in "\(quotedJson(key)):\(logJson(key, value))" }.joined(separator: ",") + "}"
}

private func errorJson(_ error: Error) -> String {
  let type = quotedJson(String(describing: Swift.type(of: error)))
  return "{\"type\":\(type),\"message\":\(quotedJson(String(describing: error)))}"
}

/// Optionals as what they hold, or null; lists; and of everything else its description.
private func otherJson(_ value: Any) -> String {
  let mirror = Mirror(reflecting: value)
  switch mirror.displayStyle {
  case .optional:
    guard let held = mirror.children.first else { return "null" }
    return logJson("", held.value)
  case .collection:
    return "[" + mirror.children.map { logJson("", $0.value) }.joined(separator: ",") + "]"
  default:
    return quotedJson(String(describing: value))
  }
}
