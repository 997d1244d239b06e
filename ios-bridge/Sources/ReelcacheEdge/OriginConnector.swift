/// Opens connections to origins, and refuses addresses that a proxy must not be talked into reaching.
///
/// The rule is applied to the address connected to, not to the name: to literals before connecting, to every resolved
/// address, and once more to the peer's address of the open connection. Names are resolved here and connections made to
/// addresses, so that no resolver can change its mind in between.

import Dispatch
import Network
import ReelcacheCore

/// How far a connection is; a failure is named after the phase it happened in. The system does not tell connecting from
/// the handshake behind it: `securing` is both.
package enum ConnectPhase: String, Sendable {
  case resolving
  case connecting
  case securing
  case open
}

/// Why a name has no address, for the log.
package struct LookupError: Error, Equatable, Sendable {
  package let detail: ByteString

  package init(_ detail: ByteString) {
    self.detail = detail
  }
}

/// A resolver: called on the loop, answers there, later, with addresses in the order of preference. A parameter so that
/// tests decide what names mean.
package typealias OriginLookup = (_ name: String, _ done: @escaping (Result<[ByteString], LookupError>) -> Void) -> Void

package struct ConnectorOptions {
  package var allowPrivate: [ByteString]
  package var tls: OriginTls
  package var lookup: OriginLookup

  package init(allowPrivate: [ByteString], tls: OriginTls, lookup: @escaping OriginLookup) {
    self.allowPrivate = allowPrivate
    self.tls = tls
    self.lookup = lookup
  }
}

/// Time that an address has before the next one is tried beside it, in milliseconds (RFC 8305 section 5).
private let headStartMs = 250

/// Opens one connection.
final class OriginConnector: @unchecked Sendable {
  private(set) var phase: ConnectPhase
  private let loop: EventLoop
  private let deadlines: Deadlines
  private let options: ConnectorOptions
  private let key: OriginKey
  private let connectMs: Int
  private var done: ((Result<NWConnection, OriginError>) -> Void)?
  private var addresses: [ByteString] = []
  private var attempts: [NWConnection] = []
  private var distrust = ByteString()
  private var deadline: Deadline?
  private var headStart: Deadline?

  /// `connectMs` is the time to be open in: resolution, connection and TLS handshake.
  init(
    _ loop: EventLoop,
    _ deadlines: Deadlines,
    _ options: ConnectorOptions,
    _ key: OriginKey,
    _ connectMs: Int,
    _ done: @escaping (Result<NWConnection, OriginError>) -> Void
  ) {
    self.loop = loop
    self.deadlines = deadlines
    self.options = options
    self.key = key
    self.connectMs = connectMs
    self.done = done
    phase = parseIp(key.host) == nil ? .resolving : key.secure ? .securing : .connecting
  }

  /// Begins; `done` is called once, later, unless the connector is cancelled before.
  func start() {
    // R-ORIGIN-10
    deadline = deadlines.after(connectMs) { [weak self] in self?.timedOut() }
    if phase != .resolving {
      // R-ORIGIN-6
      loop.later { self.resolved([self.key.host]) }
      return
    }
    options.lookup(key.host.description) { [weak self] result in
      guard let self, self.done != nil else { return }
      switch result {
      case .failure(let error):
        // R-ORIGIN-7
        self.settle(.failure(.known(OriginFailure(code: .upstreamDns, detail: error.detail))))
      case .success(let found):
        self.resolved(found)
      }
    }
  }

  /// Gives up; nothing follows.
  func cancel() {
    done = nil
    clear()
  }

  private func resolved(_ found: [ByteString]) {
    if done == nil { return }
    // R-ORIGIN-6
    let usable = found.filter(allowed)
    if usable.isEmpty {
      settle(.failure(forbidden(found.first ?? key.host)))
      return
    }
    phase = key.secure ? .securing : .connecting
    addresses = interleaved(usable)
    connectNext()
  }

  /// Tries the next address; those before may still win.
  private func connectNext() {
    headStart?.cancel()
    headStart = nil
    guard !addresses.isEmpty else { return }
    let address = addresses.removeFirst()
    guard let endpoint = endpoint(address, key.port) else {
      attemptFailed(nil, .posix(.EADDRNOTAVAIL))
      return
    }
    let parameters = originParameters(key, options.tls, loop) { [weak self] fault in self?.distrust = fault }
    let attempt = NWConnection(to: endpoint, using: parameters)
    attempts.append(attempt)
    attempt.stateUpdateHandler = { [weak self, weak attempt] state in
      guard let self, let attempt else { return }
      self.changed(attempt, state)
    }
    attempt.start(queue: loop.queue)
    if !addresses.isEmpty { headStart = deadlines.after(headStartMs) { [weak self] in self?.connectNext() } }
  }

  private func changed(_ attempt: NWConnection, _ state: NWConnection.State) {
    loop.assertHere()
    if done == nil { return }
    switch state {
    case .ready:
      opened(attempt)
    case .waiting(let error), .failed(let error):
      // To wait for a better network is the core's business, which tries again.
      attemptFailed(attempt, error)
    default:
      break
    }
  }

  private func opened(_ attempt: NWConnection) {
    // R-ORIGIN-6
    if let address = peerAddress(attempt), !allowed(address) {
      settle(.failure(forbidden(address)))
      return
    }
    phase = .open
    attempts.removeAll { $0 === attempt }
    attempt.stateUpdateHandler = nil
    settle(.success(attempt))
  }

  private func attemptFailed(_ attempt: NWConnection?, _ error: NWError) {
    if let attempt {
      attempts.removeAll { $0 === attempt }
      give(attempt)
    }
    let failure = connectFailure(error)
    // A failed handshake would fail on the other addresses too.
    if failure.code == .upstreamTls || (addresses.isEmpty && attempts.isEmpty) {
      settle(.failure(.known(failure)))
    } else {
      connectNext()
    }
  }

  private func connectFailure(_ error: NWError) -> OriginFailure {
    var detail = networkDetail(error) + " (" + ByteString(utf8: phase.rawValue) + ")"
    if !distrust.isEmpty { detail = distrust + ", " + detail }
    // R-ORIGIN-9
    if isTlsError(error) || (key.secure && isLoss(error)) { return OriginFailure(code: .upstreamTls, detail: detail) }
    // R-ORIGIN-10
    if case .posix(.ETIMEDOUT) = error { return OriginFailure(code: .upstreamTimeout, detail: detail) }
    // R-ORIGIN-8
    return OriginFailure(code: .upstreamRefused, detail: detail)
  }

  private func timedOut() {
    let detail: ByteString = "no connection after \(connectMs) ms (\(ByteString(utf8: phase.rawValue)))"
    settle(.failure(.known(OriginFailure(code: .upstreamTimeout, detail: detail))))
  }

  private func settle(_ result: Result<NWConnection, OriginError>) {
    guard let done else { return }
    self.done = nil
    clear()
    done(result)
  }

  private func clear() {
    deadline?.cancel()
    headStart?.cancel()
    deadline = nil
    headStart = nil
    addresses = []
    for attempt in attempts { give(attempt) }
    attempts = []
  }

  private func give(_ attempt: NWConnection) {
    attempt.stateUpdateHandler = nil
    attempt.forceCancel()
  }

  private func allowed(_ address: ByteString) -> Bool {
    upstreamAddressAllowed(address, key.host, key.port, options.allowPrivate)
  }
}

/// The system's resolver, on threads of its own, as it blocks.
package func systemLookup(_ loop: EventLoop) -> OriginLookup {
  let queue = DispatchQueue(label: "reelcache.resolver", qos: .userInitiated, attributes: .concurrent)
  return { name, done in
    let answer = LookupAnswer(done: done)
    queue.async {
      let result = resolveName(name)
      loop.queue.async { answer.done(result) }
    }
  }
}

/// A callback on its way through the resolver's threads, which do not call it.
private struct LookupAnswer: @unchecked Sendable {
  let done: (Result<[ByteString], LookupError>) -> Void
}

/// Whether a connection broke that once stood, which one that is being made to a closed port does not.
private func isLoss(_ error: NWError) -> Bool {
  switch error {
  case .posix(.ECONNRESET), .posix(.ECONNABORTED), .posix(.EPIPE), .posix(.ENOTCONN): return true
  default: return false
  }
}

private func forbidden(_ address: ByteString) -> OriginError {
  .known(OriginFailure(code: .forbiddenUpstream, detail: "the address \(address) is not public"))
}

private func endpoint(_ address: ByteString, _ port: Int) -> NWEndpoint? {
  guard let number = UInt16(exactly: port), let port = NWEndpoint.Port(rawValue: number) else { return nil }
  let text = address.description
  if let ipv4 = IPv4Address(text) { return .hostPort(host: .ipv4(ipv4), port: port) }
  if let ipv6 = IPv6Address(text) { return .hostPort(host: .ipv6(ipv6), port: port) }
  return nil
}

/// The address at the other end; nil when the system does not say.
private func peerAddress(_ connection: NWConnection) -> ByteString? {
  guard case .hostPort(let host, _) = connection.currentPath?.remoteEndpoint else { return nil }
  switch host {
  case .ipv4(let address): return ByteString(utf8: "\(address)")
  case .ipv6(let address): return ByteString(utf8: "\(address)")
  default: return nil
  }
}

/// The families take turns, beginning with that of the first address (RFC 8305 section 4).
private func interleaved(_ addresses: [ByteString]) -> [ByteString] {
  let isIpv6 = addresses[0].includes(":")
  let first = addresses.filter { $0.includes(":") == isIpv6 }
  let second = addresses.filter { $0.includes(":") != isIpv6 }
  var order: [ByteString] = []
  for at in 0..<max(first.count, second.count) {
    if at < first.count { order.append(first[at]) }
    if at < second.count { order.append(second[at]) }
  }
  return order
}
