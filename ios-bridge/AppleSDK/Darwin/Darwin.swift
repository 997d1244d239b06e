// What Darwin's overlay adds to its headers: what C has as macros or with variable arguments.

@_exported import CDarwin

public var errno: Int32 {
  get { fatalError() }
  set { fatalError() }
}

public var S_IFMT: mode_t { fatalError() }
public var S_IFREG: mode_t { fatalError() }
public var S_IFDIR: mode_t { fatalError() }

public var SIG_DFL: sig_t? { fatalError() }
public var SIG_IGN: sig_t { fatalError() }

public func open(_ path: UnsafePointer<CChar>, _ oflag: Int32) -> Int32 { fatalError() }
public func open(_ path: UnsafePointer<CChar>, _ oflag: Int32, _ mode: mode_t) -> Int32 { fatalError() }

public func fcntl(_ fd: Int32, _ cmd: Int32) -> Int32 { fatalError() }
public func fcntl(_ fd: Int32, _ cmd: Int32, _ value: Int32) -> Int32 { fatalError() }
public func fcntl(_ fd: Int32, _ cmd: Int32, _ ptr: UnsafeMutableRawPointer) -> Int32 { fatalError() }

public enum POSIXErrorCode: Int32, Hashable, Sendable {
  case EPERM = 1
  case ENOENT = 2
  case EINTR = 4
  case EIO = 5
  case EBADF = 9
  case ENOMEM = 12
  case EACCES = 13
  case EINVAL = 22
  case ENFILE = 23
  case EMFILE = 24
  case EPIPE = 32
  case EAGAIN = 35
  case EAFNOSUPPORT = 47
  case EADDRINUSE = 48
  case EADDRNOTAVAIL = 49
  case ENETDOWN = 50
  case ENETUNREACH = 51
  case ENETRESET = 52
  case ECONNABORTED = 53
  case ECONNRESET = 54
  case ENOTCONN = 57
  case ETIMEDOUT = 60
  case ECONNREFUSED = 61
  case EHOSTDOWN = 64
  case EHOSTUNREACH = 65
  case ECANCELED = 89
}
