import ReelcacheCore

// Checks of option values, row by row of the option table. A check returns what is allowed, or nil for a good value.

/// Longest time that is waited for, in milliseconds, about 24 days: timers of the reference's runtime know no longer one.
package let timerMsMax = 2_147_483_647

/// Bounds of the secret's length, in characters.
package let secretLength = 8...128

/// What the row allows, when the value is not that; nil when the value is good.
package func optionFault(_ found: OptionRow, _ value: OptionValue) -> String? {
  switch found.kind {
  case .count, .bytes, .seconds, .milliseconds:
    return isWhole(value, found.min, found.max) ? nil : numberAllowed(found)
  case .choice:
    if case .text(let text) = value, found.choices.contains(text) { return nil }
    return "one of \(found.choices.joined(separator: ", "))"
  case .flag:
    if case .flag = value { return nil }
    return "true or false"
  case .text:
    return textFault(found.name, value)
  case .names:
    if found.name == "keepParameters" && value == .absent { return nil }
    return isList(value, isPlainName) ? nil : "a list of names without spaces, commas or colons"
  case .hosts:
    return isList(value, isHostPattern) ? nil : "a list of hosts, each host, host:port, or *.host"
  case .fields:
    return isFieldList(value) ? nil : "fields, each written \"Name: value\""
  case .limits:
    return limitsFault(value)
  }
}

/// True for localhost, 127.0.0.0/8 and ::1.
package func isLoopback(_ host: String) -> Bool {
  let text = ByteString(utf8: host)
  return host == "localhost" || (parseIp(text) != nil && addressClass(text) == .loopback)
}

/// Why a limit's name or value is refused; nil when both are good. Zero is good only where it means "none".
package func limitFault(_ name: String, _ value: Int?) -> String? {
  let names = limitFields.map(\.name.description)
  if !names.contains(name) { return "one of the limits \(names.joined(separator: ", "))" }
  let min = limitsThatMayBeZero.contains(name) ? 0 : 1
  let max = name.hasSuffix("Percent") ? 100 : name.hasSuffix("Ms") || name.hasSuffix("MsMax") ? timerMsMax : countMax
  if let value, value >= min, value <= max { return nil }
  return "a whole number from \(min) to \(max)"
}

private let limitsThatMayBeZero = [
  "extraSlotsMax",
  "queueLengthMax",
  "queueWaitMs",
  "expressRangeBytes",
  "redirectsMax",
  "resignMax",
  "readAheadBytesMax",
  "seekBytesMin",
  "detachBytesMax",
  "resumeMax",
  "resumeBackoffMs",
  "journalMs",
  "breakerPauseMs",
  "breakerPauseMsMax",
]

private func isWhole(_ value: OptionValue, _ min: Int, _ max: Int) -> Bool {
  if case .number(let number) = value { return number >= min && number <= max }
  return false
}

private func numberAllowed(_ found: OptionRow) -> String {
  let range = found.max == countMax ? "of at least \(found.min)" : "from \(found.min) to \(found.max)"
  switch found.kind {
  case .bytes:
    return "a whole number of bytes \(range), or with a unit (KB, MB, GB, KiB, MiB, GiB)"
  case .seconds:
    return "a whole number of seconds \(range), or with a unit (s, m, h)"
  case .milliseconds:
    return "a whole number of milliseconds \(range), or with a unit (ms, s, m)"
  default:
    return "a whole number \(range)"
  }
}

private func textFault(_ name: String, _ value: OptionValue) -> String? {
  guard case .text(let text) = value, !text.unicodeScalars.contains("\0") else { return "text" }
  if name == "host" {
    return text == "localhost" || parseIp(ByteString(utf8: text)) != nil ? nil : "an IP address or localhost"
  }
  if name == "secret" && !text.isEmpty {
    // R-CLI-4
    let good = secretLength.contains(text.utf8.count) && text.unicodeScalars.allSatisfy(isUnreserved)
    return good
      ? nil : "\(secretLength.lowerBound) to \(secretLength.upperBound) characters out of A-Z a-z 0-9 - . _ ~"
  }
  return nil
}

private func isList(_ value: OptionValue, _ isItem: (String) -> Bool) -> Bool {
  if case .list(let list) = value { return list.allSatisfy(isItem) }
  return false
}

private func isPlainName(_ text: String) -> Bool {
  !text.isEmpty && text.unicodeScalars.allSatisfy { !isWhiteSpace($0) && $0 != "," && $0 != ":" }
}

private func isHostPattern(_ text: String) -> Bool {
  if text == "*" { return true }
  for scalar in text.unicodeScalars {
    if isWhiteSpace(scalar) || "/@?#,".unicodeScalars.contains(scalar) { return false }
  }
  return splitHostPort(ByteString(utf8: text)) != nil
}

private func isFieldList(_ value: OptionValue) -> Bool {
  guard case .list(let list) = value, list.count % 2 == 0 else { return false }
  for (at, text) in list.enumerated() {
    if text.unicodeScalars.contains(where: { $0 == "\0" || $0 == "\r" || $0 == "\n" }) { return false }
    if at % 2 == 0 && !isToken(ByteString(utf8: text)) { return false }
  }
  return true
}

private func limitsFault(_ value: OptionValue) -> String? {
  guard case .limits(let limits) = value else { return "a record of limits" }
  for (name, limit) in limits.sorted(by: { $0.key < $1.key }) {
    if let fault = limitFault(name, limit) { return "right in \(name): \(fault)" }
  }
  return nil
}

private func isUnreserved(_ scalar: Unicode.Scalar) -> Bool {
  ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
    || "._~-".unicodeScalars.contains(scalar)
}
