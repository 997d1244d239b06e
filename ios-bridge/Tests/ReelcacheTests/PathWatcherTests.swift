import Network
import XCTest

@testable import Reelcache

/// Which changes of the network path give unreachable origins another chance, and which say that none can be reached.
final class PathWatcherTests: XCTestCase {
  private let wifi = PathFacts(satisfied: true, gone: false, interface: "en0")
  private let cellular = PathFacts(satisfied: true, gone: false, interface: "pdp_ip0")
  private let gone = PathFacts(satisfied: false, gone: true, interface: "")
  /// It comes up when it is needed.
  private let resting = PathFacts(satisfied: false, gone: false, interface: "pdp_ip0")

  func testTheFirstPathIsNoChangeUnlessThereIsNone() {
    var memory = PathMemory()
    XCTAssertNil(memory.change(wifi))
    memory = PathMemory()
    XCTAssertNil(memory.change(resting))
    memory = PathMemory()
    XCTAssertEqual(memory.change(gone), .gone)
  }

  func testANetworkThatIsGoneOrBackOrAnotherOneIsAChange() {
    var memory = PathMemory()
    let steps: [(PathFacts, PathChange?)] = [
      (wifi, nil), (wifi, nil), (gone, .gone), (gone, nil), (wifi, .better), (cellular, .better), (resting, nil),
      (cellular, .better), (gone, .gone), (resting, .better), (gone, .gone),
    ]
    for (at, (facts, wanted)) in steps.enumerated() { XCTAssertEqual(memory.change(facts), wanted, "step \(at)") }
  }

  #if os(Linux)
    func testTheSystemsWordOnThePathReachesTheServer() {
      let watcher = PathWatcher()
      let changes = Locked<[Bool]>([])
      let changed = expectation(description: "the network is gone, and back")
      changed.expectedFulfillmentCount = 2
      watcher.start { isOnline in
        changes.with { $0.append(isOnline) }
        changed.fulfill()
      }
      NWPathMonitor.update(NWPath(status: .unsatisfied))
      NWPathMonitor.update(NWPath(status: .satisfied))
      wait(for: [changed], timeout: 10)
      watcher.stop()
      NWPathMonitor.update(NWPath(status: .unsatisfied))
      NWPathMonitor.update(NWPath(status: .satisfied))
      XCTAssertEqual(changes.with { $0 }, [false, true])
    }
  #endif
}
