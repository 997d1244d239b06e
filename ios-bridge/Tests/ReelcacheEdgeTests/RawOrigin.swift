/// A scripted origin on a raw TCP (or TLS) socket: tests decide every byte and when it is sent.
///
/// It listens on 127.0.0.1, parses request heads only, and calls the handler once per request, one at a time per
/// connection, on a thread of the connection: handlers may block. Everything is logged: requests in order of arrival,
/// connections, bytes the kernel accepted.
import Foundation
import ReelcacheCore
import XCTest

/// One request head as it was on the wire (latin1: one character is one byte).
struct RawRequest: Sendable {
  let method: String
  let target: String
  /// The exact head, up to and including the empty line.
  let head: String
  /// Index of its connection in `origin.connections`.
  let connection: Int
  /// 0 for the first request of its connection.
  let turn: Int

  /// The first value of a field, name compared without case, or nil.
  func field(_ name: String) -> String? {
    for line in head.components(separatedBy: "\r\n").dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 && parts[0].lowercased() == name { return parts[1].trimmingCharacters(in: .whitespaces) }
    }
    return nil
  }
}

/// What carries the bytes of a connection: a socket, or TLS over it.
protocol RawStream: AnyObject, Sendable {
  /// Blocks until bytes came; nil at the end or an error.
  func read() -> Data?
  /// Blocks until the kernel took all; false when the connection broke.
  func write(_ bytes: Data) -> Bool
  /// Sends what says that no more comes.
  func finish()
  /// Ends the stream below: over TLS that says nothing.
  func cut()
}

/// The origin's end of one connection.
final class RawConnection: @unchecked Sendable {
  let index: Int
  private let descriptor: Int32
  private let stream: any RawStream
  private let lock = NSLock()
  /// Held over each write and over the close: a closed descriptor's number soon is somebody else's.
  private let writing = NSLock()
  private var accepted = 0
  private var isClosed = false
  private var resets = false

  init(_ index: Int, _ descriptor: Int32, _ stream: any RawStream) {
    self.index = index
    self.descriptor = descriptor
    self.stream = stream
  }

  /// Bytes that the kernel has taken so far.
  var bytesAccepted: Int { lock.withLock { accepted } }

  /// Whether it is fully closed, whoever closed it.
  var closed: Bool { lock.withLock { isClosed } }

  @discardableResult
  func write(_ text: String) -> Bool { write(Data(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })) }

  @discardableResult
  func write(_ bytes: Data) -> Bool {
    writing.withLock {
      if closed || !stream.write(bytes) { return false }
      lock.withLock { accepted += bytes.count }
      return true
    }
  }

  /// Writes `total` bytes of the test body, piece by piece.
  func writePattern(_ total: Int) {
    var sent = 0
    while sent < total {
      let size = min(65_536, total - sent)
      if !write(testBody(sent, size)) { return }
      sent += size
    }
  }

  /// Sends FIN after what was written.
  func end() {
    writing.withLock {
      if !closed { stream.finish() }
    }
  }

  /// Sends FIN without what TLS says before it.
  func cut() {
    writing.withLock {
      if !closed { stream.cut() }
    }
  }

  /// Sends RST.
  func reset() {
    lock.withLock {
      resets = true
      // Wakes the reader, which closes: a descriptor is not closed under somebody who reads from it.
      if !isClosed { shutdown(descriptor, Int32(SHUT_RD)) }
    }
  }

  /// Ends it, whatever a handler is at.
  fileprivate func abandon() {
    lock.withLock {
      if !isClosed { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }

  /// Reads heads until the other side ends; then closes.
  fileprivate func serve(_ origin: RawOrigin) {
    let handlers = DispatchQueue(label: "raw-origin.handlers")
    var pending = Data()
    var turn = 0
    let mark = Data("\r\n\r\n".utf8)
    while let bytes = stream.read() {
      pending.append(bytes)
      while let end = pending.range(of: mark) {
        let request = rawRequest(Data(pending[pending.startIndex..<end.upperBound]), index, turn)
        pending = Data(pending[end.upperBound...])
        turn += 1
        origin.note(request)
        handlers.async { origin.handler(request, self) }
      }
      if lock.withLock({ resets }) { break }
    }
    if !lock.withLock({ resets }) {
      // The other side sent FIN: once the handlers are done nothing more will come.
      handlers.sync {}
      end()
    }
    close()
  }

  private func close() {
    writing.withLock {
      lock.withLock {
        if resets {
          var option = linger(l_onoff: 1, l_linger: 0)
          setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        isClosed = true
        Foundation.close(descriptor)
      }
    }
  }
}

final class RawOrigin: @unchecked Sendable {
  typealias Handler = @Sendable (_ request: RawRequest, _ connection: RawConnection) -> Void

  let port: Int
  let secure: Bool
  fileprivate let handler: Handler
  private let listener: Int32
  private let onConnection: (@Sendable (RawConnection) -> Void)?
  private let secured: (@Sendable (Int32) -> (any RawStream)?)?
  private let lock = NSLock()
  private var allRequests: [RawRequest] = []
  private var allConnections: [RawConnection] = []

  /// `onConnection` runs at each new connection, before anything is read. `secured` makes TLS of a socket.
  init(
    secured: (@Sendable (Int32) -> (any RawStream)?)? = nil,
    onConnection: (@Sendable (RawConnection) -> Void)? = nil,
    _ handler: @escaping Handler
  ) throws {
    self.handler = handler
    self.onConnection = onConnection
    self.secured = secured
    secure = secured != nil
    (listener, port) = try listenOnLoopback()
    Thread.detachNewThread { self.accept() }
  }

  /// `http://127.0.0.1:PORT` (or https), without a trailing slash.
  var url: String { "\(secure ? "https" : "http")://127.0.0.1:\(port)" }

  var requests: [RawRequest] { lock.withLock { allRequests } }
  var connections: [RawConnection] { lock.withLock { allConnections } }

  /// Connections now open.
  var openCount: Int { connections.filter { !$0.closed }.count }

  /// Stops listening and ends all connections.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    for connection in connections { connection.abandon() }
  }

  fileprivate func note(_ request: RawRequest) {
    lock.withLock { allRequests.append(request) }
  }

  private func accept() {
    while true {
      let descriptor = Foundation.accept(listener, nil, nil)
      if descriptor < 0 { break }
      Thread.detachNewThread { self.serve(descriptor) }
    }
    Foundation.close(listener)
  }

  private func serve(_ descriptor: Int32) {
    let made = secured.map { $0(descriptor) } ?? PlainStream(descriptor)
    guard let stream = made else {
      Foundation.close(descriptor)
      return
    }
    let connection = lock.withLock {
      let connection = RawConnection(allConnections.count, descriptor, stream)
      allConnections.append(connection)
      return connection
    }
    onConnection?(connection)
    connection.serve(self)
  }
}

/// Byte number `index` of the endless test body: not periodic in any power of two, so that a shifted body shows.
func testByte(_ index: Int) -> UInt8 {
  UInt8(truncatingIfNeeded: index * 31 + index / 251 * 17 + index / 65_521 * 7)
}

/// `length` bytes of the test body from `offset` on.
func testBody(_ offset: Int, _ length: Int) -> Data {
  firstBytes[offset..<offset + length]
}

/// Made once, as a test without optimisation takes its time over each byte.
private let firstBytes: Data = {
  var bytes = Data(count: 5_000_000)
  bytes.withUnsafeMutableBytes { room in
    for at in room.indices { room[at] = testByte(at) }
  }
  return bytes
}()

private final class PlainStream: RawStream {
  private let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  func read() -> Data? {
    var room = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &room, room.count, 0)
    return count > 0 ? Data(room[..<count]) : nil
  }

  func write(_ bytes: Data) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var sent = 0
      while sent < buffer.count {
        let count = Foundation.send(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, noSignal)
        if count <= 0 { return false }
        sent += count
      }
      return true
    }
  }

  func finish() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  func cut() { finish() }
}

#if canImport(Darwin)
  let noSignal: Int32 = 0
  private let streamType = SOCK_STREAM
#else
  let noSignal = Int32(MSG_NOSIGNAL)
  private let streamType = Int32(SOCK_STREAM.rawValue)
#endif

/// A listening socket on a port of its own.
func listenOnLoopback() throws -> (descriptor: Int32, port: Int) {
  let descriptor = socket(AF_INET, streamType, 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let bound = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
      bind(descriptor, plain, length) == 0 && listen(descriptor, 128) == 0
        && getsockname(descriptor, plain, &length) == 0
    }
  }
  XCTAssertTrue(bound, "no port to listen on")
  return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

private func rawRequest(_ bytes: Data, _ connection: Int, _ turn: Int) -> RawRequest {
  let head = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  let parts = head.components(separatedBy: "\r\n")[0].components(separatedBy: " ")
  return RawRequest(
    method: parts[0],
    target: parts.count > 1 ? parts[1] : "",
    head: head,
    connection: connection,
    turn: turn
  )
}
