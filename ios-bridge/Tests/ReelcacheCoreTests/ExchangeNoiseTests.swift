import XCTest

@testable import ReelcacheCore

/// Players, origins, disks and limits that make no sense: nothing of what a peer may say breaks an invariant of the
/// exchange, or traps. What is drawn from is in fixtures/noise/exchange.json; each run's digest is written down, as the
/// reference must play every run alike. REELCACHE_SEED=7 REELCACHE_SEEDS=1 prints every event and action.
final class ExchangeNoiseTests: XCTestCase {
  func testNoNonsenseOfPlayersOriginsDisksAndLimitsBreaksAnInvariant() throws {
    let noise = try Noise(json: Json(file: fixtureFolder().appendingPathComponent("noise/exchange.json")))
    let seeds = numberOfEnvironment("REELCACHE_SEEDS") ?? 300
    let firstSeed = numberOfEnvironment("REELCACHE_SEED") ?? 1
    var failed = 0
    var ids: [String] = []
    for seed in firstSeed..<firstSeed + seeds where failed < 3 {
      let run = NoiseRun(seed, noise)
      run.play()
      ids.append("noise exchange/\(seed) \(run.digest())")
      if let fault = run.faults.first {
        failed += 1
        XCTFail("seed \(seed): \(fault)")
      }
      if numberOfEnvironment("REELCACHE_SEED") != nil {
        print(run.log.map(\.description).joined(separator: "\n"))
      }
    }
    try recordIds(ids)
  }
}
