import Reelcache
import XCTest

@testable import ReelcacheControl

/// Options that come over the control protocol.
final class OptionsFromJsonTests: XCTestCase {
  func testOptionsOfEveryKindAreTaken() throws {
    let given = #"""
      {"maxCacheBytes":4096,"secret":"0123456789","allowPrivate":["10.0.0.1:*"],"form":"path","ignoreNoStore":true,
       "keepParameters":null,"requestFields":["X-A","it's"],"limits":{"slotsMax":2,"connectMs":50},"logLevel":"silent"}
      """#
    let options = try XCTUnwrap(try? read(given).get())
    var expected = ServerOptions()
    expected.maxCacheBytes = 4_096
    expected.secret = "0123456789"
    expected.allowPrivate = ["10.0.0.1:*"]
    expected.form = .path
    expected.ignoreNoStore = true
    expected.requestFields = ["X-A", "it's"]
    expected.limits = ["slotsMax": 2, "connectMs": 50]
    expected.logLevel = "silent"
    expected.port = 0
    XCTAssertEqual(options, expected)
  }

  func testAWrongOptionIsRefusedInTheWordsOfTheCommandLine() {
    XCTAssertEqual(
      fault(#"{"maxCacheBytes":0}"#)?.prefix(45),
      "maxCacheBytes: 0 is not allowed; it must be a"
    )
    XCTAssertEqual(fault(#"{"cors":"yes"}"#), "cors: \"yes\" is not allowed; it must be true or false")
    XCTAssertEqual(fault(#"{"port":1}"#), "port: the device decides this itself")
    XCTAssertEqual(fault(#"{"cacheDir":"/"}"#), "cacheDir: the device decides this itself")
    XCTAssertEqual(fault(#"{"nothing":1}"#)?.hasPrefix("nothing: no such option; there are host, port"), true)
    XCTAssertEqual(
      fault(#"{"playlistFreshSeconds":1.5}"#)?.hasPrefix("playlistFreshSeconds: null is not allowed"),
      true
    )
    XCTAssertEqual(fault(#"{"limits":{"slotsMax":"2"}}"#)?.hasPrefix("limits: null is not allowed"), true)
    XCTAssertEqual(fault(#"{"forwardFields":["a",1]}"#)?.hasPrefix("forwardFields: null is not allowed"), true)
  }

  func testTheProxyStaysOnTheLoopbackOfTheDevice() {
    XCTAssertEqual(try? read(#"{"host":"::1"}"#).get().host, "::1")
    XCTAssertEqual(
      fault(#"{"host":"0.0.0.0","secret":"0123456789"}"#),
      "host: \"0.0.0.0\" is not allowed; it must be an address of the device's own loopback"
    )
  }

  private func read(_ json: String) -> Result<ServerOptions, ControlFailure> {
    guard case .object(let fields)? = try? JSONDecoder().decode(JsonValue.self, from: Data(json.utf8)) else {
      return .failure(ControlFailure(.command, "the test's JSON is none"))
    }
    return serverOptions(fields)
  }

  private func fault(_ json: String) -> String? {
    if case .failure(let failure) = read(json) { return failure.message }
    return nil
  }
}
