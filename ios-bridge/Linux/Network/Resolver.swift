import Dispatch
import Glibc

/// Finds the addresses of a name, off the callers' queues: getaddrinfo blocks for as long as it likes.
final class Resolver: @unchecked Sendable {
  static let shared = Resolver()

  /// Names that are looked up at the same time; a dead name server holds one lane for tens of seconds.
  private static let laneCount = 8

  private let lock = Lock()
  private let lanes: [DispatchQueue]
  private var waiting: [Int]

  private init() {
    lanes = (0..<Resolver.laneCount).map { DispatchQueue(label: "network.resolver.\($0)") }
    waiting = lanes.map { _ in 0 }
  }

  /// Answers on a queue of its own.
  func resolve(
    _ name: String,
    _ port: UInt16,
    _ version: NWProtocolIP.Options.Version,
    _ done: @escaping @Sendable (Result<[SocketAddress], NWError>) -> Void
  ) {
    let lane = lock.locked {
      let least = waiting.indices.min { waiting[$0] < waiting[$1] } ?? 0
      waiting[least] += 1
      return least
    }
    lanes[lane].async {
      let result = lookUp(name, port, version)
      self.lock.locked { self.waiting[lane] -= 1 }
      done(result)
    }
  }
}

/// kDNSServiceErr_NoSuchRecord, what Apple's resolver gives for a name without addresses.
private let noSuchRecord: DNSServiceErrorType = -65554
/// kDNSServiceErr_Timeout
private let timedOut: DNSServiceErrorType = -65568
/// kDNSServiceErr_Unknown
private let unknown: DNSServiceErrorType = -65537

private func lookUp(
  _ name: String,
  _ port: UInt16,
  _ version: NWProtocolIP.Options.Version
) -> Result<[SocketAddress], NWError> {
  if isLocalhost(name) { return .success(loopback(port, version)) }
  var hints = addrinfo()
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  hints.ai_family = version == .v4 ? AF_INET : version == .v6 ? AF_INET6 : AF_UNSPEC
  hints.ai_flags = AI_NUMERICSERV
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(name, String(port), &hints, &list)
  defer { if let list { freeaddrinfo(list) } }
  guard code == 0 else { return .failure(.dns(dnsError(code))) }
  let infos = sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }
  let addresses = infos.compactMap { info -> SocketAddress? in
    guard let info = info?.pointee, let address = info.ai_addr else { return nil }
    return SocketAddress(address, info.ai_addrlen)
  }
  return addresses.isEmpty ? .failure(.dns(noSuchRecord)) : .success(addresses)
}

/// RFC 6761 section 6.3: these names are the loopback address whatever a file or a server says, as on Apple.
private func isLocalhost(_ name: String) -> Bool {
  let plain = (name.hasSuffix(".") ? String(name.dropLast()) : name).lowercased()
  return plain == "localhost" || plain.hasSuffix(".localhost")
}

private func loopback(_ port: UInt16, _ version: NWProtocolIP.Options.Version) -> [SocketAddress] {
  let six = version == .v4 ? [] : [SocketAddress(IPv6Address.loopback, port)]
  let four = version == .v6 ? [] : [SocketAddress(IPv4Address.loopback, port)]
  return six + four
}

private func dnsError(_ code: Int32) -> DNSServiceErrorType {
  switch code {
  case EAI_AGAIN: return timedOut
  case EAI_NONAME, -5, EAI_FAIL: return noSuchRecord
  default: return unknown
  }
}
