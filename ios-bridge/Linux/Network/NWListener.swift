import Dispatch

/// Accepts connections on a port. Its handlers run on the queue given to `start`.
public final class NWListener: @unchecked Sendable, CustomDebugStringConvertible {
  public enum State: Equatable, Sendable {
    case setup
    case waiting(NWError)
    case ready
    /// It listens no more; a port that is taken ends here.
    case failed(NWError)
    case cancelled
  }

  public static let InfiniteConnectionLimit = Int.max

  public let parameters: NWParameters
  private let core: ListenerCore

  /// A listener on the parameters' required local endpoint; without one, on all addresses and the port. Both at once are
  /// EINVAL here, since it is nowhere said which one Apple prefers.
  public init(using parameters: NWParameters, on port: NWEndpoint.Port = .any) throws {
    guard port == .any || parameters.requiredLocalEndpoint == nil else { throw NWError.posix(.EINVAL) }
    self.parameters = parameters.copy()
    core = ListenerCore(self.parameters, port)
  }

  deinit { core.cancel() }

  public var state: NWListener.State { core.currentState }
  public var queue: DispatchQueue? { core.queue }
  /// The port, once the listener is ready: the one asked for or the one that the system chose.
  public var port: NWEndpoint.Port? { core.port }

  public var stateUpdateHandler: (@Sendable (_ newState: NWListener.State) -> Void)? {
    get { core.handlers.state }
    set { core.changeHandlers { $0.state = newValue } }
  }

  /// Must be set before `start`. A connection that it neither starts nor keeps is closed.
  public var newConnectionHandler: (@Sendable (_ connection: NWConnection) -> Void)? {
    get { core.handlers.connection }
    set { core.changeHandlers { $0.connection = newValue } }
  }

  /// How many more connections are accepted before it must be set again; others stay in the system's backlog.
  public var newConnectionLimit: Int {
    get { core.connectionLimit }
    set { core.connectionLimit = newValue }
  }

  public func start(queue: DispatchQueue) { core.start(queue) }

  /// Stops listening at once. Accepted connections live on.
  public func cancel() { core.cancel() }

  public var debugDescription: String { "\(parameters)" }
}
