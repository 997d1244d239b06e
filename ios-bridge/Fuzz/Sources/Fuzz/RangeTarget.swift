@testable import ReelcacheCore

/// A Range field, a Content-Range field and a length: what is read makes sense, lies within the length, and written down
/// again it reads the same.
func fuzzRange(_ input: [UInt8]) {
  var reader = InputReader(input)
  let any = Int(reader.word() & Int64(integerMax))
  let text = ByteString(reader.rest())
  for total in [any, any % 1_000, any % 3, integerMax] {
    checkRange(text, total)
  }
  checkContentRange(text)
}

private func checkRange(_ text: ByteString, _ total: Int) {
  let spec = parseRange(text)
  switch spec {
  case .none:
    check(false, "a field that is there is none")
  case .ignored:
    check(resolveRange(spec, total) == .whole, "what is ignored has an effect")
    return
  case .from(let first, let last):
    check(first >= 0 && first <= integerMax, "first is no offset")
    check(last == -1 || (last >= first && last <= integerMax), "last is before first")
  case .suffix(let length):
    check(length >= 0 && length <= integerMax, "a suffix has no length")
  }
  switch resolveRange(spec, total) {
  case .whole:
    check(false, "a range became the whole")
  case .unsatisfiable:
    switch spec {
    case .from(let first, _): check(first >= total, "a range within the length is refused")
    case .suffix(let length): check(length == 0 || total == 0, "a suffix is refused")
    default: break
    }
  case .part(let start, let end):
    check(0 <= start && start < end && end <= total, "a part leaves the length: \(start)-\(end) of \(total)")
    let written = rangeText(start, end)
    check(parseRange(written) == .from(first: start, last: end - 1), "reads differently: \(written)")
    check(resolveRange(parseRange(written), total) == .part(start: start, end: end), "resolves differently")
    let content = contentRangeText(start, end, total)
    // A length past the exact integers is never stored, so it is never written either.
    let expected: ContentRange = total == integerMax ? .invalid : .range(first: start, last: end - 1, total: total)
    check(parseContentRange(content) == expected, "reads differently: \(content)")
  }
}

private func checkContentRange(_ text: ByteString) {
  switch parseContentRange(text) {
  case .invalid:
    break
  case .unsatisfied(let total):
    check(total >= 0 && total < integerMax, "a total is no length")
    let written = unsatisfiedRangeText(total)
    check(parseContentRange(written) == .unsatisfied(total: total), "reads differently: \(written)")
  case .range(let first, let last, let total):
    check(first >= 0 && first <= last && last < integerMax, "the offsets are out of order")
    check(total == -1 || total > last, "the range leaves the total")
    let written = contentRangeText(first, last + 1, total)
    let again: ContentRange = .range(first: first, last: last, total: total)
    check(parseContentRange(written) == again, "reads differently: \(written)")
  }
}
