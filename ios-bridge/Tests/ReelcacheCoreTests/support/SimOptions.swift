@testable import ReelcacheCore

/// Options under which little comes between a case and what it shows.
func simOptions(_ limits: Limits) -> CoreOptions {
  CoreOptions(
    limits: limits,
    policy: .media,
    keyRules: KeyRules(dropParameters: [], keepParameters: nil),
    keyUrl: { $0 },
    secret: "",
    allowedHosts: [],
    allowUpstream: [],
    playlistFreshMs: 0,
    ignoreNoStore: false,
    validateOutdated: false,
    apart: true,
    shared: false,
    heuristicPercent: 0,
    startAhead: false,
    delivery: .all,
    headMs: 0,
    headSegments: 0,
    offlineFilter: false,
    offlineMs: 0,
    warmFirst: false,
    cors: false,
    keepAlive: true,
    forwardFields: [],
    requestFields: [],
    responseFields: [],
    maxCacheBytes: 1_000_000_000,
    resigns: false
  )
}
