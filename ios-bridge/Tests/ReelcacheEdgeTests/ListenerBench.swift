import Dispatch
import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

/// A listener on a loop of its own, with answers that a test decides.
final class ListenerBench: @unchecked Sendable {
  typealias Answer = (PlayerRequest, PlayerResponse) -> Void

  let loop = EventLoop()
  private(set) var listener: Listener
  private let log: RequestLog

  /// `answer` is called on the loop.
  init(_ limits: Limits = defaultLimits, host: String = "127.0.0.1", port: Int = 0, _ answer: @escaping Answer) throws {
    let log = RequestLog()
    let made = try listenOn(loop, host, port, limits) { request, response in
      log.note(request)
      answer(request, response)
    }
    self.log = log
    listener = made
  }

  var port: Int { listener.port }

  /// Targets in the order in which they were asked for.
  var targets: [String] { log.requests.map { $0.target.description } }
  var requests: [PlayerRequest] { log.requests }

  func onLoop<Result>(_ work: () throws -> Result) rethrows -> Result { try loop.queue.sync(execute: work) }

  /// Waits until something is so on the loop.
  func until(_ what: String, _ condition: () -> Bool) throws {
    let deadline = Date().addingTimeInterval(10)
    while !onLoop(condition) {
      if Date() > deadline { throw SocketFailure(what: "in vain: \(what)", code: 0) }
      usleep(1_000)
    }
  }

  func close() {
    let closed = DispatchSemaphore(value: 0)
    onLoop { listener.close { closed.signal() } }
    XCTAssertEqual(closed.wait(timeout: .now() + 10), .success, "the listener closes")
  }
}

/// Listens and waits for the outcome. Throws a `ListenError`.
func listenOn(
  _ loop: EventLoop,
  _ host: String,
  _ port: Int,
  _ limits: Limits,
  _ answer: @escaping ListenerBench.Answer
) throws -> Listener {
  let outcome = Outcome()
  let started = DispatchSemaphore(value: 0)
  loop.queue.sync {
    let parts = ListenerParts(loop: loop, limits: limits, onRequest: answer, problem: problemAnswer)
    Listener.listen(host, port, parts) { result in
      outcome.result = result
      started.signal()
    }
  }
  guard started.wait(timeout: .now() + 10) == .success, let result = outcome.result else {
    throw SocketFailure(what: "nothing is told of the start", code: 0)
  }
  return try result.get()
}

/// A complete response.
func answerWith(_ response: PlayerResponse, _ text: String, _ status: Int = 200, closes: Bool = false) {
  response.writeHead(headWith(status, ["Content-Length", .decimal(text.utf8.count)], closes: closes))
  response.end(Data(text.utf8))
}

func headWith(_ status: Int, _ fields: FieldList, closes: Bool = false) -> ResponseHead {
  ResponseHead(status: status, reason: "Told", fields: fields + ["Connection", closes ? "close" : "keep-alive"])
}

/// What a refusal looks like here: its code is the body.
func problemAnswer(_ code: ErrorCode, _ detail: ByteString) -> (head: ResponseHead, content: ByteString) {
  let content = ByteString(utf8: code.rawValue)
  return (headWith(errorRow(code).status, ["Content-Length", .decimal(content.count)], closes: true), content)
}

private final class Outcome: @unchecked Sendable {
  var result: Result<Listener, ListenError>?
}

/// The requests that came, for any thread.
private final class RequestLog: @unchecked Sendable {
  private let lock = NSLock()
  private var noted: [PlayerRequest] = []

  var requests: [PlayerRequest] { lock.withLock { noted } }

  func note(_ request: PlayerRequest) { lock.withLock { noted.append(request) } }
}
