import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The addresses of a name in the system's order, each once. Blocks.
func resolveName(_ name: String) -> Result<[ByteString], LookupError> {
  var hints = addrinfo()
  hints.ai_family = AF_UNSPEC
  hints.ai_socktype = streamSocket
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(name, nil, &hints, &list)
  if code != 0 {
    let text = gai_strerror(code).map { String(cString: $0) } ?? "error \(code)"
    return .failure(LookupError(ByteString(utf8: "\(text) (\(name))")))
  }
  defer { freeaddrinfo(list) }
  var addresses: [ByteString] = []
  var entry = list
  while let info = entry {
    if let address = numericAddress(info.pointee), !addresses.contains(address) { addresses.append(address) }
    entry = info.pointee.ai_next
  }
  return .success(addresses)
}

/// The address in text; an IPv6 one with its zone, when it has one.
private func numericAddress(_ info: addrinfo) -> ByteString? {
  guard info.ai_family == AF_INET || info.ai_family == AF_INET6 else { return nil }
  var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
  let code = getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
  if code != 0 { return nil }
  return ByteString(text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
}

#if canImport(Darwin)
  private let streamSocket = SOCK_STREAM
#else
  private let streamSocket = Int32(SOCK_STREAM.rawValue)
#endif
