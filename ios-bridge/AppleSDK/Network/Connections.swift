// Connections, listeners and path monitors of Network. Handlers are `@preconcurrency` and Sendable, as in the SDK.

@_exported import Darwin
@_exported import Dispatch
import Foundation
import Security

public enum NWError: Error, Equatable, Sendable, CustomDebugStringConvertible {
  case posix(POSIXErrorCode)
  case dns(DNSServiceErrorType)
  case tls(OSStatus)
  public var debugDescription: String { fatalError() }
}

public typealias DNSServiceErrorType = Int32

public final class NWConnection: @unchecked Sendable, CustomDebugStringConvertible {
  public enum State: Equatable, Sendable {
    case setup
    case waiting(NWError)
    case preparing
    case ready
    case failed(NWError)
    case cancelled
  }

  @preconcurrency public enum SendCompletion: Sendable {
    case contentProcessed(@Sendable (NWError?) -> Void)
    case idempotent
  }

  public class ContentContext: @unchecked Sendable {
    public static let defaultMessage = ContentContext(identifier: "")
    public static let finalMessage = ContentContext(identifier: "")
    public static let defaultStream = ContentContext(identifier: "")
    public init(
      identifier: String,
      expiration: UInt64 = 0,
      priority: Double = 0.5,
      isFinal: Bool = false,
      antecedent: ContentContext? = nil,
      metadata: [NWProtocolMetadata]? = []
    ) { fatalError() }
  }

  public init(to: NWEndpoint, using: NWParameters) { fatalError() }
  public convenience init(host: NWEndpoint.Host, port: NWEndpoint.Port, using: NWParameters) { fatalError() }

  public let endpoint: NWEndpoint
  public let parameters: NWParameters
  public var debugDescription: String { fatalError() }
  public var state: State { fatalError() }
  public var queue: DispatchQueue? { fatalError() }
  public var currentPath: NWPath? { fatalError() }

  @preconcurrency public var stateUpdateHandler: (@Sendable (State) -> Void)? {
    get { fatalError() }
    set { fatalError() }
  }
  @preconcurrency public var viabilityUpdateHandler: (@Sendable (Bool) -> Void)? {
    get { fatalError() }
    set { fatalError() }
  }
  @preconcurrency public var pathUpdateHandler: (@Sendable (NWPath) -> Void)? {
    get { fatalError() }
    set { fatalError() }
  }

  public func start(queue: DispatchQueue) { fatalError() }
  public func restart() { fatalError() }
  public func cancel() { fatalError() }
  public func forceCancel() { fatalError() }

  @preconcurrency public func receive(
    minimumIncompleteLength: Int,
    maximumLength: Int,
    completion: @escaping @Sendable (Data?, ContentContext?, Bool, NWError?) -> Void
  ) { fatalError() }

  public func send(
    content: Data?,
    contentContext: ContentContext = .defaultMessage,
    isComplete: Bool = true,
    completion: SendCompletion
  ) { fatalError() }

  public func send<Content: DataProtocol>(
    content: Content?,
    contentContext: ContentContext = .defaultMessage,
    isComplete: Bool = true,
    completion: SendCompletion
  ) { fatalError() }

  public func batch(_ block: () -> Void) { fatalError() }
}

public final class NWListener: @unchecked Sendable, CustomDebugStringConvertible {
  public enum State: Equatable, Sendable {
    case setup
    case waiting(NWError)
    case ready
    case failed(NWError)
    case cancelled
  }

  public init(using: NWParameters, on: NWEndpoint.Port = .any) throws { fatalError() }

  public let parameters: NWParameters
  public var debugDescription: String { fatalError() }
  public var state: State { fatalError() }
  public var port: NWEndpoint.Port? { fatalError() }
  public var queue: DispatchQueue? { fatalError() }
  public static let InfiniteConnectionLimit = 0
  public var newConnectionLimit: Int {
    get { fatalError() }
    set { fatalError() }
  }

  @preconcurrency public var stateUpdateHandler: (@Sendable (State) -> Void)? {
    get { fatalError() }
    set { fatalError() }
  }
  @preconcurrency public var newConnectionHandler: (@Sendable (NWConnection) -> Void)? {
    get { fatalError() }
    set { fatalError() }
  }

  public func start(queue: DispatchQueue) { fatalError() }
  public func cancel() { fatalError() }
}

public final class NWPathMonitor: @unchecked Sendable {
  public init() { fatalError() }
  public init(requiredInterfaceType: NWInterface.InterfaceType) { fatalError() }

  public var currentPath: NWPath { fatalError() }
  public var queue: DispatchQueue? { fatalError() }
  @preconcurrency public var pathUpdateHandler: (@Sendable (NWPath) -> Void)? {
    get { fatalError() }
    set { fatalError() }
  }

  public func start(queue: DispatchQueue) { fatalError() }
  public func cancel() { fatalError() }
}
