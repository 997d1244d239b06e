import Foundation
import Network
import Security
import XCTest

final class ParametersTests: XCTestCase {
  func testACopyChangesApartFromItsOriginal() throws {
    let original = NWParameters(tls: NWProtocolTLS.Options())
    original.prohibitedInterfaceTypes = [.cellular]
    let options = try XCTUnwrap(original.defaultProtocolStack.transportProtocol as? NWProtocolTCP.Options)
    options.noDelay = true
    options.keepaliveIdle = 60
    let copy = original.copy()
    let copied = try XCTUnwrap(copy.defaultProtocolStack.transportProtocol as? NWProtocolTCP.Options)
    XCTAssertTrue(copied.noDelay)
    XCTAssertEqual(copied.keepaliveIdle, 60)
    XCTAssertEqual(copy.prohibitedInterfaceTypes, [.cellular])
    copied.noDelay = false
    copy.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: 1)
    XCTAssertTrue(options.noDelay)
    XCTAssertNil(original.requiredLocalEndpoint)
  }

  func testTheStackSaysWhetherThereIsTLS() {
    XCTAssertTrue(NWParameters.tcp.defaultProtocolStack.applicationProtocols.isEmpty)
    XCTAssertTrue(NWParameters.tls.defaultProtocolStack.applicationProtocols.first is NWProtocolTLS.Options)
    XCTAssertTrue(NWParameters.tcp.defaultProtocolStack.internetProtocol is NWProtocolIP.Options)
  }

  func testAConnectionTakesACopy() {
    let parameters = NWParameters.tcp
    let connection = NWConnection(host: "127.0.0.1", port: 1, using: parameters)
    parameters.requiredLocalEndpoint = .hostPort(host: "127.0.0.1", port: 1)
    XCTAssertNil(connection.parameters.requiredLocalEndpoint)
  }

  func testTheVersionOfIPCanBeChosen() {
    let listener = RawListener()
    let parameters = NWParameters.tcp
    (parameters.defaultProtocolStack.internetProtocol as? NWProtocolIP.Options)?.version = .v6
    let six = Subject(listener.port, host: "localhost", using: parameters).start()
    XCTAssertEqual(six.states.wait(count: 2).last, .waiting(.posix(.ECONNREFUSED)))
    six.cancel()
  }
}
