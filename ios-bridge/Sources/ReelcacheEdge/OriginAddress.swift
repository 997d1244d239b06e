import ReelcacheCore

/// What a connection is made to: the key of the pool. The host is in lower case, an IPv6 address without brackets.
package struct OriginKey: Hashable, Sendable, CustomStringConvertible {
  package let secure: Bool
  package let host: ByteString
  package let port: Int

  package init(secure: Bool, host: ByteString, port: Int) {
    self.secure = secure
    self.host = host
    self.port = port
  }

  package var description: String {
    let name = host.includes(":") ? "[\(host)]" : "\(host)"
    return "\(secure ? "https" : "http")://\(name):\(port)"
  }
}

/// The host to connect to, as the URL standard reads it, which is how the reference does: nil when it is none. An IPv4
/// address may be written in one to four numbers, decimal, octal or hexadecimal; told is the usual form of it, since
/// what an address is allowed to be is decided by that.
package func connectHost(_ host: ByteString) -> ByteString? {
  if host.startsWith("[") {
    let address = host.slice(1, host.count - 1)
    return address.includes(":") && parseIp(address) != nil ? address : nil
  }
  var labels = pieces(host)
  if labels.count > 1 && labels[labels.count - 1].isEmpty { labels.removeLast() }
  let last = labels[labels.count - 1]
  if parseDigits(last) < 0 && addressNumber(last) < 0 { return host }
  return labels.count > 4 ? nil : dotted(labels)
}

/// The dotted form of an address in one to four numbers; all but the last stand for one byte each.
private func dotted(_ labels: [ByteString]) -> ByteString? {
  let numbers = labels.map(addressNumber)
  var value = 0
  for (at, number) in numbers.enumerated() {
    let isLast = at == numbers.count - 1
    let bytes = isLast ? 5 - numbers.count : 1
    if number < 0 || number >= 1 << (8 * bytes) { return nil }
    value = value << (8 * bytes) | number
  }
  return "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
}

/// A number of an IPv4 address: 0x before a hexadecimal one, 0 before an octal one. -1 for none or one beyond 32 bits.
private func addressNumber(_ text: ByteString) -> Int {
  var rest = text
  var base = 10
  if text.startsWith("0x") {
    rest = text.slice(2)
    base = 16
  } else if text.count > 1 && text.startsWith("0") {
    rest = text.slice(1)
    base = 8
  }
  if text.isEmpty { return -1 }
  var value = 0
  for byte in rest.bytes {
    let digit = digitValue(byte)
    if digit < 0 || digit >= base { return -1 }
    // Saturates: what is beyond 32 bits is no address, however long it is.
    value = min(value * base + digit, 1 << 32)
  }
  return value
}

private func digitValue(_ byte: UInt8) -> Int {
  switch byte {
  case 48...57: return Int(byte) - 48
  case 97...102: return Int(byte) - 87
  default: return -1
  }
}

private func pieces(_ host: ByteString) -> [ByteString] {
  var labels: [ByteString] = []
  var start = 0
  while true {
    let dot = host.indexOf(".", start)
    if dot < 0 {
      labels.append(host.slice(start))
      return labels
    }
    labels.append(host.slice(start, dot))
    start = dot + 1
  }
}
