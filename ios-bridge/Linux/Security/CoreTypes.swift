import FoundationEssentials

// What Apple's Security takes from Core Foundation, so that `certificate as CFData` and `list as CFArray` compile here.

public typealias OSStatus = Int32
public typealias CFIndex = Int
public typealias CFData = Data
public typealias CFString = String
public typealias CFArray = [AnyObject]
public typealias CFTypeRef = AnyObject

/// Always nil: the default allocator.
public final class CFAllocator {
  private init() {}
}

/// Why a trust evaluation failed; `CFErrorGetCode` gives the OSStatus.
public final class CFError: Error, CustomStringConvertible, Sendable {
  let code: OSStatus
  public let description: String

  init(_ code: OSStatus, _ description: String) {
    self.code = code
    self.description = description
  }
}

/// The OSStatus that the error was made of.
public func CFErrorGetCode(_ err: CFError) -> CFIndex { CFIndex(err.code) }

/// What went wrong, for a log.
public func CFErrorCopyDescription(_ err: CFError) -> CFString { err.description }

public let errSecSuccess: OSStatus = 0
public let errSecParam: OSStatus = -50
public let errSecHostNameMismatch: OSStatus = -67602
public let errSecCertificateExpired: OSStatus = -67818
public let errSecCertificateNotValidYet: OSStatus = -67819
public let errSecNotTrusted: OSStatus = -67843
