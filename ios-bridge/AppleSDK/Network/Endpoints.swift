// Endpoints, paths and parameters of Network.

import Foundation
import Security

public protocol IPAddress: Sendable {
  var rawValue: Data { get }
  init?(_ rawValue: Data, _ interface: NWInterface?)
  init?(_ string: String)
  var interface: NWInterface? { get }
  var isLoopback: Bool { get }
  var isLinkLocal: Bool { get }
}

public struct IPv4Address: IPAddress, Hashable, CustomDebugStringConvertible {
  public static var any: IPv4Address { fatalError() }
  public static var loopback: IPv4Address { fatalError() }
  public init?(_ rawValue: Data, _ interface: NWInterface? = nil) { fatalError() }
  public init?(_ string: String) { fatalError() }
  public let interface: NWInterface?
  public var rawValue: Data { fatalError() }
  public var isLoopback: Bool { fatalError() }
  public var isLinkLocal: Bool { fatalError() }
  public var debugDescription: String { fatalError() }
}

public struct IPv6Address: IPAddress, Hashable, CustomDebugStringConvertible {
  public static var any: IPv6Address { fatalError() }
  public static var loopback: IPv6Address { fatalError() }
  public init?(_ rawValue: Data, _ interface: NWInterface? = nil) { fatalError() }
  public init?(_ string: String) { fatalError() }
  public let interface: NWInterface?
  public var rawValue: Data { fatalError() }
  public var isLoopback: Bool { fatalError() }
  public var isLinkLocal: Bool { fatalError() }
  public var isIPv4Mapped: Bool { fatalError() }
  public var asIPv4: IPv4Address? { fatalError() }
  public var debugDescription: String { fatalError() }
}

public enum NWEndpoint: Hashable, Sendable, CustomDebugStringConvertible {
  case hostPort(host: Host, port: Port)
  case service(name: String, type: String, domain: String, interface: NWInterface?)
  case unix(path: String)
  case url(URL)
  public var debugDescription: String { fatalError() }

  public enum Host: Hashable, Sendable, CustomDebugStringConvertible, ExpressibleByStringLiteral {
    case name(String, NWInterface?)
    case ipv4(IPv4Address)
    case ipv6(IPv6Address)
    public init(stringLiteral: String) { fatalError() }
    public init(_ string: String) { fatalError() }
    public var interface: NWInterface? { fatalError() }
    public var debugDescription: String { fatalError() }
  }

  public struct Port: Hashable, Sendable, CustomDebugStringConvertible, ExpressibleByIntegerLiteral, RawRepresentable {
    public static let any: Port = 0
    public init?(_ service: String) { fatalError() }
    public init(integerLiteral value: UInt16) { fatalError() }
    public init?(rawValue: UInt16) { fatalError() }
    public var rawValue: UInt16 { fatalError() }
    public var debugDescription: String { fatalError() }
  }
}

public struct NWInterface: Hashable, Sendable, CustomDebugStringConvertible {
  public enum InterfaceType: Hashable, Sendable {
    case other, wifi, cellular, wiredEthernet, loopback
  }

  public let type: InterfaceType
  public let name: String
  public let index: Int
  public var debugDescription: String { fatalError() }
}

public struct NWPath: Equatable, Sendable, CustomDebugStringConvertible {
  public enum Status: Hashable, Sendable {
    case satisfied, unsatisfied, requiresConnection
  }

  @available(macOS 11.0, iOS 14.2, tvOS 14.2, watchOS 7.1, *)
  public enum UnsatisfiedReason: Hashable, Sendable {
    case notAvailable, cellularDenied, wifiDenied, localNetworkDenied
    @available(macOS 14.0, iOS 17.0, tvOS 17.0, watchOS 10.0, *)
    case vpnInactive
  }

  public let status: Status
  @available(macOS 11.0, iOS 14.2, tvOS 14.2, watchOS 7.1, *)
  public var unsatisfiedReason: UnsatisfiedReason { fatalError() }
  public let availableInterfaces: [NWInterface]
  public let isExpensive: Bool
  public var isConstrained: Bool { fatalError() }
  public let supportsIPv4: Bool
  public let supportsIPv6: Bool
  public let supportsDNS: Bool
  public var gateways: [NWEndpoint] { fatalError() }
  public let localEndpoint: NWEndpoint?
  public let remoteEndpoint: NWEndpoint?
  public func usesInterfaceType(_ type: NWInterface.InterfaceType) -> Bool { fatalError() }
  public var debugDescription: String { fatalError() }
}

public class NWProtocolOptions {
  init() {}
}

public class NWProtocolMetadata {
  init() {}
}

public class NWProtocol {
  init() {}
}

public class NWProtocolTCP: NWProtocol {
  public class Options: NWProtocolOptions {
    public override init() {}
    public var noDelay: Bool {
      get { fatalError() }
      set { fatalError() }
    }
    public var enableKeepalive: Bool {
      get { fatalError() }
      set { fatalError() }
    }
    public var keepaliveCount: Int {
      get { fatalError() }
      set { fatalError() }
    }
    public var keepaliveIdle: Int {
      get { fatalError() }
      set { fatalError() }
    }
    public var keepaliveInterval: Int {
      get { fatalError() }
      set { fatalError() }
    }
    public var connectionTimeout: Int {
      get { fatalError() }
      set { fatalError() }
    }
    public var connectionDropTime: Int {
      get { fatalError() }
      set { fatalError() }
    }
    public var enableFastOpen: Bool {
      get { fatalError() }
      set { fatalError() }
    }
  }
}

public class NWProtocolTLS: NWProtocol {
  public class Options: NWProtocolOptions {
    public override init() {}
    public var securityProtocolOptions: sec_protocol_options_t { fatalError() }
  }
}

public final class NWParameters: CustomDebugStringConvertible {
  public convenience init(tls: NWProtocolTLS.Options?, tcp: NWProtocolTCP.Options = NWProtocolTCP.Options()) {
    fatalError()
  }
  public init() { fatalError() }
  public class var tls: NWParameters { fatalError() }
  public class var tcp: NWParameters { fatalError() }
  public var debugDescription: String { fatalError() }
  public var requiredInterfaceType: NWInterface.InterfaceType {
    get { fatalError() }
    set { fatalError() }
  }
  public var prohibitedInterfaceTypes: [NWInterface.InterfaceType]? {
    get { fatalError() }
    set { fatalError() }
  }
  public var prohibitExpensivePaths: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public var prohibitConstrainedPaths: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public var preferNoProxies: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public var requiredLocalEndpoint: NWEndpoint? {
    get { fatalError() }
    set { fatalError() }
  }
  public var allowLocalEndpointReuse: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public var acceptLocalOnly: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public var includePeerToPeer: Bool {
    get { fatalError() }
    set { fatalError() }
  }
}
