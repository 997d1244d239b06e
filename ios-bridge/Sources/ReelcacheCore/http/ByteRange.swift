/// What a Range field asks for, before the length is known. Offsets in bytes; `last` is inclusive, -1 when open.
package enum RangeSpec: Equatable, Sendable {
  case none
  case ignored
  case from(first: Int, last: Int)
  case suffix(length: Int)
}

/// A Range field against a known length. `start` inclusive, `end` exclusive, in bytes.
package enum ResolvedRange: Equatable, Sendable {
  case whole
  case part(start: Int, end: Int)
  case unsatisfiable
}

/// What a Content-Range field says. `first` and `last` inclusive, in bytes; `total` is -1 when the origin wrote "*".
package enum ContentRange: Equatable, Sendable {
  case range(first: Int, last: Int, total: Int)
  case unsatisfied(total: Int)
  case invalid
}

/// Reads a Range field (RFC 9110 section 14.2); anything but one well-formed byte range is "ignored".
package func parseRange(_ value: ByteString?) -> RangeSpec {
  guard let value else { return .none }
  let equals = value.indexOf("=")
  // R-RANGE-1
  if equals < 0 || !equalIgnoreCase(trimOws(value.slice(0, equals)), "bytes") { return .ignored }
  let spec = onlyItem(value.slice(equals + 1))
  let dash = spec.indexOf("-")
  // R-RANGE-2: no item, several items and an item without a dash all come out here.
  if dash < 0 { return .ignored }
  let lastText = spec.slice(dash + 1)
  let last = parseDigits(lastText)
  // R-RANGE-3
  if dash == 0 { return last < 0 ? .ignored : .suffix(length: last) }
  let first = parseDigits(spec.slice(0, dash))
  let open = lastText.isEmpty
  // R-RANGE-4
  if first < 0 || (!open && last < first) { return .ignored }
  return .from(first: first, last: open ? -1 : last)
}

/// Lays what was asked for over a resource of `total` bytes (RFC 9110 section 14.1.2).
package func resolveRange(_ spec: RangeSpec, _ total: Int) -> ResolvedRange {
  switch spec {
  case .none, .ignored:
    return .whole
  case .suffix(let length):
    // R-RANGE-6
    if length == 0 || total == 0 { return .unsatisfiable }
    return .part(start: length < total ? total - length : 0, end: total)
  case .from(let first, let last):
    // R-RANGE-7
    if first >= total { return .unsatisfiable }
    // R-RANGE-5
    return .part(start: first, end: last < 0 || last >= total ? total : last + 1)
  }
}

/// Reads a Content-Range field (RFC 9110 section 14.4); one that contradicts itself is "invalid".
package func parseContentRange(_ value: ByteString?) -> ContentRange {
  let text = value.map(trimOws) ?? ""
  let space = text.indexOf(" ")
  // R-RANGE-8
  if space < 0 || !equalIgnoreCase(text.slice(0, space), "bytes") { return .invalid }
  let rest = trimOws(text.slice(space + 1))
  let slash = rest.indexOf("/")
  if slash < 0 { return .invalid }
  let rangeBefore = rest.slice(0, slash)
  let totalText = rest.slice(slash + 1)
  let total = exactDigits(totalText)
  if rangeBefore == "*" { return total < 0 ? .invalid : .unsatisfied(total: total) }
  let dash = rangeBefore.indexOf("-")
  let first = dash < 0 ? -1 : exactDigits(rangeBefore.slice(0, dash))
  let last = dash < 0 ? -1 : exactDigits(rangeBefore.slice(dash + 1))
  // R-RANGE-9
  if first < 0 || last < first || (totalText != "*" && total <= last) { return .invalid }
  return .range(first: first, last: last, total: total)
}

/// The Content-Range of a 206: `start` inclusive, `end` exclusive, in bytes; total -1 writes "*" (R-RANGE-10).
package func contentRangeText(_ start: Int, _ end: Int, _ total: Int) -> ByteString {
  // R-RANGE-10
  "bytes \(start)-\(end - 1)/\(total < 0 ? "*" : .decimal(total))"
}

/// The Content-Range of a 416 for a resource of `total` bytes (RFC 9110 section 15.5.17).
package func unsatisfiedRangeText(_ total: Int) -> ByteString {
  // R-RANGE-11
  "bytes */\(total)"
}

/// The Range field that asks for `start` inclusive to `end` exclusive, in bytes; end -1 leaves it open (R-RANGE-12).
package func rangeText(_ start: Int, _ end: Int) -> ByteString {
  // R-RANGE-12
  end < 0 ? "bytes=\(start)-" : "bytes=\(start)-\(end - 1)"
}

/// The one element of a comma list that is not empty; "" when there is none or more than one.
private func onlyItem(_ list: ByteString) -> ByteString {
  var found = ByteString()
  var start = 0
  while start <= list.count {
    let comma = list.indexOf(",", start)
    let end = comma < 0 ? list.count : comma
    let item = trimOws(list.slice(start, end))
    if item.count > 0 && found.count > 0 { return "" }
    found = item.count > 0 ? item : found
    start = end + 1
  }
  return found
}

/// As parseDigits, but a number past the exact integers is -1: what an origin declares is stored, so it must be true.
private func exactDigits(_ text: ByteString) -> Int {
  let value = parseDigits(text)
  return value == integerMax ? -1 : value
}
