/// What a seeded run must not have done: to memory, to the origin, to a player.

@testable import ReelcacheCore

/// Memory is bounded: what a flight holds, and how far it runs ahead.
func memoryFaults(_ sim: Simulator) -> [String] {
  var faults: [String] = []
  for flight in sim.flights.values.map(\.flight) {
    let held = flight.position - flight.tailStart
    // What the furthest reader has yet to take, and what one behind it has, each with a piece of up to 90 bytes.
    if flight.state == .flowing && held > 2 * (120 + 90) {
      faults.append("f\(flight.id) holds \(held) bytes in memory")
    }
  }
  return faults
}

/// Bytes that came twice although their resource may be stored and asked for in parts.
func twiceFaults(_ origin: RandomOrigin) -> [String] {
  var faults: [String] = []
  for resource in origin.resources {
    let plain = resource.cacheControl.isEmpty && resource.framing == .length && resource.playlist == .none
    if !plain || !resource.ranges || !isResumable(resource) || resource.path.endsWith(".m3u8") { continue }
    if let twice = (origin.sent[resource.path] ?? []).firstIndex(where: { $0 > 1 }) {
      faults.append("byte \(twice) of \(resource.path) came twice")
    }
  }
  return faults
}

/// What a player can say against what it got.
func playerFaults(_ origin: RandomOrigin, _ player: SimPlayer, _ calm: Bool) -> [String] {
  if player.background { return [] }
  let exchange = player.exchange
  let name = "\(player.name) (\(player.head.map { "\($0.status)" } ?? "no head"), \(player.end.rawValue))"
  if player.end == .none { return ["\(name) never ended"] }
  guard let head = player.head else { return player.end == .left ? [] : ["\(name) ended without a head"] }
  let path = pathOf(exchange.url)
  guard let resource = origin.resources.first(where: { $0.path == path }), head.status == 200 || head.status == 206
  else {
    let known = [206, 304, 403, 404, 416, 500, 502, 503, 504].contains(head.status)
    return known ? [] : ["\(name) got a status of nobody"]
  }
  if calm && player.end == .cut && isResumable(resource) { return ["\(name) was cut in fair weather"] }
  let length = fieldFirst(head.fields, "content-length").map(parseDigits)
  if let length, player.end == .whole, exchange.method == .get, player.received.count != length {
    return ["\(name) got \(player.received.count) bytes of \(length)"]
  }
  var start = 0
  if let text = fieldFirst(head.fields, "content-range") {
    guard case .range(let first, let last, let total) = parseContentRange(text) else { return ["\(name): \(text)"] }
    if length != last - first + 1 || last >= total { return ["\(name): \(text)"] }
    start = first
  }
  let whole = player.end == .whole && exchange.method == .get && length == nil
  for version in 0...resource.version {
    if startsAlike(resource, version, start, player.received, exchange.prefix, whole) { return [] }
  }
  return ["\(name) of \(resource.path) got bytes of no version"]
}

/// Whether what is lost of it can be had again without mixing versions.
private func isResumable(_ resource: RandomResource) -> Bool {
  (resource.validator == .etag || resource.validator == .modified) && resource.framing == .length
}

private func startsAlike(
  _ resource: RandomResource,
  _ version: Int,
  _ start: Int,
  _ received: ByteString,
  _ prefix: ByteString,
  _ whole: Bool
) -> Bool {
  sentTexts(resource, version, prefix).contains { text in
    if whole && received.count != text.count { return false }
    return text.startsWith(received, start)
  }
}

/// What players may be given of a version: of a playlist, what the options make of it.
private func sentTexts(_ resource: RandomResource, _ version: Int, _ prefix: ByteString) -> [ByteString] {
  let plain = versionText(resource, version)
  let base: ByteString = "http://\(resource.redirects ? "p" : "o").example\(resource.path)"
  switch resource.playlist {
  case .none, .lie:
    return [plain]
  case .live:
    return [rewritten(plain, .query, prefix, base)]
  case .vod:
    return [rewritten(plain, .query, prefix, base), rewritten(plain, .query, prefix, base, direct: [true])]
  case .multivariant:
    return chosenVariants(plain).map { rewritten($0, .query, prefix, base) }
  }
}

/// A playlist of two variants as it is, with the second first, and with one of them.
private func chosenVariants(_ plain: ByteString) -> [ByteString] {
  let head: ByteString = "#EXTM3U\n"
  let second = plain.lastIndexOf("#")
  let (one, two) = (plain.slice(head.count, second), plain.slice(second))
  return [plain, head + two + one, head + one, head + two]
}
