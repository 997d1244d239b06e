import ReelcacheCore

/// A type of the core that stands in a fixture: it comes from JSON and goes back to it without a loss.
protocol JsonConvertible {
  init(json: Json) throws
  var json: Json { get }
}

extension Json: JsonConvertible {
  init(json: Json) { self = json }
  var json: Json { self }
}

extension Bool: JsonConvertible {
  init(json: Json) throws {
    guard case .bool(let flag) = json else { throw JsonError(description: "no boolean: \(json)") }
    self = flag
  }
  var json: Json { .bool(self) }
}

extension Int: JsonConvertible {
  init(json: Json) throws {
    guard case .number(let number) = json else { throw JsonError(description: "no number: \(json)") }
    self = number
  }
  var json: Json { .number(self) }
}

extension ByteString: JsonConvertible {
  init(json: Json) throws {
    guard case .text(let text) = json else { throw JsonError(description: "no text: \(json)") }
    self = text
  }
  var json: Json { .text(self) }
}

extension Optional: JsonConvertible where Wrapped: JsonConvertible {
  init(json: Json) throws {
    self = json == .null ? nil : try Wrapped(json: json)
  }
  var json: Json { map(\.json) ?? .null }
}

extension Array: JsonConvertible where Element: JsonConvertible {
  init(json: Json) throws {
    self = try json.list().map { try Element(json: $0) }
  }
  var json: Json { .list(map(\.json)) }
}

/// A union of strings: its raw value is the text.
extension JsonConvertible where Self: RawRepresentable, RawValue == String {
  init(json: Json) throws {
    guard case .text(let text) = json, let value = Self(rawValue: text.description) else {
      throw JsonError(description: "no \(Self.self): \(json)")
    }
    self = value
  }
  var json: Json { .text(ByteString(utf8: rawValue)) }
}

extension ErrorCode: JsonConvertible {}
