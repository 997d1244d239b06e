import FoundationEssentials

// What Apple's Security takes from Core Foundation, so that `certificate as CFData` and `list as CFArray` compile here.

/// A result of the Security framework; 0 is success.
public typealias OSStatus = Int32
/// A number of Core Foundation.
public typealias CFIndex = Int
/// Bytes, for `as CFData`.
public typealias CFData = Data
/// Text, for `as CFString`.
public typealias CFString = String
/// A list of objects, for `as CFArray`.
public typealias CFArray = [AnyObject]
/// Any object.
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

/// No error.
public let errSecSuccess: OSStatus = 0
/// An argument is not what it should be.
public let errSecParam: OSStatus = -50
/// The certificate is for another name.
public let errSecHostNameMismatch: OSStatus = -67602
/// The certificate's time is over.
public let errSecCertificateExpired: OSStatus = -67818
/// The certificate's time has not come.
public let errSecCertificateNotValidYet: OSStatus = -67819
/// The chain leads to no trusted certificate.
public let errSecNotTrusted: OSStatus = -67843
