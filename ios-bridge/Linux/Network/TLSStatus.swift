import OpenSSL
import Security

// The codes of Apple's Security/SecureTransport.h that a client meets.
let errSSLProtocol: OSStatus = -9800
let errSSLClosedAbort: OSStatus = -9806
let errSSLXCertChainInvalid: OSStatus = -9807
let errSSLBadCert: OSStatus = -9808
let errSSLCertExpired: OSStatus = -9814
let errSSLCertNotYetValid: OSStatus = -9815
let errSSLClosedNoNotify: OSStatus = -9816
let errSSLHostNameMismatch: OSStatus = -9843
private let errSSLPeerProtocolVersion: OSStatus = -9836

/// The peer's alerts (RFC 8446 section 6), by their numbers.
private let alerts: [Int32: OSStatus] = [
  10: -9819,  // unexpected_message
  20: -9820,  // bad_record_mac
  22: -9822,  // record_overflow
  40: -9824,  // handshake_failure
  42: -9825,  // bad_certificate
  43: -9826,  // unsupported_certificate
  44: -9827,  // certificate_revoked
  45: -9828,  // certificate_expired
  46: -9829,  // certificate_unknown
  47: -9830,  // illegal_parameter
  48: -9831,  // unknown_ca
  49: -9832,  // access_denied
  50: -9833,  // decode_error
  51: -9834,  // decrypt_error
  70: errSSLPeerProtocolVersion,  // protocol_version
  71: -9837,  // insufficient_security
  80: -9838,  // internal_error
  90: -9839,  // user_canceled
  112: -9865,  // unrecognized_name
  116: -9863,  // certificate_required
]

/// OpenSSL adds this to the number of an alert that it received.
private let alertReasonBase: Int32 = 1000

/// Apple's code for an error of OpenSSL's queue.
func tlsStatus(_ code: UInt) -> OSStatus {
  guard shim_ERR_GET_LIB(code) == ERR_LIB_SSL else { return errSSLProtocol }
  let reason = shim_ERR_GET_REASON(code)
  switch reason {
  case SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_HTTP_REQUEST: return errSSLPeerProtocolVersion
  case SSL_R_CERTIFICATE_VERIFY_FAILED: return errSSLBadCert
  default: return alerts[reason - alertReasonBase] ?? errSSLProtocol
  }
}

/// What a client reports of a chain that its own judgement refused.
func tlsStatus(_ error: CFError?) -> OSStatus {
  switch error.map({ OSStatus(CFErrorGetCode($0)) }) {
  case errSecHostNameMismatch: return errSSLHostNameMismatch
  case errSecCertificateExpired: return errSSLCertExpired
  case errSecCertificateNotValidYet: return errSSLCertNotYetValid
  default: return errSSLXCertChainInvalid
  }
}
