import Glibc
import LinuxCalls

// The calls to the kernel, with errors as NWError. All sockets are non-blocking and are not inherited by children.

/// Opens, binds and sets up the socket of a connection to be made.
func openSocket(_ address: SocketAddress, _ settings: ConnectionSettings) throws(NWError) -> Int32 {
  let descriptor = try newSocket(address.family)
  if address.family != AF_UNIX { applyOptions(descriptor, settings.tcp) }
  do throws(NWError) {
    if let interface = settings.interface {
      try check(
        setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, interface.name, socklen_t(interface.name.utf8.count))
      )
    }
    if case .hostPort(let host, let port) = settings.localEndpoint {
      guard let local = literalAddress(host, port.rawValue) else { throw NWError.posix(.EINVAL) }
      try bindSocket(descriptor, local, settings.reusesLocalEndpoint)
    }
    return descriptor
  } catch {
    close(descriptor)
    throw error
  }
}

/// Opens and binds a socket and listens. Without an address it is all of them, of both families where there are two.
func openListener(_ address: SocketAddress?, _ port: UInt16, _ reuses: Bool) throws(NWError) -> Int32 {
  if let address { return try listeningSocket(address, reuses) }
  do throws(NWError) {
    return try listeningSocket(SocketAddress(IPv6Address.any, port), reuses)
  } catch .posix(.EAFNOSUPPORT), .posix(.EADDRNOTAVAIL) {
    return try listeningSocket(SocketAddress(IPv4Address.any, port), reuses)
  }
}

/// Begins to connect; false when the answer is still to come.
func connectSocket(_ descriptor: Int32, _ address: SocketAddress) throws(NWError) -> Bool {
  let result = address.native { connect(descriptor, $0, $1) }
  if result == 0 { return true }
  guard errno == EINPROGRESS || errno == EINTR else { throw NWError(errno: errno) }
  return false
}

/// Takes one connection that waits to be accepted; nil when none does.
func acceptSocket(_ listener: Int32) throws(NWError) -> (descriptor: Int32, peer: NWEndpoint)? {
  while true {
    var descriptor: Int32 = -1
    let peer = SocketAddress {
      descriptor = accept4(listener, $0, $1, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
      return descriptor
    }
    if let peer { return (descriptor, peer.endpoint) }
    switch errno {
    case EAGAIN: return nil
    // The peer gave up before it was accepted.
    case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH: continue
    default: throw NWError(errno: errno)
    }
  }
}

/// The error that a socket came to; 0 when there is none.
func socketError(_ descriptor: Int32) -> Int32 {
  var error: Int32 = 0
  var length = socklen_t(MemoryLayout<Int32>.size)
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno
}

func localAddress(_ descriptor: Int32) -> SocketAddress? { SocketAddress { getsockname(descriptor, $0, $1) } }

func remoteAddress(_ descriptor: Int32) -> SocketAddress? { SocketAddress { getpeername(descriptor, $0, $1) } }

/// Makes the close to come a reset: nothing lingers, nothing is sent any more.
func breakSocket(_ descriptor: Int32) {
  var option = linger(l_onoff: 1, l_linger: 0)
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
}

func applyOptions(_ descriptor: Int32, _ settings: TCPSettings) {
  if settings.noDelay { setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
  if settings.maximumSegmentSize > 0 {
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG, Int32(clamping: settings.maximumSegmentSize))
  }
  guard settings.keepalive else { return }
  setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
  let times = [
    (TCP_KEEPIDLE, settings.keepaliveIdle),
    (TCP_KEEPINTVL, settings.keepaliveInterval),
    (TCP_KEEPCNT, settings.keepaliveCount),
  ]
  for (option, value) in times where value > 0 {
    setOption(descriptor, Int32(IPPROTO_TCP), option, Int32(clamping: value))
  }
}

/// The address that a host stands for when it is no name.
func literalAddress(_ host: NWEndpoint.Host, _ port: UInt16) -> SocketAddress? {
  switch host {
  case .ipv4(let address): return SocketAddress(address, port)
  case .ipv6(let address): return SocketAddress(address, port)
  case .name: return nil
  }
}

private func listeningSocket(_ address: SocketAddress, _ reuses: Bool) throws(NWError) -> Int32 {
  let descriptor = try newSocket(address.family)
  do throws(NWError) {
    if address.family == AF_INET6 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    try bindSocket(descriptor, address, reuses)
    try check(listen(descriptor, SOMAXCONN))
    return descriptor
  } catch {
    close(descriptor)
    throw error
  }
}

private func bindSocket(_ descriptor: Int32, _ address: SocketAddress, _ reuses: Bool) throws(NWError) {
  if reuses && address.family != AF_UNIX {
    setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
  }
  try check(address.native { bind(descriptor, $0, $1) })
}

private func newSocket(_ family: Int32) throws(NWError) -> Int32 {
  let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
  let descriptor = socket(family, kind, 0)
  try check(descriptor)
  return descriptor
}

private func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
  var value = value
  setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
}

private func check(_ result: Int32) throws(NWError) {
  if result < 0 { throw NWError(errno: errno) }
}
