import Foundation
import XCTest

@testable import ReelcacheControl

/// Conversations with the control server, on real sockets.
final class ControlServerTests: XCTestCase {
  private var server: ControlServer?
  /// What the server tells a person.
  private let lines = AsyncStream<String>.makeStream()
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

  override func tearDown() async throws {
    await server?.stop()
    XCTAssertFalse(FileManager.default.fileExists(atPath: folder), "nothing is left on the disk")
  }

  func testTheHarnessIsToldWhoIsThere() async throws {
    let port = try await startServer()
    let hello = await Talker(port).ask(#"{"do":"hello"}"#)
    XCTAssertEqual(
      hello?.hasPrefix(#"{"hello":{"protocol":1,"version":"0.1.0","system":"iOS 17.5","device":"Test","#),
      true
    )
  }

  func testAConversationStartsRestartsEmptiesAndStopsOneProxy() async throws {
    let harness = Talker(try await startServer())
    let early = await harness.ask(#"{"do":"clear"}"#)
    XCTAssertEqual(early, #"{"failed":{"code":"state","message":"no proxy runs in this conversation"}}"#)
    let started = await harness.ask(#"{"do":"start","options":{"logLevel":"silent"}}"#)
    XCTAssertEqual(started?.hasPrefix(#"{"listening":"http://127.0.0.1:"#), true)
    let second = await harness.ask(#"{"do":"start","options":{}}"#)
    XCTAssertEqual(second, #"{"failed":{"code":"state","message":"a proxy runs already in this conversation"}}"#)
    let again = await harness.ask(#"{"do":"restart"}"#)
    XCTAssertEqual(again, started, "the port stays")
    let killed = await harness.ask(#"{"do":"restart","kill":true}"#)
    XCTAssertEqual(killed, started)
    let cleared = await harness.ask(#"{"do":"clear"}"#)
    XCTAssertEqual(cleared, #"{"cleared":true}"#)
    let stopped = await harness.ask(#"{"do":"stop"}"#)
    XCTAssertEqual(stopped, #"{"stopped":true}"#)
    let third = await harness.ask(#"{"do":"start","options":{"logLevel":"silent"}}"#)
    XCTAssertEqual(third?.hasPrefix(#"{"listening":"#), true, "a conversation may have another proxy later")
  }

  func testWrongOptionsAndLinesAreAnsweredAndTheConversationGoesOn() async throws {
    let harness = Talker(try await startServer())
    let refused = await harness.ask(#"{"do":"start","options":{"cors":1}}"#)
    XCTAssertEqual(
      refused,
      #"{"failed":{"code":"option","message":"cors: 1 is not allowed; it must be true or false"}}"#
    )
    let unknown = await harness.ask("?")
    XCTAssertEqual(unknown, #"{"failed":{"code":"command","message":"a command is a JSON object in one line"}}"#)
    let stopped = await harness.ask(#"{"do":"stop"}"#)
    XCTAssertEqual(stopped, #"{"stopped":true}"#)
  }

  func testCommandsThatComeAtOnceAreAnsweredInOrder() async throws {
    let harness = Talker(try await startServer())
    harness.say("{\"do\":\"start\",\"options\":{\"logLevel\":\"silent\"}}\n{\"do\":\"clear\"}\n{\"do\":\"stop\"}\n")
    let first = await harness.line()
    XCTAssertEqual(first?.hasPrefix(#"{"listening":"#), true)
    let second = await harness.line()
    XCTAssertEqual(second, #"{"cleared":true}"#)
    let third = await harness.line()
    XCTAssertEqual(third, #"{"stopped":true}"#)
  }

  func testAProxyEndsWithItsConversation() async throws {
    let control = try await startServer()
    let harness = Talker(control)
    let proxy = try await startProxy(harness)
    harness.hangUp()
    let watcher = Talker(control)
    var log = ""
    while !log.contains("the proxy on port \(proxy) ended") { log = await watcher.ask(#"{"do":"log"}"#) ?? "" }
    let refused = await watcher.ask(#"{"do":"dial","port":\#(proxy)}"#)
    XCTAssertEqual(refused, #"{"failed":{"code":"dial","message":"no proxy of this app listens on port \#(proxy)"}}"#)
  }

  func testADialledConnectionIsOneToTheProxyAndItsEndsGoThrough() async throws {
    let origin = try await PlainServer(body: "0123456789")
    let control = try await startServer()
    let harness = Talker(control)
    let proxy = try await startProxy(harness)
    let player = Talker(control)
    let dialled = await player.ask(#"{"do":"dial","port":\#(proxy)}"#)
    XCTAssertEqual(dialled, #"{"dialed":true}"#)
    player.say(request(origin.port, proxy))
    let heard = await player.rest()
    XCTAssertTrue(heard.hasPrefix("HTTP/1.1 200 OK\r\n"), heard)
    XCTAssertTrue(heard.hasSuffix("\r\n\r\n0123456789"), heard)
    let other = Talker(control)
    let refused = await other.ask(#"{"do":"dial","port":\#(origin.port)}"#)
    XCTAssertEqual(
      refused?.hasPrefix(#"{"failed":{"code":"dial""#),
      true,
      "other ports of the device are not for the harness"
    )
  }

  func testARestartKeepsTheCacheAndAKillKeepsTheBytesRight() async throws {
    let origin = try await PlainServer(body: "0123456789")
    let control = try await startServer()
    let harness = Talker(control)
    let proxy = try await startProxy(harness)
    for command in ["", #"{"do":"restart"}"#, #"{"do":"restart","kill":true}"#] {
      if !command.isEmpty { _ = await harness.ask(command) }
      let player = Talker(control)
      _ = await player.ask(#"{"do":"dial","port":\#(proxy)}"#)
      player.say(request(origin.port, proxy))
      let heard = await player.rest()
      XCTAssertTrue(heard.hasSuffix("\r\n\r\n0123456789"), heard)
    }
    XCTAssertEqual(origin.requests, 1, "an orderly stop had written everything, and what is written survives a kill")
  }

  func testAddressesAreTriedAndWhatTheySayIsTold() async throws {
    let word = try await PlainServer(greeting: "a word\n")
    let silent = try await PlainServer(greeting: "")
    let harness = Talker(try await startServer())
    let to = [word.port, silent.port, 9].map { #"{"host":"127.0.0.1","port":\#($0)}"# }.joined(separator: ",")
    let answer = await harness.ask(#"{"do":"reach","to":[\#(to)]}"#)
    XCTAssertEqual(
      answer,
      #"{"reached":[{"host":"127.0.0.1","outcome":"reached","heard":"a word","detail":""},"#
        + #"{"host":"127.0.0.1","outcome":"reached","heard":"","detail":""},"#
        + #"{"host":"127.0.0.1","outcome":"refused","heard":"","detail":""}]}"#
    )
    let none = await harness.ask(#"{"do":"reach","to":[]}"#)
    XCTAssertEqual(none, #"{"reached":[]}"#)
  }

  func testWhoComesFromElsewhereMustKnowTheCodeAndHasOneGuess() async throws {
    let port = try await startServer(code: "k3y")
    for line in [#"{"do":"hello"}"#, #"{"do":"hello","code":"key"}"#, #"{"do":"start","options":{}}"#] {
      let stranger = Talker(port)
      stranger.say("\(line)\n{\"do\":\"hello\",\"code\":\"k3y\"}\n")
      let heard = await stranger.rest()
      XCTAssertEqual(
        heard,
        #"{"failed":{"code":"code","message":"the device asks for the code that its app shows"}}"# + "\n"
      )
    }
    let harness = Talker(port)
    let hello = await harness.ask(#"{"do":"hello","code":"k3y"}"#)
    XCTAssertEqual(hello?.hasPrefix(#"{"hello":"#), true)
    let cleared = await harness.ask(#"{"do":"stop"}"#)
    XCTAssertEqual(cleared, #"{"stopped":true}"#, "said once, it counts for the conversation")
  }

  func testListeningAnewKeepsThePortAndTheConversations() async throws {
    let port = try await startServer()
    let harness = Talker(port)
    let started = try await startProxy(harness)
    server?.renew()
    var hello: String?
    while hello == nil { hello = await Talker(port).ask(#"{"do":"hello"}"#) }
    let again = await harness.ask(#"{"do":"restart"}"#)
    XCTAssertEqual(again, #"{"listening":"http://127.0.0.1:\#(started)"}"#)
  }

  func testAPortThatIsLostIsTriedUntilItIsFreeAgain() async throws {
    let port = try await startServer()
    let thief = try await PlainServer(greeting: "mine\n", sharing: port)
    server?.renew()
    for await line in lines.stream where line == "port \(port) cannot be had: another app has it" { break }
    thief.stop()
    var hello: String?
    while hello == nil { hello = await Talker(port).ask(#"{"do":"hello"}"#) }
    XCTAssertEqual(hello?.hasPrefix(#"{"hello":"#), true)
  }

  func testAPortThatIsTakenIsSaid() async throws {
    let taken = try await PlainServer(greeting: "")
    var options = ControlOptions(folder: folder)
    options.port = taken.port
    let second = ControlServer(options)
    do {
      _ = try await second.start()
      XCTFail("it listens on a port that another has")
    } catch {
      XCTAssertTrue("\(error)".hasPrefix("port \(taken.port) cannot be had"), "\(error)")
    }
    await second.stop()
  }

  func testStoppingEndsEveryConversationAndTheServerMayStartAgain() async throws {
    let harness = Talker(try await startServer())
    _ = try await startProxy(harness)
    await server?.stop()
    let heard = await harness.rest()
    XCTAssertEqual(heard, "")
    let port = try await server?.start() ?? 0
    let hello = await Talker(port).ask(#"{"do":"hello"}"#)
    XCTAssertEqual(hello?.hasPrefix(#"{"hello":"#), true)
  }

  func testACodeHasNoLettersThatCanBeMistaken() {
    let codes = (0..<50).map { _ in ControlOptions.newCode() }
    XCTAssertEqual(Set(codes).count, codes.count)
    for code in codes {
      XCTAssertEqual(code.count, 8)
      XCTAssertTrue(code.allSatisfy { "23456789abcdefghjkmnpqrstuvwxyz".contains($0) }, code)
    }
  }

  private func startServer(code: String = "") async throws -> Int {
    var options = ControlOptions(folder: folder)
    options.port = 0
    options.system = "iOS 17.5"
    options.device = "Test"
    options.code = code
    options.trustsNobody = !code.isEmpty
    let made = ControlServer(options) { [lines] in lines.continuation.yield($0) }
    server = made
    return try await made.start()
  }

  private func startProxy(_ harness: Talker) async throws -> Int {
    let answer = await harness.ask(#"{"do":"start","options":{"logLevel":"silent","allowPrivate":["127.0.0.1:*"]}}"#)
    let digits = try XCTUnwrap(answer?.split(separator: ":").last?.prefix { $0.isNumber })
    return try XCTUnwrap(Int(digits))
  }

  private func request(_ origin: Int, _ proxy: Int) -> String {
    "GET /proxy?url=http%3A%2F%2F127.0.0.1%3A\(origin)%2Fa.ts HTTP/1.1\r\nHost: 127.0.0.1:\(proxy)\r\nConnection: close\r\n\r\n"
  }
}
