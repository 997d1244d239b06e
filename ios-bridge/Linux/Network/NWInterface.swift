import Glibc

/// A network interface.
public struct NWInterface: Hashable, Sendable, CustomDebugStringConvertible {
  public enum InterfaceType: Hashable, Sendable, CaseIterable {
    case other
    case wifi
    case cellular
    case wiredEthernet
    case loopback
  }

  public let name: String
  public let index: Int
  public let type: InterfaceType

  package init(name: String, index: Int, type: InterfaceType) {
    self.name = name
    self.index = index
    self.type = type
  }

  /// The system's interface of this name; nil when there is none.
  init?(named name: String) {
    let index = if_nametoindex(name)
    guard index > 0 else { return nil }
    self.init(name: name, index: Int(index), type: NWInterface.type(of: name))
  }

  /// The system's interface of this number; nil when there is none.
  init?(index: UInt32) {
    var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    guard index > 0, if_indextoname(index, &name) != nil else { return nil }
    let text = name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    self.init(name: text, index: Int(index), type: NWInterface.type(of: text))
  }

  public var debugDescription: String { name }

  private static func type(of name: String) -> InterfaceType {
    if name == "lo" { return .loopback }
    if name.hasPrefix("wl") { return .wifi }
    if name.hasPrefix("ww") { return .cellular }
    return name.hasPrefix("e") ? .wiredEthernet : .other
  }
}
