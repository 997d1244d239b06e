import Foundation
import Network
import XCTest

final class RandomTrafficTests: XCTestCase {
  func testWhateverIsSentArrivesWholeAndInOrder() throws {
    for seed in 0..<40 { try exchange(UInt64(seed), .tcp) }
  }

  func testTheSameOverTLS() throws {
    _ = try XCTUnwrap(TestAuthority.root)
    let all = pattern(3_000_000)
    for seed in 0..<6 {
      // The server sends back what it gets.
      let server = try TLSServer(TestAuthority.server())
      server.serve { peer in
        XCTAssertTrue(peer.accept())
        var left = all.count
        while left > 0 {
          let part = peer.read(min(left, 50_000))
          if part.isEmpty { break }
          peer.write(part)
          left -= part.count
        }
        peer.closeNotify()
        // A socket closed over unread bytes would reset the connection and take the rest away.
        XCTAssertEqual(peer.readToEnd(), Data())
      }
      let client = Talker(NWConnection(host: "127.0.0.1", port: NWEndpoint.Port(number: server.port), using: .tls))
      client.talk(all, UInt64(seed))
      XCTAssertEqual(client.heard.wait(count: 1)[0], all, "seed \(seed)")
      client.connection.cancel()
    }
  }

  private func exchange(_ seed: UInt64, _ parameters: NWParameters) throws {
    let local = NWParameters.tcp
    local.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: .any)
    let listener = try NWListener(using: local)
    let (states, accepted) = (Recorder<NWListener.State>(), Recorder<NWConnection>())
    listener.stateUpdateHandler = { states.add($0) }
    listener.newConnectionHandler = { accepted.add($0) }
    listener.start(queue: DispatchQueue(label: "test.random.listener"))
    states.wait(count: 1)
    let all = pattern(Int(seed) * 40_000 + 1)
    let other = Data(pattern(all.count / 2 + 7).dropFirst(7))
    let client = Talker(NWConnection(host: "127.0.0.1", port: try XCTUnwrap(listener.port), using: parameters))
    client.talk(all, seed)
    let server = Talker(accepted.wait(count: 1)[0])
    server.talk(other, seed + 1000)
    XCTAssertEqual(client.heard.wait(count: 1)[0], other, "seed \(seed)")
    XCTAssertEqual(server.heard.wait(count: 1)[0], all, "seed \(seed)")
    client.connection.cancel()
    server.connection.cancel()
    listener.cancel()
  }
}

/// One end that sends content in parts of random sizes, one after the other or all at once, and receives with random
/// bounds. Its state lives on its queue.
private final class Talker: @unchecked Sendable {
  let connection: NWConnection
  let heard = Recorder<Data>()
  private let queue = DispatchQueue(label: "test.random")
  private var random = Random(state: 0)
  private var left = Data()
  private var got = Data()

  init(_ connection: NWConnection) {
    self.connection = connection
  }

  func talk(_ content: Data, _ seed: UInt64) {
    queue.sync {
      random = Random(state: seed)
      left = content
      send()
      receive()
    }
    connection.start(queue: queue)
  }

  private func send() {
    if left.isEmpty {
      return connection.send(content: nil, contentContext: .finalMessage, isComplete: true, completion: .idempotent)
    }
    let waits = random.next(4) > 0
    connection.batch {
      for _ in 0..<random.next(5) { sendPart(.idempotent) }
      sendPart(waits ? .contentProcessed { [self] in if $0 == nil { send() } } : .idempotent)
    }
    if !waits { send() }
  }

  private func sendPart(_ completion: NWConnection.SendCompletion) {
    let size = random.next(3) == 0 ? random.next(300_000) : random.next(40)
    let part = left.prefix(size)
    left = left.dropFirst(size)
    connection.send(content: part, completion: completion)
  }

  private func receive() {
    let least = random.next(3) == 0 ? 1 + random.next(100_000) : 1
    let most = least + (random.next(2) == 0 ? random.next(10) : random.next(1_000_000))
    connection.receive(minimumIncompleteLength: least, maximumLength: most) { [self] content, _, isComplete, error in
      let count = content?.count ?? 0
      XCTAssertLessThanOrEqual(count, most)
      XCTAssertTrue(isComplete || count >= least)
      XCTAssertNil(error)
      got.append(content ?? Data())
      if isComplete { heard.add(got) } else { receive() }
    }
  }
}

/// A small generator that gives the same numbers for the same seed.
private struct Random {
  var state: UInt64

  mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
}
