import Foundation
import Network
import OpenSSL
import Security
import XCTest

final class TLSTests: XCTestCase {
  override func setUpWithError() throws { _ = try XCTUnwrap(TestAuthority.root) }

  func testBytesGoBothWays() throws {
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      XCTAssertEqual(peer.read(5), Data("hello".utf8))
      peer.write(Data("world".utf8))
      peer.closeNotify()
    }
    let subject = Subject(server.port, using: .tls)
    subject.send("hello")
    subject.start()
    XCTAssertEqual(subject.receiveAll().data, Data("world".utf8))
    XCTAssertEqual(subject.sent.wait(count: 1), [nil], "told behind what came in")
    XCTAssertEqual(subject.states.values, [.preparing, .ready])
  }

  func testEachVersionFromTwelveOnWorks() throws {
    for (number, version) in [(TLS1_2_VERSION, tls_protocol_version_t.TLSv12), (TLS1_3_VERSION, .TLSv13)] {
      let server = try TLSServer(TestAuthority.server()) { context in
        shim_SSL_CTX_set_min_proto_version(context, number)
        shim_SSL_CTX_set_max_proto_version(context, number)
      }
      server.serve { peer in
        XCTAssertTrue(peer.accept())
        peer.write(peer.read(4))
      }
      let subject = Subject(server.port, using: .tls).startReady()
      subject.send("same")
      XCTAssertEqual(subject.receiveNext(4), .text("same"))
      let metadata = subject.connection.metadata(definition: NWProtocolTLS.definition) as? NWProtocolTLS.Metadata
      XCTAssertEqual(
        metadata.map { sec_protocol_metadata_get_negotiated_tls_protocol_version($0.securityProtocolMetadata) },
        version
      )
    }
  }

  func testAnOlderVersionIsRefused() throws {
    let server = try TLSServer(TestAuthority.server()) { context in
      SSL_CTX_set_security_level(context, 0)
      shim_SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION)
      shim_SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION)
    }
    server.serve { XCTAssertFalse($0.accept()) }
    XCTAssertEqual(waiting(Subject(server.port, using: .tls)), .tls(-9836))
  }

  func testTheMinimumVersionCanBeRaised() throws {
    let server = try TLSServer(TestAuthority.server()) { shim_SSL_CTX_set_max_proto_version($0, TLS1_2_VERSION) }
    server.serve { XCTAssertFalse($0.accept()) }
    let options = NWProtocolTLS.Options()
    sec_protocol_options_set_min_tls_protocol_version(options.securityProtocolOptions, .TLSv13)
    XCTAssertEqual(waiting(Subject(server.port, using: NWParameters(tls: options))), .tls(-9836))
  }

  func testMuchArrivesAsItWasSent() throws {
    let all = pattern(12_000_000)
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      XCTAssertEqual(peer.read(all.count), all)
      for start in stride(from: 0, to: all.count, by: 1 << 20) {
        peer.write(all[start..<min(start + 1 << 20, all.count)])
      }
      peer.closeNotify()
    }
    let subject = Subject(server.port, using: .tls).startReady()
    subject.send(all)
    let (data, last) = subject.receiveAll()
    XCTAssertEqual(data, all)
    XCTAssertNil(last?.error)
    XCTAssertEqual(subject.sent.wait(count: 1), [nil])
  }

  func testContentBeyondTheMaximumIsKeptForTheNextReceiver() throws {
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      peer.write(Data("abcdefgh".utf8))
      _ = peer.read(1)
    }
    let subject = Subject(server.port, using: .tls).startReady()
    XCTAssertEqual(subject.receiveNext(3, 3), .text("abc"))
    XCTAssertEqual(subject.receiveNext(1, 3), .text("def"))
    XCTAssertEqual(subject.receiveNext(1, 3), .text("gh"))
    subject.cancel()
  }

  func testContentThatComesWithTheEndOfTheHandshakeIsReceived() throws {
    let server = try TLSServer(TestAuthority.server()) { shim_SSL_CTX_set_max_proto_version($0, TLS1_2_VERSION) }
    server.serve { peer in
      // The system holds back what is short of a segment, so that the last flight and the content leave together.
      var yes: Int32 = 1
      setsockopt(peer.socket.descriptor, Int32(IPPROTO_TCP), TCP_CORK, &yes, socklen_t(MemoryLayout<Int32>.size))
      XCTAssertTrue(peer.accept())
      peer.write(Data("at once".utf8))
      _ = peer.read(1)
    }
    let subject = Subject(server.port, using: .tls).startReady()
    let begun = Date()
    XCTAssertEqual(subject.receiveNext(), .text("at once"))
    XCTAssertLessThan(Date().timeIntervalSince(begun), 5, "it came with the end of the connection only")
    subject.cancel()
  }

  func testTheEndIsToldApartFromATruncation() throws {
    let server = try TLSServer(TestAuthority.server())
    for ends in [true, false] {
      server.serve { peer in
        XCTAssertTrue(peer.accept())
        peer.write(Data("content".utf8))
        if ends { peer.closeNotify() }
        peer.socket.finish()
        _ = peer.socket.readToEnd()
      }
      let subject = Subject(server.port, using: .tls).startReady()
      let (data, last) = subject.receiveAll()
      XCTAssertEqual(data, Data("content".utf8))
      XCTAssertEqual(last?.isComplete, true)
      XCTAssertEqual(last?.error, ends ? nil : .tls(-9816))
      if !ends { XCTAssertEqual(subject.states.wait(count: 3).last, .failed(.tls(-9816))) }
      subject.cancel()
    }
  }

  func testAResetBreaksTheConnection() throws {
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      _ = peer.read(1)
      peer.socket.reset()
    }
    let subject = Subject(server.port, using: .tls).startReady()
    subject.send("x")
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECONNRESET)))
  }

  func testCancelSendsTheRestAndSaysThatItWasAll() throws {
    let all = pattern(6_000_000)
    let got = Recorder<Data?>()
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      got.add(peer.readToEnd())
    }
    let subject = Subject(server.port, using: .tls).startReady()
    subject.send(all)
    subject.send("end")
    subject.cancel()
    XCTAssertEqual(got.wait(count: 1), [all + Data("end".utf8)])
  }

  func testAFinalContentEndsThisSideOnly() throws {
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      XCTAssertEqual(peer.readToEnd(), Data("question".utf8))
      peer.write(Data("answer".utf8))
      peer.closeNotify()
    }
    let subject = Subject(server.port, using: .tls).startReady()
    subject.send(Data("question".utf8), .finalMessage)
    XCTAssertEqual(subject.receiveAll().data, Data("answer".utf8))
  }

  func testAPeerThatSpeaksNoTLSIsRefused() throws {
    let listener = RawListener()
    let subject = Subject(listener.port, using: .tls).start()
    let peer = listener.accept()
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n")
    guard case .tls = waiting(subject) else { return XCTFail("\(subject.states.values)") }
  }

  func testAPeerThatGoesDuringTheHandshakeIsRefused() throws {
    let listener = RawListener()
    let subject = Subject(listener.port, using: .tls).start()
    let peer = listener.accept()
    _ = peer.read(5)
    peer.finish()
    XCTAssertEqual(waiting(subject), .tls(-9806))
    let other = Subject(listener.port, using: .tls).start()
    listener.accept().reset()
    XCTAssertEqual(waiting(other), .posix(.ECONNRESET))
  }

  func testThePeersAlertIsTold() throws {
    let server = try TLSServer(TestAuthority.server()) { SSL_CTX_set_cipher_list($0, "ECDHE-RSA-AES128-GCM-SHA256") }
    server.serve { peer in
      // An ECDSA certificate and ciphers for RSA only.
      shim_SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION)
      XCTAssertFalse(peer.accept())
    }
    XCTAssertEqual(waiting(Subject(server.port, using: .tls)), .tls(-9824))
  }

  func testAWaitingConnectionTriesTheHandshakeAgain() throws {
    let server = try TLSServer(TestAuthority.server())
    server.serve { peer in peer.socket.reset() }
    let subject = Subject(server.port, using: .tls).start()
    XCTAssertEqual(waiting(subject), .posix(.ECONNRESET))
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      XCTAssertEqual(peer.read(2), Data("ok".utf8))
    }
    subject.send("ok")
    subject.connection.restart()
    subject.states.wait { $0.last == .ready }
    XCTAssertEqual(subject.sent.wait(count: 1), [nil])
  }

  func testTheNameIsSentAndAnAddressIsNot() throws {
    for (host, name) in [("localhost", "localhost"), ("127.0.0.1", nil)] as [(String, String?)] {
      XCTAssertEqual(try serverName(NWEndpoint.Host(host), NWProtocolTLS.Options()), name)
    }
    let options = NWProtocolTLS.Options()
    sec_protocol_options_set_tls_server_name(options.securityProtocolOptions, "localhost")
    XCTAssertEqual(try serverName("127.0.0.1", options), "localhost")
  }

  func testAProtocolIsAgreedOn() throws {
    let server = try TLSServer(TestAuthority.server()) { context in
      SSL_CTX_set_alpn_select_cb(
        context,
        { _, out, length, offered, count, _ in
          // The second of "\u{2}h2\u{8}http/1.1".
          guard count == 12, let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
          out?.pointee = offered + 4
          length?.pointee = 8
          return SSL_TLSEXT_ERR_OK
        },
        nil
      )
    }
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      _ = peer.read(1)
    }
    let options = NWProtocolTLS.Options()
    sec_protocol_options_add_tls_application_protocol(options.securityProtocolOptions, "h2")
    sec_protocol_options_add_tls_application_protocol(options.securityProtocolOptions, "http/1.1")
    let subject = Subject(server.port, using: NWParameters(tls: options)).startReady()
    let metadata = subject.connection.metadata(definition: NWProtocolTLS.definition) as? NWProtocolTLS.Metadata
    let chosen = metadata.flatMap { sec_protocol_metadata_get_negotiated_protocol($0.securityProtocolMetadata) }
    XCTAssertEqual(chosen.map { String(cString: $0) }, "http/1.1")
    subject.cancel()
  }

  private func serverName(_ host: NWEndpoint.Host, _ options: NWProtocolTLS.Options) throws -> String? {
    let server = try TLSServer(TestAuthority.server())
    let names = Recorder<String?>()
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      names.add(peer.serverName)
      _ = peer.read(1)
    }
    let subject = Subject(server.port, host: host, using: NWParameters(tls: options)).startReady()
    defer { subject.cancel() }
    return names.wait(count: 1)[0]
  }
}

/// The error that a connection waits with.
func waiting(_ subject: Subject, _ file: StaticString = #filePath, _ line: UInt = #line) -> NWError? {
  subject.start()
  for case .waiting(let error) in subject.states.wait(count: 2, file, line) { return error }
  return nil
}
