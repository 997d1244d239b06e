/// Why a server could not be started. The message is for a person: what is wrong, where, and what to do.
public struct StartError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of trouble it is, for a program.
  public enum Reason: String, Sendable, CaseIterable {
    /// An option's value is not allowed.
    case option
    /// The file of certificate authorities cannot be read.
    case originCa
    /// The cache folder cannot be made or written, or another process uses it.
    case cacheDirectory
    /// The port is taken; another one is never taken in its place.
    case portTaken
    /// The system does not let this process listen on the port.
    case portForbidden
    /// The machine does not have the address to listen on.
    case noSuchAddress
    /// Anything else that the system said.
    case system
  }

  /// What kind of trouble it is.
  public let reason: Reason
  /// What is wrong, where, and what to do, in English.
  public let message: String

  /// The message.
  public var description: String { message }

  package init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}
