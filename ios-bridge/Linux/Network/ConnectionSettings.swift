import Security

/// What the machinery needs of NWParameters: a snapshot, shared by all connections of one listener.
final class ConnectionSettings: Sendable {
  let tls: TLSSettings?
  let tcp: TCPSettings
  let version: NWProtocolIP.Options.Version
  let localEndpoint: NWEndpoint?
  let reusesLocalEndpoint: Bool
  let interface: NWInterface?

  init(_ parameters: NWParameters) {
    let stack = parameters.defaultProtocolStack
    let options = stack.applicationProtocols.lazy.compactMap { $0 as? NWProtocolTLS.Options }.first
    tls = options?.securityProtocolOptions.settings
    tcp = TCPSettings(stack.transportProtocol as? NWProtocolTCP.Options ?? NWProtocolTCP.Options())
    version = (stack.internetProtocol as? NWProtocolIP.Options)?.version ?? .any
    localEndpoint = parameters.requiredLocalEndpoint
    reusesLocalEndpoint = parameters.allowLocalEndpointReuse
    interface = parameters.requiredInterface
  }
}

/// The options of TCP that have an effect on Linux.
struct TCPSettings: Sendable {
  let noDelay: Bool
  let keepalive: Bool
  let keepaliveIdle: Int
  let keepaliveInterval: Int
  let keepaliveCount: Int
  let maximumSegmentSize: Int
  let connectionTimeout: Int

  init(_ options: NWProtocolTCP.Options) {
    noDelay = options.noDelay
    keepalive = options.enableKeepalive
    keepaliveIdle = options.keepaliveIdle
    keepaliveInterval = options.keepaliveInterval
    keepaliveCount = options.keepaliveCount
    maximumSegmentSize = options.maximumSegmentSize
    connectionTimeout = options.connectionTimeout
  }
}
