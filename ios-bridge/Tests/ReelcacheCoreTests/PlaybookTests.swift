import XCTest

@testable import ReelcacheCore

/// Runs the playbooks of the lanes and the breakers: machines of the core, driven in virtual time by data that the
/// reference runs as well. A machine's state is the implied first argument; `at` is the time, given to the calls that
/// take it. The machine "exchange" has players, origins and disks: ExchangePlaybookTests runs it.
final class PlaybookTests: XCTestCase {
  func testEveryPlaybookOfTheLanesGivesWhatItSays() throws {
    try runMachine("lane-queue")
  }

  func testEveryPlaybookOfTheBreakersGivesWhatItSays() throws {
    try runMachine("breaker")
  }

  func testNoMachineIsLeftOut() throws {
    let known = Set(machines.keys).union(["exchange"])
    XCTAssertEqual(Set(try names(of: "playbooks")).subtracting(known), [], "Machines that no test here runs")
  }

  func testAWrongReturnAnUnknownCallAndTimeGoingBackAreFound() throws {
    let step = PlaybookStep(at: 5, call: "breakerOpenUntil", args: [.text("a")], returns: .number(-1))
    XCTAssertEqual(faults([step]), [])
    XCTAssertEqual(faults([step.with(returns: .number(0))]).count, 1)
    XCTAssertEqual(faults([step.with(returns: nil)]).count, 1)
    XCTAssertEqual(faults([step.with(call: "breakerOpen")]).count, 1)
    XCTAssertEqual(faults([step, step.with(at: 4)]).count, 1)
  }

  private func faults(_ steps: [PlaybookStep]) -> [String] {
    playbookFaults(Playbook(machine: "breaker", title: "x", limits: defaultLimits, steps: steps), bindBreaker)
  }

  private func runMachine(_ machine: String) throws {
    let bind = try XCTUnwrap(machines[machine])
    let files = try names(of: "playbooks/\(machine)")
    XCTAssertNotEqual(files, [], "\(machine) has playbooks")
    var called: Set<String> = []
    for file in files {
      let playbook = try Playbook(json: Json(file: folder("playbooks/\(machine)").appendingPathComponent(file)))
      XCTAssertEqual(playbook.machine, machine, "\(file) lies in its machine's folder")
      for fault in playbookFaults(playbook, bind) { XCTFail("\(machine)/\(file): \(playbook.title): \(fault)") }
      called.formUnion(playbook.steps.map(\.call))
    }
    XCTAssertEqual(Set(bind(defaultLimits).keys).subtracting(called), [], "Calls of \(machine) in no playbook")
    try recordIds(files.map { "playbook \(machine)/\($0.dropLast(".json".count))" })
  }

  private func names(of path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder(path).path).sorted()
  }

  private func folder(_ path: String) -> URL {
    fixtureFolder().appendingPathComponent(path)
  }
}

private struct Playbook {
  let machine: String
  let title: String
  let limits: Limits
  let steps: [PlaybookStep]
}

/// One call; `returns` is nil when it returns nothing.
private struct PlaybookStep {
  var at: Int
  var call: String
  var args: [Json]
  var returns: Json?

  func with(at: Int) -> PlaybookStep { PlaybookStep(at: at, call: call, args: args, returns: returns) }
  func with(call: String) -> PlaybookStep { PlaybookStep(at: at, call: call, args: args, returns: returns) }
  func with(returns: Json?) -> PlaybookStep { PlaybookStep(at: at, call: call, args: args, returns: returns) }
}

extension PlaybookStep: JsonConvertible {
  init(json: Json) throws {
    at = try json.member("at")
    call = try json.string("call")
    args = try json.member("args")
    returns = try json.record()["returns"]
  }

  var json: Json { .record(["at": at.json, "call": .text(ByteString(utf8: call)), "args": args.json]) }
}

extension Playbook {
  init(json: Json) throws {
    machine = try json.string("machine")
    title = try json.string("title")
    steps = try json.member("steps")
    limits = try limitsWith(json.record()["limits"]?.record() ?? [:])
  }
}

/// The default limits with some of them changed.
private func limitsWith(_ changes: [String: Json]) throws -> Limits {
  var limits = defaultLimits
  for (name, value) in changes {
    guard let field = limitFields.first(where: { $0.name.description == name })?.field else {
      throw JsonError(description: "\"\(name)\" is no limit")
    }
    limits[keyPath: field] = try Int(json: value)
  }
  return limits
}

/// Calls one function of a machine on its state at a time; gives what it returned, nil for one that returns nothing.
private typealias MachineCall = ([Json], Int) throws -> Json?

/// The calls of a machine, bound to a new state.
private typealias MachineBinding = @Sendable (Limits) -> [String: MachineCall]

private let machines: [String: MachineBinding] = ["lane-queue": bindLaneQueue, "breaker": bindBreaker]

/// Plays a playbook; one line a fault.
private func playbookFaults(_ playbook: Playbook, _ bind: MachineBinding) -> [String] {
  let calls = bind(playbook.limits)
  var faults: [String] = []
  var nowMs = 0
  for (index, step) in playbook.steps.enumerated() {
    let label = "step \(index + 1), \(step.call) at \(step.at)"
    if step.at < nowMs { faults.append("\(label): time goes back") }
    nowMs = step.at
    guard let call = calls[step.call] else { return faults + ["\(label): the machine has no such call"] }
    do {
      let returned = try call(step.args, nowMs)
      if returned != step.returns {
        faults.append("\(label): found \(text(returned)), wanted \(text(step.returns))")
      }
    } catch {
      faults.append("\(label): \(error)")
    }
  }
  return faults
}

private func text(_ json: Json?) -> String {
  json?.description ?? "nothing"
}

private func bindLaneQueue(_ limits: Limits) -> [String: MachineCall] {
  let queue = laneQueue(limits)
  return [
    "laneEnter": { args, nowMs in
      try exactly(3, args)
      return laneEnter(queue, try Int(json: args[0]), try Lane(json: args[1]), try ByteString(json: args[2]), nowMs)
        .json
    },
    "laneLeave": { args, nowMs in
      try exactly(1, args)
      return laneLeave(queue, try Int(json: args[0]), nowMs).json
    },
    "lanePromote": { args, nowMs in
      try exactly(2, args)
      return lanePromote(queue, try Int(json: args[0]), try Lane(json: args[1]), nowMs).json
    },
    "laneTick": { args, nowMs in
      try exactly(0, args)
      return laneTick(queue, nowMs).json
    },
    "laneNextDeadline": { args, _ in
      try exactly(0, args)
      return laneNextDeadline(queue).json
    },
    "laneCounts": { args, _ in
      try exactly(0, args)
      return laneCounts(queue).json
    },
  ]
}

private func bindBreaker(_ limits: Limits) -> [String: MachineCall] {
  let table = breakerTable(limits)
  return [
    "breakerAllows": { args, nowMs in breakerAllows(table, try origin(args), nowMs).json },
    "breakerSucceeded": { args, _ in
      breakerSucceeded(table, try origin(args))
      return nil
    },
    "breakerFailed": { args, nowMs in
      breakerFailed(table, try origin(args), nowMs)
      return nil
    },
    "breakerAbandoned": { args, _ in
      breakerAbandoned(table, try origin(args))
      return nil
    },
    "breakerReset": { args, _ in
      try exactly(0, args)
      breakerReset(table)
      return nil
    },
    "breakerOpenUntil": { args, _ in breakerOpenUntil(table, try origin(args)).json },
  ]
}

private func origin(_ args: [Json]) throws -> ByteString {
  try exactly(1, args)
  return try ByteString(json: args[0])
}

private func exactly(_ count: Int, _ args: [Json]) throws {
  if args.count != count { throw JsonError(description: "\(args.count) arguments instead of \(count)") }
}

extension LaneAnswer: JsonConvertible {}
extension BreakerAnswer: JsonConvertible {}

extension LaneNumbers: JsonConvertible {
  init(json: Json) throws {
    self.init(
      express: try json.member("express"),
      held: try json.member("held"),
      regular: try json.member("regular"),
      background: try json.member("background")
    )
  }

  var json: Json {
    .record([
      "express": express.json, "held": held.json, "regular": regular.json, "background": background.json,
    ])
  }
}

extension LaneCounts: JsonConvertible {
  init(json: Json) throws {
    self.init(
      running: try json.member("running"),
      extra: try json.member("extra"),
      waiting: try json.member("waiting")
    )
  }

  var json: Json { .record(["running": running.json, "extra": extra.json, "waiting": waiting.json]) }
}

extension LaneDue: JsonConvertible {
  init(json: Json) throws {
    self.init(granted: try json.member("granted"), refused: try json.member("refused"))
  }

  var json: Json { .record(["granted": granted.json, "refused": refused.json]) }
}
