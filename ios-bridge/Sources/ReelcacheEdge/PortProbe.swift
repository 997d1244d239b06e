#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Whether an address can be listened on: 0, or the reason why not (errno).
///
/// The listener lets its address be reused, or it could not come back on a port on which old connections linger. Apple's
/// systems then let two listeners of one user share a port in silence. A plain socket tells.
package func probePort(_ host: String, _ port: Int) -> Int32 {
  if let address = ipv4Address(host, port) { return probe(address, AF_INET) }
  if let address = ipv6Address(host, port) { return probe(address, AF_INET6) }
  return EINVAL
}

private func ipv4Address(_ host: String, _ port: Int) -> sockaddr_in? {
  var address = sockaddr_in()
  #if canImport(Darwin)
    address.sin_len = UInt8(MemoryLayout<sockaddr_in>.size)
  #endif
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
  return inet_pton(AF_INET, host, &address.sin_addr) == 1 ? address : nil
}

private func ipv6Address(_ host: String, _ port: Int) -> sockaddr_in6? {
  var address = sockaddr_in6()
  #if canImport(Darwin)
    address.sin6_len = UInt8(MemoryLayout<sockaddr_in6>.size)
  #endif
  address.sin6_family = sa_family_t(AF_INET6)
  address.sin6_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
  return inet_pton(AF_INET6, host, &address.sin6_addr) == 1 ? address : nil
}

private func probe<Address>(_ address: Address, _ family: Int32) -> Int32 {
  #if canImport(Darwin)
    let kind = SOCK_STREAM
  #else
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  #endif
  let descriptor = socket(family, kind, 0)
  if descriptor < 0 { return errno }
  defer { close(descriptor) }
  var on: Int32 = 1
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
  let bound = withUnsafePointer(to: address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
    }
  }
  if bound != 0 { return errno }
  return listen(descriptor, 1) == 0 ? 0 : errno
}
