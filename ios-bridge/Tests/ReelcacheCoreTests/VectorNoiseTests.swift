import XCTest

@testable import ReelcacheCore

/// Swift traps where JavaScript carries on: a sum past the integers, an offset past the text. A trap ends the app, so no
/// byte that an origin or a player sends may lead to one. Each vector's arguments, bent at random, are a good start.
final class VectorNoiseTests: XCTestCase {
  func testNoFunctionOfBaseTrapsOnBentArguments() throws {
    try bend(vectorsBase(), 40)
  }

  func testNoFunctionOfHttpTrapsOnBentArguments() throws {
    try bend(vectorsHttp(), 20)
  }

  func testNoFunctionOfRouteTrapsOnBentArguments() throws {
    try bend(vectorsRoute(), 200)
  }

  /// Calls every function with `times` variations of each of its vectors; a call that returns at all has passed.
  private func bend(_ registry: VectorRegistry, _ times: Int) throws {
    var random = SeededRandom(1)
    for file in try readVectorFiles() {
      for (name, function) in (registry[file.module] ?? [:]).sorted(by: { $0.key < $1.key }) {
        var tried = 0
        var returned = 0
        for vector in file.cases where vector.call == name {
          for _ in 0..<times {
            tried += 1
            // Arguments that are no longer of the parameter's type are refused, and say nothing.
            if (try? function(vector.args.map { bent($0, &random) })) != nil { returned += 1 }
          }
        }
        XCTAssertGreaterThan(returned, tried / 10, "\(file.module) \(name)")
      }
    }
  }

  private func bent(_ json: Json, _ random: inout SeededRandom) -> Json {
    switch json {
    case .null: random.next(4) == 0 ? .text(random.bytes(20)) : .null
    case .bool: .bool(random.next(2) == 0)
    case .number(let number): .number(bentNumber(number, &random))
    case .text(let text): random.next(8) == 0 ? .null : .text(bentText(text, &random))
    case .list(let list): .list(bentList(list, &random))
    case .record(let record): .record(bentRecord(record, &random))
    }
  }

  /// A number of the core: from -(2^53-1) to 2^53-1.
  private func bentNumber(_ number: Int, _ random: inout SeededRandom) -> Int {
    switch random.next(6) {
    case 0: number
    case 1: random.one([-1, 0, 1, integerMax, -integerMax, integerMax - 1, 1 << 31, 1 << 32])
    case 2: max(-integerMax, min(integerMax, number + random.next(5) - 2))
    case 3: random.next(1 << 20)
    case 4: -random.next(1 << 20)
    default: random.next(1 << 30) << 22
    }
  }

  private func bentText(_ text: ByteString, _ random: inout SeededRandom) -> ByteString {
    let at = random.next(text.count + 1)
    let end = at + random.next(text.count - at + 1)
    let marks: [ByteString] = [
      "", "%", ",", ";", "\"", "\\", "=", "-", ":", "::", "[", "]", ".", "..", "/", "?", "#", "@", "*",
    ]
    switch random.next(8) {
    case 0: return text
    case 1: return random.bytes(30)
    case 2: return text.slice(0, at)
    case 3: return text.slice(at)
    case 4: return text.slice(0, at) + random.bytes(3) + text.slice(end)
    case 5: return text.slice(0, at) + random.one(marks) + text.slice(at)
    case 6: return text.slice(0, end) + text.slice(at)
    default: return text.slice(0, at) + "99999999999999999999" + text.slice(end)
    }
  }

  private func bentList(_ list: [Json], _ random: inout SeededRandom) -> [Json] {
    var bentList = list.map { bent($0, &random) }
    if !bentList.isEmpty && random.next(3) == 0 { bentList.remove(at: random.next(bentList.count)) }
    if !bentList.isEmpty && random.next(3) == 0 { bentList.append(random.one(bentList)) }
    return bentList
  }

  /// The members, of which those that name a union's case stay: another name would be refused.
  private func bentRecord(_ record: [String: Json], _ random: inout SeededRandom) -> [String: Json] {
    var bentRecord = record
    for name in record.keys.sorted() where name != "kind" && name != "as" {
      bentRecord[name] = record[name].map { bent($0, &random) }
    }
    return bentRecord
  }
}
