import Network
import ReelcacheEdge

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Connects to an address and hears what it says, to learn whether it can be reached from this device. Lives on the loop;
/// holds itself until it is done.
final class ReachProbe: @unchecked Sendable {
  private static let heardBytesMax = 256

  private let loop: EventLoop
  private let host: String
  private let socket: NWConnection
  private var heard = Data()
  /// What the system said last of why it does not connect.
  private var trouble: (outcome: ReachResult.Outcome, detail: String) = (.timeout, "")
  private var timer: LoopTimer?
  private var done: ((ReachResult) -> Void)?

  init(_ loop: EventLoop, _ to: ControlCommand.Destination) {
    self.loop = loop
    host = to.host
    let port = NWEndpoint.Port(rawValue: UInt16(truncatingIfNeeded: to.port)) ?? .any
    socket = NWConnection(host: NWEndpoint.Host(to.host), port: port, using: .tcp)
  }

  /// Tries for so many milliseconds: the person may be reading the question whether the app may use the network.
  func start(_ ms: Int, _ done: @escaping (ReachResult) -> Void) {
    loop.assertHere()
    self.done = done
    timer = loop.after(ms) { self.finish(self.trouble.outcome, self.trouble.detail) }
    // By `self`: on Apple there is a function `socket` in view, beside which the handler is not inferred to be Sendable.
    self.socket.stateUpdateHandler = { state in self.changed(state) }
    socket.start(queue: loop.queue)
  }

  private func changed(_ state: NWConnection.State) {
    switch state {
    case .ready:
      // Whoever takes the connection and says nothing was reached all the same.
      trouble = (.reached, "")
      receive()
    case .waiting(let error): waits(error)
    case .failed(let error): finish(.failed, "\(error)")
    default: break
    }
  }

  private func waits(_ error: NWError) {
    if isDenied {
      // It goes on by itself when the person allows it.
      trouble = (.denied, "")
      return
    }
    switch error {
    case .posix(.ECONNREFUSED): finish(.refused, "")
    case .posix(.ETIMEDOUT): trouble = (.timeout, "")
    default: trouble = (.unreachable, "\(error)")
    }
  }

  /// Whether the person keeps this app out of the local network, as iOS lets them, and newer systems of Macs.
  private var isDenied: Bool { socket.currentPath?.unsatisfiedReason == .localNetworkDenied }

  private func receive() {
    socket.receive(minimumIncompleteLength: 1, maximumLength: ReachProbe.heardBytesMax) {
      content,
      _,
      isComplete,
      error in
      if let content { self.heard.append(content) }
      let lineEnds = self.heard.contains(UInt8(ascii: "\n")) || self.heard.count >= ReachProbe.heardBytesMax
      if lineEnds || isComplete || error != nil {
        self.finish(.reached, "")
      } else {
        self.receive()
      }
    }
  }

  private func finish(_ outcome: ReachResult.Outcome, _ detail: String) {
    timer?.cancel()
    timer = nil
    let told = done
    done = nil
    socket.stateUpdateHandler = nil
    socket.cancel()
    let line = heard.prefix { $0 != UInt8(ascii: "\n") }
    told?(ReachResult(host: host, outcome: outcome, heard: String(decoding: line, as: UTF8.self), detail: detail))
  }
}
