#if os(Linux)
  import Foundation
  import OpenSSL
  import ReelcacheCore
  import XCTest

  @testable import ReelcacheEdge

  final class OriginTlsTests: OriginTestCase {
    private func secured(_ server: TlsServer) -> @Sendable (Int32) -> (any RawStream)? {
      { descriptor in TlsStream(server, descriptor) }
    }

    // R-ORIGIN-9
    func testAnUnknownCertificateIsUpstreamTlsAKnownOneIsGood() throws {
      let server = try TlsServer("DNS:origin.test,IP:127.0.0.1")
      let origin = try makeOrigin(secured: secured(server)) { _, connection in connection.write(simpleResponse) }
      let unknown = try makeClient().fetch(origin.url)
      XCTAssertEqual(unknown.failure?.code, .upstreamTls)
      let why = try XCTUnwrap(unknown.failure?.detail.description)
      XCTAssertTrue(why.contains("certificate"), "the log says why: \(why)")
      let known = makeClient(tls: OriginTls(ca: server.pem))
      for _ in 0..<2 { XCTAssertEqual(try known.fetch(origin.url).text, "ok") }
      XCTAssertEqual(origin.requests.map(\.turn), [0, 1], "the connection is kept")
    }

    // R-ORIGIN-9
    func testACertificateMustBeForTheUrlsHostWhateverItsAddress() throws {
      let server = try TlsServer("DNS:origin.test")
      let origin = try makeOrigin(secured: secured(server)) { _, connection in connection.write(simpleResponse) }
      let client = makeClient(tls: OriginTls(ca: server.pem), lookup: resolver(["127.0.0.1"]))
      XCTAssertNil(try client.fetch("https://origin.test:\(origin.port)/").failure)
      XCTAssertEqual(server.names, ["origin.test"])
      XCTAssertNil(try client.fetch("https://Origin.TEST.:\(origin.port)/").failure)
      XCTAssertEqual(origin.requests.last?.field("host"), "Origin.TEST.:\(origin.port)")
      XCTAssertEqual(server.names, ["origin.test", "origin.test"])
      XCTAssertEqual(try client.fetch("https://other.test:\(origin.port)/").failure?.code, .upstreamTls)
      // Who hangs up may be heard later than who comes next.
      loop.until("the third shook hands") { server.names.count == 3 }
      XCTAssertEqual(try client.fetch(origin.url).failure?.code, .upstreamTls)
      loop.until("all shook hands") { server.names.count == 4 }
      XCTAssertEqual(server.names, ["origin.test", "origin.test", "other.test", ""], "an address has no name to send")
      let trusting = makeClient(tls: OriginTls(rejectUnauthorized: false))
      XCTAssertNil(try trusting.fetch(origin.url).failure)
    }

    // R-ORIGIN-2
    func testHttp2IsNotOffered() throws {
      let server = try TlsServer("IP:127.0.0.1")
      let origin = try makeOrigin(secured: secured(server)) { _, connection in connection.write(simpleResponse) }
      XCTAssertNil(try makeClient(tls: OriginTls(ca: server.pem)).fetch(origin.url).failure)
      XCTAssertEqual(server.offers, [Data("\u{8}http/1.1".utf8)])
    }

    // R-ORIGIN-9
    func testTlsToAnOriginThatSpeaksPlainHttpOrHangsUpIsUpstreamTls() throws {
      let plain = try makeOrigin(onConnection: { $0.write(simpleResponse) }, { _, _ in })
      let client = makeClient()
      XCTAssertEqual(try client.fetch("https://127.0.0.1:\(plain.port)/").failure?.code, .upstreamTls)
      let rude = try makeOrigin(onConnection: { $0.end() }, { _, _ in })
      XCTAssertEqual(try client.fetch("https://127.0.0.1:\(rude.port)/").failure?.code, .upstreamTls)
      let ruder = try makeOrigin(onConnection: { $0.reset() }, { _, _ in })
      XCTAssertEqual(try client.fetch("https://127.0.0.1:\(ruder.port)/").failure?.code, .upstreamTls)
    }

    // R-ORIGIN-9
    func testOlderVersionsOfTlsAreRefused() throws {
      let server = try TlsServer("IP:127.0.0.1", newest: TLS1_1_VERSION)
      let origin = try makeOrigin(secured: secured(server)) { _, connection in connection.write(simpleResponse) }
      let done = try makeClient(tls: OriginTls(ca: server.pem)).fetch(origin.url)
      XCTAssertEqual(done.failure?.code, .upstreamTls)
    }

    // R-ORIGIN-2
    func testALargeBodyComesWholeThroughTls() throws {
      let server = try TlsServer("IP:127.0.0.1")
      let total = 5_000_000
      let origin = try makeOrigin(secured: secured(server)) { _, connection in
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
        connection.writePattern(total)
      }
      let done = try makeClient(tls: OriginTls(ca: server.pem)).fetch(origin.url)
      XCTAssertNil(done.failure)
      XCTAssertEqual(done.body, testBody(0, total))
    }

    // R-ORIGIN-15
    func testABodyThatEndsWithItsConnectionEndsWellByCloseNotifyAlone() throws {
      let server = try TlsServer("IP:127.0.0.1")
      let origin = try makeOrigin(secured: secured(server)) { request, connection in
        connection.write("HTTP/1.1 200 OK\r\n\r\nabc")
        if request.target == "/whole" { connection.end() } else { connection.cut() }
      }
      let client = makeClient(tls: OriginTls(ca: server.pem))
      XCTAssertNil(try client.fetch("\(origin.url)/whole").failure)
      let cut = try client.fetch("\(origin.url)/cut")
      XCTAssertEqual(cut.failure?.code, .upstreamTruncated)
      XCTAssertEqual(cut.text, "abc")
    }

    func testCertificatesAreReadFromPemText() throws {
      let server = try TlsServer("IP:127.0.0.1")
      let text = Data("what follows is one\n".utf8) + server.pem + Data("# and another\r\n".utf8) + server.pem
      XCTAssertEqual(pemCertificates(text), [server.der, server.der])
      XCTAssertEqual(pemCertificates(Data("-----BEGIN CERTIFICATE-----\nAAAA".utf8)), [])
      XCTAssertEqual(pemCertificates(Data()), [])
    }
  }
#endif
