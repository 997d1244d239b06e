import XCTest

@testable import ReelcacheCore

/// Runs every playbook of fixtures/playbooks/exchange: players, origins, disk and clock against the whole core, in
/// virtual time. After every step the invariants of the proxy's state are checked as well.
final class ExchangePlaybookTests: XCTestCase {
  func testEveryPlaybookGoesAsItIsWritten() throws {
    let folder = fixtureFolder().appendingPathComponent("playbooks/exchange")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let files = names.filter { $0.hasSuffix(".json") }.sorted()
    XCTAssertFalse(files.isEmpty, "There are playbooks")
    for file in files {
      do {
        try run(ExchangePlaybook(json: Json(file: folder.appendingPathComponent(file))))
      } catch {
        XCTFail("\(file): \(error)")
      }
    }
    try recordIds(files.map { "playbook exchange/\($0.dropLast(5))" })
  }

  func testTheInvariantsFindAFlightThatItsBodyDoesNotKnowAndAByteThatIsCountedTwice() throws {
    let sim = Simulator(simOptions(defaultLimits), [], 1, 0)
    try sim.preload("A", "http://o.example/seg.ts")
    XCTAssertEqual(invariantFaults(sim), [])
    sim.state.flights[1]?.body.flights.removeAll()
    sim.state.table.bytes = 1
    XCTAssertEqual(invariantFaults(sim).count, 2)
    XCTAssertFalse(leftovers(sim).isEmpty)
  }

  private func run(_ playbook: ExchangePlaybook) throws {
    let sim = try playbook.simulator()
    var asked: [String] = []
    sim.onSend = { flight, _ in asked += sendFaults(flight) }
    for (index, step) in playbook.steps.enumerated() {
      let label = "\(playbook.title): step \(index + 1), \(try step.event.kind())"
      if let at = step.at, at < sim.nowMs { XCTFail("\(label): time goes back") }
      sim.nowMs = step.at ?? sim.nowMs
      try playEvent(sim, step.event)
      XCTAssertEqual(sim.lines.map(\.description), step.actions.map(\.description), label)
      sim.lines = []
      XCTAssertEqual(invariantFaults(sim) + asked, [], "\(label): the invariants hold")
      if let deadline = step.deadline { XCTAssertEqual(proxyDeadline(sim.state), deadline, "\(label): the deadline") }
    }
    let quiet = sim.state.exchanges.isEmpty && sim.state.flights.isEmpty
    if quiet { XCTAssertEqual(leftovers(sim), [], "\(playbook.title): nothing is left") }
  }
}
