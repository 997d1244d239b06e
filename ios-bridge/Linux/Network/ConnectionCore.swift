import Dispatch
import FoundationEssentials

typealias ReceiveCompletion =
  @Sendable (
    _ content: Data?, _ contentContext: NWConnection.ContentContext?, _ isComplete: Bool, _ error: NWError?
  ) -> Void

struct ConnectionHandlers: Sendable {
  var state: (@Sendable (NWConnection.State) -> Void)?
  var viability: (@Sendable (Bool) -> Void)?
  var betterPath: (@Sendable (Bool) -> Void)?
  var path: (@Sendable (NWPath) -> Void)?
}

final class ConnectionCore: @unchecked Sendable {
  init(_ endpoint: NWEndpoint, _ settings: ConnectionSettings, accepted: Int32?) {}
  var handlers: ConnectionHandlers { ConnectionHandlers() }
  func changeHandlers(_ change: (inout ConnectionHandlers) -> Void) {}
  var currentState: NWConnection.State { .setup }
  var queue: DispatchQueue? { nil }
  var path: NWPath? { nil }
  var tlsMetadata: NWProtocolTLS.Metadata? { nil }
  func start(_ queue: DispatchQueue) {}
  func restart() {}
  func cancel(graceful: Bool) {}
  func cancelCurrentEndpoint() {}
  func abandon() {}
  func receive(_ minimum: Int, _ maximum: Int, _ completion: @escaping ReceiveCompletion) {}
  func send(_ content: Data?, ends: Bool, _ completion: NWConnection.SendCompletion) {}
  func beginBatch() {}
  func endBatch() {}
}
