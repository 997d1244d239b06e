import Foundation
import Network
import OpenSSL
import Security
import XCTest

final class TLSTrustTests: XCTestCase {
  private let queue = DispatchQueue(label: "test.trust")

  override func setUpWithError() throws { _ = try XCTUnwrap(TestAuthority.root) }

  func testAnUnknownAuthorityIsNotTrusted() throws {
    let stranger = try Identity("Stranger", isAuthority: true)
    let identity = try Identity("server", names: "DNS:localhost,IP:127.0.0.1", issuer: stranger)
    XCTAssertEqual(try refusal(of: identity, NWProtocolTLS.Options()), .tls(-9807))
  }

  func testACertificateForAnotherNameIsNotTrusted() throws {
    XCTAssertEqual(
      try refusal(of: TestAuthority.server(names: "DNS:example.com"), NWProtocolTLS.Options()),
      .tls(-9843)
    )
    XCTAssertEqual(try refusal(of: TestAuthority.server(names: "IP:127.0.0.2"), NWProtocolTLS.Options()), .tls(-9843))
  }

  func testANameInTheSubjectAloneIsNotTrusted() throws {
    let identity = try Identity("127.0.0.1", issuer: XCTUnwrap(TestAuthority.root))
    XCTAssertEqual(try refusal(of: identity, NWProtocolTLS.Options()), .tls(-9843))
  }

  func testAnExpiredCertificateIsNotTrusted() throws {
    XCTAssertEqual(try refusal(of: TestAuthority.server(days: -1), NWProtocolTLS.Options()), .tls(-9814))
  }

  func testThePeerLearnsOfTheRefusal() throws {
    let server = try TLSServer(TestAuthority.server(names: "DNS:example.com"))
    let reasons = Recorder<Int32>()
    server.serve { peer in
      if peer.accept() { _ = peer.read(1) }
      reasons.add(peer.reason)
    }
    let subject = Subject(server.port, using: .tls)
    XCTAssertNotNil(waiting(subject))
    let alert = reasons.wait(count: 1)[0] - 1000
    XCTAssertTrue([42, 46, 48].contains(alert), "alert \(alert)")
  }

  func testAnIntermediateThatThePeerSendsCompletesTheChain() throws {
    let intermediate = try Identity("Between", issuer: XCTUnwrap(TestAuthority.root), isAuthority: true)
    let identity = try Identity("server", names: "IP:127.0.0.1", issuer: intermediate)
    XCTAssertTrue(try accepts(identity, chain: [intermediate], NWProtocolTLS.Options()))
    XCTAssertEqual(try refusal(of: identity, NWProtocolTLS.Options()), .tls(-9807))
  }

  func testAPeerNeedNotBeTrustedWhenNobodyAsks() throws {
    let options = NWProtocolTLS.Options()
    sec_protocol_options_set_peer_authentication_required(options.securityProtocolOptions, false)
    XCTAssertTrue(try accepts(Identity("nobody"), options))
  }

  func testAVerifyBlockDecidesInPlaceOfTheSystem() throws {
    XCTAssertTrue(try accepts(Identity("self-signed"), verifying { _ in true }))
    XCTAssertEqual(try refusal(of: TestAuthority.server(), verifying { _ in false }), .tls(-9808))
  }

  func testAVerifyBlockMayAnswerLater() throws {
    let options = NWProtocolTLS.Options()
    let answers = Recorder<Answer>()
    sec_protocol_options_set_verify_block(
      options.securityProtocolOptions,
      { _, _, complete in answers.add(Answer(complete: complete)) },
      queue
    )
    let server = try TLSServer(Identity("self-signed"))
    server.serve { peer in
      XCTAssertTrue(peer.accept())
      peer.write(Data("in".utf8))
      _ = peer.read(1)
    }
    let subject = Subject(server.port, using: NWParameters(tls: options)).start()
    let answer = answers.wait(count: 1)[0]
    XCTAssertEqual(subject.states.values, [.preparing])
    answer.complete(true)
    answer.complete(false)
    XCTAssertEqual(subject.receiveNext(), .text("in"))
    subject.cancel()
  }

  func testAnAnswerAfterCancelChangesNothing() throws {
    let options = NWProtocolTLS.Options()
    let answers = Recorder<Answer>()
    sec_protocol_options_set_verify_block(
      options.securityProtocolOptions,
      { _, _, complete in answers.add(Answer(complete: complete)) },
      queue
    )
    let server = try TLSServer(Identity("self-signed"))
    server.serve { XCTAssertFalse($0.accept() && !$0.read(1).isEmpty) }
    let subject = Subject(server.port, using: NWParameters(tls: options)).start()
    let answer = answers.wait(count: 1)[0]
    subject.cancel()
    answer.complete(true)
    XCTAssertEqual(subject.receiveNext(), .failed(.posix(.ECANCELED)))
    XCTAssertEqual(subject.states.values, [.preparing, .cancelled])
  }

  func testAVerifyBlockMayTrustAPrivateAuthority() throws {
    let authority = try Identity("Private", isAuthority: true)
    let identity = try Identity("server", names: "IP:127.0.0.1", issuer: authority)
    let anchors = [authority.der]
    XCTAssertTrue(try accepts(identity, verifying { evaluate($0, anchors, only: true) }))
    XCTAssertTrue(try accepts(identity, verifying { evaluate($0, anchors, only: false) }))
    // The name counts all the same.
    let other = try Identity("server", names: "DNS:example.com", issuer: authority)
    XCTAssertEqual(try refusal(of: other, verifying { evaluate($0, anchors, only: false) }), .tls(-9808))
  }

  func testOwnAnchorsReplaceTheSystemsOrAddToThem() throws {
    let authority = try Identity("Private", isAuthority: true)
    let anchors = [authority.der]
    XCTAssertEqual(
      try refusal(of: TestAuthority.server(), verifying { evaluate($0, anchors, only: true) }),
      .tls(-9808)
    )
    XCTAssertTrue(try accepts(TestAuthority.server(), verifying { evaluate($0, anchors, only: false) }))
  }

  func testAnAnchorMayBeTheServersOwnCertificate() throws {
    let identity = try Identity("server", names: "IP:127.0.0.1")
    let anchors = [identity.der]
    XCTAssertTrue(try accepts(identity, verifying { evaluate($0, anchors, only: true) }))
  }

  func testAPolicyCanAskForAnotherName() throws {
    let identity = try TestAuthority.server(names: "DNS:media.example.com")
    let named: @Sendable (SecTrust) -> Bool = { trust in
      SecTrustSetPolicies(trust, SecPolicyCreateSSL(true, "media.example.com" as CFString))
      return SecTrustEvaluateWithError(trust, nil)
    }
    XCTAssertTrue(try accepts(identity, verifying(named)))
    let wild = try TestAuthority.server(names: "DNS:*.example.com")
    XCTAssertTrue(try accepts(wild, verifying(named)))
  }

  func testATrustGivesItsChainAndSaysWhatIsWrong() throws {
    let identity = try TestAuthority.server(names: "DNS:example.com")
    let expected = identity.der
    let options = verifying { trust in
      let chain = SecTrustCopyCertificateChain(trust) as? [SecCertificate] ?? []
      XCTAssertEqual(chain.map { SecCertificateCopyData($0) as Data }, [expected])
      var error: CFError?
      XCTAssertFalse(SecTrustEvaluateWithError(trust, &error))
      XCTAssertEqual(error.map { CFErrorGetCode($0) }, CFIndex(errSecHostNameMismatch))
      return false
    }
    XCTAssertEqual(try refusal(of: identity, options), .tls(-9808))
  }

  func testOnlyWholeCertificatesAreRead() throws {
    let der = try Identity("x").der
    XCTAssertEqual(SecCertificateCreateWithData(nil, der as CFData).map { SecCertificateCopyData($0) as Data }, der)
    XCTAssertNil(SecCertificateCreateWithData(nil, der.dropLast() as CFData))
    XCTAssertNil(SecCertificateCreateWithData(nil, (der + [0]) as CFData))
    XCTAssertNil(SecCertificateCreateWithData(nil, Data() as CFData))
  }

  /// Whether a handshake with this server succeeds.
  private func accepts(_ identity: Identity, chain: [Identity] = [], _ options: NWProtocolTLS.Options) throws -> Bool {
    let server = try TLSServer(identity, chain: chain)
    server.serve { peer in
      if peer.accept() { peer.write(Data("in".utf8)) }
      _ = peer.read(1)
    }
    let subject = Subject(server.port, using: NWParameters(tls: options)).start()
    let states = subject.states.wait(count: 2)
    subject.cancel()
    return states.contains(.ready)
  }

  /// The error that a handshake with this server comes to.
  private func refusal(of identity: Identity, _ options: NWProtocolTLS.Options) throws -> NWError? {
    let server = try TLSServer(identity)
    server.serve { peer in
      if peer.accept() { _ = peer.read(1) }
    }
    let subject = Subject(server.port, using: NWParameters(tls: options))
    defer { subject.cancel() }
    return waiting(subject)
  }

  private func verifying(_ judge: @escaping @Sendable (SecTrust) -> Bool) -> NWProtocolTLS.Options {
    let options = NWProtocolTLS.Options()
    sec_protocol_options_set_verify_block(
      options.securityProtocolOptions,
      { [queue] _, trust, complete in
        dispatchPrecondition(condition: .onQueue(queue))
        complete(judge(sec_trust_copy_ref(trust).takeRetainedValue()))
      },
      queue
    )
    return options
  }
}

private struct Answer: @unchecked Sendable {
  let complete: sec_protocol_verify_complete_t
}

/// The way of a client with certificates of its own to trust.
private func evaluate(_ trust: SecTrust, _ anchors: [Data], only: Bool) -> Bool {
  let certificates = anchors.compactMap { SecCertificateCreateWithData(nil, $0 as CFData) }
  SecTrustSetAnchorCertificates(trust, certificates as CFArray)
  SecTrustSetAnchorCertificatesOnly(trust, only)
  return SecTrustEvaluateWithError(trust, nil)
}
