import Dispatch
import Network
import ReelcacheCore
import Security

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Whom to trust at origins. `ca` is PEM text: its certificates are trusted in place of the system's.
package struct OriginTls: Sendable {
  package var ca: Data?
  package var rejectUnauthorized: Bool

  package init(ca: Data? = nil, rejectUnauthorized: Bool = true) {
    self.ca = ca
    self.rejectUnauthorized = rejectUnauthorized
  }
}

/// How to connect: TCP, or TLS over it. `onDistrust` hears why a certificate is not trusted: on the loop, and before the
/// connection fails of it.
func originParameters(
  _ key: OriginKey,
  _ tls: OriginTls,
  _ loop: EventLoop,
  _ onDistrust: @escaping @Sendable (ByteString) -> Void
) -> NWParameters {
  let tcp = NWProtocolTCP.Options()
  tcp.noDelay = true
  tcp.enableKeepalive = true
  tcp.keepaliveIdle = tcpKeepAliveSeconds
  let parameters = NWParameters(tls: key.secure ? tlsOptions(key, tls, loop, onDistrust) : nil, tcp: tcp)
  parameters.preferNoProxies = true
  return parameters
}

/// Time after which the kernel probes a silent peer, in seconds.
private let tcpKeepAliveSeconds = 60

/// Certificates are judged here: it takes time, so never on the loop.
private let trustQueue = DispatchQueue(label: "reelcache.trust", qos: .userInitiated, attributes: .concurrent)

private func tlsOptions(
  _ key: OriginKey,
  _ tls: OriginTls,
  _ loop: EventLoop,
  _ onDistrust: @escaping @Sendable (ByteString) -> Void
) -> NWProtocolTLS.Options {
  let options = NWProtocolTLS.Options()
  let security = options.securityProtocolOptions
  // A final dot belongs to the resolver, not to the name (RFC 6066 section 3).
  let host = key.host.endsWith(".") ? key.host.slice(0, key.host.count - 1) : key.host
  let name = host.description
  // An address has no name for SNI.
  if parseIp(host) == nil { sec_protocol_options_set_tls_server_name(security, name) }
  sec_protocol_options_set_min_tls_protocol_version(security, .TLSv12)
  // R-ORIGIN-2
  sec_protocol_options_add_tls_application_protocol(security, "http/1.1")
  let anchors = tls.ca.map(pemCertificates)
  let rejects = tls.rejectUnauthorized
  sec_protocol_options_set_verify_block(
    security,
    { _, peer, complete in
      // The connection was made to an address, so the name to be certified is said here.
      let distrust = rejects ? trustFault(sec_trust_copy_ref(peer).takeRetainedValue(), name, anchors) : nil
      let verdict = Verdict(complete: complete)
      loop.queue.async {
        if let distrust { onDistrust(distrust) }
        verdict.complete(distrust == nil)
      }
    },
    trustQueue
  )
  return options
}

/// The system's callback on its way from the queue that judges to the loop.
private struct Verdict: @unchecked Sendable {
  let complete: (Bool) -> Void
}

/// Why the chain is not trusted for that name; nil when it is. `anchors` are DER bytes.
private func trustFault(_ trust: SecTrust, _ name: String, _ anchors: [Data]?) -> ByteString? {
  SecTrustSetPolicies(trust, SecPolicyCreateSSL(true, name as CFString))
  if let anchors {
    let certificates = anchors.compactMap { SecCertificateCreateWithData(nil, $0 as CFData) }
    SecTrustSetAnchorCertificates(trust, certificates as CFArray)
    SecTrustSetAnchorCertificatesOnly(trust, true)
  }
  var error: CFError?
  if SecTrustEvaluateWithError(trust, &error) { return nil }
  return ByteString(utf8: error.map { "\($0)" } ?? "the certificate is not trusted")
}

/// The DER bytes of each certificate in PEM text (RFC 7468); what is none is passed over.
func pemCertificates(_ pem: Data) -> [Data] {
  let text = ByteString(Array(pem))
  let begin: ByteString = "-----BEGIN CERTIFICATE-----"
  let end: ByteString = "-----END CERTIFICATE-----"
  var certificates: [Data] = []
  var at = text.indexOf(begin)
  while at >= 0 {
    let start = at + begin.count
    let stop = text.indexOf(end, start)
    if stop < 0 { break }
    let encoded = Data(text.slice(start, stop))
    if let der = Data(base64Encoded: encoded, options: .ignoreUnknownCharacters) { certificates.append(der) }
    at = text.indexOf(begin, stop)
  }
  return certificates
}
