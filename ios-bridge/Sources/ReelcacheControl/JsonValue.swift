/// Any JSON value. A number that is no whole number is kept apart: no command has one.
enum JsonValue: Equatable, Sendable {
  case null
  case flag(Bool)
  case number(Int)
  case fraction(Double)
  case text(String)
  case list([JsonValue])
  case object([String: JsonValue])

  var text: String? {
    if case .text(let text) = self { return text }
    return nil
  }

  var number: Int? {
    if case .number(let number) = self { return number }
    return nil
  }

  var flag: Bool? {
    if case .flag(let flag) = self { return flag }
    return nil
  }
}

extension JsonValue: Decodable {
  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? value.decode(Int.self) {
      self = .number(number)
    } else if let fraction = try? value.decode(Double.self) {
      self = .fraction(fraction)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([JsonValue].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JsonValue].self))
    }
  }
}
