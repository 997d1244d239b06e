/// How connections are made and what a listener binds. Connections and listeners take a copy.
///
/// What only steers Apple's choice of a network (cellular, expensive, constrained, peers, proxies) is kept and has no
/// effect here.
public final class NWParameters: CustomDebugStringConvertible {
  public enum ServiceClass: Sendable {
    case bestEffort
    case background
    case interactiveVideo
    case interactiveVoice
    case responsiveData
    case signaling
  }

  public enum MultipathServiceType: Sendable {
    case disabled
    case handover
    case interactive
    case aggregate
  }

  public enum ExpiredDNSBehavior: Sendable {
    case systemDefault
    case allow
    case prohibit
  }

  /// The protocols, the topmost first.
  public final class ProtocolStack {
    public var applicationProtocols: [NWProtocolOptions]
    public var transportProtocol: NWProtocolOptions?
    public var internetProtocol: NWProtocolOptions?

    init(_ application: [NWProtocolOptions], _ transport: NWProtocolOptions?, _ internet: NWProtocolOptions?) {
      applicationProtocols = application
      transportProtocol = transport
      internetProtocol = internet
    }
  }

  public let defaultProtocolStack: ProtocolStack
  public var requiredInterface: NWInterface?
  public var requiredInterfaceType = NWInterface.InterfaceType.other
  public var prohibitedInterfaces: [NWInterface]?
  public var prohibitedInterfaceTypes: [NWInterface.InterfaceType]?
  public var prohibitExpensivePaths = false
  public var prohibitConstrainedPaths = false
  public var preferNoProxies = false
  /// The address and port to use at this end; port 0 leaves the port to the system.
  public var requiredLocalEndpoint: NWEndpoint?
  /// SO_REUSEADDR and SO_REUSEPORT, as on Apple: it lets a port be bound whose last connections linger, and it lets two
  /// listeners that both say so share a port without an error.
  public var allowLocalEndpointReuse = false
  public var acceptLocalOnly = false
  public var includePeerToPeer = false
  public var allowFastOpen = false
  public var serviceClass = ServiceClass.bestEffort
  public var multipathServiceType = MultipathServiceType.disabled
  public var expiredDNSBehavior = ExpiredDNSBehavior.systemDefault

  /// TCP alone.
  public static var tcp: NWParameters { NWParameters(tls: nil) }

  /// TLS over TCP.
  public static var tls: NWParameters { NWParameters(tls: NWProtocolTLS.Options()) }

  /// TCP alone when `tls` is nil, else TLS over TCP.
  public init(tls: NWProtocolTLS.Options?, tcp: NWProtocolTCP.Options = NWProtocolTCP.Options()) {
    defaultProtocolStack = ProtocolStack(tls.map { [$0] } ?? [], tcp, NWProtocolIP.Options())
  }

  private init(_ other: NWParameters) {
    let stack = other.defaultProtocolStack
    defaultProtocolStack = ProtocolStack(
      stack.applicationProtocols.map { $0.copied() },
      stack.transportProtocol?.copied(),
      stack.internetProtocol?.copied()
    )
    requiredInterface = other.requiredInterface
    requiredInterfaceType = other.requiredInterfaceType
    prohibitedInterfaces = other.prohibitedInterfaces
    prohibitedInterfaceTypes = other.prohibitedInterfaceTypes
    prohibitExpensivePaths = other.prohibitExpensivePaths
    prohibitConstrainedPaths = other.prohibitConstrainedPaths
    preferNoProxies = other.preferNoProxies
    requiredLocalEndpoint = other.requiredLocalEndpoint
    allowLocalEndpointReuse = other.allowLocalEndpointReuse
    acceptLocalOnly = other.acceptLocalOnly
    includePeerToPeer = other.includePeerToPeer
    allowFastOpen = other.allowFastOpen
    serviceClass = other.serviceClass
    multipathServiceType = other.multipathServiceType
    expiredDNSBehavior = other.expiredDNSBehavior
  }

  /// Parameters of the same settings that can be changed apart from these.
  public func copy() -> NWParameters { NWParameters(self) }

  public var debugDescription: String {
    (defaultProtocolStack.applicationProtocols.isEmpty ? "tcp" : "tls, tcp")
      + (requiredLocalEndpoint.map { ", local: \($0)" } ?? "")
      + (allowLocalEndpointReuse ? ", reuse local address" : "")
  }
}
