import Foundation
import ReelcacheCore

/// A value of a fixture file. Numbers are the whole numbers below 2^53 that both twins have; texts are byte strings, one
/// latin1 character a byte; a record's order says nothing.
enum Json: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(Int)
  case text(ByteString)
  case list([Json])
  case record([String: Json])
}

/// A value that is not what it should be: a fault of a fixture or of a converter, never of the core.
struct JsonError: Error, CustomStringConvertible {
  let description: String
}

extension Json: Decodable {
  init(from decoder: any Decoder) throws {
    if let list = try? decoder.unkeyedContainer() {
      self = .list(try Json.elements(list))
      return
    }
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let text = try? value.decode(String.self) {
      guard let bytes = ByteString(latin1: text) else {
        throw DecodingError.dataCorruptedError(in: value, debugDescription: "\"\(text)\" is beyond latin1")
      }
      self = .text(bytes)
    } else if let flag = try? value.decode(Bool.self) {
      self = .bool(flag)
    } else if let number = try? value.decode(Int.self) {
      self = .number(number)
    } else {
      self = .record(try value.decode([String: Json].self))
    }
  }

  private static func elements(_ container: any UnkeyedDecodingContainer) throws -> [Json] {
    var rest = container
    var elements: [Json] = []
    while !rest.isAtEnd { elements.append(try rest.decode(Json.self)) }
    return elements
  }

  /// The value in a file of JSON.
  init(file: URL) throws {
    self = try JSONDecoder().decode(Json.self, from: Data(contentsOf: file))
  }
}

extension Json: CustomStringConvertible {
  /// As JSON, a record's members by name, a byte that is not printable ASCII escaped.
  var description: String {
    switch self {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .number(let number): "\(number)"
    case .text(let text): Json.quoted(text)
    case .list(let list): "[" + list.map(\.description).joined(separator: ", ") + "]"
    case .record(let record):
      "{" + record.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: ByteString) -> String {
    var quoted = "\""
    for byte in text.bytes {
      switch byte {
      case 34, 92: quoted += "\\" + String(Unicode.Scalar(byte))
      case 32...126: quoted += String(Unicode.Scalar(byte))
      default: quoted += "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return quoted + "\""
  }
}

extension Json {
  /// The members of a record.
  func record() throws -> [String: Json] {
    guard case .record(let record) = self else { throw JsonError(description: "no record: \(self)") }
    return record
  }

  /// The elements of a list.
  func list() throws -> [Json] {
    guard case .list(let list) = self else { throw JsonError(description: "no list: \(self)") }
    return list
  }

  /// One member of a record, as a value of the core.
  func member<Value: JsonConvertible>(_ name: String) throws -> Value {
    guard let member = try record()[name] else { throw JsonError(description: "no \"\(name)\" in \(self)") }
    return try Value(json: member)
  }

  /// The member that tells the cases of a tagged union apart.
  func kind() throws -> String {
    try text(member("kind"))
  }

  /// A member that is a Swift text, such as an id or a title.
  func string(_ name: String) throws -> String {
    try text(member(name))
  }

  private func text(_ bytes: ByteString) -> String { bytes.description }

  /// One case of a tagged union: its kind and its members.
  static func tagged(_ kind: ByteString, _ members: [String: Json]) -> Json {
    .record(members.merging(["kind": .text(kind)]) { _, tag in tag })
  }
}
