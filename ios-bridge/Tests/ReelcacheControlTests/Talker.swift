import Foundation
import Network

/// A connection that a test talks on: lines and bytes in order, each awaited.
final class Talker: @unchecked Sendable {
  private let queue = DispatchQueue(label: "talker")
  private let socket: NWConnection
  private var input = Data()
  private var ended = false

  init(_ port: Int) {
    let number = NWEndpoint.Port(rawValue: UInt16(port)) ?? .any
    socket = NWConnection(host: "127.0.0.1", port: number, using: .tcp)
    // A connection that is refused would wait for better times.
    socket.stateUpdateHandler = { @Sendable [socket] state in
      if case .waiting = state { socket.cancel() }
    }
    socket.start(queue: queue)
  }

  deinit { socket.forceCancel() }

  /// Sends text and, when it is the `last`, the end of this side.
  func say(_ text: String, last: Bool = false) {
    socket.send(
      content: Data(text.utf8),
      contentContext: last ? .finalMessage : .defaultMessage,
      isComplete: last,
      completion: .idempotent
    )
  }

  /// The next line, without its end; nil when the connection ended.
  func line() async -> String? {
    while true {
      if let end = input.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: input[..<end], as: UTF8.self)
        input = Data(input[input.index(after: end)...])
        return line
      }
      if ended { return nil }
      await more()
    }
  }

  /// Sends a command and hears the answer.
  func ask(_ command: String) async -> String? {
    say("\(command)\n")
    return await line()
  }

  /// Everything up to the end.
  func rest() async -> String {
    while !ended { await more() }
    return String(decoding: input, as: UTF8.self)
  }

  func hangUp() {
    socket.cancel()
  }

  private func more() async {
    let (content, over) = await withCheckedContinuation { continuation in
      socket.receive(minimumIncompleteLength: 1, maximumLength: 65_536) { content, _, isComplete, error in
        continuation.resume(returning: (content, isComplete || error != nil))
      }
    }
    if let content { input.append(content) }
    ended = over
  }
}

/// An origin that answers every request with one body, or says one text to everybody and hangs up.
final class PlainServer: @unchecked Sendable {
  private let queue = DispatchQueue(label: "plain-server")
  private let listener: NWListener
  private let greeting: Data?
  private let body: String
  private var answered = 0

  /// Says `greeting` at once; with nil it waits for a request and answers it. On a port of its own, or on one that
  /// another listener lets it share.
  init(greeting: String? = nil, body: String = "", sharing port: Int = 0) async throws {
    self.greeting = greeting.map { Data($0.utf8) }
    self.body = body
    let parameters = NWParameters.tcp
    parameters.allowLocalEndpointReuse = port != 0
    let number = NWEndpoint.Port(rawValue: UInt16(port)) ?? .any
    parameters.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: number)
    listener = try NWListener(using: parameters)
    listener.newConnectionHandler = { [weak self] connection in self?.serve(connection) }
    await withCheckedContinuation { continuation in
      listener.stateUpdateHandler = { [listener] state in
        if case .ready = state {
          listener.stateUpdateHandler = nil
          continuation.resume()
        }
      }
      listener.start(queue: queue)
    }
  }

  deinit { listener.cancel() }

  func stop() {
    listener.cancel()
  }

  var port: Int { Int(listener.port?.rawValue ?? 0) }
  var requests: Int { queue.sync { answered } }

  private func serve(_ connection: NWConnection) {
    connection.start(queue: queue)
    if let greeting { return say(greeting, connection) }
    connection.receive(minimumIncompleteLength: 1, maximumLength: 65_536) { [self] _, _, _, error in
      if error != nil { return connection.cancel() }
      answered += 1
      let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nETag: \"1\"\r\nConnection: close\r\n\r\n"
      say(Data((head + body).utf8), connection)
    }
  }

  private func say(_ bytes: Data, _ connection: NWConnection) {
    connection.send(
      content: bytes,
      contentContext: .finalMessage,
      isComplete: true,
      completion: .contentProcessed { _ in connection.cancel() }
    )
  }
}
