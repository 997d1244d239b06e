import XCTest

@testable import ReelcacheCommand

/// The words with which the command lets the harness drive proxies.
final class ControlRunTests: XCTestCase {
  func testOtherCommandLinesAreLeftAlone() {
    XCTAssertNil(readControlWords([]))
    XCTAssertNil(readControlWords(["--port", "0", "http://example.com/a.m3u8"]))
  }

  func testAPortAndACodeAreRead() {
    XCTAssertEqual(readControlWords(["--control-port", "0"]), .run(port: 0, code: ""))
    XCTAssertEqual(readControlWords(["--control-port=9199", "--control-code=abc"]), .run(port: 9_199, code: "abc"))
    XCTAssertEqual(readControlWords(["--control-code", "abc", "--control-port", "1"]), .run(port: 1, code: "abc"))
  }

  func testWhatIsWrongIsSaid() {
    XCTAssertEqual(readControlWords(["--control-port"]), .refused("option '--control-port' argument missing"))
    XCTAssertEqual(
      readControlWords(["--control-port", "65536"]),
      .refused("--control-port: \"65536\" is not allowed; it must be a whole number from 0 to 65535")
    )
    XCTAssertEqual(
      readControlWords(["--control-port", "0", "--cors", "no"]),
      .refused("--control-port stands alone or with --control-code; options come from the harness")
    )
  }
}
