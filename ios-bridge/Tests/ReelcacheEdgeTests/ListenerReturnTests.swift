import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

/// What becomes of the port when an app leaves the front and comes back.
final class ListenerReturnTests: XCTestCase {
  func testInTheForegroundAListenerThatHearsStaysAsItIs() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "x") }
    defer { bench.close() }
    let player = try PlayerSocket(bench.port)
    XCTAssertEqual(try player.ask("/1").status, 200)
    for _ in 0..<3 {
      bench.onLoop {
        bench.listener.enterBackground()
        bench.listener.enterForeground()
      }
      XCTAssertEqual(try PlayerSocket(bench.port).ask("/").status, 200, "during the check")
      try bench.until("the check is over") { !bench.listener.isChecking }
    }
    XCTAssertEqual(try player.ask("/2").status, 200, "the old connection lives on")
    XCTAssertEqual(bench.onLoop { bench.listener.binds }, 1)
  }

  func testASocketThatTheSystemTookIsMadeAnewOnTheSamePort() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "x") }
    defer { bench.close() }
    let port = bench.port
    bench.onLoop {
      bench.listener.enterBackground()
      bench.listener.loseSocket()
    }
    XCTAssertThrowsError(try PlayerSocket(port), "nobody listens")
    bench.onLoop { bench.listener.enterForeground() }
    try bench.until("it listens again") { bench.listener.binds == 2 && bench.listener.isListening }
    XCTAssertEqual(bench.port, port)
    XCTAssertEqual(try PlayerSocket(port).ask("/").status, 200)
  }

  func testAPortThatSomebodyTookMeanwhileIsHadAsSoonAsItIsFree() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "mine") }
    defer { bench.close() }
    let port = bench.port
    bench.onLoop {
      bench.listener.enterBackground()
      bench.listener.loseSocket()
    }
    let other = try retrying { try ListenerBench(port: port) { _, response in answerWith(response, "other") } }
    bench.onLoop { bench.listener.enterForeground() }
    try bench.until("it has tried") { bench.listener.binds >= 2 && !bench.listener.isListening }
    XCTAssertEqual(try PlayerSocket(port).ask("/").body, Array("other".utf8))
    other.close()
    try bench.until("it listens again") { bench.listener.isListening }
    XCTAssertEqual(try PlayerSocket(port).ask("/").body, Array("mine".utf8))
  }

  /// The old socket is closed on the system's own time.
  private func retrying<Result>(_ work: () throws -> Result) throws -> Result {
    for _ in 0..<200 {
      if let result = try? work() { return result }
      usleep(5_000)
    }
    return try work()
  }
}
