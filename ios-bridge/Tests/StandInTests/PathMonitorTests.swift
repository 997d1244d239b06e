import Foundation
import XCTest

@testable import Network

final class PathMonitorTests: XCTestCase {
  private let wifi = NWInterface(name: "en0", index: 1, type: .wifi)
  private let queue = DispatchQueue(label: "test.path")

  override func tearDown() { NWPathMonitor.update(NWPath(status: .satisfied)) }

  func testAMonitorTellsThePresentPathAndEachChange() {
    let (monitor, paths) = started()
    XCTAssertEqual(paths.wait(count: 1).map(\.status), [.satisfied])
    NWPathMonitor.update(NWPath(status: .unsatisfied, unsatisfiedReason: .localNetworkDenied))
    NWPathMonitor.update(NWPath(status: .satisfied, availableInterfaces: [wifi], isExpensive: true))
    let all = paths.wait(count: 3)
    XCTAssertEqual(all.map(\.status), [.satisfied, .unsatisfied, .satisfied])
    XCTAssertEqual(all.map(\.unsatisfiedReason), [.notAvailable, .localNetworkDenied, .notAvailable])
    XCTAssertTrue(all[2].usesInterfaceType(.wifi))
    XCTAssertFalse(all[2].usesInterfaceType(.cellular))
    XCTAssertTrue(all[2].isExpensive)
    XCTAssertEqual(monitor.currentPath, all[2])
    monitor.cancel()
  }

  func testACancelledMonitorSaysNothingMore() {
    let (monitor, paths) = started()
    let (other, others) = started()
    paths.wait(count: 1)
    monitor.cancel()
    NWPathMonitor.update(NWPath(status: .unsatisfied))
    others.wait(count: 2)
    XCTAssertEqual(paths.values.count, 1)
    XCTAssertNil(monitor.pathUpdateHandler)
    other.cancel()
  }

  func testAMonitorThatNobodyHoldsGoes() {
    weak var held: NWPathMonitor?
    do {
      let (monitor, paths) = started()
      held = monitor
      paths.wait(count: 1)
    }
    eventually { held == nil }
    NWPathMonitor.update(NWPath(status: .unsatisfied))
  }

  private func started() -> (NWPathMonitor, Recorder<NWPath>) {
    let (monitor, paths) = (NWPathMonitor(), Recorder<NWPath>())
    monitor.pathUpdateHandler = { [queue] in
      dispatchPrecondition(condition: .onQueue(queue))
      paths.add($0)
    }
    monitor.start(queue: queue)
    return (monitor, paths)
  }
}
