/// The directives of a Cache-Control field, of a request or a response alike. Numbers in seconds, -1 when absent.
package struct CacheControl: Equatable, Sendable {
  package var noStore: Bool
  package var noCache: Bool
  package var isPrivate: Bool
  package var isPublic: Bool
  package var mustRevalidate: Bool
  package var proxyRevalidate: Bool
  package var immutable: Bool
  package var onlyIfCached: Bool
  package var noTransform: Bool
  package var maxAge: Int
  package var sMaxAge: Int
  package var staleWhileRevalidate: Int
  package var staleIfError: Int
  package var minFresh: Int
  package var maxStale: Int
}

/// The longest time a directive can say, in seconds: 2^31 (RFC 9111 section 1.2.2), also max-stale without a number.
package let deltaSecondsMax = 2_147_483_648

/// Reads a Cache-Control field, its lines already combined (RFC 9111 section 5.2); nil and unknown words change nothing.
package func parseCacheControl(_ value: ByteString?) -> CacheControl {
  var control = emptyCacheControl()
  let items = value.map(listItems) ?? []
  for item in items {
    let equals = item.indexOf("=")
    // R-CC-1
    let name = lowerAscii(trimOws(equals < 0 ? item : item.slice(0, equals)))
    if !setFlag(&control, name) {
      setSeconds(&control, name, equals < 0 ? nil : unquoted(trimOws(item.slice(equals + 1))))
    }
  }
  return control
}

private func emptyCacheControl() -> CacheControl {
  CacheControl(
    noStore: false,
    noCache: false,
    isPrivate: false,
    isPublic: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    immutable: false,
    onlyIfCached: false,
    noTransform: false,
    maxAge: -1,
    sMaxAge: -1,
    staleWhileRevalidate: -1,
    staleIfError: -1,
    minFresh: -1,
    maxStale: -1
  )
}

/// Sets the directive that takes no number; false when the name is not one of them.
private func setFlag(_ control: inout CacheControl, _ name: ByteString) -> Bool {
  // R-CC-2: the argument is never looked at.
  switch name {
  case "no-store":
    control.noStore = true
    return true
  case "no-cache":
    control.noCache = true
    return true
  case "private":
    control.isPrivate = true
    return true
  case "public":
    control.isPublic = true
    return true
  case "must-revalidate":
    control.mustRevalidate = true
    return true
  case "proxy-revalidate":
    control.proxyRevalidate = true
    return true
  case "immutable":
    control.immutable = true
    return true
  case "only-if-cached":
    control.onlyIfCached = true
    return true
  case "no-transform":
    control.noTransform = true
    return true
  default:
    return false
  }
}

private func setSeconds(_ control: inout CacheControl, _ name: ByteString, _ argument: ByteString?) {
  switch name {
  case "max-age":
    control.maxAge = firstSeconds(control.maxAge, argument)
  case "s-maxage":
    control.sMaxAge = firstSeconds(control.sMaxAge, argument)
  case "stale-while-revalidate":
    control.staleWhileRevalidate = firstSeconds(control.staleWhileRevalidate, argument)
  case "stale-if-error":
    control.staleIfError = firstSeconds(control.staleIfError, argument)
  case "min-fresh":
    control.minFresh = firstSeconds(control.minFresh, argument)
  case "max-stale":
    // R-CC-6
    control.maxStale = firstSeconds(control.maxStale, argument ?? "2147483648")
  default:
    return
  }
}

/// The seconds in force once `argument` has been read after `before`.
private func firstSeconds(_ before: Int, _ argument: ByteString?) -> Int {
  // R-CC-3
  if before >= 0 { return before }
  let seconds = argument.map(parseDigits) ?? -1
  // R-CC-4
  if seconds < 0 { return 0 }
  // R-CC-5
  return seconds > deltaSecondsMax ? deltaSecondsMax : seconds
}

/// The text inside a quoted string, its escapes undone (RFC 9110 section 5.6.4); other text as it is.
private func unquoted(_ text: ByteString) -> ByteString {
  if text.count < 2 || !text.startsWith("\"") || !text.endsWith("\"") { return text }
  var plain = ByteString()
  var at = 1
  while at < text.count - 1 {
    if text.code(at) == 92 { at += 1 }
    plain.bytes.append(text.bytes[at])
    at += 1
  }
  return plain
}
