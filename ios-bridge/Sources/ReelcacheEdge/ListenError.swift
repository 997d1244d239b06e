#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Why an address cannot be listened on.
package struct ListenError: Error, Equatable, CustomStringConvertible {
  /// The system's number (errno).
  package let code: Int32
  package let host: String
  package let port: Int

  package init(_ code: Int32, _ host: String, _ port: Int) {
    self.code = code
    self.host = host
    self.port = port
  }

  /// The number's name, such as "EADDRINUSE".
  package var name: String {
    switch code {
    case EADDRINUSE: "EADDRINUSE"
    case EADDRNOTAVAIL: "EADDRNOTAVAIL"
    case EACCES: "EACCES"
    case EPERM: "EPERM"
    case EINVAL: "EINVAL"
    case EAFNOSUPPORT: "EAFNOSUPPORT"
    case EMFILE: "EMFILE"
    case ENFILE: "ENFILE"
    default: "errno \(code)"
    }
  }

  /// In the words of the reference's platform.
  package var description: String {
    let address = host.utf8.contains(58) ? "[\(host)]:\(port)" : "\(host):\(port)"
    return "listen \(name): \(reason) \(address)"
  }

  private var reason: String {
    switch code {
    case EADDRINUSE: "address already in use"
    case EADDRNOTAVAIL: "address not available"
    case EACCES: "permission denied"
    case EPERM: "operation not permitted"
    case EINVAL: "invalid argument"
    case EAFNOSUPPORT: "address family not supported"
    case EMFILE: "too many open files"
    case ENFILE: "file table overflow"
    default: "the system refuses"
    }
  }
}
