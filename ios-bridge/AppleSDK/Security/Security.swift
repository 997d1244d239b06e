// What the bridge uses of Security. Core Foundation's types are bridged by `as` on Apple; here they are Swift's own.

@_exported import Darwin
import Dispatch
import Foundation

public typealias OSStatus = Int32
public typealias CFString = String
public typealias CFData = Data
public typealias CFArray = [AnyObject]
public typealias CFTypeRef = AnyObject

public final class CFAllocator {
  init() {}
}

public final class CFError: Error, @unchecked Sendable {
  init() {}
}

public final class SecCertificate {
  init() {}
}

public final class SecPolicy {
  init() {}
}

public final class SecTrust {
  init() {}
}

public func SecCertificateCreateWithData(_ allocator: CFAllocator?, _ data: CFData) -> SecCertificate? { fatalError() }
public func SecPolicyCreateSSL(_ server: Bool, _ hostname: CFString?) -> SecPolicy { fatalError() }
// As of every function of C, the result may be left.
@discardableResult public func SecTrustSetPolicies(_ trust: SecTrust, _ policies: CFTypeRef) -> OSStatus {
  fatalError()
}
@discardableResult public func SecTrustSetAnchorCertificates(_ trust: SecTrust, _ certificates: CFArray?) -> OSStatus {
  fatalError()
}
@discardableResult public func SecTrustSetAnchorCertificatesOnly(_ trust: SecTrust, _ only: Bool) -> OSStatus {
  fatalError()
}
@discardableResult public func SecTrustEvaluateWithError(
  _ trust: SecTrust,
  _ error: UnsafeMutablePointer<CFError?>?
) -> Bool { fatalError() }

public protocol OS_sec_protocol_options: NSObjectProtocol {}
public protocol OS_sec_protocol_metadata: NSObjectProtocol {}
public protocol OS_sec_trust: NSObjectProtocol {}
public typealias sec_protocol_options_t = any OS_sec_protocol_options
public typealias sec_protocol_metadata_t = any OS_sec_protocol_metadata
public typealias sec_trust_t = any OS_sec_trust
public typealias sec_protocol_verify_complete_t = (Bool) -> Void
public typealias sec_protocol_verify_t = (
  sec_protocol_metadata_t, sec_trust_t, @escaping sec_protocol_verify_complete_t
) -> Void

public enum tls_protocol_version_t: UInt16, Sendable {
  case TLSv10 = 0x0301
  case TLSv11 = 0x0302
  case TLSv12 = 0x0303
  case TLSv13 = 0x0304
  case DTLSv10 = 0xFEFF
  case DTLSv12 = 0xFEFD
}

public func sec_trust_copy_ref(_ trust: sec_trust_t) -> Unmanaged<SecTrust> { fatalError() }
public func sec_protocol_options_set_tls_server_name(_ options: sec_protocol_options_t, _ name: UnsafePointer<CChar>) {
  fatalError()
}
public func sec_protocol_options_set_min_tls_protocol_version(
  _ options: sec_protocol_options_t,
  _ version: tls_protocol_version_t
) { fatalError() }
public func sec_protocol_options_add_tls_application_protocol(
  _ options: sec_protocol_options_t,
  _ application_protocol: UnsafePointer<CChar>
) { fatalError() }
public func sec_protocol_options_set_verify_block(
  _ options: sec_protocol_options_t,
  _ verify_block: @escaping sec_protocol_verify_t,
  _ verify_block_queue: DispatchQueue
) { fatalError() }
