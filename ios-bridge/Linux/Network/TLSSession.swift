import Glibc
import OpenSSL
import Security

/// The client's end of one TLS connection: bytes in, bytes out, no socket. Used under the connection's lock.
final class TLSSession: @unchecked Sendable {
  enum HandshakeStep {
    case done
    case wantsInput
    /// Somebody has to judge the peer's chain; `decide` tells, then the handshake goes on.
    case wantsVerdict
    case failed(NWError)
  }

  enum ReadOutcome {
    case bytes(Int)
    case wantsInput
    /// The peer said that this was all (close_notify).
    case closed
    case failed(NWError)
  }

  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer
  private let settings: TLSSettings
  private let name: String
  private var verdict: NWError??
  private var chain: [OpaquePointer] = []

  /// `host` is the endpoint's: a name or an address.
  init(_ settings: TLSSettings, _ host: String) {
    guard let ssl = SSL_new(TLSContext.shared.pointer), let input = BIO_new(BIO_s_mem()),
      let output = BIO_new(BIO_s_mem())
    else { fatalError("no memory for a TLS session") }
    self.ssl = ssl
    self.input = input
    self.output = output
    self.settings = settings
    name = settings.serverName ?? host
    // An empty buffer is not the end of the stream.
    shim_BIO_set_mem_eof_return(input, -1)
    shim_BIO_set_mem_eof_return(output, -1)
    SSL_set_bio(ssl, input, output)
    SSL_set_connect_state(ssl)
    configure()
  }

  deinit {
    SSL_free(ssl)
    for certificate in chain { X509_free(certificate) }
  }

  private func configure() {
    shim_SSL_set_min_proto_version(ssl, Int32(settings.minimum.rawValue))
    shim_SSL_set_max_proto_version(ssl, Int32(settings.maximum.rawValue))
    // An address has no place in SNI (RFC 6066 section 3).
    if IPv4Address(name) == nil && IPv6Address(name) == nil { shim_SSL_set_tlsext_host_name(ssl, name) }
    let protocols = settings.applicationProtocols.flatMap {
      [UInt8(clamping: $0.utf8.count)] + Array($0.utf8.prefix(255))
    }
    if !protocols.isEmpty { SSL_set_alpn_protos(ssl, protocols, UInt32(protocols.count)) }
    let verifies = settings.authenticatesPeer || settings.verify != nil
    SSL_set_verify(ssl, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    SSL_set_ex_data(ssl, TLSContext.sessionIndex, Unmanaged.passUnretained(self).toOpaque())
  }

  /// What came from the peer.
  func feed(_ bytes: UnsafeRawPointer, _ count: Int) { BIO_write(input, bytes, Int32(count)) }

  /// What is to go to the peer, taken out.
  func takeOutput(_ take: (UnsafeRawBufferPointer) -> Void) {
    var start: UnsafeMutablePointer<CChar>?
    let count = shim_BIO_get_mem_data(output, &start)
    guard count > 0, let start else { return }
    take(UnsafeRawBufferPointer(start: start, count: count))
    _ = shim_BIO_reset(output)
  }

  func handshake() -> HandshakeStep {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return .done }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsInput
    case SSL_ERROR_WANT_RETRY_VERIFY: return .wantsVerdict
    default: return .failed(failure())
    }
  }

  /// Up to `count` bytes of content.
  func read(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> ReadOutcome {
    ERR_clear_error()
    let result = SSL_read(ssl, bytes, Int32(clamping: count))
    if result > 0 { return .bytes(Int(result)) }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsInput
    case SSL_ERROR_ZERO_RETURN: return .closed
    default: return .failed(failure())
    }
  }

  /// Encrypts content; the bytes are in the output then.
  func write(_ bytes: UnsafeRawBufferPointer) -> NWError? {
    guard bytes.count > 0 else { return nil }
    ERR_clear_error()
    let result = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
    return result == Int32(clamping: bytes.count) ? nil : failure()
  }

  /// Says that nothing more will come from this end (close_notify).
  func closeNotify() {
    ERR_clear_error()
    SSL_shutdown(ssl)
    ERR_clear_error()
  }

  /// The judge's answer: nil when the chain is trusted. Only the first one counts.
  func decide(_ error: NWError?) -> Bool {
    guard verdict == nil else { return false }
    verdict = .some(error)
    return true
  }

  /// What to ask a judge.
  func trust() -> SecTrust? {
    guard let leaf = chain.first else { return nil }
    let certificates = chain.map { pointer in
      X509_up_ref(pointer)
      return SecCertificate(owning: pointer)
    }
    withExtendedLifetime(leaf) {}
    return SecTrust(certificates[0], Array(certificates.dropFirst()), SecPolicyCreateSSL(true, plainName))
  }

  var metadata: sec_protocol_metadata_t {
    var chosen: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &chosen, &count)
    let text = chosen.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self) }
    let version = UInt16(exactly: SSL_version(ssl)).flatMap { tls_protocol_version_t(rawValue: $0) }
    return sec_protocol_metadata_t(text, version ?? .TLSv12)
  }

  /// The name without a zone: certificates know none.
  private var plainName: String { String(name.prefix { $0 != "%" }) }

  private func failure() -> NWError {
    if case .some(.some(let refused)) = verdict { return refused }
    defer { ERR_clear_error() }
    return .tls(tlsStatus(ERR_peek_error()))
  }

  /// Called by OpenSSL when the peer's chain is there; again once the judge has answered.
  fileprivate func judge(_ context: OpaquePointer) -> Int32 {
    guard let verdict else {
      if chain.isEmpty { chain = peerChain(context) }
      _ = shim_SSL_set_retry_verify(ssl)
      return 1
    }
    if verdict == nil { return 1 }
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_REJECTED)
    return 0
  }

  private func peerChain(_ context: OpaquePointer) -> [OpaquePointer] {
    let untrusted = X509_STORE_CTX_get0_untrusted(context)
    guard let leaf = X509_STORE_CTX_get0_cert(context) else { return [] }
    let rest = (0..<shim_sk_X509_num(untrusted)).compactMap { shim_sk_X509_value(untrusted, $0) }
    let all = [leaf] + rest.filter { $0 != leaf }
    for certificate in all { X509_up_ref(certificate) }
    return all
  }
}

/// What all sessions share.
private final class TLSContext: @unchecked Sendable {
  static let shared = TLSContext()
  /// Where an SSL keeps its session.
  static let sessionIndex = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, nil, nil, nil, nil)

  let pointer: OpaquePointer

  private init() {
    guard let context = SSL_CTX_new(TLS_client_method()) else { fatalError("no memory for TLS") }
    pointer = context
    shim_SSL_CTX_set_mode(context, Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER) | Int(SSL_MODE_RELEASE_BUFFERS))
    shim_SSL_CTX_forbid_renegotiation(context)
    SSL_CTX_set_cert_verify_callback(
      context,
      { context, _ in
        guard
          let context,
          let ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()),
          let session = SSL_get_ex_data(OpaquePointer(ssl), TLSContext.sessionIndex)
        else { return 0 }
        return Unmanaged<TLSSession>.fromOpaque(session).takeUnretainedValue().judge(context)
      },
      nil
    )
  }
}
