import FoundationEssentials

/// One end of a connection, or what a listener is bound to.
public enum NWEndpoint: Hashable, Sendable, CustomDebugStringConvertible {
  case hostPort(host: NWEndpoint.Host, port: NWEndpoint.Port)
  /// A Bonjour service: no such thing here, it fails to resolve.
  case service(name: String, type: String, domain: String, interface: NWInterface?)
  case unix(path: String)
  case url(URL)

  /// The interface that the endpoint is limited to.
  public var interface: NWInterface? {
    switch self {
    case .hostPort(let host, _): return host.interface
    case .service(_, _, _, let interface): return interface
    case .unix, .url: return nil
    }
  }

  /// For logs: host:port, and a dot before the port of an IPv6 address.
  public var debugDescription: String {
    switch self {
    case .hostPort(.ipv6(let address), let port): return "\(address).\(port)"
    case .hostPort(let host, let port): return "\(host):\(port)"
    case .service(let name, let type, let domain, _): return "\(name).\(type).\(domain)"
    case .unix(let path): return path
    case .url(let url): return url.absoluteString
    }
  }

  /// A name or an address.
  public enum Host: Hashable, Sendable, CustomDebugStringConvertible, ExpressibleByStringLiteral {
    case name(String, NWInterface?)
    case ipv4(IPv4Address)
    case ipv6(IPv6Address)

    /// An address when the text is one, else a name.
    public init(_ string: String) {
      if let address = IPv4Address(string) {
        self = .ipv4(address)
      } else if let address = IPv6Address(string) {
        self = .ipv6(address)
      } else {
        self = .name(string, nil)
      }
    }

    /// The same, from a literal.
    public init(stringLiteral: StringLiteralType) { self.init(stringLiteral) }

    /// The interface that the host is limited to.
    public var interface: NWInterface? {
      switch self {
      case .name(_, let interface): return interface
      case .ipv4(let address): return address.interface
      case .ipv6(let address): return address.interface
      }
    }

    /// For logs.
    public var debugDescription: String {
      switch self {
      case .name(let name, let interface): return name + (interface.map { "%\($0.name)" } ?? "")
      case .ipv4(let address): return address.debugDescription
      case .ipv6(let address): return address.debugDescription
      }
    }
  }

  /// A port of TCP. 0 stands for any.
  public struct Port: Hashable, Sendable, RawRepresentable, CustomDebugStringConvertible, ExpressibleByIntegerLiteral {
    public static let any: NWEndpoint.Port = 0
    public static let http: NWEndpoint.Port = 80
    public static let https: NWEndpoint.Port = 443

    public let rawValue: UInt16

    public init?(rawValue: UInt16) { self.rawValue = rawValue }

    /// From decimal digits.
    public init?(_ service: String) {
      guard let number = UInt16(service) else { return nil }
      rawValue = number
    }

    public init(integerLiteral value: UInt16) { rawValue = value }

    init(_ number: UInt16) { rawValue = number }

    public var debugDescription: String { String(rawValue) }
  }
}
