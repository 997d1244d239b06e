import Dispatch
import FoundationEssentials
import OpenSSL

/// What a chain is judged by.
public final class SecPolicy {
  let server: Bool
  let hostName: String?

  init(_ server: Bool, _ hostName: String?) {
    self.server = server
    self.hostName = hostName
  }
}

/// The policy for TLS: with a host name, a server's certificate must be made out to it (a DNS name or an address).
public func SecPolicyCreateSSL(_ server: Bool, _ hostname: CFString?) -> SecPolicy { SecPolicy(server, hostname) }

/// The policy that asks for a valid chain and nothing else.
public func SecPolicyCreateBasicX509() -> SecPolicy { SecPolicy(false, nil) }

/// A peer's certificate chain, and what it is to be judged by. Used by one thread at a time.
public final class SecTrust {
  private let leaf: SecCertificate
  private let rest: [SecCertificate]
  fileprivate var policy: SecPolicy
  fileprivate var anchors: [SecCertificate] = []
  fileprivate var anchorsOnly = false

  package init(_ leaf: SecCertificate, _ rest: [SecCertificate], _ policy: SecPolicy) {
    self.leaf = leaf
    self.rest = rest
    self.policy = policy
  }

  fileprivate var chain: [SecCertificate] { [leaf] + rest }

  /// nil when the chain is trusted.
  fileprivate func evaluate() -> CFError? {
    var failure = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    if !anchors.isEmpty {
      failure = verify(anchored: true)
      if failure == X509_V_OK { return nil }
    }
    if !anchorsOnly {
      let system = verify(anchored: false)
      if system == X509_V_OK { return nil }
      // What is wrong with the certificate itself says more than that its issuer is not known here.
      if anchors.isEmpty || system != X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY { failure = system }
    }
    return trustError(failure)
  }

  /// An X509_V code. Own anchors need not be roots, as on Apple; the system's must be.
  private func verify(anchored: Bool) -> Int32 {
    guard let context = X509_STORE_CTX_new(), let untrusted = stack(rest), let trusted = stack(anchors) else {
      return X509_V_ERR_OUT_OF_MEM
    }
    defer {
      X509_STORE_CTX_free(context)
      shim_sk_X509_free(untrusted)
      shim_sk_X509_free(trusted)
      ERR_clear_error()
    }
    let store = SystemStore.current()
    guard X509_STORE_CTX_init(context, store.pointer, leaf.x509, untrusted) == 1 else { return X509_V_ERR_UNSPECIFIED }
    if anchored { X509_STORE_CTX_set0_trusted_stack(context, trusted) }
    if policy.server { X509_STORE_CTX_set_default(context, "ssl_server") }
    let rules = X509_STORE_CTX_get0_param(context)
    if anchored { X509_VERIFY_PARAM_set_flags(rules, UInt(X509_V_FLAG_PARTIAL_CHAIN)) }
    if let name = policy.hostName {
      // A common name is not looked at, as Apple does since iOS 13.
      X509_VERIFY_PARAM_set_hostflags(
        rules,
        UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
      )
      if X509_VERIFY_PARAM_set1_ip_asc(rules, name) != 1 { X509_VERIFY_PARAM_set1_host(rules, name, 0) }
    }
    if X509_verify_cert(context) == 1 { return X509_V_OK }
    let code = X509_STORE_CTX_get_error(context)
    return code == X509_V_OK ? X509_V_ERR_UNSPECIFIED : code
  }
}

/// Certificates to trust beside the system's. They may be roots, intermediates or the server's own.
@discardableResult
public func SecTrustSetAnchorCertificates(_ trust: SecTrust, _ anchorCertificates: CFArray?) -> OSStatus {
  let list = anchorCertificates ?? []
  let certificates = list.compactMap { $0 as? SecCertificate }
  guard certificates.count == list.count else { return errSecParam }
  trust.anchors = certificates
  // As on Apple: to set anchors is to trust them alone, until SecTrustSetAnchorCertificatesOnly says otherwise.
  trust.anchorsOnly = anchorCertificates != nil
  return errSecSuccess
}

/// Whether the system's certificates count no more, once own ones were set.
@discardableResult
public func SecTrustSetAnchorCertificatesOnly(_ trust: SecTrust, _ anchorCertificatesOnly: Bool) -> OSStatus {
  trust.anchorsOnly = anchorCertificatesOnly
  return errSecSuccess
}

/// Judges by another policy than the connection's.
@discardableResult
public func SecTrustSetPolicies(_ trust: SecTrust, _ policies: CFTypeRef) -> OSStatus {
  guard let policy = policies as? SecPolicy else { return errSecParam }
  trust.policy = policy
  return errSecSuccess
}

/// The chain as the peer sent it, its own certificate first.
public func SecTrustCopyCertificateChain(_ trust: SecTrust) -> CFArray? { trust.chain }

/// Judges the chain. It takes time (the first one reads the system's certificates), so it is no work for an event loop.
public func SecTrustEvaluateWithError(_ trust: SecTrust, _ error: UnsafeMutablePointer<CFError?>?) -> Bool {
  let failure = trust.evaluate()
  error?.pointee = failure
  return failure == nil
}

/// OpenSSL's borrowed list of certificates: it lives no longer than they do.
private func stack(_ certificates: [SecCertificate]) -> OpaquePointer? {
  guard let stack = shim_sk_X509_new_null() else { return nil }
  for certificate in certificates { _ = shim_sk_X509_push(stack, certificate.x509) }
  return stack
}

private func trustError(_ code: Int32) -> CFError {
  let text = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
  switch code {
  case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: return CFError(errSecHostNameMismatch, text)
  case X509_V_ERR_CERT_HAS_EXPIRED: return CFError(errSecCertificateExpired, text)
  case X509_V_ERR_CERT_NOT_YET_VALID: return CFError(errSecCertificateNotValidYet, text)
  default: return CFError(errSecNotTrusted, text)
  }
}
