import FoundationEssentials
import Glibc

/// An address as the kernel takes it.
struct SocketAddress: Sendable {
  private var storage: sockaddr_storage
  private var length: socklen_t

  var family: Int32 { Int32(storage.ss_family) }

  init(_ address: IPv4Address, _ port: UInt16) {
    var native = sockaddr_in()
    native.sin_family = sa_family_t(AF_INET)
    native.sin_port = port.bigEndian
    native.sin_addr = address.native
    self.init(native)
  }

  init(_ address: IPv6Address, _ port: UInt16) {
    var native = sockaddr_in6()
    native.sin6_family = sa_family_t(AF_INET6)
    native.sin6_port = port.bigEndian
    native.sin6_addr = address.native
    native.sin6_scope_id = UInt32(address.interface?.index ?? 0)
    self.init(native)
  }

  /// nil when the path is too long for a socket's name.
  init?(path: String) {
    var native = sockaddr_un()
    native.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8) + [0]
    let fits = withUnsafeMutableBytes(of: &native.sun_path) { room in
      guard bytes.count <= room.count else { return false }
      room.copyBytes(from: bytes)
      return true
    }
    guard fits else { return nil }
    self.init(native)
  }

  /// A copy of what getaddrinfo gave.
  init(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) {
    storage = sockaddr_storage()
    self.length = length
    let bytes = UnsafeRawBufferPointer(start: address, count: Int(length))
    withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
  }

  private init<Native>(_ native: Native) {
    storage = sockaddr_storage()
    length = socklen_t(MemoryLayout<Native>.size)
    withUnsafeMutableBytes(of: &storage) { room in
      withUnsafeBytes(of: native) { room.copyMemory(from: $0) }
    }
  }

  /// What a call like getsockname or accept writes; nil when it fails.
  init?(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
    }
    guard result >= 0 else { return nil }
    self.storage = storage
    self.length = length
  }

  func native<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  /// The same, as the API's users see it. A mapped IPv4 address is shown as what it is.
  var endpoint: NWEndpoint {
    withUnsafeBytes(of: storage) { bytes in
      switch family {
      case AF_INET:
        let native = bytes.loadUnaligned(as: sockaddr_in.self)
        let address = IPv4Address(native.sin_addr, nil)
        return .hostPort(host: .ipv4(address), port: NWEndpoint.Port(UInt16(bigEndian: native.sin_port)))
      case AF_INET6:
        let native = bytes.loadUnaligned(as: sockaddr_in6.self)
        let address = IPv6Address(native.sin6_addr, NWInterface(index: native.sin6_scope_id))
        let host = address.asIPv4.map { NWEndpoint.Host.ipv4($0) } ?? .ipv6(address)
        return .hostPort(host: host, port: NWEndpoint.Port(UInt16(bigEndian: native.sin6_port)))
      default:
        let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 }
        return .unix(path: String(decoding: path, as: UTF8.self))
      }
    }
  }
}
