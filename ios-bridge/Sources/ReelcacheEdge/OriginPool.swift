/// The connections to origins, idle ones kept for the next request.
///
/// The pool is ours because a transfer must know its own connection: whether it was reused (only then a silent loss is
/// retried), and which one to close when the transfer is given up while connecting.

import ReelcacheCore

final class OriginPool: @unchecked Sendable {
  private let loop: EventLoop
  private let deadlines: Deadlines
  private let limits: Limits
  private let options: ConnectorOptions
  private var connections: [ObjectIdentifier: OriginConnection] = [:]
  /// Newest last.
  private var idle: [OriginConnection] = []
  private var onEmpty: (() -> Void)?
  /// Told when a connection has come to rest or is gone.
  var onFree: (() -> Void)?

  init(_ loop: EventLoop, _ deadlines: Deadlines, _ limits: Limits, _ options: ConnectorOptions) {
    self.loop = loop
    self.deadlines = deadlines
    self.limits = limits
    self.options = options
  }

  /// The newest idle connection of that origin, or a new one.
  func take(_ key: OriginKey, _ connectMs: Int) -> OriginConnection {
    var at = idle.count - 1
    while at >= 0 {
      let connection = idle[at]
      if connection.key == key {
        idle.remove(at: at)
        if connection.isUsable { return connection }
        discard(connection)
      }
      at = min(at, idle.count) - 1
    }
    return open(key, connectMs)
  }

  /// A new connection; it connects with the first request dispatched on it.
  func open(_ key: OriginKey, _ connectMs: Int) -> OriginConnection {
    let connection = OriginConnection(
      key,
      connectMs,
      loop,
      deadlines,
      limits,
      options,
      { [weak self] connection in self?.discard(connection) },
      { [weak self] connection in self?.forget(connection) }
    )
    connections[ObjectIdentifier(connection)] = connection
    return connection
  }

  /// Gives back a connection whose response is complete; it is kept when the origin keeps it open.
  func release(_ connection: OriginConnection) {
    if !connection.isUsable {
      discard(connection)
      return
    }
    idle.append(connection)
    connection.rest()
    // R-ORIGIN-3
    if idle.count > limits.slotsMax + limits.expressMax { discard(idle[0]) }
    onFree?()
  }

  /// Closes a connection at once, in whatever state it is.
  func discard(_ connection: OriginConnection) {
    idle.removeAll { $0 === connection }
    connection.discard()
  }

  /// Closes everything; `done` is called once the last connection is closed.
  func close(_ done: @escaping () -> Void) {
    onEmpty = done
    for connection in connections.values { discard(connection) }
    if connections.isEmpty { tellEmpty() }
  }

  /// Connections open or being opened, and those of them without a transfer.
  func counts() -> (open: Int, idle: Int) {
    (connections.count, idle.count)
  }

  /// Connections to that origin that rest, and those that are used or being opened.
  func countsOf(_ key: OriginKey) -> (idle: Int, busy: Int) {
    let resting = idle.filter { $0.key == key }.count
    return (resting, connections.values.filter { $0.key == key }.count - resting)
  }

  private func forget(_ connection: OriginConnection) {
    connections[ObjectIdentifier(connection)] = nil
    onFree?()
    if connections.isEmpty { tellEmpty() }
  }

  private func tellEmpty() {
    guard let onEmpty else { return }
    self.onEmpty = nil
    loop.later(onEmpty)
  }
}
