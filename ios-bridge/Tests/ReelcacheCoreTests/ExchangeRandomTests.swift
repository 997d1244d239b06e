import XCTest

@testable import ReelcacheCore

/// Random requests, answers, faults and failing disks against the core, with an origin of which every byte is known
/// (R-FLIGHT-1 to R-FLIGHT-13, R-READ-1, R-READ-3, R-VERSION-2, R-CACHE-6). To see what happened in a seed that failed:
/// REELCACHE_SEED=7 REELCACHE_SEEDS=1 prints every event and action.
final class ExchangeRandomTests: XCTestCase {
  /// Fewer than the reference plays: a debug build takes its time. Both write down the digests of the first so many.
  private let seeds = numberOfEnvironment("REELCACHE_SEEDS") ?? 250
  private let firstSeed = numberOfEnvironment("REELCACHE_SEED") ?? 1

  func testPlayersGetTheOriginsBytesOfOneVersionInOrderInFairWeather() throws {
    try runSeeds(weathers[0])
  }

  func testPlayersGetTheOriginsBytesOfOneVersionInOrderWhileOriginsFail() throws {
    try runSeeds(weathers[1])
  }

  func testPlayersGetTheOriginsBytesOfOneVersionInOrderWhileVersionsChangeAndTheCacheIsCleared() throws {
    try runSeeds(weathers[2])
  }

  func testPlayersGetTheOriginsBytesOfOneVersionInOrderWhileTheDiskFails() throws {
    try runSeeds(weathers[3])
  }

  func testPlayersGetTheOriginsBytesOfOneVersionInOrderWhileEverythingFails() throws {
    try runSeeds(weathers[4])
  }

  private func runSeeds(_ weather: Weather) throws {
    var failed = 0
    var ids: [String] = []
    for seed in firstSeed..<firstSeed + seeds where failed < 3 {
      let run = RandomRun(seed, weather)
      run.play()
      if let fault = run.faults.first {
        failed += 1
        XCTFail("seed \(seed) \(weather.name): \(fault)")
      }
      if numberOfEnvironment("REELCACHE_SEED") != nil { print(run.log.map(\.description).joined(separator: "\n")) }
      ids.append("random exchange/\(weather.place)/\(seed) \(run.digest())")
    }
    try recordIds(ids)
  }
}

/// A number of the environment.
func numberOfEnvironment(_ name: String) -> Int? {
  ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
}
