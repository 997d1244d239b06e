import Network
import Reelcache
import ReelcacheEdge

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Lets the conformance harness drive proxies in this process: it listens on a port, and whoever connects may start a
/// proxy with options of its own, restart it, empty it and stop it. Every conversation has one proxy, which ends with it.
///
/// For test apps only: it is no part of an app that ships. Its methods may be called from any thread.
public final class ControlServer: @unchecked Sendable {
  /// Conversations and dialled connections at once; further ones wait in the system's queue.
  private static let connectionsMax = 1_024
  /// Wait before a port that was lost is tried again, in milliseconds.
  private static let retryMs = 500

  private let loop: EventLoop
  private let parts: ControlParts
  private var socket: NWListener?
  private var connections: [ObjectIdentifier: ControlConnection] = [:]
  private var conversations = 0
  private var port = 0
  private var onStart: ((Result<Int, ControlError>) -> Void)?
  private var onStopped: [() -> Void] = []
  private var stopping = false
  private var again = false
  private var retry: LoopTimer?

  /// `onLine` hears what happens, in lines for a person, on any thread.
  public init(_ options: ControlOptions, onLine: @escaping @Sendable (String) -> Void = { _ in }) {
    loop = EventLoop(label: "reelcache.control")
    parts = ControlParts(loop: loop, options: options, log: ControlLog(onLine), ports: Locked([]))
  }

  /// Listens; returns the port.
  public func start() async throws -> Int {
    let result = await withCheckedContinuation { continuation in
      loop.later { self.begin { continuation.resume(returning: $0) } }
    }
    return try result.get()
  }

  /// Ends every conversation and its proxy, and listens no more.
  public func stop() async {
    await withCheckedContinuation { continuation in
      loop.later { self.finish { continuation.resume() } }
    }
  }

  /// Listens anew on the same port: for an app that comes back to the front, whose socket the system may have taken.
  public func renew() {
    loop.later {
      guard !self.stopping, let socket = self.socket else { return }
      self.again = true
      socket.cancel()
    }
  }

  private func begin(_ done: @escaping (Result<Int, ControlError>) -> Void) {
    loop.assertHere()
    if socket != nil || stopping { return done(.failure(ControlError("it runs already"))) }
    removeFolder()
    onStart = done
    port = parts.options.port
    listen()
  }

  private func listen() {
    let address = parts.options.overNetwork ? "0.0.0.0" : "127.0.0.1"
    if port != 0 && probePort(address, port) != 0 { return failed("port \(port) cannot be had: another app has it") }
    let tcp = NWProtocolTCP.Options()
    tcp.noDelay = true
    let parameters = NWParameters(tls: nil, tcp: tcp)
    parameters.allowLocalEndpointReuse = true
    let number = NWEndpoint.Port(rawValue: UInt16(truncatingIfNeeded: port)) ?? .any
    parameters.requiredLocalEndpoint = .hostPort(host: NWEndpoint.Host(address), port: number)
    guard let made = try? NWListener(using: parameters) else { return failed("port \(port) cannot be had") }
    socket = made
    made.stateUpdateHandler = { [weak self, weak made] state in
      guard let self, let made, made === self.socket else { return }
      self.changed(state, made)
    }
    made.newConnectionHandler = { [weak self] connection in
      if let self { self.accept(connection) } else { connection.cancel() }
    }
    made.start(queue: loop.queue)
  }

  private func changed(_ state: NWListener.State, _ listener: NWListener) {
    switch state {
    case .ready:
      port = Int(listener.port?.rawValue ?? 0)
      parts.log.add("the harness may connect to port \(port)")
      let told = onStart
      onStart = nil
      told?(.success(port))
    case .failed(let error), .waiting(let error):
      listener.cancel()
      socket = nil
      failed("port \(port) cannot be had: \(error)")
    case .cancelled:
      socket = nil
      if again && !stopping { listen() }
      again = false
      stoppedIfDone()
    default:
      break
    }
  }

  /// At the start the caller is told; later it is tried again, since the harness looks for this port.
  private func failed(_ message: String) {
    parts.log.add(message)
    if let told = onStart {
      onStart = nil
      told(.failure(ControlError(message)))
    } else if !stopping {
      retry = loop.after(ControlServer.retryMs) { [weak self] in self?.listen() }
    }
    stoppedIfDone()
  }

  private func accept(_ connection: NWConnection) {
    loop.assertHere()
    if stopping || connections.count >= ControlServer.connectionsMax { return connection.cancel() }
    conversations += 1
    let folder = "\(parts.options.folder)/\(conversations)"
    let one = ControlConnection(connection, parts, folder) { [weak self] in self?.over($0) }
    connections[ObjectIdentifier(one)] = one
    one.start()
  }

  private func over(_ connection: ControlConnection) {
    connections[ObjectIdentifier(connection)] = nil
    stoppedIfDone()
  }

  private func finish(_ done: @escaping () -> Void) {
    onStopped.append(done)
    stopping = true
    retry?.cancel()
    retry = nil
    socket?.cancel()
    for connection in connections.values { connection.end() }
    stoppedIfDone()
  }

  private func stoppedIfDone() {
    if !stopping || socket != nil || !connections.isEmpty { return }
    removeFolder()
    stopping = false
    parts.log.add("stopped")
    let told = onStopped
    onStopped = []
    for done in told { done() }
  }

  private func removeFolder() {
    let folder = parts.options.folder
    do {
      if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    } catch {
      parts.log.add("\(folder) cannot be deleted: \(error)")
    }
  }
}

/// Why the harness cannot connect.
public struct ControlError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, in English.
  public let message: String

  /// The message.
  public var description: String { message }

  init(_ message: String) {
    self.message = message
  }
}
