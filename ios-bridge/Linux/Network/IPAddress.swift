import FoundationEssentials
import Glibc

/// What the two families of addresses have in common.
public protocol IPAddress: Hashable, Sendable, CustomDebugStringConvertible {
  init?(_ rawValue: Data, _ interface: NWInterface?)
  init?(_ string: String)
  /// The address in network byte order.
  var rawValue: Data { get }
  /// The interface that the address is limited to.
  var interface: NWInterface? { get }
  var isLoopback: Bool { get }
  var isLinkLocal: Bool { get }
  var isMulticast: Bool { get }
}

/// An IPv4 address.
public struct IPv4Address: IPAddress {
  public static let any = IPv4Address(0, 0, 0, 0)
  public static let broadcast = IPv4Address(255, 255, 255, 255)
  public static let loopback = IPv4Address(127, 0, 0, 1)

  public let rawValue: Data
  public let interface: NWInterface?

  /// From four bytes; nil from any other number.
  public init?(_ rawValue: Data, _ interface: NWInterface? = nil) {
    guard rawValue.count == 4 else { return nil }
    // A slice keeps its first index; these bytes begin at 0.
    self.rawValue = Data(Array(rawValue))
    self.interface = interface
  }

  /// From dotted decimals, with "%interface" behind when it is limited to one.
  public init?(_ string: String) {
    guard let (text, interface) = scoped(string) else { return nil }
    var address = in_addr()
    guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
    self.init(address, interface)
  }

  init(_ address: in_addr, _ interface: NWInterface?) {
    rawValue = withUnsafeBytes(of: address) { Data($0) }
    self.interface = interface
  }

  private init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    rawValue = Data([a, b, c, d])
    interface = nil
  }

  public var isLoopback: Bool { rawValue.first == 127 }
  public var isLinkLocal: Bool { rawValue.starts(with: [169, 254]) }
  public var isMulticast: Bool { (rawValue.first ?? 0) & 0xf0 == 0xe0 }
  public var debugDescription: String { rawValue.map { String($0) }.joined(separator: ".") + scopeText(interface) }

  var native: in_addr {
    var address = in_addr()
    _ = withUnsafeMutableBytes(of: &address) { rawValue.copyBytes(to: $0) }
    return address
  }
}

/// An IPv6 address, with its zone when it has one.
public struct IPv6Address: IPAddress {
  public static let any = IPv6Address(in6_addr(), nil)
  public static let loopback = IPv6Address(in6addr_loopback, nil)

  public let rawValue: Data
  public let interface: NWInterface?

  /// From sixteen bytes; nil from any other number.
  public init?(_ rawValue: Data, _ interface: NWInterface? = nil) {
    guard rawValue.count == 16 else { return nil }
    // A slice keeps its first index; these bytes begin at 0.
    self.rawValue = Data(Array(rawValue))
    self.interface = interface
  }

  /// From the text of RFC 4291, with "%interface" behind when it has a zone (RFC 4007).
  public init?(_ string: String) {
    guard let (text, interface) = scoped(string) else { return nil }
    var address = in6_addr()
    guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    self.init(address, interface)
  }

  init(_ address: in6_addr, _ interface: NWInterface?) {
    rawValue = withUnsafeBytes(of: address) { Data($0) }
    self.interface = interface
  }

  public var isAny: Bool { rawValue.allSatisfy { $0 == 0 } }
  public var isLoopback: Bool { rawValue == IPv6Address.loopback.rawValue }
  public var isLinkLocal: Bool { head & 0xffc0 == 0xfe80 }
  public var isUniqueLocal: Bool { head & 0xfe00 == 0xfc00 }
  public var isMulticast: Bool { head & 0xff00 == 0xff00 }
  public var isIPv4Mapped: Bool { rawValue.prefix(10).allSatisfy { $0 == 0 } && rawValue[10...11] == Data([255, 255]) }
  /// The IPv4 address inside a mapped one.
  public var asIPv4: IPv4Address? { isIPv4Mapped ? IPv4Address(Data(rawValue.suffix(4))) : nil }

  public var debugDescription: String {
    var address = native
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" } + scopeText(interface)
  }

  var native: in6_addr {
    var address = in6_addr()
    _ = withUnsafeMutableBytes(of: &address) { rawValue.copyBytes(to: $0) }
    return address
  }

  private var head: UInt16 { UInt16(rawValue[0]) << 8 | UInt16(rawValue[1]) }
}

/// Splits "address%interface". nil when the interface does not exist.
private func scoped(_ string: String) -> (text: String, interface: NWInterface?)? {
  guard let percent = string.firstIndex(of: "%") else { return (string, nil) }
  guard let interface = NWInterface(named: String(string[string.index(after: percent)...])) else { return nil }
  return (String(string[..<percent]), interface)
}

private func scopeText(_ interface: NWInterface?) -> String {
  interface.map { "%\($0.name)" } ?? ""
}
