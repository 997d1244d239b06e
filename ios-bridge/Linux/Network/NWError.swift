import Glibc
import Security

/// An error of DNS service discovery (dns_sd.h).
public typealias DNSServiceErrorType = Int32

/// What went wrong with a connection or a listener.
public enum NWError: Error, Equatable, Sendable, CustomDebugStringConvertible {
  case posix(POSIXErrorCode)
  case dns(DNSServiceErrorType)
  /// A code of Security/SecureTransport.h, such as -9807.
  case tls(OSStatus)

  /// For logs: Apple's code, and the system's words for a POSIX error.
  public var debugDescription: String {
    switch self {
    case .posix(let code):
      return "POSIXErrorCode(rawValue: \(code.rawValue)): \(String(cString: strerror(code.rawValue)))"
    case .dns(let code): return "\(code)"
    case .tls(let code): return "\(code)"
    }
  }

  init(errno code: Int32) {
    self = .posix(POSIXErrorCode(rawValue: code) ?? .EIO)
  }
}
