import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

final class LogTests: XCTestCase {
  private let lines = LogLines()

  func testALineIsJsonOfPinosShape() throws {
    let log = openLog("info", .json) { [lines] in lines.add($0) }
    log.warn("the cache cannot be written", ["err": ListenError(ENOSPC, "h", 1), "entry": 7, "ok": true])
    log.flush()
    let line = try XCTUnwrap(lines.all.first)
    XCTAssertTrue(line.hasPrefix("{\"level\":40,\"time\":"), line)
    XCTAssertTrue(line.hasSuffix(",\"entry\":7,\"ok\":true,\"msg\":\"the cache cannot be written\"}\n"), line)
    let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    XCTAssertEqual((parsed?["err"] as? [String: String])?["type"], "ListenError")
    XCTAssertGreaterThan(parsed?["time"] as? Double ?? 0, 1_700_000_000_000)
  }

  func testOnlyTheLevelThatWasAskedForAndAboveIsWritten() {
    for (level, count) in [("debug", 4), ("trace", 4), ("info", 3), ("warn", 2), ("error", 1), ("silent", 0)] {
      let log = openLog(level, .json) { [lines] in lines.add($0) }
      log.debug("a")
      log.info("b")
      log.warn("c")
      log.error("d")
      log.flush()
      XCTAssertEqual(lines.take().count, count, level)
      XCTAssertEqual(log.isOn(.warn), count >= 2, level)
    }
  }

  func testTextIsEscapedAndBytesAreTheirCodes() {
    XCTAssertEqual(quotedJson("a\"b\\c\n\r\t\u{1}\u{7f}é…"), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\u{7f}é…\"")
    XCTAssertEqual(logJson("url", ByteString([104, 233])), "\"hé\"")
    XCTAssertEqual(logJson("n", Optional<Int>.none as Any), "null")
    XCTAssertEqual(logJson("n", Optional.some(5) as Any), "5")
    XCTAssertEqual(logJson("list", [1, 2]), "[1,2]")
    XCTAssertEqual(logJson("x", Double.infinity), "null")
  }

  func testSecretsAreNotShown() {
    XCTAssertEqual(logJson("secret", "abc"), "\"[redacted]\"")
    let fields: KeyValuePairs<String, Any> = ["Range": "bytes=0-", "cookie": "a=b", "authorization": "Basic x"]
    XCTAssertEqual(
      logJson("fields", fields),
      "{\"Range\":\"bytes=0-\",\"cookie\":\"[redacted]\",\"authorization\":\"[redacted]\"}"
    )
  }

  func testAUrlIsShownWithoutItsQuery() {
    XCTAssertEqual(loggedUrl("http://a/b?Signature=x"), "http://a/b?…")
    XCTAssertEqual(loggedUrl("http://a/b"), "http://a/b")
  }

  func testThePrettyFormIsForPeople() throws {
    let log = openLog("info", .pretty) { [lines] in lines.add($0) }
    log.info("data files without a row are deleted", ["removed": 3])
    log.flush()
    let line = try XCTUnwrap(lines.all.first)
    XCTAssertTrue(line.hasSuffix("] INFO: data files without a row are deleted\n    removed: 3\n"), line)
    XCTAssertNotNil(line.range(of: #"^\[\d\d:\d\d:\d\d\.\d{3}\]"#, options: .regularExpression), line)
  }
}

private final class LogLines: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []

  var all: [String] { lock.withLock { lines } }

  func add(_ line: String) { lock.withLock { lines.append(line) } }

  func take() -> [String] {
    lock.withLock {
      defer { lines = [] }
      return lines
    }
  }
}
