import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// Whom the client asks at all.
final class OriginAccessTests: OriginTestCase {
  // R-ORIGIN-7
  func testANameThatDoesNotResolveIsUpstreamDns() throws {
    let loop = loop
    let client = makeClient(lookup: { name, done in
      loop.later { done(.failure(LookupError("no address for \(ByteString(utf8: name))"))) }
    })
    let done = try client.fetch("http://nowhere.example/")
    XCTAssertEqual(done.failure, OriginFailure(code: .upstreamDns, detail: "no address for nowhere.example"))
    XCTAssertEqual(try makeClient().fetch("http://nowhere.invalid/").failure?.code, .upstreamDns)
  }

  // R-ORIGIN-6
  func testAddressesThatAreNotPublicAreRefusedWithoutAConnection() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient(allowPrivate: [])
    let hosts = [
      "127.0.0.1", "2130706433", "0x7f.1", "0177.0.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]",
    ]
    for host in hosts {
      let done = try client.fetch("http://\(host):\(origin.port)/")
      XCTAssertEqual(done.failure?.code, .forbiddenUpstream, host)
    }
    for host in ["10.0.0.1", "169.254.169.254", "192.168.0.1", "[fe80::1]", "[fd00::1]"] {
      XCTAssertEqual(try client.fetch("http://\(host)/").failure?.code, .forbiddenUpstream, host)
    }
    let named = makeClient(allowPrivate: [], lookup: resolver(["127.0.0.1", "::1"]))
    let done = try named.fetch("http://localhost:\(origin.port)/")
    XCTAssertEqual(done.failure, OriginFailure(code: .forbiddenUpstream, detail: "the address 127.0.0.1 is not public"))
    XCTAssertEqual(origin.connections.count, 0)
  }

  // R-ORIGIN-6
  func testOfANamesAddressesOnlyTheAllowedOnesAreConnectedTo() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let lookup = resolver(["10.1.2.3", "127.0.0.1"])
    let open = makeClient(allowPrivate: [ByteString(utf8: "127.0.0.1:\(origin.port)")], lookup: lookup)
    let done = try open.fetch("http://cdn.example:\(origin.port)/")
    XCTAssertEqual(done.text, "ok")
    XCTAssertEqual(origin.requests.first?.field("host"), "cdn.example:\(origin.port)")
    let shut = makeClient(allowPrivate: [], lookup: lookup)
    let refused = try shut.fetch("http://cdn.example:\(origin.port)/")
    XCTAssertEqual(refused.failure?.code, .forbiddenUpstream)
    XCTAssertEqual(origin.connections.count, 1)
  }

  // R-ORIGIN-8
  func testAnAddressThatRefusesIsFollowedByTheNext() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient(allowPrivate: ["*"], lookup: resolver(["::1", "127.0.0.2", "127.0.0.1"]))
    XCTAssertEqual(try client.fetch("http://cdn.example:\(origin.port)/").text, "ok")
    let (descriptor, port) = try listenOnLoopback()
    Foundation.close(descriptor)
    let none = try client.fetch("http://cdn.example:\(port)/")
    XCTAssertEqual(none.failure?.code, .upstreamRefused)
  }

  // R-ORIGIN-6
  func testHostsOutsideTheAllowListAndUrlsThatAreNoneAreRefused() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let strict = makeClient(allow: ["cdn.example"])
    XCTAssertEqual(try strict.fetch(origin.url).failure?.code, .forbiddenUpstream)
    let open = makeClient()
    let urls = [
      "", "x", "ftp://h/", "http://", "http:///a", "http://a b/", "http://u:p@127.0.0.1/", "http://h:99999/",
      "http://1.2.3.4.5/", "http://256.1.1.1/", "http://0x100000000/", "http://[::1::2]/", "http://[1.2.3.4]/",
      "\(origin.url)/a b", "\(origin.url)/\r\nX: y",
    ]
    for url in urls {
      XCTAssertEqual(try open.fetch(url).failure?.code, .badUrl, url)
    }
    XCTAssertEqual(origin.connections.count, 0)
  }

  // R-ORIGIN-1
  func testFieldsThatWouldBreakTheRequestAreAnInternalFailureNeverSent() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient()
    let breaking: [FieldList] = [
      ["X", "a\r\nY: b"], ["X Y", "a"], ["", "a"], ["X"], ["Transfer-Encoding", "chunked"], ["Expect", "100-continue"],
      ["Host", "x"], ["Upgrade", "h2c"], ["Content-Length", "x"], ["Connection", "a b"],
    ]
    for fields in breaking {
      XCTAssertEqual(try client.fetch(origin.url, .get, fields).failure?.code, .internal, "\(fields)")
    }
    XCTAssertEqual(origin.connections.count, 0)
    XCTAssertEqual(client.counts, [0, 0, 0])
    _ = try client.fetch(origin.url, .get, ["Connection", "Close", "Content-Length", "0", "Y", ""])
    XCTAssertEqual(
      origin.requests[0].head,
      "GET / HTTP/1.1\r\nhost: 127.0.0.1:\(origin.port)\r\nconnection: close\r\nY: \r\n\r\n"
    )
  }

  // R-ORIGIN-6
  func testAHostIsReadAsTheUrlStandardReadsIt() {
    let hosts: [(ByteString, ByteString?)] = [
      ("cdn.example", "cdn.example"), ("cdn.example.", "cdn.example."), ("a..b", "a..b"), ("1.2.3.4", "1.2.3.4"),
      ("1.2.3.4.", "1.2.3.4"), ("127.1", "127.0.0.1"), ("1.2.65535", "1.2.255.255"), ("0x7f.0x0.0.01", "127.0.0.1"),
      ("4294967295", "255.255.255.255"), ("4294967296", nil), ("1.2.3.256", nil), ("1.256.3", nil), ("08", nil),
      ("a.1", nil), ("a.0x", nil), ("1.b", "1.b"), ("0x", "0.0.0.0"), ("1..2", nil), ("a.1e", "a.1e"), (".", "."),
      ("[::1]", "::1"), ("[1:2]", nil), ("x-1.2a", "x-1.2a"), ("99999999999999999999999999999999", nil),
    ]
    for (host, wanted) in hosts { XCTAssertEqual(connectHost(host), wanted, host.description) }
  }
}
