import Foundation
import Network
import XCTest

final class EndpointTests: XCTestCase {
  func testAddressesAreReadFromText() {
    XCTAssertEqual(IPv4Address("192.0.2.7")?.rawValue, Data([192, 0, 2, 7]))
    XCTAssertEqual(
      IPv6Address("2001:db8::1")?.rawValue,
      Data([0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1])
    )
    for text in ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "::1"] { XCTAssertNil(IPv4Address(text), text) }
    for text in ["", "1.2.3.4", ":::", "1::2::3", "[::1]", "::1%no-such-interface"] {
      XCTAssertNil(IPv6Address(text), text)
    }
  }

  func testAddressesAreReadFromBytes() {
    XCTAssertEqual(IPv4Address(Data([127, 0, 0, 1])), .loopback)
    XCTAssertNil(IPv4Address(Data([127, 0, 0])))
    XCTAssertEqual(IPv6Address(Data([UInt8](repeating: 0, count: 15) + [1])), .loopback)
    XCTAssertNil(IPv6Address(Data([127, 0, 0, 1])))
  }

  func testAddressesOfPartsOfABufferAreRead() {
    let buffer = Data([9, 9, 10, 0, 0, 1, 9])
    XCTAssertEqual(IPv4Address(buffer[2..<6])?.debugDescription, "10.0.0.1")
    let long = Data([9] + [UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1])
    XCTAssertEqual(IPv6Address(long[1...])?.asIPv4, IPv4Address("10.0.0.1"))
  }

  func testAddressesKnowWhatTheyAreFor() {
    XCTAssertEqual(IPv4Address("127.3.2.1")?.isLoopback, true)
    XCTAssertEqual(IPv4Address("169.254.1.1")?.isLinkLocal, true)
    XCTAssertEqual(IPv4Address("224.0.0.1")?.isMulticast, true)
    XCTAssertEqual(IPv4Address("8.8.8.8").map { $0.isLoopback || $0.isLinkLocal || $0.isMulticast }, false)
    XCTAssertEqual(IPv6Address("::1")?.isLoopback, true)
    XCTAssertEqual(IPv6Address("fe80::1")?.isLinkLocal, true)
    XCTAssertEqual(IPv6Address("fd00::1")?.isUniqueLocal, true)
    XCTAssertEqual(IPv6Address("ff02::1")?.isMulticast, true)
    XCTAssertEqual(IPv6Address("::")?.isAny, true)
    XCTAssertEqual(IPv6Address("::ffff:1.2.3.4")?.asIPv4, IPv4Address("1.2.3.4"))
    XCTAssertNil(IPv6Address("::1.2.3.4")?.asIPv4)
  }

  func testAZoneIsKept() throws {
    let address = try XCTUnwrap(IPv6Address("fe80::1%lo"))
    XCTAssertEqual(address.interface?.name, "lo")
    XCTAssertEqual(address.interface?.type, .loopback)
    XCTAssertEqual(address.debugDescription, "fe80::1%lo")
    XCTAssertNotEqual(address, IPv6Address("fe80::1"))
    XCTAssertEqual(NWEndpoint.hostPort(host: .ipv6(address), port: 80).interface?.name, "lo")
  }

  func testAHostIsAnAddressWhenItsTextIsOne() {
    XCTAssertEqual(NWEndpoint.Host("127.0.0.1"), .ipv4(.loopback))
    XCTAssertEqual(NWEndpoint.Host("::1"), .ipv6(.loopback))
    XCTAssertEqual(NWEndpoint.Host("example.com"), .name("example.com", nil))
    XCTAssertEqual("127.1" as NWEndpoint.Host, .name("127.1", nil))
  }

  func testAPortIsReadFromDigits() {
    XCTAssertEqual(NWEndpoint.Port("8080")?.rawValue, 8080)
    XCTAssertEqual(8080 as NWEndpoint.Port, NWEndpoint.Port(rawValue: 8080))
    for text in ["", "-1", "65536", "80a"] { XCTAssertNil(NWEndpoint.Port(text), text) }
    XCTAssertEqual(NWEndpoint.Port.https.rawValue, 443)
    XCTAssertEqual(NWEndpoint.Port.any.rawValue, 0)
  }

  func testEndpointsDescribeThemselves() {
    XCTAssertEqual("\(NWEndpoint.hostPort(host: "127.0.0.1", port: 80))", "127.0.0.1:80")
    XCTAssertEqual("\(NWEndpoint.hostPort(host: "::1", port: 80))", "::1.80")
    XCTAssertEqual("\(NWEndpoint.hostPort(host: "example.com", port: 80))", "example.com:80")
    XCTAssertEqual("\(NWEndpoint.unix(path: "/tmp/x"))", "/tmp/x")
  }

  func testErrorsDescribeThemselves() {
    XCTAssertTrue("\(NWError.posix(.ECONNREFUSED))".contains("Connection refused"))
    XCTAssertEqual("\(NWError.tls(-9807))", "-9807")
    XCTAssertEqual(NWError.posix(.EPIPE), .posix(.EPIPE))
    XCTAssertNotEqual(NWError.dns(1), .tls(1))
  }
}
