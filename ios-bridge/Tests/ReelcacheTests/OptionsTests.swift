import ReelcacheCore
import XCTest

@testable import Reelcache

/// The option table, its checks and its texts: what server/test/options.test.ts proves of the reference.
final class OptionsTests: XCTestCase {
  func testNothingGivenResolvesToTheDefaults() {
    var inForce = ServerOptions()
    inForce.cacheDir = defaultCacheDir()
    XCTAssertEqual(resolveOptions(ServerOptions()), .resolved(inForce))
    for row in optionTable {
      XCTAssertNil(optionFault(row, row.value(defaultOptions)), "the default of \(row.name) is allowed")
    }
  }

  func testEveryOptionHasOneRowUnderItsOwnName() {
    let stored = Mirror(reflecting: ServerOptions()).children.compactMap(\.label)
    XCTAssertEqual(optionTable.map(\.name).sorted(), stored.sorted())
    XCTAssertEqual(Set(optionTable.map(\.environment)).count, optionTable.count)
    for row in optionTable {
      var options = ServerOptions()
      let value = otherValue(row)
      row.set(&options, value)
      XCTAssertEqual(row.value(options), value, row.name)
      let own = Mirror(reflecting: options).children.first { $0.label == row.name }?.value
      let before = Mirror(reflecting: ServerOptions()).children.first { $0.label == row.name }?.value
      XCTAssertNotEqual(own.map { "\($0)" }, before.map { "\($0)" }, "\(row.name) is the field that its row sets")
    }
  }

  func testRCLI1AVariableInNoRowIsRefusedByName() {
    XCTAssertEqual(
      readEnvironment(["REELCACHE_PROT": "1"]),
      .refused("REELCACHE_PROT: no such variable; reelcache --help lists all")
    )
  }

  func testRCLI2ARefusalNamesTheOptionTheValueAndWhatIsAllowed() {
    XCTAssertEqual(
      message { $0.port = 65_536 },
      "port: 65536 is not allowed; it must be a whole number from 0 to 65535"
    )
    XCTAssertEqual(
      flagMessage("form", "short"),
      #"--form: "short" is not allowed; it must be one of query, path"#
    )
    XCTAssertEqual(
      flagMessage("port", "9000x"),
      #"--port: "9000x" is not allowed; it must be a whole number from 0 to 65535"#
    )
    XCTAssertTrue(
      flagMessage("max-cache-bytes", "12 parsecs").hasSuffix(" (KB, MB, GB, KiB, MiB, GiB)"),
      flagMessage("max-cache-bytes", "12 parsecs")
    )
    XCTAssertTrue(
      flagMessage("limit", "slots=8")
        .hasPrefix(#"--limit: "slots=8" is not allowed; it must be one of the limits targetBytesMax, "#)
    )
    XCTAssertEqual(
      flagMessage("limit", "slotsMax=0"),
      #"--limit: "slotsMax=0" is not allowed; it must be a whole number from 1 to 9007199254740991"#
    )
    XCTAssertTrue(flagMessage("limit", "slotsMax").hasSuffix("it must be name=value"))
    XCTAssertTrue(flagMessage("limit", "toString=1").contains("must be one of the limits"))
    XCTAssertTrue(flagMessage("request-field", "no colon").hasSuffix(#"it must be fields, each written "Name: value""#))
    XCTAssertEqual(
      message { $0.dropParameters = ["a,b\u{1}"] },
      #"dropParameters: ["a,b\u0001"] is not allowed; it must be a list of names without spaces, commas or colons"#
    )
    XCTAssertEqual(
      message { $0.limits = ["slots": 8, "connectMs": 0] },
      #"limits: {"connectMs":0,"slots":8} is not allowed; it must be right in connectMs: "#
        + "a whole number from 1 to 2147483647"
    )
    XCTAssertEqual(
      flagMessage("limit", "breakerPauseMsMax=2147483648"),
      #"--limit: "breakerPauseMsMax=2147483648" is not allowed; it must be a whole number from 0 to 2147483647"#
    )
  }

  func testWrongValuesFromTheAppAreRefused() {
    let wrong: [(inout ServerOptions) -> Void] = [
      { $0.port = -1 },
      { $0.maxCacheBytes = 0 },
      { $0.maxCacheBytes = Int.max },
      { $0.playlistFreshSeconds = -1 },
      { $0.host = "example.com" },
      { $0.host = "" },
      { $0.cacheDir = "a\0b" },
      { $0.dropParameters = [""] },
      { $0.dropParameters = ["a\u{2003}b"] },
      { $0.keepParameters = ["a:b"] },
      { $0.allowUpstream = ["https://cdn.example.com/"] },
      { $0.allowPrivate = ["host name"] },
      { $0.requestFields = ["Referer"] },
      { $0.requestFields = ["Bad Name", "x"] },
      { $0.requestFields = ["X-A", "1\r\nX-B: 2"] },
      { $0.limits = ["slotsMax": 0] },
      { $0.limits = ["lowWaterPercent": 101] },
      { $0.limits = ["nothing": 1] },
      { $0.heuristicPercent = 101 },
      { $0.logLevel = "loud" },
    ]
    for (at, change) in wrong.enumerated() { XCTAssertNotEqual(message(change), "", "case \(at)") }
  }

  func testRCLI3AnAddressBeyondLoopbackNeedsASecret() {
    XCTAssertEqual(
      message { $0.host = "0.0.0.0" },
      #"host: "0.0.0.0" is reachable from other machines, so a secret is required: "#
        + "set --secret (REELCACHE_SECRET) to 8 or more characters"
    )
    for host in ["::", "192.168.1.5"] {
      XCTAssertTrue(message { $0.host = host }.contains("a secret is required"), host)
    }
    let open = message {
      $0.host = "0.0.0.0"
      $0.secret = "long-enough"
    }
    XCTAssertEqual(open, "")
    for host in ["127.0.0.1", "127.0.0.9", "::1", "localhost"] { XCTAssertEqual(message { $0.host = host }, "", host) }
  }

  func testRCLI4ASecretSurvivesInAURLAsItIsAndARefusedOneIsNotShown() {
    XCTAssertEqual(message { $0.secret = "Az09-._~" }, "")
    for secret in ["short", "with/slash", String(repeating: "x", count: 129), "eight-ü-letters"] {
      let refused = message { $0.secret = secret }
      XCTAssertTrue(refused.hasPrefix("secret: the given text is not allowed"), refused)
      XCTAssertFalse(refused.contains(secret))
      XCTAssertFalse(flagMessage("secret", secret).contains(secret))
    }
  }

  func testRCLI5SizesAndDurationsTakeUnits() {
    XCTAssertEqual(parseByteCount("0"), 0)
    XCTAssertEqual(parseByteCount("512MB"), 512_000_000)
    XCTAssertEqual(parseByteCount("2GiB"), 2_147_483_648)
    XCTAssertEqual(parseByteCount("1.5 GiB"), 1_610_612_736)
    XCTAssertEqual(parseByteCount("64kib"), 65_536)
    XCTAssertEqual(parseMilliseconds("250"), 250)
    XCTAssertEqual(parseMilliseconds("2.5s"), 2_500)
    XCTAssertEqual(parseMilliseconds("2.3s"), 2_300)
    XCTAssertEqual(parseSeconds("300"), 300)
    XCTAssertEqual(parseSeconds("5m"), 300)
    let nothing = [
      "", " 1", "1 ", "-1", "+1", "1e3", "0x10", "1.", ".5", "1.5", "1 XB", "1  MB", "99999999999999999",
      "1\u{212a}B", "\u{661}", "1.1234567MB",
    ]
    for text in nothing { XCTAssertNil(parseByteCount(text), text) }
    XCTAssertNil(parseByteCount("9999999999TB"), "beyond 2^53")
    XCTAssertNil(parseByteCount("9999999999999999"), "beyond 2^53")
    XCTAssertEqual(parseByteCount("9007199254740991"), 9_007_199_254_740_991)
    XCTAssertEqual(parseByteCount("0.999999TiB"), 1_099_510_528_264)
    XCTAssertNil(parseMilliseconds("0.5ms"))
    XCTAssertNil(parseSeconds("2.5s"))
    XCTAssertEqual(formatByteCount(1_073_741_824), "1 GiB")
    XCTAssertEqual(formatByteCount(1_610_612_736), "1.5 GiB")
    XCTAssertEqual(formatByteCount(17), "17 bytes")
  }

  func testListsTakeCommasAndRepetitionAndFieldsAndLimitsAreRead() {
    XCTAssertEqual(
      flagValue("allow-private", "127.0.0.1:*,10.0.0.1", "[::1]:80"),
      .list(["127.0.0.1:*", "10.0.0.1", "[::1]:80"])
    )
    XCTAssertEqual(flagValue("drop-parameter", "a,\u{301}b"), .list(["a", "\u{301}b"]), "a comma with an accent")
    XCTAssertEqual(
      flagValue("request-field", "Referer: https://a.example/, b", "X-Empty:"),
      .list(["Referer", "https://a.example/, b", "X-Empty", ""])
    )
    XCTAssertEqual(
      flagValue("limit", "slotsMax=8,connectMs=2.5s", "tailBytesMax=1MiB"),
      .limits(["slotsMax": 8, "connectMs": 2_500, "tailBytesMax": 1_048_576])
    )
    XCTAssertEqual(flagValue("port", "1", "2"), .number(2), "the last of several wins")
  }

  func testEveryLimitCanBeSetByItsName() {
    for (name, value) in ServerOptions.limitDefaults {
      XCTAssertEqual(flagValue("limit", "\(name)=\(value)"), .limits([name: value]))
      var options = ServerOptions()
      options.limits = [name: value + 1]
      let changed = coreOptions(options, ServerHooks()).limits
      let differing = limitFields.filter { changed[keyPath: $0.field] != defaultLimits[keyPath: $0.field] }
      XCTAssertEqual(differing.map(\.name.description), [name])
    }
  }

  func testTheEnvironmentIsReadByTheSameTable() {
    var wanted = ServerOptions()
    wanted.port = 0
    wanted.cors = false
    wanted.requestFields = ["A", "1, 2", "B", "3"]
    wanted.limits = ["slotsMax": 4]
    XCTAssertEqual(
      readEnvironment([
        "PATH": "/bin",
        "REELCACHE_PORT": "0",
        "REELCACHE_CORS": "off",
        "REELCACHE_HOST": "",
        "REELCACHE_REQUEST_FIELD": "A: 1, 2\nB: 3",
        "REELCACHE_LIMIT": "slotsMax=4",
      ]),
      .read(options: wanted, given: ["port", "cors", "requestFields", "limits"])
    )
    XCTAssertEqual(
      readEnvironment(["REELCACHE_CORS": "maybe"]),
      .refused(#"REELCACHE_CORS: "maybe" is not allowed; it must be true or false"#)
    )
  }

  /// Why options are refused, empty when they are not.
  private func message(_ change: (inout ServerOptions) -> Void) -> String {
    var options = ServerOptions()
    change(&options)
    if case .refused(let message) = resolveOptions(options) { return message }
    return ""
  }

  private func flagMessage(_ flag: String, _ texts: String...) -> String {
    guard let row = optionTable.first(where: { $0.flag == flag }) else { return "no such flag" }
    var options = ServerOptions()
    return readOptionText(&options, row, "--\(flag)", texts) ?? ""
  }

  private func flagValue(_ flag: String, _ texts: String...) -> OptionValue? {
    guard let row = optionTable.first(where: { $0.flag == flag }) else { return nil }
    var options = ServerOptions()
    return readOptionText(&options, row, "--\(flag)", texts) == nil ? row.value(options) : nil
  }

  /// A value that is not the row's default.
  private func otherValue(_ row: OptionRow) -> OptionValue {
    switch row.value(ServerOptions()) {
    case .text(let text): .text(row.choices.first { $0 != text } ?? "something else")
    case .number(let number): .number(number + 1)
    case .flag(let on): .flag(!on)
    case .list, .absent: .list(["a", "b"])
    case .limits: .limits(["slotsMax": 1])
    case .unreadable: .unreadable
    }
  }
}
