import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif
#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An origin of plain sockets on loopback: every path has the same seeded body, but those of texts. Threads, since a test may block.
final class TestOrigin: @unchecked Sendable {
  let port: Int
  let body: Data
  private let listener: Int32
  private let lock = NSLock()
  private var heads: [String] = []
  private var refused: @Sendable (String) -> Bool = { _ in false }
  private var closed = false
  /// The body of a refusal.
  let refusal = Data(repeating: 7, count: 300_000)
  /// Playlists by their paths.
  private let texts: [String: String]

  var url: String { "http://127.0.0.1:\(port)" }

  /// The request heads so far.
  var requests: [String] { lock.withLock { heads } }

  /// Requests with such a head are answered 403.
  var refuse: @Sendable (String) -> Bool {
    get { lock.withLock { refused } }
    set { lock.withLock { refused = newValue } }
  }

  init(_ bytes: Int, _ texts: [String: String] = [:]) throws {
    self.texts = texts
    var seed: UInt32 = 1
    body = Data(
      (0..<bytes).map { _ in
        seed = seed &* 1_664_525 &+ 1_013_904_223
        return UInt8(seed >> 24)
      }
    )
    listener = try Self.listen()
    port = Self.portOf(listener)
    Thread.detachNewThread { self.accept() }
  }

  /// Takes no connection any more, and answers nothing on those that are there.
  func close() {
    lock.withLock { closed = true }
    shutdown(listener, Int32(SHUT_RDWR))
    Foundation.close(listener)
  }

  private static func listen() throws -> Int32 {
    #if canImport(Darwin)
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard bound == 0, Foundation.listen(descriptor, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
    return descriptor
  }

  private static func portOf(_ descriptor: Int32) -> Int {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  private func accept() {
    while true {
      let connection = Foundation.accept(listener, nil, nil)
      if connection < 0 { return }
      Thread.detachNewThread { self.serve(connection) }
    }
  }

  private func serve(_ connection: Int32) {
    defer { Foundation.close(connection) }
    var received = Data()
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      while let end = received.range(of: Data("\r\n\r\n".utf8)) {
        let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
        received = Data(received[end.upperBound...])
        if lock.withLock({ closed }) { return }
        lock.withLock { heads.append(head) }
        if refuse(head) {
          let answer = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: \(refusal.count)\r\n\r\n"
          if !send(connection, Data(answer.utf8) + refusal) { return }
          continue
        }
        let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let content = texts[path].map { Data($0.utf8) } ?? body
        let type = texts[path] == nil ? "video/mp2t" : "application/vnd.apple.mpegurl"
        let answer =
          "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nETag: \"v1\"\r\nCache-Control: max-age=600\r\n"
          + "Content-Length: \(content.count)\r\n\r\n"
        if !send(connection, Data(answer.utf8) + content) { return }
      }
      let count = recv(connection, &buffer, buffer.count, 0)
      if count <= 0 { return }
      received.append(contentsOf: buffer[..<count])
    }
  }

  private func send(_ connection: Int32, _ bytes: Data) -> Bool {
    var at = 0
    while at < bytes.count {
      #if canImport(Darwin)
        let flags: Int32 = 0
      #else
        let flags = Int32(MSG_NOSIGNAL)
      #endif
      let sent = bytes.withUnsafeBytes { raw in
        Foundation.send(connection, raw.baseAddress.map { $0 + at }, bytes.count - at, flags)
      }
      if sent <= 0 { return false }
      at += sent
    }
    return true
  }
}

/// Asks for a URL with a session of its own: no cache, no cookies.
func fetch(_ url: String) async throws -> (status: Int, fields: [AnyHashable: Any], body: Data) {
  guard let address = URL(string: url) else { throw URLError(.badURL) }
  let session = URLSession(configuration: .ephemeral)
  defer { session.invalidateAndCancel() }
  let (body, response) = try await session.data(from: address)
  guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
  return (response.statusCode, response.allHeaderFields, body)
}
