import ReelcacheCore

// Options written as text: flags of the command line and environment variables. Numbers take units ("512MB", "2.5s"),
// lists take commas, and every refusal names the flag or variable, the text and what is allowed.

/// The options that texts give, and the names of those that they name; or why they are refused.
package enum TextResult: Equatable {
  case read(options: ServerOptions, given: Set<String>)
  case refused(String)
}

/// Reads one option from its texts, one for each time it was given. `label` is the flag or variable that the message
/// names. The value is put into `options`; returns the message, or nil when all is well.
package func readOptionText(
  _ options: inout ServerOptions,
  _ row: OptionRow,
  _ label: String,
  _ texts: [String]
) -> String? {
  if row.kind == .limits { return readLimits(&options, label, texts) }
  let value = optionValue(row.kind, texts)
  // R-CLI-2
  if let fault = optionFault(row, value) {
    let shown = texts.count > 1 ? texts.joined(separator: ",") : texts.last ?? ""
    return faultMessage(row.name, label, .text(shown), fault)
  }
  row.set(&options, value)
  return nil
}

/// Reads every REELCACHE_ variable of the environment; an empty one counts as absent.
package func readEnvironment(_ environment: [String: String]) -> TextResult {
  var options = ServerOptions()
  var given: Set<String> = []
  // By name, since an environment has no order here: of several faults always the same one is told.
  for (name, text) in environment.sorted(by: { $0.key < $1.key }) {
    if !name.hasPrefix("REELCACHE_") || text.isEmpty { continue }
    guard let row = optionTable.first(where: { $0.environment == name }) else {
      // R-CLI-1
      return .refused("\(name): no such variable; reelcache --help lists all")
    }
    let texts = row.kind == .fields ? split(text, "\n") : [text]
    if let fault = readOptionText(&options, row, name, texts) { return .refused(fault) }
    given.insert(row.name)
  }
  return .read(options: options, given: given)
}

/// Whole bytes from "1024", "512MB", "1.5 GiB"; nil when the text is nothing of the kind.
package func parseByteCount(_ text: String) -> Int? {
  parseQuantity(text, byteUnits, 1)
}

/// Whole milliseconds from "250", "250ms", "2.5s", "5m", "1h"; nil when the text is nothing of the kind.
package func parseMilliseconds(_ text: String) -> Int? {
  parseQuantity(text, durationUnits, 1)
}

/// Whole seconds from "300", "5m", "1h"; nil when the text is nothing of the kind.
package func parseSeconds(_ text: String) -> Int? {
  guard let milliseconds = parseQuantity(text, durationUnits, 1_000), milliseconds % 1_000 == 0 else { return nil }
  return milliseconds / 1_000
}

/// "1 GiB", "1.5 MiB", "17 bytes": the shortest exact or one-decimal form.
package func formatByteCount(_ bytes: Int) -> String {
  for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes >= size {
    let tenths = (bytes * 10 + size / 2) / size
    return tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
  }
  return "\(bytes) bytes"
}

private let byteUnits: [String: Int] = [
  "b": 1,
  "kb": 1_000,
  "mb": 1_000_000,
  "gb": 1_000_000_000,
  "tb": 1_000_000_000_000,
  "kib": 1 << 10,
  "mib": 1 << 20,
  "gib": 1 << 30,
  "tib": 1 << 40,
]

private let durationUnits: [String: Int] = [
  "ms": 1,
  "s": 1_000,
  "m": 60_000,
  "h": 3_600_000,
]

/// Digits, a fraction if any, a unit if any, one space before it if any.
private func parseQuantity(_ text: String, _ units: [String: Int], _ bareSize: Int) -> Int? {
  var rest = text.utf8[...]
  let whole = rest.prefix(while: isDigitByte)
  rest = rest.dropFirst(whole.count)
  guard (1...16).contains(whole.count), let wholeNumber = Int(Substring(whole)) else { return nil }
  var fraction = 0
  if rest.first == UInt8(ascii: ".") {
    let digits = rest.dropFirst().prefix(while: isDigitByte)
    guard (1...6).contains(digits.count), let number = Int(Substring(digits)) else { return nil }
    rest = rest.dropFirst(1 + digits.count)
    // The fraction is counted in millionths, so that "2.3s" is 2300 and not 2299.9999.
    fraction = (digits.count..<6).reduce(number) { value, _ in value * 10 }
  }
  var size = bareSize
  if !rest.isEmpty {
    let name = rest.first == UInt8(ascii: " ") ? rest.dropFirst() : rest
    // R-CLI-5
    guard name.allSatisfy({ $0 < 128 }), let found = units[String(Substring(name)).lowercased()] else { return nil }
    size = found
  }
  if fraction * size % 1_000_000 != 0 && size <= 1_000 { return nil }
  let (product, overflow) = wholeNumber.multipliedReportingOverflow(by: size)
  if overflow || product > countMax { return nil }
  let value = product + (fraction * size + 500_000) / 1_000_000
  return value <= countMax ? value : nil
}

private func isDigitByte(_ byte: UInt8) -> Bool {
  byte >= 48 && byte <= 57
}

private func optionValue(_ kind: OptionKind, _ texts: [String]) -> OptionValue {
  let last = texts.last ?? ""
  switch kind {
  case .count: return numberValue(parseCount(last))
  case .bytes: return numberValue(parseByteCount(last))
  case .seconds: return numberValue(parseSeconds(last))
  case .milliseconds: return numberValue(parseMilliseconds(last))
  case .flag: return flagValue(last)
  case .names, .hosts: return .list(splitList(texts))
  case .fields: return .list(texts.flatMap(splitField))
  case .text, .choice, .limits: return .text(last)
  }
}

private func numberValue(_ number: Int?) -> OptionValue {
  number.map(OptionValue.number) ?? .unreadable
}

private func parseCount(_ text: String) -> Int? {
  text.utf8.count <= 16 && !text.isEmpty && text.utf8.allSatisfy(isDigitByte) ? Int(text) : nil
}

private func flagValue(_ text: String) -> OptionValue {
  let word = text.lowercased()
  if ["true", "1", "yes", "on"].contains(word) { return .flag(true) }
  return ["false", "0", "no", "off"].contains(word) ? .flag(false) : .unreadable
}

private func splitList(_ texts: [String]) -> [String] {
  texts.flatMap { split($0, ",") }.map(trimmed)
}

private func splitField(_ text: String) -> [String] {
  let scalars = text.unicodeScalars
  guard let colon = scalars.firstIndex(of: ":") else { return [text] }
  return [String(scalars[..<colon]), trimmed(String(scalars[scalars.index(after: colon)...]))]
}

private func readLimits(_ options: inout ServerOptions, _ label: String, _ texts: [String]) -> String? {
  var limits: [String: Int] = [:]
  for item in splitList(texts) {
    let scalars = item.unicodeScalars
    guard let equals = scalars.firstIndex(of: "=") else {
      return faultMessage("limits", label, .text(item), "name=value")
    }
    let name = String(scalars[..<equals])
    let value = limitValue(name, String(scalars[scalars.index(after: equals)...]))
    if let fault = limitFault(name, value) { return faultMessage("limits", label, .text(item), fault) }
    limits[name] = value
  }
  options.limits = limits
  return nil
}

private func limitValue(_ name: String, _ text: String) -> Int? {
  let words = ByteString(utf8: name)
  if words.includes("Bytes") { return parseByteCount(text) }
  return words.includes("Ms") ? parseMilliseconds(text) : parseCount(text)
}
