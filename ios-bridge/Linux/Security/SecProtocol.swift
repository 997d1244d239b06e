import Dispatch
import Glibc

// The names of Security/SecProtocolOptions.h and its neighbours. On Apple these types are opaque objects.

/// Versions of TLS, by their numbers on the wire.
public enum tls_protocol_version_t: UInt16, Sendable {
  case TLSv10 = 0x0301
  case TLSv11 = 0x0302
  case TLSv12 = 0x0303
  case TLSv13 = 0x0304
  case DTLSv10 = 0xfeff
  case DTLSv12 = 0xfefd
}

/// How one end of a TLS connection behaves; made by NWProtocolTLS.Options.
public final class sec_protocol_options_t {
  package var settings = TLSSettings()

  package init() {}
}

/// What a handshake agreed on.
public final class sec_protocol_metadata_t {
  fileprivate let applicationProtocol: UnsafeMutablePointer<CChar>?
  fileprivate let version: tls_protocol_version_t

  package init(_ applicationProtocol: String?, _ version: tls_protocol_version_t) {
    self.applicationProtocol = applicationProtocol.flatMap { strdup($0) }
    self.version = version
  }

  deinit { free(applicationProtocol) }
}

/// A peer's chain on its way to a verify block.
public final class sec_trust_t {
  private let trust: SecTrust

  package init(_ trust: SecTrust) {
    self.trust = trust
  }

  fileprivate func retained() -> Unmanaged<SecTrust> { Unmanaged.passRetained(trust) }
}

/// How a verify block answers: true trusts the peer.
public typealias sec_protocol_verify_complete_t = (Bool) -> Void
/// Judges the peer's chain.
public typealias sec_protocol_verify_t =
  @Sendable (sec_protocol_metadata_t, sec_trust_t, @escaping sec_protocol_verify_complete_t) -> Void

/// A snapshot of the options, taken when a connection is made.
package struct TLSSettings: Sendable {
  package var serverName: String?
  package var minimum = tls_protocol_version_t.TLSv12
  package var maximum = tls_protocol_version_t.TLSv13
  package var applicationProtocols: [String] = []
  package var authenticatesPeer = true
  package var verify: sec_protocol_verify_t?
  package var verifyQueue: DispatchQueue?
}

/// The SecTrust inside; the caller takes the reference (`takeRetainedValue`).
public func sec_trust_copy_ref(_ trust: sec_trust_t) -> Unmanaged<SecTrust> { trust.retained() }

/// The name for SNI and for the certificate, in place of the endpoint's host.
public func sec_protocol_options_set_tls_server_name(
  _ options: sec_protocol_options_t,
  _ server_name: UnsafePointer<CChar>
) {
  options.settings.serverName = String(cString: server_name)
}

/// Offers one protocol more by ALPN, in the order of preference.
public func sec_protocol_options_add_tls_application_protocol(
  _ options: sec_protocol_options_t,
  _ application_protocol: UnsafePointer<CChar>
) {
  options.settings.applicationProtocols.append(String(cString: application_protocol))
}

/// The oldest version that is spoken; TLS 1.2 unless it is set.
public func sec_protocol_options_set_min_tls_protocol_version(
  _ options: sec_protocol_options_t,
  _ version: tls_protocol_version_t
) {
  options.settings.minimum = version
}

/// The newest version that is spoken; TLS 1.3 unless it is set.
public func sec_protocol_options_set_max_tls_protocol_version(
  _ options: sec_protocol_options_t,
  _ version: tls_protocol_version_t
) {
  options.settings.maximum = version
}

/// Whether a peer without a trusted certificate is refused; a client's default is yes.
public func sec_protocol_options_set_peer_authentication_required(
  _ options: sec_protocol_options_t,
  _ peer_authentication_required: Bool
) {
  options.settings.authenticatesPeer = peer_authentication_required
}

/// Leaves the decision about the peer's chain to a block. It runs on the queue and answers once, at once or later.
public func sec_protocol_options_set_verify_block(
  _ options: sec_protocol_options_t,
  _ verify_block: @escaping sec_protocol_verify_t,
  _ verify_block_queue: DispatchQueue
) {
  options.settings.verify = verify_block
  options.settings.verifyQueue = verify_block_queue
}

/// The protocol chosen by ALPN; nil when none was. The text lives as long as the metadata.
public func sec_protocol_metadata_get_negotiated_protocol(
  _ metadata: sec_protocol_metadata_t
) -> UnsafePointer<CChar>? {
  metadata.applicationProtocol.map { UnsafePointer($0) }
}

/// The version that the handshake agreed on.
public func sec_protocol_metadata_get_negotiated_tls_protocol_version(
  _ metadata: sec_protocol_metadata_t
) -> tls_protocol_version_t {
  metadata.version
}
