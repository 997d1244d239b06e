import XCTest

@testable import ReelcacheControl

/// Lines of the control protocol, both ways.
final class ControlCommandTests: XCTestCase {
  func testEveryCommandIsReadFromItsLine() {
    XCTAssertEqual(command(#"{"do":"hello","code":"abc"}"#), .hello(code: "abc"))
    XCTAssertEqual(command(#"{"do":"hello"}"#), .hello(code: ""))
    XCTAssertEqual(
      command(#"{"do":"start","options":{"cors":false,"limits":{"slotsMax":2}}}"#),
      .start(options: ["cors": .flag(false), "limits": .object(["slotsMax": .number(2)])])
    )
    XCTAssertEqual(command(#"{"do":"restart"}"#), .restart(kill: false))
    XCTAssertEqual(command(#"{"do":"restart","kill":true}"#), .restart(kill: true))
    XCTAssertEqual(command(#"{"do":"clear"}"#), .clear)
    XCTAssertEqual(command(#"{"do":"stop"}"#), .stop)
    XCTAssertEqual(
      command(#"{"do":"reach","to":[{"host":"10.0.0.1","port":80}]}"#),
      .reach([ControlCommand.Destination(host: "10.0.0.1", port: 80)])
    )
    XCTAssertEqual(command(#"{"do":"dial","port":8000}"#), .dial(port: 8_000))
    XCTAssertEqual(command(#"{"do":"log"}"#), .log)
  }

  func testWhatIsNoCommandIsRefusedInWords() {
    XCTAssertEqual(fault("nonsense"), "a command is a JSON object in one line")
    XCTAssertEqual(fault("[]"), "a command is a JSON object in one line")
    XCTAssertEqual(fault("{}"), "there is no command ")
    XCTAssertEqual(fault(#"{"do":"fly"}"#), "there is no command fly")
    XCTAssertEqual(fault(#"{"do":"start"}"#), "start needs options")
    XCTAssertEqual(fault(#"{"do":"reach","to":[{"host":"10.0.0.1"}]}"#), "reach needs to")
    XCTAssertEqual(fault(#"{"do":"dial","port":0}"#), "dial needs port")
    XCTAssertEqual(fault(#"{"do":"dial","port":65536}"#), "dial needs port")
  }

  func testEveryAnswerIsOneLineOfJson() {
    let hello = ControlAnswer.hello(version: "1", system: "iOS 17", device: "A \"B\"\n", addresses: ["10.0.0.2"])
    XCTAssertEqual(
      hello.line,
      #"{"hello":{"protocol":1,"version":"1","system":"iOS 17","device":"A \"B\"\n","addresses":["10.0.0.2"]}}"# + "\n"
    )
    XCTAssertEqual(ControlAnswer.listening("http://127.0.0.1:1").line, "{\"listening\":\"http://127.0.0.1:1\"}\n")
    XCTAssertEqual(ControlAnswer.cleared.line, "{\"cleared\":true}\n")
    XCTAssertEqual(ControlAnswer.stopped.line, "{\"stopped\":true}\n")
    XCTAssertEqual(ControlAnswer.dialed.line, "{\"dialed\":true}\n")
    XCTAssertEqual(ControlAnswer.lines(["a", "b"]).line, "{\"lines\":[\"a\",\"b\"]}\n")
    XCTAssertEqual(
      ControlAnswer.reached([ReachResult(host: "h", outcome: .denied, heard: "", detail: "d")]).line,
      #"{"reached":[{"host":"h","outcome":"denied","heard":"","detail":"d"}]}"# + "\n"
    )
    XCTAssertEqual(
      ControlAnswer.failed(ControlFailure(.option, "no")).line,
      "{\"failed\":{\"code\":\"option\",\"message\":\"no\"}}\n"
    )
  }

  private func command(_ line: String) -> ControlCommand? {
    try? parseCommand(Data(line.utf8)).get()
  }

  private func fault(_ line: String) -> String? {
    if case .failure(let failure) = parseCommand(Data(line.utf8)) { return failure.message }
    return nil
  }
}
