import Dispatch
import FoundationEssentials

/// A connection over TCP, or TLS over TCP. Every call may come from any thread; every handler runs on the queue given to
/// `start`, later, in order and, for completions, exactly once.
public final class NWConnection: @unchecked Sendable, CustomDebugStringConvertible {
  public enum State: Equatable, Sendable {
    case setup
    /// Not possible for now: refused, unreachable, no such name, no trust. It stays so until `restart` or `cancel`.
    case waiting(NWError)
    case preparing
    case ready
    case failed(NWError)
    case cancelled
  }

  public enum SendCompletion: Sendable {
    /// The system has taken the content: time to hand over more.
    case contentProcessed(@Sendable (_ error: NWError?) -> Void)
    /// Nobody waits for it.
    case idempotent
  }

  /// What a piece of content is to the stream: only the end of a final one means anything to TCP.
  public final class ContentContext: Sendable {
    public static let defaultMessage = ContentContext(identifier: "Default message")
    /// Content after which this end writes no more.
    public static let finalMessage = ContentContext(identifier: "Final message", isFinal: true)
    public static let defaultStream = ContentContext(identifier: "Default stream", isFinal: true)

    public let identifier: String
    public let expirationMilliseconds: UInt64
    public let relativePriority: Double
    public let isFinal: Bool

    public init(
      identifier: String,
      expiration: UInt64 = 0,
      priority: Double = 0.5,
      isFinal: Bool = false
    ) {
      self.identifier = identifier
      expirationMilliseconds = expiration
      relativePriority = priority
      self.isFinal = isFinal
    }
  }

  /// The peer.
  public let endpoint: NWEndpoint
  private let core: ConnectionCore
  private let settings: NWParameters

  /// A connection to be opened by `start`.
  public init(to endpoint: NWEndpoint, using parameters: NWParameters) {
    self.endpoint = endpoint
    settings = parameters.copy()
    core = ConnectionCore(endpoint, ConnectionSettings(settings), accepted: nil)
  }

  /// A connection to be opened by `start`.
  public convenience init(host: NWEndpoint.Host, port: NWEndpoint.Port, using parameters: NWParameters) {
    self.init(to: .hostPort(host: host, port: port), using: parameters)
  }

  /// A connection that a listener accepted. It owns the descriptor.
  init(
    accepted descriptor: Int32,
    from endpoint: NWEndpoint,
    _ parameters: NWParameters,
    _ settings: ConnectionSettings
  ) {
    self.endpoint = endpoint
    self.settings = parameters
    core = ConnectionCore(endpoint, settings, accepted: descriptor)
  }

  deinit { core.abandon() }

  public var parameters: NWParameters { settings.copy() }
  public var state: NWConnection.State { core.currentState }
  public var queue: DispatchQueue? { core.queue }
  /// Where the connection runs, once it stands.
  public var currentPath: NWPath? { core.path }

  public var stateUpdateHandler: (@Sendable (_ state: NWConnection.State) -> Void)? {
    get { core.handlers.state }
    set { core.changeHandlers { $0.state = newValue } }
  }

  /// Whether the connection can carry data; said once it is ready.
  public var viabilityUpdateHandler: (@Sendable (_ isViable: Bool) -> Void)? {
    get { core.handlers.viability }
    set { core.changeHandlers { $0.viability = newValue } }
  }

  /// Whether another network would do better: here none ever does.
  public var betterPathUpdateHandler: (@Sendable (_ betterPathAvailable: Bool) -> Void)? {
    get { core.handlers.betterPath }
    set { core.changeHandlers { $0.betterPath = newValue } }
  }

  public var pathUpdateHandler: (@Sendable (_ newPath: NWPath) -> Void)? {
    get { core.handlers.path }
    set { core.changeHandlers { $0.path = newValue } }
  }

  public func start(queue: DispatchQueue) { core.start(queue) }

  /// Tries again now, when the connection waits.
  public func restart() { core.restart() }

  /// Ends the connection in order: what was sent still goes out, then a FIN. Outstanding completions get ECANCELED, the
  /// state becomes cancelled, and the handlers are let go.
  public func cancel() { core.cancel(graceful: true) }

  /// Ends the connection at once, with a reset; what has not gone out is lost.
  public func forceCancel() { core.cancel(graceful: false) }

  /// Gives up the address in use and goes on to the next one, or waits when there is none.
  public func cancelCurrentEndpoint() { core.cancelCurrentEndpoint() }

  /// Reads at least and at most so many bytes; fewer only when the peer ended the stream (`isComplete`) or on an error.
  public func receive(
    minimumIncompleteLength: Int,
    maximumLength: Int,
    completion:
      @escaping @Sendable (
        _ content: Data?, _ contentContext: NWConnection.ContentContext?, _ isComplete: Bool, _ error: NWError?
      ) -> Void
  ) {
    core.receive(minimumIncompleteLength, maximumLength, completion)
  }

  /// Writes content after all that was sent before. The completion of a final context ends this end of the stream.
  public func send(
    content: Data?,
    contentContext: NWConnection.ContentContext = .defaultMessage,
    isComplete: Bool = true,
    completion: NWConnection.SendCompletion
  ) {
    core.send(content, ends: isComplete && contentContext.isFinal, completion)
  }

  /// Holds what is sent inside the block back until its end, so that it leaves in as few writes as possible.
  public func batch(_ block: () -> Void) {
    core.beginBatch()
    block()
    core.endBatch()
  }

  /// What the protocol of this definition has to say of the connection, once it stands.
  public func metadata(definition: NWProtocolDefinition) -> NWProtocolMetadata? {
    definition == NWProtocolTLS.definition ? core.tlsMetadata : nil
  }

  public var debugDescription: String { "\(endpoint) \(settings)" }
}
