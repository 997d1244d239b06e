@testable import ReelcacheCore

func vectorsBase() -> VectorRegistry {
  [
    "base/bytes": [
      "isDigit": call(isDigit),
      "lowerAscii": call(lowerAscii),
      "trimOws": call(trimOws),
      "parseDigits": call(parseDigits),
      "equalIgnoreCase": call(equalIgnoreCase),
      "equalConstantTime": call(equalConstantTime),
      "isToken": call(isToken),
      "percentEncode": call(percentEncode),
      "percentDecode": call(percentDecode),
    ],
    "base/errors": [
      "errorRow": call(errorRow)
    ],
    "base/sha256": [
      "sha256Hex": call(sha256Hex)
    ],
  ]
}

extension LogLevel: JsonConvertible {}

extension ErrorRow: JsonConvertible {
  init(json: Json) throws {
    self.init(status: try json.member("status"), title: try json.member("title"), level: try json.member("level"))
  }

  var json: Json { .record(["status": status.json, "title": title.json, "level": level.json]) }
}
