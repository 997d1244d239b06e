// swift-tools-version:6.0
import PackageDescription

/// What stands in for Apple's modules on Linux, where the shipping source is proved. On an Apple host none of it exists.
#if os(Linux)
  let standIns: [Target] = [
    .target(name: "Network", dependencies: ["LinuxCalls", "OpenSSL", "Security"], path: "Linux/Network"),
    .target(name: "Security", dependencies: ["OpenSSL"], path: "Linux/Security"),
    .target(name: "CryptoKit", dependencies: ["OpenSSL"], path: "Linux/CryptoKit"),
    .systemLibrary(name: "SQLite3", path: "Linux/SQLite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "LinuxCalls", path: "Linux/LinuxCalls"),
    .systemLibrary(name: "OpenSSL", path: "Linux/OpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "Brotli", path: "Linux/Brotli", providers: [.apt(["libbrotli-dev"])]),
    .target(name: "Compression", dependencies: ["Brotli"], path: "Linux/Compression"),
    .testTarget(
      name: "StandInTests",
      dependencies: ["Network", "Security", "CryptoKit", "OpenSSL"],
      path: "Tests/StandInTests"
    ),
  ]
  let appleModules: [Target.Dependency] = ["Network", "Security", "CryptoKit", "SQLite3", "Compression"]
  /// A scripted origin of the tests speaks TLS by OpenSSL.
  let edgeTestModules: [Target.Dependency] = appleModules + ["OpenSSL"]
#else
  let standIns: [Target] = []
  let appleModules: [Target.Dependency] = []
  let edgeTestModules: [Target.Dependency] = []
#endif

let targets: [Target] = [
  .target(name: "ReelcacheCore"),
  // zlib is a part of every Apple system and of every Debian.
  .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
  .target(name: "ReelcacheEdge", dependencies: ["ReelcacheCore", "CZlib"] + appleModules),
  .target(name: "Reelcache", dependencies: ["ReelcacheCore", "ReelcacheEdge"] + appleModules),
  .target(name: "ReelcacheControl", dependencies: ["Reelcache", "ReelcacheEdge"] + appleModules),
  // Apart from its one executable file, so that tests can link it.
  .target(name: "ReelcacheCommand", dependencies: ["Reelcache", "ReelcacheControl", "ReelcacheCore"]),
  .executableTarget(name: "reelcache-sut", dependencies: ["ReelcacheCommand"]),
]

let tests: [Target] = [
  .testTarget(name: "ReelcacheCoreTests", dependencies: ["ReelcacheCore"]),
  .testTarget(name: "ReelcacheEdgeTests", dependencies: ["ReelcacheEdge", "Faults"] + edgeTestModules),
  .testTarget(name: "ReelcacheControlTests", dependencies: ["ReelcacheControl"] + appleModules),
  .testTarget(name: "ReelcacheTests", dependencies: ["Reelcache", "ReelcacheCommand"] + appleModules),
  // What a sanitizer must report, in the tests and in the command; no product has it.
  .target(name: "Faults", dependencies: ["ReelcacheCore", "ReelcacheEdge"] + appleModules, path: "Tests/Faults"),
  .executableTarget(
    name: "reelcache-faulty",
    dependencies: ["ReelcacheCommand", "Faults"],
    path: "Tests/FaultyCommand"
  ),
]

let package = Package(
  name: "Reelcache",
  platforms: [.iOS(.v15), .macOS(.v12)],
  products: [
    .library(name: "Reelcache", targets: ["Reelcache"]),
    // For the host app of the harness; an app that ships has no use for it.
    .library(name: "ReelcacheControl", targets: ["ReelcacheControl"]),
    .executable(name: "reelcache-sut", targets: ["reelcache-sut"]),
  ],
  targets: targets + tests + standIns,
  swiftLanguageModes: [.v6]
)
