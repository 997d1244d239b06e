import Dispatch
import Foundation
import Network
import XCTest

/// What a completion of `receive` was told.
struct Received: Equatable, Sendable, CustomStringConvertible {
  let content: Data?
  let isComplete: Bool
  let error: NWError?

  var text: String? { content.map { String(decoding: $0, as: UTF8.self) } }
  var description: String { "(\(text?.prefix(60) ?? "nil"), \(isComplete), \(error.map { "\($0)" } ?? "nil"))" }

  static func text(_ text: String, isComplete: Bool = false) -> Received {
    Received(content: Data(text.utf8), isComplete: isComplete, error: nil)
  }

  static let end = Received(content: nil, isComplete: true, error: nil)
  static func failed(_ error: NWError) -> Received { Received(content: nil, isComplete: true, error: error) }
}

extension NWEndpoint.Port {
  init(number: UInt16) { self = NWEndpoint.Port(rawValue: number) ?? .any }
}

/// A connection with its states recorded.
final class Subject: Sendable {
  let connection: NWConnection
  let queue = DispatchQueue(label: "test.connection")
  let states = Recorder<NWConnection.State>()
  let received = Recorder<Received>()
  let sent = Recorder<NWError?>()

  init(_ connection: NWConnection) {
    self.connection = connection
    connection.stateUpdateHandler = { [states, queue] state in
      dispatchPrecondition(condition: .onQueue(queue))
      states.add(state)
    }
  }

  convenience init(_ port: UInt16, host: NWEndpoint.Host = "127.0.0.1", using parameters: NWParameters = .tcp) {
    self.init(NWConnection(host: host, port: NWEndpoint.Port(number: port), using: parameters))
  }

  @discardableResult
  func start() -> Self {
    connection.start(queue: queue)
    return self
  }

  @discardableResult
  func startReady(_ file: StaticString = #filePath, _ line: UInt = #line) -> Self {
    start()
    states.wait(file, line) { $0.contains(.ready) }
    return self
  }

  func receive(_ minimum: Int = 1, _ maximum: Int = 65536) {
    connection.receive(minimumIncompleteLength: minimum, maximumLength: maximum) { [received, queue] in
      dispatchPrecondition(condition: .onQueue(queue))
      XCTAssertEqual($1 == nil, $3 != nil)
      received.add(Received(content: $0, isComplete: $2, error: $3))
    }
  }

  /// One call of receive, and its answer.
  func receiveNext(
    _ minimum: Int = 1,
    _ maximum: Int = 65536,
    _ file: StaticString = #filePath,
    _ line: UInt = #line
  ) -> Received? {
    let before = received.values.count
    receive(minimum, maximum)
    let after = received.wait(count: before + 1, file, line)
    return after.count > before ? after[before] : nil
  }

  func send(_ text: String) { send(Data(text.utf8)) }

  func send(_ content: Data?, _ context: NWConnection.ContentContext = .defaultMessage) {
    connection.send(
      content: content,
      contentContext: context,
      completion: .contentProcessed { [sent, queue] error in
        dispatchPrecondition(condition: .onQueue(queue))
        sent.add(error)
      }
    )
  }

  /// Reads on until the stream ends or breaks.
  func receiveAll(_ file: StaticString = #filePath, _ line: UInt = #line) -> (data: Data, last: Received?) {
    var data = Data()
    while let next = receiveNext(1, 1 << 20, file, line) {
      data.append(next.content ?? Data())
      if next.isComplete { return (data, next) }
    }
    return (data, nil)
  }

  func cancel(_ file: StaticString = #filePath, _ line: UInt = #line) {
    connection.cancel()
    states.wait(file, line) { $0.last == .cancelled }
  }
}

/// A connection to a raw socket, both ends open.
func pair(_ parameters: NWParameters = .tcp) -> (subject: Subject, peer: RawSocket) {
  let listener = RawListener()
  let subject = Subject(listener.port, using: parameters)
  subject.start()
  let peer = listener.accept()
  subject.states.wait { $0.contains(.ready) }
  return (subject, peer)
}

/// Bytes that differ from place to place.
func pattern(_ count: Int) -> Data {
  var data = Data(capacity: count)
  while data.count < count { data.append(block.prefix(count - data.count)) }
  return data
}

/// Of a length that is no multiple of any buffer's.
private let block: Data = {
  var state: UInt32 = 12345
  let bytes = (0..<100_003).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return UInt8(state >> 24)
  }
  return Data(bytes)
}()
