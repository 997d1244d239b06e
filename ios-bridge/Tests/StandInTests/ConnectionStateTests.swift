import Foundation
import Network
import XCTest

final class ConnectionStateTests: XCTestCase {
  func testAConnectionGoesFromSetupOverPreparingToReady() {
    let listener = RawListener()
    let subject = Subject(listener.port)
    XCTAssertEqual(subject.connection.state, .setup)
    subject.start()
    _ = listener.accept()
    XCTAssertEqual(subject.states.wait(count: 2), [.preparing, .ready])
    XCTAssertEqual(subject.connection.state, .ready)
    XCTAssertTrue(subject.connection.queue === subject.queue)
    subject.cancel()
    XCTAssertEqual(subject.states.values, [.preparing, .ready, .cancelled])
  }

  func testARefusedConnectionWaitsUntilItIsCancelled() {
    let subject = Subject(freePort()).start()
    XCTAssertEqual(subject.states.wait(count: 2), [.preparing, .waiting(.posix(.ECONNREFUSED))])
    subject.cancel()
    XCTAssertEqual(subject.states.values.count, 3)
  }

  func testAWaitingConnectionIsTriedAgainByRestart() {
    let port = freePort()
    let subject = Subject(port).start()
    subject.states.wait(count: 2)
    let listener = RawListener(port: port)
    subject.connection.restart()
    subject.send("hello")
    XCTAssertEqual(listener.accept().readText(5), "hello")
    XCTAssertEqual(
      subject.states.wait(count: 4),
      [.preparing, .waiting(.posix(.ECONNREFUSED)), .preparing, .ready]
    )
  }

  func testRestartDoesNothingToAConnectionThatStands() {
    let (subject, peer) = pair()
    subject.connection.restart()
    subject.send("still here")
    XCTAssertEqual(peer.readText(10), "still here")
    XCTAssertEqual(subject.states.values, [.preparing, .ready])
  }

  func testANameThatDoesNotResolveWaitsWithAnErrorOfDNS() {
    let subject = Subject(80, host: .name("no-such-name.invalid", nil)).start()
    let states = subject.states.wait(count: 2)
    guard case .waiting(.dns(let code)) = states.last else { return XCTFail("\(states)") }
    XCTAssertLessThan(code, -65536)
  }

  func testTheAddressesOfANameAreTriedInTurn() {
    // localhost is ::1 first, where nobody listens.
    let listener = RawListener()
    let subject = Subject(listener.port, host: "localhost").start()
    _ = listener.accept()
    XCTAssertEqual(subject.states.wait(count: 2), [.preparing, .ready])
    XCTAssertEqual(
      subject.connection.currentPath?.remoteEndpoint,
      .hostPort(host: "127.0.0.1", port: NWEndpoint.Port(number: listener.port))
    )
  }

  func testASilentAddressHoldsTheNextOneUpOnlyALittle() {
    let listener = RawListener()
    let silent = RawListener(port: listener.port, backlog: 0, six: true)
    let filler = Subject(listener.port, host: "::1").startReady()
    let begun = Date()
    let subject = Subject(listener.port, host: "localhost").startReady()
    XCTAssertLessThan(Date().timeIntervalSince(begun), 1)
    XCTAssertEqual(
      subject.connection.currentPath?.remoteEndpoint,
      .hostPort(host: "127.0.0.1", port: NWEndpoint.Port(number: listener.port))
    )
    withExtendedLifetime((silent, filler)) {}
  }

  func testTheAddressInUseCanBeGivenUp() {
    let (listener, filler) = deafListener()
    let subject = Subject(listener.port).start()
    subject.states.wait(count: 1)
    subject.connection.cancelCurrentEndpoint()
    XCTAssertEqual(subject.states.wait(count: 2).last, .waiting(.posix(.ECANCELED)))
    subject.cancel()
    for other in filler { other.cancel() }
  }

  func testNoEndingLeavesADescriptorOpen() throws {
    let queue = DispatchQueue(label: "test.endings")
    let (listener, filler) = deafListener()
    let (kept, peer) = pair()
    let before = openDescriptors()
    func run(_ host: NWEndpoint.Host, _ port: UInt16, _ parameters: NWParameters, _ end: (NWConnection) -> Void) {
      let connection = NWConnection(host: host, port: NWEndpoint.Port(number: port), using: parameters)
      let states = Recorder<NWConnection.State>()
      connection.stateUpdateHandler = { states.add($0) }
      connection.start(queue: queue)
      if port != listener.port { states.wait(count: 2) }
      end(connection)
      states.wait { $0.last == .cancelled }
    }
    for parameters in [NWParameters.tcp, .tls] {
      for end in [{ $0.cancel() }, { $0.forceCancel() }] as [(NWConnection) -> Void] {
        run("127.0.0.1", freePort(), parameters, end)
        run("localhost", freePort(), parameters, end)
        run("127.0.0.1", listener.port, parameters, end)
        run(.name("no-such-name.invalid", nil), 80, parameters, end)
      }
    }
    eventually { openDescriptors() <= before }
    withExtendedLifetime((filler, kept, peer)) {}
  }

  func testANameWhoseAddressesAllRefuseWaits() {
    let subject = Subject(freePort(), host: "localhost").start()
    XCTAssertEqual(subject.states.wait(count: 2).last, .waiting(.posix(.ECONNREFUSED)))
  }

  func testAConnectionThatIsNotAnsweredTimesOut() {
    let (listener, filler) = deafListener()
    let options = NWProtocolTCP.Options()
    options.connectionTimeout = 1
    let subject = Subject(listener.port, using: NWParameters(tls: nil, tcp: options)).start()
    XCTAssertEqual(subject.states.wait(count: 2), [.preparing, .waiting(.posix(.ETIMEDOUT))])
    for other in filler { other.cancel() }
  }

  func testAConnectionThatIsCancelledWhilePreparingIsNeverReady() {
    let (listener, filler) = deafListener()
    let subject = Subject(listener.port).start()
    subject.receive()
    subject.send("lost")
    subject.cancel()
    XCTAssertEqual(subject.received.values, [.failed(.posix(.ECANCELED))])
    XCTAssertEqual(subject.sent.values, [.posix(.ECANCELED)])
    XCTAssertFalse(subject.states.values.contains(.ready))
    for other in filler { other.cancel() }
  }

  func testEndpointsThatCannotBeReachedByASocketAreInvalid() {
    let endpoint = NWEndpoint.service(name: "a", type: "_b._tcp", domain: "local", interface: nil)
    let subject = Subject(NWConnection(to: endpoint, using: .tcp)).start()
    XCTAssertEqual(subject.states.wait(count: 2).last, .waiting(.posix(.EINVAL)))
  }

  func testTheLocalEndpointCanBeChosen() {
    let listener = RawListener()
    let parameters = NWParameters.tcp
    let port = freePort()
    parameters.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: NWEndpoint.Port(number: port))
    let subject = Subject(listener.port, using: parameters).startReady()
    XCTAssertEqual(
      subject.connection.currentPath?.localEndpoint,
      .hostPort(host: "127.0.0.1", port: NWEndpoint.Port(number: port))
    )
  }

  func testAReadyConnectionIsViable() {
    let listener = RawListener()
    let subject = Subject(listener.port)
    let viable = Recorder<Bool>()
    subject.connection.viabilityUpdateHandler = { viable.add($0) }
    subject.start()
    XCTAssertEqual(viable.wait(count: 1), [true])
  }

  func testAResetBreaksAConnectionWithAReceiver() {
    let (subject, peer) = pair()
    subject.receive()
    peer.reset()
    XCTAssertEqual(subject.received.wait(count: 1), [.failed(.posix(.ECONNRESET))])
    XCTAssertEqual(subject.states.wait(count: 3).last, .failed(.posix(.ECONNRESET)))
  }

  func testABrokenConnectionAnswersEveryCallWithItsError() {
    let (subject, peer) = pair()
    subject.receive()
    peer.reset()
    subject.states.wait(count: 3)
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECONNRESET)))
    subject.send("x")
    XCTAssertEqual(subject.sent.wait(count: 1), [.posix(.ECONNRESET)])
    subject.cancel()
    XCTAssertEqual(subject.states.values.last, .cancelled)
  }

  func testADisconnectIsNotSeenWithoutAReceiver() {
    let (subject, peer) = pair()
    let (other, otherPeer) = pair()
    peer.reset()
    // The events of one loop come in order: once the second connection has seen its end, the first one's was there.
    otherPeer.close()
    XCTAssertEqual(other.receiveNext(), .end)
    XCTAssertEqual(subject.states.values, [.preparing, .ready])
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECONNRESET)))
  }

  func testSocketsOfTheFileSystemCanBeConnectedTo() throws {
    let path = "\(NSTemporaryDirectory())/stand-in-\(getpid()).sock"
    unlink(path)
    defer { unlink(path) }
    let parameters = NWParameters.tcp
    parameters.requiredLocalEndpoint = .unix(path: path)
    let listener = try NWListener(using: parameters)
    listener.newConnectionHandler = { connection in
      connection.start(queue: DispatchQueue(label: "test.unix"))
      connection.send(content: Data("over a file".utf8), completion: .contentProcessed { _ in connection.cancel() })
    }
    listener.start(queue: DispatchQueue(label: "test.unix.listener"))
    let subject = Subject(NWConnection(to: .unix(path: path), using: .tcp)).startReady()
    XCTAssertEqual(subject.receiveAll().data, Data("over a file".utf8))
    listener.cancel()
  }
}

/// A listener whose backlog has room for one connection, and that one: the system drops what knocks then.
private func deafListener() -> (RawListener, [Subject]) {
  let listener = RawListener(backlog: 0)
  return (listener, [Subject(listener.port).startReady()])
}
