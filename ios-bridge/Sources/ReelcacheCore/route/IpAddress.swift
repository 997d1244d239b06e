/// IP addresses as bytes: 4 for IPv4, 16 for IPv6. Text in canonical dotted decimal (no leading zeros, no octal, no
/// shortened forms) or RFC 4291 section 2.2; a resolver hands out nothing else, so everything else is no address.

/// The address's bytes; nil when the text is no IP address. Brackets and a zone (`%eth0`) are taken off first.
package func parseIp(_ text: ByteString) -> [Int]? {
  let bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, text.count - 1) : text
  let zone = bare.indexOf("%")
  let address = zone < 0 ? bare : bare.slice(0, zone)
  return address.includes(":") ? parseIpv6(address) : parseIpv4(address)
}

/// True when both are the same address; an IPv4-mapped IPv6 address equals its IPv4 address.
package func sameIp(_ a: [Int], _ b: [Int]) -> Bool {
  let left = unmapped(a)
  let right = unmapped(b)
  return left.count == right.count && ipHasPrefix(left, right, left.count * 8)
}

/// True when the first `bits` bits of the address are those of `prefix`; false when the families differ.
package func ipHasPrefix(_ address: [Int], _ prefix: [Int], _ bits: Int) -> Bool {
  if address.count != prefix.count { return false }
  let whole = bits / 8
  var index = 0
  while index < whole && index < address.count {
    if address[index] != prefix[index] { return false }
    index += 1
  }
  let shift = 8 - bits % 8
  // Outside the address there is nothing to differ.
  if shift == 8 || bits < 0 || index >= address.count { return true }
  return address[index] >> shift == prefix[index] >> shift
}

/// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2); else the address itself.
private func unmapped(_ address: [Int]) -> [Int] {
  let isMapped = address.count == 16 && ipHasPrefix(address, mappedPrefix, 96)
  return isMapped ? Array(address[12...]) : address
}

private let mappedPrefix: [Int] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]

private func parseIpv4(_ text: ByteString) -> [Int]? {
  let pieces = text.split(".")
  if pieces.count != 4 { return nil }
  var bytes: [Int] = []
  for piece in pieces {
    let value = parseDigits(piece)
    if value < 0 || value > 255 || (piece.count > 1 && piece.startsWith("0")) { return nil }
    bytes.append(value)
  }
  return bytes
}

private func parseIpv6(_ text: ByteString) -> [Int]? {
  let gap = text.indexOf("::")
  if gap < 0 {
    let bytes = parseGroups(text)
    return bytes?.count == 16 ? bytes : nil
  }
  let head = parseGroups(text.slice(0, gap))
  let tail = parseGroups(text.slice(gap + 2))
  // Dotted decimal may stand only at the very end, and "::" must stand for at least one group.
  guard let head, let tail, !text.slice(0, gap).includes("."), head.count + tail.count <= 14 else { return nil }
  var bytes = head
  while bytes.count < 16 - tail.count { bytes.append(0) }
  for byte in tail { bytes.append(byte) }
  return bytes
}

/// Groups between colons as bytes; the last one may be dotted decimal. "" is no groups; nil when malformed.
private func parseGroups(_ text: ByteString) -> [Int]? {
  var bytes: [Int] = []
  if text.isEmpty { return bytes }
  let groups = text.split(":")
  for index in 0..<groups.count {
    let group = groups[index]
    if group.includes(".") {
      let dotted = index == groups.count - 1 ? parseIpv4(group) : nil
      guard let dotted else { return nil }
      for byte in dotted { bytes.append(byte) }
    } else {
      let value = parseHexGroup(group)
      if value < 0 { return nil }
      bytes.append(value >> 8)
      bytes.append(value & 0xff)
    }
  }
  return bytes
}

/// One to four hexadecimal digits; -1 otherwise.
private func parseHexGroup(_ group: ByteString) -> Int {
  if group.count == 0 || group.count > 4 { return -1 }
  var value = 0
  for index in 0..<group.count {
    let digit = hexDigit(group.code(index))
    if digit < 0 { return -1 }
    value = value * 16 + digit
  }
  return value
}

private func hexDigit(_ code: Int) -> Int {
  if isDigit(code) { return code - 0x30 }
  let lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
