import Network
import XCTest

@testable import Reelcache

/// Which changes of the network path give unreachable origins another chance.
final class PathWatcherTests: XCTestCase {
  func testTheFirstPathIsNoChange() {
    var memory = PathMemory()
    XCTAssertFalse(memory.changes(PathFacts(satisfied: true, interface: "en0")))
  }

  func testANetworkThatIsBackOrAnotherOneIsAChange() {
    var memory = PathMemory()
    let steps: [(PathFacts, Bool)] = [
      (PathFacts(satisfied: true, interface: "en0"), false),
      (PathFacts(satisfied: true, interface: "en0"), false),
      (PathFacts(satisfied: false, interface: ""), false),
      (PathFacts(satisfied: false, interface: ""), false),
      (PathFacts(satisfied: true, interface: "en0"), true),
      (PathFacts(satisfied: true, interface: "pdp_ip0"), true),
      (PathFacts(satisfied: false, interface: "pdp_ip0"), false),
      (PathFacts(satisfied: true, interface: "pdp_ip0"), true),
    ]
    for (at, (facts, wanted)) in steps.enumerated() { XCTAssertEqual(memory.changes(facts), wanted, "step \(at)") }
  }

  #if os(Linux)
    func testTheSystemsWordOnThePathReachesTheServer() {
      let watcher = PathWatcher()
      let changes = Locked(0)
      let changed = expectation(description: "the network is back")
      watcher.start {
        changes.with { $0 += 1 }
        changed.fulfill()
      }
      NWPathMonitor.update(NWPath(status: .unsatisfied))
      NWPathMonitor.update(NWPath(status: .satisfied))
      wait(for: [changed], timeout: 10)
      watcher.stop()
      NWPathMonitor.update(NWPath(status: .unsatisfied))
      NWPathMonitor.update(NWPath(status: .satisfied))
      XCTAssertEqual(changes.with { $0 }, 1)
    }
  #endif
}
