import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A player on a bare blocking socket: it sends exactly the bytes it is given, and reads what comes.
final class PlayerSocket: @unchecked Sendable {
  private static let patienceSeconds = 10
  private let descriptor: Int32
  private var isOpen = true
  private(set) var received: [UInt8] = []

  /// `receiveBytes` is the size of the socket's own buffer, for players that read slowly.
  init(_ port: Int, host: String = "127.0.0.1", receiveBytes: Int32 = 0) throws {
    let family = host.contains(":") ? AF_INET6 : AF_INET
    #if canImport(Darwin)
      descriptor = socket(family, SOCK_STREAM, 0)
    #else
      descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var patience = timeval(tv_sec: PlayerSocket.patienceSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    if receiveBytes > 0 {
      var bytes = receiveBytes
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
    #if canImport(Darwin)
      var quiet: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &quiet, socklen_t(MemoryLayout<Int32>.size))
    #endif
    if try connected(family, host, port) != 0 {
      let code = errno
      close()
      throw SocketFailure(what: "connect", code: code)
    }
  }

  deinit { close() }

  private func connected(_ family: Int32, _ host: String, _ port: Int) throws -> Int32 {
    if family == AF_INET6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(family)
      address.sin6_port = in_port_t(UInt16(port).bigEndian)
      inet_pton(family, host, &address.sin6_addr)
      return connect(address)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(family)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    inet_pton(family, host, &address.sin_addr)
    return connect(address)
  }

  private func connect<Address>(_ address: Address) -> Int32 {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        #if canImport(Darwin)
          Darwin.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
        #else
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
        #endif
      }
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var at = 0
    while at < bytes.count {
      let written = bytes.withUnsafeBytes { raw in
        #if canImport(Darwin)
          Darwin.send(descriptor, raw.baseAddress.map { $0 + at }, bytes.count - at, 0)
        #else
          Glibc.send(descriptor, raw.baseAddress.map { $0 + at }, bytes.count - at, Int32(MSG_NOSIGNAL))
        #endif
      }
      if written <= 0 { throw SocketFailure(what: "send", code: errno) }
      at += written
    }
  }

  /// Ends its side of the connection.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Leaves with a reset.
  func reset() {
    var hard = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  func close() {
    if !isOpen { return }
    isOpen = false
    #if canImport(Darwin)
      Darwin.close(descriptor)
    #else
      Glibc.close(descriptor)
    #endif
  }

  /// Reads once; false at the end of the stream. Throws when nothing comes for long, and on a reset.
  @discardableResult
  func readSome(_ bytesMax: Int = 65_536) throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: bytesMax)
    let count = recv(descriptor, &buffer, bytesMax, 0)
    if count < 0 { throw SocketFailure(what: "receive", code: errno) }
    received.append(contentsOf: buffer[..<count])
    return count > 0
  }

  func dropReceived() { received.removeAll(keepingCapacity: true) }

  /// Everything up to the end of the stream.
  func rest() throws -> [UInt8] {
    while try readSome() {}
    defer { received = [] }
    return received
  }

  /// One response with a Content-Length or chunks, or without content.
  func response(isHead: Bool = false) throws -> WireAnswer {
    while true {
      if let answer = WireAnswer(&received, isHead) { return answer }
      if try !readSome() { throw SocketFailure(what: "the connection ended inside a response", code: 0) }
    }
  }

  func ask(_ target: String, _ fields: String = "") throws -> WireAnswer {
    try send("GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
    return try response()
  }
}

struct SocketFailure: Error, Equatable {
  let what: String
  let code: Int32
}

/// A response as it came.
struct WireAnswer: Equatable {
  var head: String
  var status: Int
  var body: [UInt8]
  /// Sizes of the chunks, the last one left out; empty without chunks.
  var chunks: [Int] = []

  /// Takes a whole response from the front of the bytes, or nothing.
  init?(_ bytes: inout [UInt8], _ isHead: Bool) {
    let text = String(decoding: bytes, as: Unicode.ASCII.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    head = String(text[..<end.lowerBound])
    let headBytes = text.utf8.distance(from: text.utf8.startIndex, to: end.upperBound)
    status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
    body = []
    let lower = head.lowercased()
    if isHead || status == 204 || status == 304 {
      bytes.removeFirst(headBytes)
      return
    }
    if lower.contains("transfer-encoding: chunked") {
      guard let used = chunked(bytes[headBytes...]) else { return nil }
      bytes.removeFirst(headBytes + used)
      return
    }
    let line = lower.components(separatedBy: "\r\n").first { $0.hasPrefix("content-length:") }
    let length = Int(line?.dropFirst(15).trimmingCharacters(in: .whitespaces) ?? "") ?? 0
    if bytes.count < headBytes + length { return nil }
    body = Array(bytes[headBytes..<headBytes + length])
    bytes.removeFirst(headBytes + length)
  }

  private mutating func chunked(_ bytes: ArraySlice<UInt8>) -> Int? {
    var at = bytes.startIndex
    while let lineEnd = bytes[at...].firstIndex(of: 10) {
      let size = Int(String(decoding: bytes[at..<lineEnd - 1], as: Unicode.ASCII.self), radix: 16) ?? -1
      let next = lineEnd + 1 + size + 2
      if size < 0 || bytes.endIndex < next { return nil }
      if size == 0 { return next - bytes.startIndex }
      chunks.append(size)
      body.append(contentsOf: bytes[lineEnd + 1..<lineEnd + 1 + size])
      at = next
    }
    return nil
  }
}
