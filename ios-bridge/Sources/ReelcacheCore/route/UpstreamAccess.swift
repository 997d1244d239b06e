/// Which upstreams the proxy may reach: by name before resolution, by address after it, redirects included. Without this
/// a web page or a playlist could use the proxy to reach the machine's own network.

/// What an address is for. Only `public` ones are reachable without permission.
package enum AddressClass: String, TextUnion, Sendable {
  case `public`
  case `private`
  case loopback
  case linkLocal = "link-local"
  case reserved
}

/// One row of the address table; `embedded` is the index of an IPv4 address inside that decides instead, or -1.
private struct AddressRow {
  let prefix: ByteString
  let bits: Int
  let addressClass: AddressClass
  let embedded: Int
}

/// The IANA special-purpose registries (RFC 6890), first match wins. What is written here as `embedded` is reached
/// through a translator or tunnel, so the inner IPv4 address is what counts.
private let addressTable: [AddressRow] = [
  AddressRow(prefix: "0.0.0.0", bits: 8, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "10.0.0.0", bits: 8, addressClass: .private, embedded: -1),
  AddressRow(prefix: "100.64.0.0", bits: 10, addressClass: .private, embedded: -1),
  AddressRow(prefix: "127.0.0.0", bits: 8, addressClass: .loopback, embedded: -1),
  AddressRow(prefix: "169.254.0.0", bits: 16, addressClass: .linkLocal, embedded: -1),
  AddressRow(prefix: "172.16.0.0", bits: 12, addressClass: .private, embedded: -1),
  AddressRow(prefix: "192.0.0.0", bits: 24, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "192.0.2.0", bits: 24, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "192.88.99.0", bits: 24, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "192.168.0.0", bits: 16, addressClass: .private, embedded: -1),
  AddressRow(prefix: "198.18.0.0", bits: 15, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "198.51.100.0", bits: 24, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "203.0.113.0", bits: 24, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "224.0.0.0", bits: 3, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "0.0.0.0", bits: 0, addressClass: .public, embedded: -1),
  AddressRow(prefix: "::1", bits: 128, addressClass: .loopback, embedded: -1),
  AddressRow(prefix: "::ffff:0:0", bits: 96, addressClass: .reserved, embedded: 12),
  AddressRow(prefix: "64:ff9b::", bits: 96, addressClass: .reserved, embedded: 12),
  AddressRow(prefix: "64:ff9b:1::", bits: 48, addressClass: .private, embedded: -1),
  AddressRow(prefix: "2001::", bits: 23, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "2001:db8::", bits: 32, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "2002::", bits: 16, addressClass: .reserved, embedded: 2),
  AddressRow(prefix: "3fff::", bits: 20, addressClass: .reserved, embedded: -1),
  AddressRow(prefix: "2000::", bits: 3, addressClass: .public, embedded: -1),
  AddressRow(prefix: "fc00::", bits: 7, addressClass: .private, embedded: -1),
  AddressRow(prefix: "fe80::", bits: 10, addressClass: .linkLocal, embedded: -1),
  AddressRow(prefix: "fec0::", bits: 10, addressClass: .private, embedded: -1),
]

/// The class of an IP address in text; `reserved` when it is no address, so that a doubt is a refusal.
package func addressClass(_ ip: ByteString) -> AddressClass {
  let bytes = parseIp(ip)
  // R-UPSTREAM-1
  return bytes.map(classOfBytes) ?? .reserved
}

/// True when a host pattern covers the host and port: `*`, `*.example.com` (names below it, not itself), a name, an IP
/// address, each with `:port`, `:*` or nothing for every port. A case-insensitive comparison; a final dot is ignored.
package func hostPatternMatches(_ pattern: ByteString, _ host: ByteString, _ port: Int) -> Bool {
  let wanted = splitHostPort(pattern)
  let given = splitHostPort(host.includes(":") && !host.startsWith("[") ? "[\(host)]" : host)
  guard let wanted, let given, given.port == noPort else { return false }
  // R-UPSTREAM-3
  if wanted.port != noPort && wanted.port != anyPort && wanted.port != port { return false }
  let name = withoutFinalDot(given.host)
  let wantedName = withoutFinalDot(wanted.host)
  // R-UPSTREAM-4
  if wantedName == "*" { return true }
  if wantedName.startsWith("*.") {
    return name.count > wantedName.count - 1 && name.endsWith(wantedName.slice(1))
  }
  return sameHost(wantedName, name)
}

/// True when the URL is a usable http(s) URL and the allow-list (empty: every host) covers its host and port.
package func upstreamUrlAllowed(_ url: ByteString, _ allow: [ByteString]) -> Bool {
  if !isUpstreamUrl(url) { return false }
  let parts = parseUri(url)
  let authority = parseAuthority(parts.authority ?? "", lowerAscii(parts.scheme ?? ""))
  guard let authority else { return false }
  // R-UPSTREAM-5
  return allow.isEmpty || anyPatternMatches(allow, authority.host, authority.port)
}

/// True when a resolved address may be connected to: public ones always, others only when a pattern of `allowPrivate`
/// covers the URL's host and port or the address and port.
package func upstreamAddressAllowed(
  _ ip: ByteString,
  _ host: ByteString,
  _ port: Int,
  _ allowPrivate: [ByteString]
) -> Bool {
  // R-UPSTREAM-6
  if addressClass(ip) == .public { return true }
  return anyPatternMatches(allowPrivate, host, port) || anyPatternMatches(allowPrivate, ip, port)
}

private func classOfBytes(_ bytes: [Int]) -> AddressClass {
  for row in addressTable {
    let prefix = parseIp(row.prefix)
    if let prefix, ipHasPrefix(bytes, prefix, row.bits) {
      // R-UPSTREAM-2
      return row.embedded < 0 ? row.addressClass : classOfBytes(Array(bytes[row.embedded..<row.embedded + 4]))
    }
  }
  return .reserved
}

private func anyPatternMatches(_ patterns: [ByteString], _ host: ByteString, _ port: Int) -> Bool {
  for pattern in patterns where hostPatternMatches(pattern, host, port) { return true }
  return false
}

private func withoutFinalDot(_ host: ByteString) -> ByteString {
  host.endsWith(".") ? host.slice(0, host.count - 1) : host
}
