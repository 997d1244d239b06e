import Foundation
import ReelcacheCore

/// Vectors: pure input to output of one core module, from fixtures/vectors; the reference runs the same files.
struct VectorFile {
  let module: String
  let cases: [VectorCase]
}

/// One case. `returns` is nil when the function returns nothing; `after` holds all arguments as they are after the call,
/// of which only those in `mutates` may have changed.
struct VectorCase {
  let id: String
  let call: String
  let args: [Json]
  let returns: Json?
  let mutates: [Int]
  let after: [Json]
}

/// What a call gave: the value, nil when it returns nothing, and the arguments as it left them.
typealias VectorOutcome = (returned: Json?, args: [Json])

/// One exported function of the core, called with JSON. Throws when an argument has not the parameter's type.
typealias VectorCall = ([Json]) throws -> VectorOutcome

/// The functions by module ("http/byte-range") and name.
typealias VectorRegistry = [String: [String: VectorCall]]

extension VectorFile {
  init(json: Json) throws {
    module = try json.string("module")
    cases = try json.member("cases")
  }
}

extension VectorCase: JsonConvertible {
  init(json: Json) throws {
    id = try json.string("id")
    call = try json.string("call")
    args = try json.member("args")
    let record = try json.record()
    returns = record["returns"]
    mutates = try record["mutates"].map { try [Int](json: $0) } ?? []
    after = try record["after"].map { try [Json](json: $0) } ?? []
  }

  var json: Json {
    .record(["id": .text(ByteString(utf8: id)), "call": .text(ByteString(utf8: call)), "args": .list(args)])
  }
}

/// All vector files, sorted by name.
func readVectorFiles() throws -> [VectorFile] {
  let folder = fixtureFolder().appendingPathComponent("vectors")
  let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
  return try names.sorted().map { try VectorFile(json: Json(file: folder.appendingPathComponent($0))) }
}

/// Runs one case; nil when all is as written, else what was found and what was wanted.
func runVector(_ functions: [String: VectorCall], _ vector: VectorCase) -> (found: String, wanted: String)? {
  guard let call = functions[vector.call] else {
    return ("no exported function \(vector.call)", vector.call)
  }
  let outcome: VectorOutcome
  do {
    outcome = try call(vector.args)
  } catch {
    return ("\(error)", "arguments of \(vector.call)")
  }
  if outcome.returned != vector.returns {
    return (outcome.returned?.description ?? "nothing", vector.returns?.description ?? "nothing")
  }
  // An argument that is not declared as mutated must come out as it went in.
  let after = vector.args.indices.map { at in
    vector.mutates.contains(at) && at < vector.after.count ? vector.after[at] : vector.args[at]
  }
  return outcome.args == after ? nil : ("\(Json.list(outcome.args))", "\(Json.list(after))")
}

/// Binds a function that returns a value; the arguments may be objects that it changes.
func call<each Argument: JsonConvertible, Returned: JsonConvertible>(
  _ function: @escaping (repeat each Argument) -> Returned
) -> VectorCall {
  { args in
    var reader = ArgumentReader(args)
    let values = (repeat try reader.next((each Argument).self))
    try reader.finish()
    let returned = function(repeat each values)
    return (returned.json, jsonList(repeat each values))
  }
}

/// Binds a function that changes its first argument, a value, and returns nothing.
func change<Subject: JsonConvertible, each Argument: JsonConvertible>(
  _ function: @escaping (inout Subject, repeat each Argument) -> Void
) -> VectorCall {
  { args in
    var reader = ArgumentReader(args)
    var subject = try reader.next(Subject.self)
    let values = (repeat try reader.next((each Argument).self))
    try reader.finish()
    function(&subject, repeat each values)
    return (nil, [subject.json] + jsonList(repeat each values))
  }
}

/// Binds a function that changes its first argument, a value, and returns another.
func changeAndReturn<Subject: JsonConvertible, each Argument: JsonConvertible, Returned: JsonConvertible>(
  _ function: @escaping (inout Subject, repeat each Argument) -> Returned
) -> VectorCall {
  { args in
    var reader = ArgumentReader(args)
    var subject = try reader.next(Subject.self)
    let values = (repeat try reader.next((each Argument).self))
    try reader.finish()
    let returned = function(&subject, repeat each values)
    return (returned.json, [subject.json] + jsonList(repeat each values))
  }
}

/// Binds a function that changes objects and returns nothing.
func run<each Argument: JsonConvertible>(_ function: @escaping (repeat each Argument) -> Void) -> VectorCall {
  { args in
    var reader = ArgumentReader(args)
    let values = (repeat try reader.next((each Argument).self))
    try reader.finish()
    function(repeat each values)
    return (nil, jsonList(repeat each values))
  }
}

/// Takes the arguments one after the other.
private struct ArgumentReader {
  private let args: [Json]
  private var at = 0

  init(_ args: [Json]) {
    self.args = args
  }

  mutating func next<Value: JsonConvertible>(_ type: Value.Type) throws -> Value {
    guard at < args.count else { throw JsonError(description: "only \(args.count) arguments") }
    at += 1
    return try Value(json: args[at - 1])
  }

  func finish() throws {
    if at < args.count { throw JsonError(description: "\(args.count) arguments, of which \(at) are known") }
  }
}

private func jsonList<each Value: JsonConvertible>(_ values: repeat each Value) -> [Json] {
  var list: [Json] = []
  repeat list.append((each values).json)
  return list
}
