import Network
import Reelcache

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How the harness may drive proxies in this process.
public struct ControlOptions: Sendable {
  /// Port to listen on; 0 takes a free one. The harness looks for `controlPort`.
  public var port = controlPort
  /// Whether others in the network may connect, not only this device and, through it, a computer on USB. They must know
  /// `code`.
  public var overNetwork = false
  /// What who connects from elsewhere must say; empty lets nobody in from elsewhere.
  public var code = ""
  /// Folder of the proxies' caches. It is the control's own: what is in it is deleted.
  public var folder: String
  /// The system and its version, such as "iOS 17.5".
  public var system = ""
  /// The device's name or model.
  public var device = ""

  /// Asks everybody for the code: so that a test on one machine can be somebody from elsewhere.
  package var trustsNobody = false

  /// The defaults, with a folder for the caches.
  public init(folder: String) {
    self.folder = folder
  }

  /// A new code: eight letters and digits that cannot be mistaken for each other.
  public static func newCode() -> String {
    let letters = Array("23456789abcdefghjkmnpqrstuvwxyz")
    return String((0..<8).map { _ in letters[Int.random(in: 0..<letters.count)] })
  }

  /// Whether who connects from there needs no code.
  func trusts(_ endpoint: NWEndpoint) -> Bool {
    guard !trustsNobody, case .hostPort(let host, _) = endpoint else { return false }
    switch host {
    case .ipv4(let address): return address.isLoopback
    case .ipv6(let address): return address.isLoopback
    default: return false
    }
  }

  func isCode(_ said: String) -> Bool {
    !code.isEmpty && said == code
  }
}
