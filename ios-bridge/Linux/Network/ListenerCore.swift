import Dispatch

struct ListenerHandlers: Sendable {
  var state: (@Sendable (NWListener.State) -> Void)?
  var connection: (@Sendable (NWConnection) -> Void)?
}

final class ListenerCore: @unchecked Sendable {
  init(_ parameters: NWParameters, _ port: NWEndpoint.Port) {}
  var handlers: ListenerHandlers { ListenerHandlers() }
  func changeHandlers(_ change: (inout ListenerHandlers) -> Void) {}
  var currentState: NWListener.State { .setup }
  var queue: DispatchQueue? { nil }
  var port: NWEndpoint.Port? { nil }
  var connectionLimit = NWListener.InfiniteConnectionLimit
  func start(_ queue: DispatchQueue) {}
  func cancel() {}
}
