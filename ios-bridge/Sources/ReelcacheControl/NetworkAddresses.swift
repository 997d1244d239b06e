#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The IPv4 addresses of this device in its networks, without loopback, the Wi-Fi's first.
public func networkAddresses() -> [String] {
  var list: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&list) == 0 else { return [] }
  defer { freeifaddrs(list) }
  var found: [(name: String, address: String)] = []
  var next = list
  while let interface = next?.pointee {
    next = interface.ifa_next
    guard let address = interface.ifa_addr, Int32(address.pointee.sa_family) == AF_INET else { continue }
    if interface.ifa_flags & UInt32(IFF_LOOPBACK) != 0 { continue }
    if let text = ipv4Text(address) { found.append((String(cString: interface.ifa_name), text)) }
  }
  // en0 is the Wi-Fi of every iPhone and iPad.
  let wifi = found.filter { $0.name == "en0" }
  return (wifi + found.filter { $0.name != "en0" }).map(\.address)
}

private func ipv4Text(_ address: UnsafeMutablePointer<sockaddr>) -> String? {
  var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
  let written = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { ip in
    inet_ntop(AF_INET, &ip.pointee.sin_addr, &text, socklen_t(text.count)) != nil
  }
  return written ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
}
