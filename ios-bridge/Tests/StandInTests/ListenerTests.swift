import Foundation
import Network
import XCTest

final class ListenerTests: XCTestCase {
  func testAListenerSaysWhichPortItGot() throws {
    let subject = try Server(local())
    XCTAssertEqual(subject.states.wait(count: 1), [.ready])
    XCTAssertGreaterThan(subject.port, 0)
    let peer = RawSocket(connectedTo: subject.port)
    let accepted = subject.connections.wait(count: 1)[0]
    XCTAssertEqual(accepted.state, .setup)
    withExtendedLifetime(peer) {}
  }

  func testAnAcceptedConnectionCarriesBytesBothWays() throws {
    let subject = try Server(local()).ready()
    let peer = RawSocket(connectedTo: subject.port)
    peer.send("ping")
    let accepted = Subject(subject.connections.wait(count: 1)[0]).start()
    XCTAssertEqual(accepted.receiveNext(), .text("ping"))
    accepted.send("pong")
    XCTAssertEqual(peer.readText(4), "pong")
    XCTAssertEqual(accepted.states.values, [.preparing, .ready])
  }

  func testAnAcceptedConnectionKnowsBothEnds() throws {
    let subject = try Server(local()).ready()
    let client = Subject(subject.port).startReady()
    let accepted = Subject(subject.connections.wait(count: 1)[0]).startReady()
    XCTAssertEqual(accepted.connection.endpoint, client.connection.currentPath?.localEndpoint)
    XCTAssertEqual(accepted.connection.currentPath?.localEndpoint, client.connection.endpoint)
  }

  func testATakenPortFailsThroughTheHandler() throws {
    let taken = RawListener()
    let subject = try Server(local(taken.port))
    XCTAssertEqual(subject.states.wait(count: 1), [.failed(.posix(.EADDRINUSE))])
    XCTAssertNil(subject.listener.port)
  }

  func testThePortOfAnotherListenerIsTaken() throws {
    let first = try Server(local()).ready()
    let second = try Server(local(first.port))
    XCTAssertEqual(second.states.wait(count: 1), [.failed(.posix(.EADDRINUSE))])
  }

  func testListenersThatAllowReuseShareAPort() throws {
    let parameters = local()
    parameters.allowLocalEndpointReuse = true
    let first = try Server(parameters).ready()
    let again = local(first.port)
    again.allowLocalEndpointReuse = true
    let second = try Server(again)
    XCTAssertEqual(second.states.wait(count: 1), [.ready])
    second.cancel()
  }

  func testAPortWhoseConnectionsLingerCanBeBoundWithReuse() throws {
    let parameters = local()
    parameters.allowLocalEndpointReuse = true
    let first = try Server(parameters).ready()
    let peer = RawSocket(connectedTo: first.port)
    let accepted = Subject(first.connections.wait(count: 1)[0]).startReady()
    // This end closes first, so the system keeps the pair of addresses for a minute.
    accepted.cancel()
    _ = peer.readToEnd()
    peer.close()
    let port = first.port
    first.cancel()
    let again = local(port)
    again.allowLocalEndpointReuse = true
    let second = try Server(again)
    XCTAssertEqual(second.states.wait(count: 1), [.ready])
    second.cancel()
  }

  func testWithoutALocalEndpointAllAddressesAreListenedOn() throws {
    let port = freePort()
    let subject = try Server(.tcp, on: NWEndpoint.Port(number: port)).ready()
    XCTAssertEqual(subject.port, port)
    let four = Subject(port).startReady()
    XCTAssertEqual(subject.connections.wait(count: 1)[0].endpoint, four.connection.currentPath?.localEndpoint)
    let six = Subject(port, host: "::1").startReady()
    XCTAssertEqual(subject.connections.wait(count: 2)[1].endpoint, six.connection.currentPath?.localEndpoint)
  }

  func testAPortBesideALocalEndpointIsRefused() {
    XCTAssertThrowsError(try NWListener(using: local(), on: 8080)) {
      XCTAssertEqual($0 as? NWError, .posix(.EINVAL))
    }
  }

  func testAListenerWithoutAHandlerForConnectionsFails() throws {
    let listener = try NWListener(using: local())
    let states = Recorder<NWListener.State>()
    listener.stateUpdateHandler = { states.add($0) }
    listener.start(queue: DispatchQueue(label: "test.listener"))
    XCTAssertEqual(states.wait(count: 1), [.failed(.posix(.EINVAL))])
  }

  func testAnAddressThatIsNotOursFails() throws {
    let parameters = NWParameters.tcp
    parameters.requiredLocalEndpoint = .hostPort(host: "192.0.2.1", port: .any)
    let subject = try Server(parameters)
    XCTAssertEqual(subject.states.wait(count: 1), [.failed(.posix(.EADDRNOTAVAIL))])
    subject.cancel()
  }

  func testCancelFreesThePortAtOnceAndLeavesConnectionsAlone() throws {
    let subject = try Server(local()).ready()
    let peer = RawSocket(connectedTo: subject.port)
    let accepted = Subject(subject.connections.wait(count: 1)[0]).startReady()
    let port = subject.port
    subject.listener.cancel()
    let late = Subject(port).start()
    XCTAssertEqual(late.states.wait(count: 2).last, .waiting(.posix(.ECONNREFUSED)))
    late.cancel()
    XCTAssertEqual(subject.states.wait(count: 2).last, .cancelled)
    peer.send("alive")
    XCTAssertEqual(accepted.receiveNext(), .text("alive"))
  }

  func testCancelLetsGoOfTheHandlers() throws {
    weak var kept: Held?
    let listener = try NWListener(using: local())
    do {
      let held = Held()
      kept = held
      listener.newConnectionHandler = { [weak listener] _ in _ = (held, listener) }
      listener.stateUpdateHandler = { [listener] _ in _ = (held, listener) }
    }
    listener.start(queue: DispatchQueue(label: "test.listener"))
    listener.cancel()
    eventually { kept == nil }
  }

  func testAConnectionThatNobodyKeepsIsClosed() throws {
    let subject = try Server(local())
    subject.listener.newConnectionHandler = { _ in }
    subject.states.wait(count: 1)
    XCTAssertEqual(RawSocket(connectedTo: subject.port).readToEnd().data, Data())
  }

  func testAConnectionThatIsCancelledInPlaceOfStartedIsClosed() throws {
    let subject = try Server(local()).ready()
    let peer = RawSocket(connectedTo: subject.port)
    let accepted = subject.connections.wait(count: 1)[0]
    accepted.cancel()
    XCTAssertEqual(peer.readToEnd().data, Data())
    XCTAssertEqual(accepted.state, .cancelled)
  }

  func testNoMoreConnectionsThanTheLimitAreAccepted() throws {
    let listener = try NWListener(using: local())
    let connections = Recorder<NWConnection>()
    let states = Recorder<NWListener.State>()
    listener.newConnectionHandler = { connections.add($0) }
    listener.stateUpdateHandler = { states.add($0) }
    listener.newConnectionLimit = 2
    listener.start(queue: DispatchQueue(label: "test.listener"))
    states.wait(count: 1)
    let peers = (0..<4).map { _ in RawSocket(connectedTo: listener.port?.rawValue ?? 0) }
    connections.wait(count: 2)
    XCTAssertEqual(listener.newConnectionLimit, 0)
    XCTAssertEqual(connections.values.count, 2)
    listener.newConnectionLimit = 1
    connections.wait(count: 3)
    listener.newConnectionLimit = NWListener.InfiniteConnectionLimit
    connections.wait(count: 4)
    withExtendedLifetime(peers) {}
  }

  func testAListenerThatIsOutOfDescriptorsGoesOnWhenThereAreSome() throws {
    let subject = try Server(local()).ready()
    subject.listener.newConnectionLimit = 0
    let peers = (0..<5).map { _ in RawSocket(connectedTo: subject.port) }
    var limits = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    var none = rlimit(rlim_cur: 3, rlim_max: limits.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
    subject.listener.newConnectionLimit = NWListener.InfiniteConnectionLimit
    // The listener has tried by the time that the queue comes to this.
    subject.queue.sync {}
    XCTAssertEqual(subject.connections.values.count, 0)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    subject.connections.wait(count: 5)
    withExtendedLifetime(peers) {}
  }

  func testABurstOfConnectionsIsServed() throws {
    let before = openDescriptors()
    do {
      let subject = try Server(local())
      let served = Recorder<Bool>()
      subject.listener.newConnectionHandler = { [queue = subject.queue] connection in
        connection.start(queue: queue)
        echo(connection, served)
      }
      subject.states.wait(count: 1)
      let peers = (0..<250).map { _ in RawSocket(connectedTo: subject.port) }
      for (index, peer) in peers.enumerated() { peer.send(String(format: "number %03d", index)) }
      for (index, peer) in peers.enumerated() {
        XCTAssertEqual(peer.readText(10), String(format: "number %03d", index))
      }
      for peer in peers { peer.finish() }
      for peer in peers { XCTAssertEqual(peer.readToEnd().error, 0) }
      XCTAssertEqual(served.wait(count: 250).count, 250)
      subject.cancel()
    }
    eventually { openDescriptors() <= before + 2 }
  }

  func testABurstOfConnectionsCanBeOpened() throws {
    let subject = try Server(local())
    subject.listener.newConnectionHandler = { [queue = subject.queue] connection in
      connection.start(queue: queue)
      echo(connection, Recorder<Bool>())
    }
    subject.states.wait(count: 1)
    let clients = (0..<250).map { _ in Subject(subject.port).start() }
    for (index, client) in clients.enumerated() { client.send("client \(index)") }
    for (index, client) in clients.enumerated() {
      let text = "client \(index)"
      XCTAssertEqual(client.receiveNext(text.count, text.count), .text(text))
    }
    for client in clients { client.cancel() }
    subject.cancel()
  }
}

/// Parameters for a listener on 127.0.0.1.
private func local(_ port: UInt16 = 0) -> NWParameters {
  let parameters = NWParameters.tcp
  parameters.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: NWEndpoint.Port(number: port))
  return parameters
}

/// Sends back what comes, until the end.
private func echo(_ connection: NWConnection, _ served: Recorder<Bool>) {
  connection.receive(minimumIncompleteLength: 1, maximumLength: 65536) { content, _, isComplete, error in
    if let content { connection.send(content: content, completion: .contentProcessed { _ in }) }
    if isComplete || error != nil {
      connection.cancel()
      served.add(error == nil)
    } else {
      echo(connection, served)
    }
  }
}

private final class Held: Sendable {}

/// A started listener that keeps what it accepts.
private final class Server: Sendable {
  let listener: NWListener
  let queue = DispatchQueue(label: "test.listener")
  let states = Recorder<NWListener.State>()
  let connections = Recorder<NWConnection>()

  init(_ parameters: NWParameters, on port: NWEndpoint.Port = .any) throws {
    listener = try NWListener(using: parameters, on: port)
    listener.newConnectionHandler = { [connections, queue] in
      dispatchPrecondition(condition: .onQueue(queue))
      connections.add($0)
    }
    listener.stateUpdateHandler = { [states] in states.add($0) }
    listener.start(queue: queue)
  }

  deinit { listener.cancel() }

  func ready() -> Self {
    states.wait { $0.contains(.ready) }
    return self
  }

  func cancel() {
    listener.cancel()
    states.wait { $0.last == .cancelled }
  }

  var port: UInt16 { listener.port?.rawValue ?? 0 }
}
