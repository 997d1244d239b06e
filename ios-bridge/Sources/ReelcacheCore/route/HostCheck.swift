/// Whether a request is meant for this proxy. A page of a foreign site can make a browser send requests to loopback
/// under the site's own name (DNS rebinding); the Host field gives it away (RFC 9110 section 7.2).

/// What the Host check says.
package enum HostVerdict: String, TextUnion, Sendable {
  case ok
  case missing
  case wrong
}

/// Checks the Host field, or the authority of an absolute-form target in its place. `hostCount` is the number of Host
/// fields; `localAddress` and `localPort` are the connection's own end; `allowedNames` are `name` (any port) or `name:port`.
package func hostAllowed(
  _ hostField: ByteString?,
  _ hostCount: Int,
  _ localAddress: ByteString,
  _ localPort: Int,
  _ allowedNames: [ByteString]
) -> HostVerdict {
  // R-HOST-1
  guard let hostField, hostCount != 0 else { return .missing }
  // R-HOST-2
  if hostCount > 1 { return .wrong }
  guard let asked = splitHostPort(trimOws(hostField)), asked.port != anyPort else { return .wrong }
  // R-HOST-3
  let port = asked.port == noPort ? 80 : asked.port
  if port == localPort && isOwnHost(asked.host, localAddress) { return .ok }
  // R-HOST-5
  for name in allowedNames {
    let allowed = splitHostPort(name)
    if let allowed, sameHost(allowed.host, asked.host) && (allowed.port < 0 || allowed.port == port) { return .ok }
  }
  return .wrong
}

/// A host in lower case without brackets, and its port.
package struct HostPort: Equatable, Sendable {
  package let host: ByteString
  package let port: Int
}

/// `HostPort.port` when the text names no port.
package let noPort = -1

/// `HostPort.port` when the text's port is `*`.
package let anyPort = -2

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address. Nil when the host is empty or the port is
/// not 0 to 65535.
package func splitHostPort(_ text: ByteString) -> HostPort? {
  let lower = lowerAscii(text)
  var hostEnd = lower.indexOf(":")
  if lower.startsWith("[") {
    hostEnd = lower.indexOf("]") + 1
    if hostEnd == 0 || parseIp(lower.slice(0, hostEnd)) == nil { return nil }
  } else if hostEnd < 0 || lower.indexOf(":", hostEnd + 1) >= 0 {
    hostEnd = lower.count
  }
  let host = lower.startsWith("[") ? lower.slice(1, hostEnd - 1) : lower.slice(0, hostEnd)
  let rest = lower.slice(hostEnd)
  if host.isEmpty || (!rest.isEmpty && !rest.startsWith(":")) { return nil }
  if rest.isEmpty { return HostPort(host: host, port: noPort) }
  let port = rest == ":*" ? anyPort : parseDigits(rest.slice(1))
  return port == -1 || port > 65535 ? nil : HostPort(host: host, port: port)
}

/// Hosts are equal as addresses when both are addresses, else as names. Both in lower case without brackets.
package func sameHost(_ a: ByteString, _ b: ByteString) -> Bool {
  // Most hosts that are the same are so letter by letter.
  if a == b { return true }
  guard let left = parseIp(a), let right = parseIp(b) else { return false }
  return sameIp(left, right)
}

private func isOwnHost(_ host: ByteString, _ localAddress: ByteString) -> Bool {
  // R-HOST-4
  host == "localhost" || sameHost(host, "127.0.0.1") || sameHost(host, "::1") || sameHost(host, localAddress)
}
