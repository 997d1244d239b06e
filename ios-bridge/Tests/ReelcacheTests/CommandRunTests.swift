import XCTest

@testable import Reelcache
@testable import ReelcacheCommand

/// Runs of the command in a world whose server, clock, input and signals the test drives.
final class CommandRunTests: XCTestCase {
  func testRCLI8ASignalStopsTheServerAndEndsWithStatus0() async {
    let stage = Stage()
    stage.onWrite = { stage.signal() }
    let status = await runCommand(stage.world(["https://a.example/x.m3u8"])) { _ in XCTFail("cut") }
    XCTAssertEqual(status, 0)
    XCTAssertEqual(stage.server.stops.with { $0 }, 1)
    XCTAssertEqual(
      stage.written.with { $0 },
      [
        """
        {"listening":"http://127.0.0.1:1","control":"stdin"}
        {"title":"https://a.example/x.m3u8","url":"https://a.example/x.m3u8","proxied":"http://127.0.0.1:1/converted"}

        """
      ]
    )
  }

  func testRCLI9ASecondSignalEndsAtOnceButNotTheEchoOfTheFirst() async {
    let stage = Stage()
    let statuses = Locked<[Int32]>([])
    stage.onWrite = {
      stage.signal()
      stage.clock.with { $0 += 250 }
      stage.signal()
      XCTAssertEqual(statuses.with { $0 }, [], "the same key press")
      stage.clock.with { $0 += 1 }
      stage.signal()
    }
    _ = await runCommand(stage.world([])) { status in statuses.with { $0.append(status) } }
    XCTAssertEqual(statuses.with { $0 }, [130])
  }

  func testTheWordClearOnStandardInputEmptiesTheCacheAndIsAnswered() async {
    let stage = Stage()
    stage.onWrite = {
      if stage.written.with({ $0.count }) == 1 {
        stage.say("something else")
        stage.say("clear")
      } else {
        stage.signal()
      }
    }
    _ = await runCommand(stage.world([])) { _ in XCTFail("cut") }
    XCTAssertEqual(stage.server.clears.with { $0 }, 1)
    XCTAssertEqual(stage.written.with { $0.last }, "{\"cleared\":true}\n")
  }

  func testHelpAndVersionArePrintedAndWrongWordsAreComplainedOfWithoutAServer() async {
    let stage = Stage()
    let help = await runCommand(stage.world(["--help"])) { _ in XCTFail("cut") }
    XCTAssertEqual(help, 0)
    let wrong = await runCommand(stage.world(["--port", "x"])) { _ in XCTFail("cut") }
    XCTAssertEqual(wrong, 2)
    XCTAssertEqual(
      stage.complaints.with { $0 },
      ["reelcache: --port: \"x\" is not allowed; it must be a whole number from 0 to 65535\n"]
    )
    XCTAssertTrue(stage.starts.with { $0.isEmpty })
  }

  func testTheLogIsMadeForAPersonInATerminalUnlessToldOtherwise() async {
    let table: [(Bool, [String], String)] = [
      (false, [], "json"),
      (true, [], "pretty"),
      (true, ["--log-format", "json"], "json"),
      (false, ["--log-format", "pretty"], "pretty"),
    ]
    for (terminal, args, format) in table {
      let stage = Stage()
      stage.terminal = terminal
      stage.onWrite = { stage.signal() }
      _ = await runCommand(stage.world(args)) { _ in XCTFail("cut") }
      XCTAssertEqual(stage.starts.with { $0.first?.logFormat }, format)
    }
  }

  func testWhatKeepsTheServerFromStartingEndsWithItsStatusAndAWayOut() async {
    let table: [(StartError.Reason, [String], Int32, String)] = [
      (.portTaken, ["--port", "80"], 3, "port 80 is taken on 127.0.0.1: use --port"),
      (.portForbidden, ["--port", "80"], 3, "port 80 needs privileges: use --port with 1024 or more"),
      (.noSuchAddress, ["--host", "127.0.0.9"], 3, "127.0.0.9 is no address of this machine: use --host"),
      (.cacheDirectory, [], 4, "what it is. The option is --cache-dir."),
      (.originCa, [], 2, "--what it is."),
      (.system, [], 1, "what it is."),
      (.portForbidden, ["--port", "8080"], 1, "what it is."),
    ]
    for (reason, args, status, message) in table {
      let stage = Stage()
      var world = stage.world(args)
      world.start = { _ in throw StartError(reason, "what it is.") }
      let ended = await runCommand(world) { _ in XCTFail("cut") }
      XCTAssertEqual(ended, status, "\(reason)")
      XCTAssertEqual(stage.complaints.with { $0 }, ["reelcache: \(message)\n"])
    }
  }
}

/// A world in memory.
private final class Stage: @unchecked Sendable {
  let server = StagedServer()
  let written = Locked<[String]>([])
  let complaints = Locked<[String]>([])
  let starts = Locked<[ServerOptions]>([])
  let clock = Locked(1_000)
  var onWrite: () -> Void = {}
  var terminal = false
  private let stopCalls = Locked<[@Sendable () -> Void]>([])
  private let lineCalls = Locked<[@Sendable (String) -> Void]>([])

  func world(_ args: [String]) -> World {
    World(
      args: args,
      environment: [:],
      version: "0.0.0",
      start: { options in
        self.starts.with { $0.append(options) }
        return self.server
      },
      write: { text in
        self.written.with { $0.append(text) }
        self.onWrite()
      },
      complain: { text in self.complaints.with { $0.append(text) } },
      errorIsTerminal: terminal,
      onStop: { call in self.stopCalls.with { $0.append(call) } },
      onLine: { call in self.lineCalls.with { $0.append(call) } },
      now: { self.clock.with { $0 } }
    )
  }

  func signal() {
    for call in stopCalls.with({ $0 }) { call() }
  }

  func say(_ line: String) {
    for call in lineCalls.with({ $0 }) { call(line) }
  }
}

private final class StagedServer: RunningServer {
  let url = "http://127.0.0.1:1"
  let port = 1
  let stops = Locked(0)
  let clears = Locked(0)

  func convertUrl(_ url: String) -> String { "http://127.0.0.1:1/converted" }
  func clearCache() async { clears.with { $0 += 1 } }
  func stop() async { stops.with { $0 += 1 } }
}
