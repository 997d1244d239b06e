#if os(Linux) || os(macOS)
  import XCTest

  @testable import Reelcache

  /// The command as a process of its own: its lines, its signals and its exit statuses.
  final class CommandProcessTests: XCTestCase {
    private var folders: [URL] = []

    override func tearDown() async throws {
      for folder in folders { try? FileManager.default.removeItem(at: folder) }
    }

    func testRCLI10TheFirstLineTellsTheAddressAndSIGTERMEndsWithStatus0() async throws {
      let command = try Command(["--port", "0", "--cache-dir", folder(), "https://example.com/a.m3u8?b=1&c"])
      let ready = try command.line()
      let listening = try XCTUnwrap(ready["listening"])
      XCTAssertTrue(listening.hasPrefix("http://127.0.0.1:"), listening)
      XCTAssertEqual(ready["control"], "stdin")
      let proxied = "\(listening)/proxy?url=https%3A%2F%2Fexample.com%2Fa.m3u8%3Fb%3D1%26c"
      XCTAssertEqual(try command.line()["proxied"], proxied)
      let health = try await fetch("\(listening)/health")
      XCTAssertEqual(health.status, 200)
      command.say("clear")
      XCTAssertEqual(try command.rawLine(), "{\"cleared\":true}")
      command.signal(SIGTERM)
      let end = command.end()
      XCTAssertEqual(end.status, 0, end.error)
    }

    func testRCLI8AnInterruptEndsWithStatus0Too() throws {
      for number in [SIGINT, SIGHUP] {
        let command = try Command(["--port", "0", "--cache-dir", folder(), "--log-level", "silent"])
        _ = try command.line()
        command.signal(number)
        let end = command.end()
        XCTAssertEqual(end.status, 0)
        XCTAssertEqual(end.error, "")
      }
    }

    func testRCLI6ATakenPortEndsWithStatus3AndAWayOut() throws {
      let origin = try TestOrigin(0)
      defer { origin.close() }
      let end = try Command(["--port", "\(origin.port)", "--cache-dir", folder()]).end()
      XCTAssertEqual(end.status, 3)
      XCTAssertEqual(end.out, "", "nothing claims to listen")
      XCTAssertEqual(end.error, "reelcache: port \(origin.port) is taken on 127.0.0.1: use --port\n")
    }

    func testRCLI7ACacheFolderThatCannotBeMadeEndsWithStatus4() throws {
      let file = folder()
      XCTAssertTrue(FileManager.default.createFile(atPath: file, contents: Data()))
      let end = try Command(["--port", "0", "--cache-dir", "\(file)/cache"]).end()
      XCTAssertEqual(end.status, 4)
      XCTAssertEqual(end.out, "")
      XCTAssertTrue(end.error.contains("\(file)/cache"), end.error)
      XCTAssertTrue(end.error.hasSuffix("The option is --cache-dir.\n"), end.error)
    }

    func testACacheFolderInUseByAnotherServerEndsWithStatus4AndNamesThatProcess() throws {
      let args = ["--port", "0", "--cache-dir", folder()]
      let first = try Command(args)
      _ = try first.line()
      let second = try Command(args).end()
      XCTAssertEqual(second.status, 4)
      XCTAssertTrue(second.error.contains("in use by process \(first.id)"), second.error)
      first.signal(SIGTERM)
      XCTAssertEqual(first.end().status, 0)
    }

    func testRCLI2WhatIsWrongEndsWithStatus2() throws {
      let value = try Command(["--port", "99999"]).end()
      XCTAssertEqual(value.status, 2)
      XCTAssertEqual(
        value.error,
        "reelcache: --port: \"99999\" is not allowed; it must be a whole number from 0 to 65535\n"
      )
      let file = try Command(["--origin-ca", "/nowhere/ca.pem"]).end()
      XCTAssertEqual(file.status, 2)
      XCTAssertEqual(
        file.error,
        "reelcache: --origin-ca: \"/nowhere/ca.pem\" cannot be read (ENOENT); it must be a PEM file\n"
      )
      let variable = try Command([], ["REELCACHE_PROT": "1"]).end()
      XCTAssertEqual(variable.status, 2)
      XCTAssertTrue(variable.error.contains("REELCACHE_PROT"))
    }

    private func folder() -> String {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelcache-\(UUID().uuidString)")
      folders.append(folder)
      return folder.path
    }
  }

  /// A running command.
  private final class Command {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    private var received = Data()

    var id: Int32 { process.processIdentifier }

    init(_ args: [String], _ environment: [String: String] = [:]) throws {
      process.executableURL = Self.program()
      process.arguments = args
      process.environment = ProcessInfo.processInfo.environment
        .filter { !$0.key.hasPrefix("REELCACHE_") }
        .merging(environment) { _, given in given }
      process.standardInput = input
      process.standardOutput = output
      process.standardError = errors
      try process.run()
    }

    deinit {
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// The next line of its output as JSON; waits for it.
    func line() throws -> [String: String] {
      try JSONDecoder().decode([String: String].self, from: Data(rawLine().utf8))
    }

    func rawLine() throws -> String {
      while true {
        if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
          let line = String(decoding: received[..<end], as: UTF8.self)
          received = Data(received[(end + 1)...])
          return line
        }
        let more = output.fileHandleForReading.availableData
        if more.isEmpty {
          throw CommandError(said: String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self))
        }
        received += more
      }
    }

    func say(_ line: String) {
      input.fileHandleForWriting.write(Data("\(line)\n".utf8))
    }

    func signal(_ number: Int32) {
      kill(process.processIdentifier, number)
    }

    /// Waits for its end; what it wrote meanwhile.
    func end() -> (status: Int32, out: String, error: String) {
      let out = received + output.fileHandleForReading.readDataToEndOfFile()
      let error = errors.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let status = process.terminationReason == .exit ? process.terminationStatus : -1
      return (status, String(decoding: out, as: UTF8.self), String(decoding: error, as: UTF8.self))
    }

    /// The command that was built beside these tests.
    private static func program() -> URL {
      #if os(macOS)
        let tests = Bundle(for: Command.self).bundleURL
      #else
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      #endif
      return tests.deletingLastPathComponent().appendingPathComponent("reelcache-sut")
    }
  }

  /// The command ended before its line came.
  private struct CommandError: Error {
    let said: String
  }
#endif
