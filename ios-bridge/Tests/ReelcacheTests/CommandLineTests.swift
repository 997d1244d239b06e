import XCTest

@testable import Reelcache
@testable import ReelcacheCommand

/// The command line, as far as no server is needed: what server/test/cli.test.ts proves of the reference.
final class CommandLineTests: XCTestCase {
  func testHelpListsEveryOptionWithItsEnvironmentVariable() {
    for word in ["--help", "-h"] {
      guard case .print(let text) = read(["--port", "1", word]) else { return XCTFail("no help for \(word)") }
      for row in optionTable {
        let shown = text.contains("  --\(row.flag) ") || text.contains("  --no-\(row.flag) ")
        XCTAssertTrue(shown && text.contains(row.environment), row.flag)
      }
      for line in text.split(separator: "\n") { XCTAssertLessThanOrEqual(line.count, 104, String(line)) }
    }
  }

  func testVersionPrintsThePackagesVersion() {
    XCTAssertEqual(read(["--version", "--nonsense"]), .print("0.1.0\n"))
  }

  func testRCLI1AnUnknownFlagOrVariableIsRefusedByName() {
    XCTAssertEqual(
      refusal(["--prot", "1"]),
      "unknown option '--prot' (Did you mean --port?); reelcache --help lists all options"
    )
    XCTAssertEqual(refusal(["--x"]), "unknown option '--x'; reelcache --help lists all options")
    XCTAssertEqual(
      refusal(["--allow-upstreem", "a"]),
      "unknown option '--allow-upstreem' (Did you mean --allow-upstream?); reelcache --help lists all options"
    )
    XCTAssertEqual(refusal(["-p", "1"]), "unknown option '-p'; reelcache --help lists all options")
    XCTAssertEqual(
      refusal(["--json=1"]),
      "unknown option '--json=1' (Did you mean --json?); reelcache --help lists all options"
    )
    XCTAssertEqual(
      refusal([], ["REELCACHE_PROT": "1"]),
      "REELCACHE_PROT: no such variable; reelcache --help lists all"
    )
  }

  func testRCLI2ABadValueIsRefusedNamingOptionValueAndWhatIsAllowed() {
    XCTAssertEqual(
      refusal(["--port", "99999"]),
      #"--port: "99999" is not allowed; it must be a whole number from 0 to 65535"#
    )
    XCTAssertEqual(
      refusal(["--port"]),
      "option '--port <number>' argument missing; reelcache --help lists all options"
    )
    XCTAssertEqual(refusal(["ftp://example.com/a"]), #""ftp://example.com/a" is not an http or https URL"#)
    XCTAssertEqual(refusal(["-1"]), #""-1" is not an http or https URL"#, "a negative number is no flag")
  }

  func testRCLI3ListeningBeyondLoopbackWithoutASecretIsRefused() {
    XCTAssertTrue(refusal(["--host", "0.0.0.0"]).contains("a secret is required"))
  }

  func testRCLI11AFlagWinsOverItsVariableAndAVariableOverTheDefault() {
    let environment = ["REELCACHE_FORM": "query", "REELCACHE_PORT": "1", "REELCACHE_SECRET": "from-the-variable"]
    guard case .run(let run) = read(["--form=path", "--port", "0"], environment) else { return XCTFail("refused") }
    XCTAssertEqual(run.options.form, .path)
    XCTAssertEqual(run.options.port, 0)
    XCTAssertEqual(run.options.secret, "from-the-variable")
    XCTAssertEqual(run.given, ["form", "port", "secret"])
  }

  func testSwitchesAreWrittenBothWaysAndTheLastCounts() {
    XCTAssertEqual(options(["--no-cors"])?.cors, false)
    XCTAssertEqual(options(["--no-cors", "--cors"])?.cors, true)
    XCTAssertEqual(options(["--ignore-no-store"])?.ignoreNoStore, true)
    XCTAssertEqual(options(["--ignore-no-store", "--no-ignore-no-store"])?.ignoreNoStore, false)
    XCTAssertEqual(options([], ["REELCACHE_KEEP_ALIVE": "0"])?.keepAlive, false)
    XCTAssertEqual(options(["--keep-alive"], ["REELCACHE_KEEP_ALIVE": "0"])?.keepAlive, true)
  }

  func testURLsStandAnywhereAndBehindTwoDashesNothingIsAFlag() {
    guard case .run(let run) = read(["https://a.example/1", "--json", "http://b.example/2"]) else {
      return XCTFail("refused")
    }
    XCTAssertEqual(run.urls, ["https://a.example/1", "http://b.example/2"])
    XCTAssertEqual(refusal(["--", "--json"]), #""--json" is not an http or https URL"#)
  }

  func testLinesSayWhereWhatIsNotPublicAndWhatWasConverted() {
    let offer = Offer(title: "https://a.example/\"", url: "https://a.example/\"", proxied: "http://127.0.0.1:1/x")
    XCTAssertEqual(
      jsonLines("http://127.0.0.1:1", ["a note"], [offer]),
      """
      {"listening":"http://127.0.0.1:1","control":"stdin"}
      {"note":"a note"}
      {"title":"https://a.example/\\"","url":"https://a.example/\\"","proxied":"http://127.0.0.1:1/x"}

      """
    )
  }

  func testAPrivateOriginThatIsNotAllowedIsNamedWithTheOptionThatAllowsIt() {
    var options = ServerOptions()
    XCTAssertEqual(
      privateNote("http://127.0.0.1:8080/a.m3u8", options),
      "127.0.0.1 is not public: add --allow-private 127.0.0.1:8080 to let it be played"
    )
    XCTAssertEqual(
      privateNote("https://localhost/a.m3u8", options),
      "localhost is not public: add --allow-private localhost:443 to let it be played"
    )
    XCTAssertNil(privateNote("https://cdn.example.com/a.m3u8", options))
    options.allowPrivate = ["127.0.0.1:*"]
    XCTAssertNil(privateNote("http://127.0.0.1:8080/a.m3u8", options))
    XCTAssertNil(privateNote("http://localhost:8080/a.m3u8", options))
  }

  func testAServerOnEveryAddressIsPrintedUnderANameThatReachesIt() {
    var options = ServerOptions()
    XCTAssertEqual(reachableUrl("http://127.0.0.1:9", 9, options), "http://127.0.0.1:9")
    options.host = "0.0.0.0"
    XCTAssertFalse(reachableUrl("http://0.0.0.0:9", 9, options).contains("0.0.0.0"))
    options.allowedHosts = ["*.example.com", "tv.local"]
    XCTAssertEqual(reachableUrl("http://0.0.0.0:9", 9, options), "http://tv.local:9")
    options.allowedHosts = ["tv.local:80"]
    XCTAssertEqual(reachableUrl("http://0.0.0.0:9", 9, options), "http://tv.local:80")
  }

  private func read(_ args: [String], _ environment: [String: String] = [:]) -> CommandRequest {
    readCommandLine(args, environment, "0.1.0")
  }

  private func refusal(_ args: [String], _ environment: [String: String] = [:]) -> String {
    if case .refused(let message) = read(args, environment) { return message }
    return ""
  }

  private func options(_ args: [String], _ environment: [String: String] = [:]) -> ServerOptions? {
    if case .run(let run) = read(args, environment) { return run.options }
    return nil
  }
}
