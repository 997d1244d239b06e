/// A way into the network, as a connection or a monitor sees it.
public struct NWPath: Equatable, Sendable, CustomDebugStringConvertible {
  public enum Status: Sendable {
    case satisfied
    case unsatisfied
    case requiresConnection
  }

  /// Why a path is not satisfied; `notAvailable` when no reason is known, or none is needed.
  public enum UnsatisfiedReason: Sendable {
    case notAvailable
    case cellularDenied
    case wifiDenied
    case localNetworkDenied
  }

  public let status: NWPath.Status
  public let unsatisfiedReason: NWPath.UnsatisfiedReason
  public let availableInterfaces: [NWInterface]
  public let isExpensive: Bool
  public let isConstrained: Bool
  public let supportsIPv4: Bool
  public let supportsIPv6: Bool
  public let supportsDNS: Bool
  public let gateways: [NWEndpoint]
  public let localEndpoint: NWEndpoint?
  public let remoteEndpoint: NWEndpoint?

  /// Apple's has no such initializer: here connections and tests make paths.
  package init(
    status: NWPath.Status,
    unsatisfiedReason: NWPath.UnsatisfiedReason = .notAvailable,
    availableInterfaces: [NWInterface] = [],
    isExpensive: Bool = false,
    isConstrained: Bool = false,
    localEndpoint: NWEndpoint? = nil,
    remoteEndpoint: NWEndpoint? = nil
  ) {
    self.status = status
    self.unsatisfiedReason = unsatisfiedReason
    self.availableInterfaces = availableInterfaces
    self.isExpensive = isExpensive
    self.isConstrained = isConstrained
    supportsIPv4 = status == .satisfied
    supportsIPv6 = status == .satisfied
    supportsDNS = status == .satisfied
    gateways = []
    self.localEndpoint = localEndpoint
    self.remoteEndpoint = remoteEndpoint
  }

  public func usesInterfaceType(_ type: NWInterface.InterfaceType) -> Bool {
    availableInterfaces.contains { $0.type == type }
  }

  public var debugDescription: String {
    let names = availableInterfaces.map(\.name).joined(separator: ", ")
    return names.isEmpty ? "\(status)" : "\(status), interface: \(names)"
  }
}
