import Network
import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The own end of a connection, as Host fields are compared with it.
struct LocalEnd {
  var address = ByteString()
  var port = 0

  init() {}

  init(_ endpoint: NWEndpoint?) {
    guard case .hostPort(let host, let port)? = endpoint else { return }
    self.port = Int(port.rawValue)
    if case .ipv4(let ip) = host {
      address = addressText(Array(ip.rawValue), AF_INET)
    } else if case .ipv6(let ip) = host {
      address = addressText(Array(ip.rawValue), AF_INET6)
    } else if case .name(let name, _) = host {
      address = ByteString(utf8: name)
    }
  }
}

/// The text of an address in network byte order, without a zone.
private func addressText(_ bytes: [UInt8], _ family: Int32) -> ByteString {
  var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
  let written = bytes.withUnsafeBytes { inet_ntop(family, $0.baseAddress, &text, socklen_t(text.count)) }
  if written == nil { return "" }
  return ByteString(text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
}

/// A clock for deadlines: it never goes back.
enum LoopClock {
  /// Milliseconds since some moment.
  static func nowMs() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1_000 + Int(time.tv_nsec) / 1_000_000
  }
}

/// A request as the core takes it, that came in on this end.
func playerRequest(_ head: RequestHead, _ local: LocalEnd) -> PlayerRequest {
  PlayerRequest(
    method: head.method,
    target: head.target,
    httpMinor: head.httpMinor,
    fields: head.fields,
    localAddress: local.address,
    localPort: local.port,
    close: head.close
  )
}
