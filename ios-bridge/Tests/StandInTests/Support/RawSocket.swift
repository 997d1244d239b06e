import Foundation
import Glibc
import XCTest

/// A blocking socket of the system, for the other end. Calls wait ten seconds at most.
final class RawSocket: @unchecked Sendable {
  private(set) var descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var time = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close() }

  /// Connects to a port of 127.0.0.1.
  convenience init(connectedTo port: UInt16) {
    self.init(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    let result = withAddress(port) { connect(descriptor, $0, $1) }
    XCTAssertEqual(result, 0, "connect: \(String(cString: strerror(errno)))")
  }

  func send(_ text: String) { XCTAssertEqual(send(Data(text.utf8)), text.utf8.count) }

  /// Sends, and waits until the other end's system has it all.
  func sendToTheEnd(_ text: String) {
    send(text)
    var left: Int32 = 1
    while left > 0 && ioctl(descriptor, UInt(TIOCOUTQ), &left) == 0 { sched_yield() }
  }

  /// How many bytes went out before an error.
  @discardableResult
  func send(_ data: Data) -> Int {
    data.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Glibc.send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
        if count <= 0 { break }
        sent += count
      }
      return sent
    }
  }

  /// Exactly so many bytes, or fewer when the stream ends.
  func read(_ count: Int) -> Data {
    var data = Data()
    while data.count < count, case .bytes(let more) = readSome(count - data.count) { data.append(more) }
    return data
  }

  func readText(_ count: Int) -> String { String(decoding: read(count), as: UTF8.self) }

  /// All until the peer's FIN; an errno when it ended in another way.
  func readToEnd() -> (data: Data, error: Int32) {
    var data = Data()
    while true {
      switch readSome(1 << 16) {
      case .bytes(let more): data.append(more)
      case .end: return (data, 0)
      case .failed(let code): return (data, code)
      }
    }
  }

  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// Closes with a reset.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  enum Outcome {
    case bytes(Data)
    case end
    case failed(Int32)
  }

  func readSome(_ limit: Int) -> Outcome {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = recv(descriptor, &bytes, limit, 0)
    if count < 0 { return .failed(errno) }
    return count == 0 ? .end : .bytes(Data(bytes[..<count]))
  }

  var isNoDelay: Bool {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &length)
    return value != 0
  }
}

/// A listening socket of the system on 127.0.0.1, or on ::1.
final class RawListener: @unchecked Sendable {
  let descriptor: Int32
  let port: UInt16

  init(port: UInt16 = 0, backlog: Int32 = 128, six: Bool = false) {
    let descriptor = socket(six ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let bound = (six ? withAddress6 : withAddress)(port) { bind(descriptor, $0, $1) }
    XCTAssertEqual(bound, 0, "bind: \(String(cString: strerror(errno)))")
    listen(descriptor, backlog)
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    withUnsafeMutablePointer(to: &address) {
      _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    // Both families keep it in the same place.
    self.port = UInt16(bigEndian: address.sin6_port)
  }

  deinit { close(descriptor) }

  func accept() -> RawSocket { RawSocket(Glibc.accept(descriptor, nil, nil)) }
}

/// A port that nobody listens on.
func freePort() -> UInt16 { RawListener().port }

/// The descriptors that this process has open.
func openDescriptors() -> Int {
  (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
}

private func withAddress(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

private func withAddress6(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_in6()
  address.sin6_family = sa_family_t(AF_INET6)
  address.sin6_port = port.bigEndian
  address.sin6_addr = in6addr_loopback
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
  }
}
