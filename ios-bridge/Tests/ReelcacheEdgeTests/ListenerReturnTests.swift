import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

/// What becomes of the port when an app leaves the front and comes back.
final class ListenerReturnTests: XCTestCase {
  func testInTheForegroundAListenerThatHearsStaysAsItIs() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "x") }
    defer { bench.close() }
    let socket = bench.onLoop { bench.listener.socket }
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
    XCTAssertTrue(bench.onLoop { bench.listener.socket === socket })
  }

  func testASocketThatTheSystemTookIsMadeAnewOnTheSamePort() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "x") }
    defer { bench.close() }
    let port = bench.port
    let lost = bench.onLoop { bench.listener.socket }
    bench.onLoop {
      bench.listener.enterBackground()
      loseSocket(bench.listener)
    }
    XCTAssertThrowsError(try PlayerSocket(port), "nobody listens")
    bench.onLoop { bench.listener.enterForeground() }
    try bench.until("it listens again") { bench.listener.socket !== lost && bench.listener.isListening }
    XCTAssertEqual(bench.port, port)
    XCTAssertEqual(try PlayerSocket(port).ask("/").status, 200)
  }

  func testAPortThatSomebodyTookMeanwhileIsHadAsSoonAsItIsFree() throws {
    let bench = try ListenerBench { _, response in answerWith(response, "mine") }
    defer { bench.close() }
    let port = bench.port
    bench.onLoop {
      bench.listener.enterBackground()
      loseSocket(bench.listener)
    }
    let other = try retrying { try ListenerBench(port: port) { _, response in answerWith(response, "other") } }
    bench.onLoop { bench.listener.enterForeground() }
    try bench.until("it notices") { !bench.listener.isListening }
    XCTAssertEqual(try PlayerSocket(port).ask("/").body, Array("other".utf8))
    other.close()
    try bench.until("it listens again") { bench.listener.isListening }
    XCTAssertEqual(try PlayerSocket(port).ask("/").body, Array("mine".utf8))
  }

  /// What a suspension may do: the socket is gone, and nobody is told.
  private func loseSocket(_ listener: Listener) {
    listener.socket?.stateUpdateHandler = nil
    listener.socket?.cancel()
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
