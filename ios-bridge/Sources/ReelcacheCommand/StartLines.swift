import Reelcache
import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One presentation to play: `url` at the origin, `proxied` through the server.
struct Offer: Equatable {
  let title: String
  let url: String
  let proxied: String
}

/// What is printed when the server is ready. The first line names the address, so that a program which started the
/// server need read no further; it also says that the word `clear` on standard input empties the cache. `notes` are
/// warnings in a sentence each.
func jsonLines(_ listening: String, _ notes: [String], _ offers: [Offer]) -> String {
  // R-CLI-10
  var text = "{\"listening\":\(jsonText(listening)),\"control\":\"stdin\"}\n"
  for note in notes { text += "{\"note\":\(jsonText(note))}\n" }
  for offer in offers {
    text += "{\"title\":\(jsonText(offer.title)),\"url\":\(jsonText(offer.url)),"
    text += "\"proxied\":\(jsonText(offer.proxied))}\n"
  }
  return text
}

/// The address to print for a server on `port`: one that listens on every address is reached by an allowed name or by
/// the first address of the machine's own network; `0.0.0.0` itself is no address to type into a phone.
func reachableUrl(_ url: String, _ port: Int, _ options: ServerOptions) -> String {
  if options.host != "0.0.0.0" && options.host != "::" { return url }
  if let name = options.allowedHosts.first(where: { !$0.unicodeScalars.contains("*") }) {
    let hasPort = splitHostPort(ByteString(utf8: name)).map { $0.port >= 0 } ?? false
    return hasPort ? "http://\(name)" : "http://\(name):\(port)"
  }
  return "http://\(networkAddress() ?? "127.0.0.1"):\(port)"
}

/// An origin on a private address answers 403 until it is allowed; better said now than found out in the player.
func privateNote(_ url: String, _ options: ServerOptions) -> String? {
  let parts = parseUri(escapeUri(ByteString(utf8: url)))
  let scheme = parts.scheme.map(lowerAscii) ?? ""
  guard let authority = parts.authority.flatMap({ parseAuthority($0, scheme) }) else { return nil }
  let name = authority.host
  let host = name == "localhost" ? "127.0.0.1" : name
  if parseIp(host) == nil || addressClass(host) == .public { return nil }
  let allowed = options.allowPrivate.map { ByteString(utf8: $0) }
  if upstreamAddressAllowed(host, name, authority.port, allowed) { return nil }
  if upstreamAddressAllowed(host, host, authority.port, allowed) { return nil }
  let shown = "\(name.description):\(authority.port)"
  return "\(name.description) is not public: add --allow-private \(shown) to let it be played"
}

/// The first IPv4 address of the machine that is not loopback.
private func networkAddress() -> String? {
  var list: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&list) == 0 else { return nil }
  defer { freeifaddrs(list) }
  var next = list
  while let interface = next?.pointee {
    next = interface.ifa_next
    guard let address = interface.ifa_addr, Int32(address.pointee.sa_family) == AF_INET else { continue }
    if interface.ifa_flags & UInt32(IFF_LOOPBACK.magnitude) != 0 { continue }
    var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
    let found = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { ip in
      inet_ntop(AF_INET, &ip.pointee.sin_addr, &text, socklen_t(text.count)) != nil
    }
    if found { return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
  }
  return nil
}
