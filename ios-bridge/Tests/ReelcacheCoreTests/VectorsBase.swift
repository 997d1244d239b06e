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
    ]
  ]
}
