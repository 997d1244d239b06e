import XCTest

@testable import ReelcacheCore

/// The reference's garbage goes by itself, a cycle of Swift's never: flights and bodies name each other.
final class ExchangeLeakTests: XCTestCase {
  private let seeds = 1...16

  func testNothingOfWhatIsOverIsAlive() {
    for weather in weathers {
      let watch = LeakWatch()
      for seed in seeds {
        let state = playToTheEnd(seed, weather, watch)
        XCTAssertEqual(watch.alive(state), [], "seed \(seed) \(weather.name)")
      }
      for name in ["Exchange", "Flight", "Cursor", "Body", "Entry"] {
        XCTAssertGreaterThan(watch.seen[name] ?? 0, 100, "\(name)s were watched \(weather.name)")
      }
    }
  }

  func testNoBodyOfAClearedCacheIsAlive() {
    for weather in weathers {
      let watch = LeakWatch()
      for seed in seeds {
        let state = playToTheEnd(seed, weather, watch)
        clearProxy(state)
        state.actions.removeAll()
        XCTAssertEqual(watch.alive(nil), [], "seed \(seed) \(weather.name)")
      }
    }
  }

  func testAProxyThatIsLetGoInTheMidstOfItsWorkLeavesNothing() {
    let watch = LeakWatch()
    for seed in seeds {
      weak var state: ProxyState?
      for weather in weathers {
        let run = RandomRun(seed, weather)
        run.sim.onAction = { watch.look($0) }
        run.onNote = { watch.look($0.state) }
        run.playSome(40 + seed * 5)
        XCTAssertEqual(run.faults, [], "seed \(seed) \(weather.name)")
        state = run.sim.state
      }
      XCTAssertNil(state)
      XCTAssertEqual(watch.alive(nil), [], "seed \(seed)")
    }
    XCTAssertGreaterThan(watch.seen["Flight"] ?? 0, 100)
  }

  /// Plays a run until everyone has what they came for, and lets go of all but the proxy's own state.
  private func playToTheEnd(_ seed: Int, _ weather: Weather, _ watch: LeakWatch) -> ProxyState {
    let run = RandomRun(seed, weather)
    run.sim.onAction = { watch.look($0) }
    run.onNote = { watch.look($0.state) }
    run.play()
    XCTAssertEqual(run.faults, [], "seed \(seed) \(weather.name)")
    return run.sim.state
  }
}
