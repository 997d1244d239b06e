/// Runs transfers of the origin client in tests and keeps everything they said.
import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// What a transfer has said so far. Changed on the loop; read by tests through `EventLoop.run` or once it is over.
final class Fetched: @unchecked Sendable {
  var transfer: (any OriginTransfer)?
  var head: OriginHead?
  var pieces: [Data] = []
  /// Bytes received.
  var size = 0
  var failure: OriginFailure?
  /// Whether onDone was called.
  var done = false
  /// Event names in order, repeated data events once: "head data done".
  var story = ""
  fileprivate let pending = Pending<Void>()

  /// The body received so far.
  var body: Data { pieces.reduce(into: Data()) { $0.append($1) } }

  /// The body as latin1 text.
  var text: String { latin1(body) }

  fileprivate func say(_ event: String) {
    let word = done ? "LATE-\(event)" : event
    if !story.hasSuffix(word) { story += story.isEmpty ? word : " \(word)" }
  }
}

/// Reactions of a test to events; on the loop.
struct FetchHooks {
  var onHead: (Fetched) -> Void = { _ in }
  var onData: (Fetched, Data) -> Void = { _, _ in }
  var onDone: (Fetched) -> Void = { _ in }
  /// False for bodies that are only counted.
  var keeps = true
}

/// A client that may reach the loopback interface.
final class TestClient {
  let loop: EventLoop
  let client: OriginClient

  init(
    _ loop: EventLoop,
    limits: Limits = defaultLimits,
    allow: [ByteString] = [],
    allowPrivate: [ByteString] = ["127.0.0.1:*"],
    tls: OriginTls = OriginTls(),
    lookup: OriginLookup? = nil
  ) {
    self.loop = loop
    client = OriginClient(
      loop,
      OriginClientOptions(
        limits: limits,
        allow: allow,
        allowPrivate: allowPrivate,
        tls: tls,
        lookup: lookup,
        log: { _, _, _ in }
      )
    )
  }

  /// Open, idle, active.
  var counts: [Int] {
    let counts = loop.run { client.counts() }
    return [counts.open, counts.idle, counts.active]
  }

  /// Starts a GET, or another request, and records its events.
  func start(
    _ url: String,
    _ method: AskMethod = .get,
    _ fields: FieldList = [],
    limits: Limits = defaultLimits,
    hooks: FetchHooks = FetchHooks()
  ) -> Fetched {
    loop.run { startHere(url, method, fields, limits: limits, hooks: hooks) }
  }

  /// As `start`, on the loop already.
  func startHere(
    _ url: String,
    _ method: AskMethod = .get,
    _ fields: FieldList = [],
    limits: Limits = defaultLimits,
    hooks: FetchHooks = FetchHooks()
  ) -> Fetched {
    let fetched = Fetched()
    let request = OriginRequest(
      method: method,
      url: ByteString(latin1: url) ?? ByteString(utf8: url),
      fields: fields,
      limits: limits,
      headSilenceMs: limits.headSilenceMs,
      passes: nil
    )
    fetched.transfer = client.start(
      request,
      OriginEvents(
        onHead: { head in
          fetched.say("head")
          fetched.head = head
          hooks.onHead(fetched)
        },
        onData: { bytes in
          fetched.say("data")
          if hooks.keeps { fetched.pieces.append(bytes) }
          fetched.size += bytes.count
          hooks.onData(fetched, bytes)
        },
        onDone: { failure in
          fetched.say("done")
          fetched.done = true
          fetched.failure = failure
          hooks.onDone(fetched)
          fetched.pending.come(())
        }
      )
    )
    return fetched
  }

  /// Starts a transfer and waits for its end.
  func fetch(
    _ url: String,
    _ method: AskMethod = .get,
    _ fields: FieldList = [],
    limits: Limits = defaultLimits,
    hooks: FetchHooks = FetchHooks(),
    _ file: StaticString = #filePath,
    _ line: UInt = #line
  ) throws -> Fetched {
    try over(start(url, method, fields, limits: limits, hooks: hooks), file, line)
  }

  /// Waits for a transfer's end, and a turn of the loop: nothing must come after it.
  @discardableResult
  func over(_ fetched: Fetched, _ file: StaticString = #filePath, _ line: UInt = #line) throws -> Fetched {
    try fetched.pending.value(file, line)
    loop.run {}
    loop.run {}
    return fetched
  }

  func close() throws {
    let closed: Pending<Void> = loop.start { done in client.close { done(()) } }
    try closed.value()
  }
}

/// A test with a loop, clients that are closed at its end, and origins that are stopped.
class OriginTestCase: XCTestCase {
  let loop = EventLoop(label: "test.loop")
  private var clients: [TestClient] = []
  private var origins: [RawOrigin] = []

  override func tearDownWithError() throws {
    for client in clients { try client.close() }
    for origin in origins { origin.stop() }
    clients = []
    origins = []
  }

  func makeClient(
    limits: Limits = defaultLimits,
    allow: [ByteString] = [],
    allowPrivate: [ByteString] = ["127.0.0.1:*"],
    tls: OriginTls = OriginTls(),
    lookup: OriginLookup? = nil
  ) -> TestClient {
    let client = TestClient(
      loop,
      limits: limits,
      allow: allow,
      allowPrivate: allowPrivate,
      tls: tls,
      lookup: lookup
    )
    clients.append(client)
    return client
  }

  func makeOrigin(
    secured: (@Sendable (Int32) -> (any RawStream)?)? = nil,
    onConnection: (@Sendable (RawConnection) -> Void)? = nil,
    _ handler: @escaping RawOrigin.Handler
  ) throws -> RawOrigin {
    let origin = try RawOrigin(secured: secured, onConnection: onConnection, handler)
    origins.append(origin)
    return origin
  }

  /// A resolver that answers every name with these addresses.
  func resolver(_ addresses: [ByteString]) -> OriginLookup {
    let loop = loop
    return { _, done in loop.later { done(.success(addresses)) } }
  }
}

/// Default limits with some changed.
func limits(_ change: (inout Limits) -> Void) -> Limits {
  var limits = defaultLimits
  change(&limits)
  return limits
}

func latin1(_ bytes: Data) -> String {
  String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
}

let simpleResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/// The same numbers at every run (xorshift), so that a failure comes again.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
