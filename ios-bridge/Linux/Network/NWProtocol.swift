import Security

/// Identifies a protocol to `NWConnection.metadata(definition:)`.
public class NWProtocolDefinition: Equatable, @unchecked Sendable, CustomDebugStringConvertible {
  public let name: String

  init(_ name: String) { self.name = name }

  public static func == (left: NWProtocolDefinition, right: NWProtocolDefinition) -> Bool { left.name == right.name }
  public var debugDescription: String { name }
}

/// The options of one protocol in a stack.
public class NWProtocolOptions {
  init() {}

  func copied() -> NWProtocolOptions { NWProtocolOptions() }
}

/// What is known of a protocol once the connection stands.
public class NWProtocolMetadata {
  init() {}
}

/// The superclass of the protocols.
public class NWProtocol {
  init() {}
}

/// TCP.
public final class NWProtocolTCP: NWProtocol {
  public static let definition = NWProtocolDefinition("tcp")

  public final class Options: NWProtocolOptions {
    /// No Nagle: small writes leave at once.
    public var noDelay = false
    public var noPush = false
    public var noOptions = false
    public var enableKeepalive = false
    /// Probes without an answer before the connection is given up.
    public var keepaliveCount = 0
    /// Silence before the first probe, in seconds.
    public var keepaliveIdle = 0
    /// Time between probes, in seconds.
    public var keepaliveInterval = 0
    public var maximumSegmentSize = 0
    /// Time to be connected in, in seconds; 0 leaves it to the system.
    public var connectionTimeout = 0
    public var persistTimeout = 0
    public var connectionDropTime = 0
    public var retransmitFinDrop = false
    public var disableAckStretching = false
    public var enableFastOpen = false
    public var disableECN = false

    public override init() {}

    override func copied() -> NWProtocolOptions {
      let copy = Options()
      copy.noDelay = noDelay
      copy.noPush = noPush
      copy.noOptions = noOptions
      copy.enableKeepalive = enableKeepalive
      copy.keepaliveCount = keepaliveCount
      copy.keepaliveIdle = keepaliveIdle
      copy.keepaliveInterval = keepaliveInterval
      copy.maximumSegmentSize = maximumSegmentSize
      copy.connectionTimeout = connectionTimeout
      copy.persistTimeout = persistTimeout
      copy.connectionDropTime = connectionDropTime
      copy.retransmitFinDrop = retransmitFinDrop
      copy.disableAckStretching = disableAckStretching
      copy.enableFastOpen = enableFastOpen
      copy.disableECN = disableECN
      return copy
    }
  }
}

/// TLS, a client's end.
public final class NWProtocolTLS: NWProtocol {
  public static let definition = NWProtocolDefinition("tls")

  public final class Options: NWProtocolOptions {
    /// For the sec_protocol_options functions.
    public let securityProtocolOptions: sec_protocol_options_t

    public override init() {
      securityProtocolOptions = sec_protocol_options_t()
    }

    override func copied() -> NWProtocolOptions {
      let copy = Options()
      copy.securityProtocolOptions.settings = securityProtocolOptions.settings
      return copy
    }
  }

  public final class Metadata: NWProtocolMetadata {
    /// For the sec_protocol_metadata functions.
    public let securityProtocolMetadata: sec_protocol_metadata_t

    init(_ metadata: sec_protocol_metadata_t) {
      securityProtocolMetadata = metadata
    }
  }
}

/// IP of either version.
public final class NWProtocolIP: NWProtocol {
  public static let definition = NWProtocolDefinition("ip")

  public final class Options: NWProtocolOptions {
    public enum Version: Sendable {
      case any
      case v4
      case v6
    }

    /// Which addresses of a name are tried.
    public var version = Version.any

    override init() {}

    override func copied() -> NWProtocolOptions {
      let copy = Options()
      copy.version = version
      return copy
    }
  }
}
