/// An origin made of numbers: resources with versions, of which every byte is known, and transfers that it answers.

@testable import ReelcacheCore

/// What never changes of a resource; its version does.
struct RandomResource {
  enum Validator {
    case etag
    case modified
    case weak
    case none
  }

  enum Playlist {
    case none
    case live
    case vod
    case multivariant
    case lie
  }

  let path: ByteString
  let total: Int
  let validator: Validator
  let ranges: Bool
  /// It gives a part of its version whatever If-Range says.
  let ignoresIfRange: Bool
  let framing: Framing
  let cacheControl: ByteString
  let playlist: Playlist
  /// Redirected to itself on another host.
  let redirects: Bool
  let cookies: Bool
  var version: Int
}

/// Chances that all who take part in a run draw from one after the other.
final class Dice {
  private var random: SeededRandom

  init(_ seed: Int) {
    random = SeededRandom(seed)
  }

  func callAsFunction(_ below: Int) -> Int {
    random.next(below)
  }

  func one<Choice>(_ choices: [Choice]) -> Choice {
    choices[random.next(choices.count)]
  }

  /// One of the choices; nil, after a draw all the same, when there is none.
  func any<Choice>(_ choices: [Choice]) -> Choice? {
    let place = random.next(choices.count)
    return place < choices.count ? choices[place] : nil
  }
}

/// One request under way: what is yet to be sent of its answer.
private final class Transfer {
  let fields: FieldList
  let url: ByteString
  /// False before the head; then the rest of the body is sent, and the transfer ends.
  var answered = false
  var body = ByteString()
  var at = 0
  var failure: (code: ErrorCode, detail: ByteString)?

  init(_ flight: Flight, _ fields: FieldList) {
    self.fields = fields
    url = flight.url
  }
}

private let networkCodes: [ErrorCode] = [.upstreamRefused, .upstreamDns, .upstreamTimeout]
private let otherCodes: [ErrorCode] = [.upstreamProtocol, .upstreamTruncated]

/// The bytes of a version.
func versionText(_ resource: RandomResource, _ version: Int) -> ByteString {
  if resource.playlist == .multivariant { return multivariantText(version) }
  if resource.playlist == .live || resource.playlist == .vod { return playlistText(resource, version) }
  var text: ByteString = resource.playlist == .lie ? "not a playlist" : ""
  // Neighbouring offsets, versions and resources all differ, so that a byte out of place is seen.
  for at in text.count..<max(text.count, resource.total) {
    text.bytes.append(UInt8(48 + (at * 7 + version * 31 + resource.total * 3 + ((at * at) >> 5)) % 75))
  }
  return text.slice(0, resource.total)
}

private func playlistText(_ resource: RandomResource, _ version: Int) -> ByteString {
  let head: ByteString = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:\(version)\n"
  // What a finished one names may be stored.
  let rest: ByteString = resource.playlist == .vod ? "/3.ts\n#EXT-X-ENDLIST" : "/seg\(version).ts"
  return "\(head)#EXT-X-MAP:URI=\"/0.ts\"\n#EXTINF:4,\n\(rest)\n"
}

private func multivariantText(_ version: Int) -> ByteString {
  func variant(_ at: Int) -> ByteString { "#EXT-X-STREAM-INF:BANDWIDTH=\(version)\(at)\n/\(at).m3u8\n" }
  return "#EXTM3U\n\(variant(1))\(variant(2))"
}

final class RandomOrigin {
  var resources: [RandomResource]
  /// 0: no faults; otherwise one answer of so many is one.
  var faultOneIn = 0
  /// Every answer is a network failure.
  var unreachable = false
  private var transfers: [Int: Transfer] = [:]
  private let random: Dice
  /// The simulator holds the origin, by `onSend`.
  private unowned let sim: Simulator
  /// Bytes that were accepted, by path: how often each was.
  private(set) var sent: [ByteString: [Int]] = [:]

  init(_ sim: Simulator, _ resources: [RandomResource], _ random: Dice) {
    self.sim = sim
    self.resources = resources
    self.random = random
  }

  /// A request went out.
  func noteSend(_ flight: Flight, _ fields: FieldList) {
    transfers[flight.id] = Transfer(flight, fields)
  }

  /// Flights of which the origin may be heard, and that are not held back.
  func ready() -> [SimFlight] {
    sim.flights.values.filter { $0.open && !$0.flight.paused }
  }

  /// Sends the head of a flight's answer, or a piece of its body, or its end.
  func step(_ flight: SimFlight) throws {
    guard let transfer = transfers[flight.flight.id] else {
      throw SimulatorError(description: "a flight without a request")
    }
    if !transfer.answered {
      transfer.answered = true
      try answer(flight, transfer)
      return
    }
    let left = transfer.body.count - transfer.at
    if left == 0 {
      try sim.done(flight, transfer.failure)
      return
    }
    let piece = transfer.body.slice(transfer.at, transfer.at + 1 + random(min(left, 90)))
    transfer.at += piece.count
    count(flight.flight, piece.count)
    try sim.data(flight, piece)
  }

  private func count(_ flight: Flight, _ length: Int) {
    // What a directed reload brings is not stored, so it comes again.
    if flight.directed { return }
    // What a redirected playlist named is another resource, though its bytes are the same.
    if flight.body.entry.url.startsWith("http://p.example") { return }
    let path = pathOf(flight.url)
    let end = flight.limit == -1 ? flight.position + length : min(flight.limit, flight.position + length)
    var counts = sent[path] ?? []
    while counts.count < end { counts.append(0) }
    for at in flight.position..<max(flight.position, end) { counts[at] += 1 }
    sent[path] = counts
  }

  private func answer(_ flight: SimFlight, _ transfer: Transfer) throws {
    if unreachable {
      try sim.done(flight, (.upstreamRefused, ""))
      return
    }
    if faultOneIn > 0 && random(faultOneIn) == 0 {
      if try lie(flight, transfer) { return }
    }
    let path = pathOf(transfer.url)
    guard let resource = resources.first(where: { $0.path == path }) else {
      try status(flight, transfer, 404, "nothing here")
      return
    }
    if resource.redirects && transfer.url.startsWith("http://o.example") {
      let fields: FieldList = ["Location", "http://p.example\(transfer.url.slice(16))", "Content-Length", "0"]
      try sim.head(flight, OriginAnswer(status: 302, reason: "Found", fields: fields, framing: .length))
      return
    }
    try honest(flight, transfer, resource)
  }

  private func honest(_ flight: SimFlight, _ transfer: Transfer, _ resource: RandomResource) throws {
    let text = versionText(resource, resource.version)
    var fields = describe(resource)
    let known = fieldFirst(transfer.fields, "if-none-match")
    let since = fieldFirst(transfer.fields, "if-modified-since")
    let unchanged = known == nil ? since == modifiedOf(resource) : known == etagOf(resource)
    if (known != nil || since != nil) && unchanged {
      try sim.head(flight, OriginAnswer(status: 304, reason: "", fields: fields, framing: .none))
      return
    }
    if flight.flight.method == .head {
      fields += ["Content-Length", .decimal(text.count)]
      try sim.head(flight, OriginAnswer(status: 200, reason: "", fields: fields, framing: .none))
      return
    }
    let ifRange = fieldFirst(transfer.fields, "if-range")
    let holds =
      ifRange == nil || resource.ignoresIfRange || ifRange == etagOf(resource) || ifRange == modifiedOf(resource)
    let range = resource.ranges && holds ? parseRange(fieldFirst(transfer.fields, "range")) : .none
    var framing = resource.framing
    var status = 200
    switch resolveRange(range, text.count) {
    case .unsatisfiable:
      fields += ["Content-Range", "bytes */\(text.count)", "Content-Length", "0"]
      try sim.head(flight, OriginAnswer(status: 416, reason: "", fields: fields, framing: .length))
      return
    case .part(let start, let end):
      transfer.body = text.slice(start, end)
      fields += ["Content-Range", "bytes \(start)-\(end - 1)/\(text.count)"]
      framing = .length
      status = 206
    case .whole:
      transfer.body = text
    }
    if framing == .length { fields += ["Content-Length", .decimal(transfer.body.count)] }
    if faultOneIn > 0 && random(faultOneIn) == 0 { shorten(transfer, framing) }
    try sim.head(flight, OriginAnswer(status: status, reason: "", fields: fields, framing: framing))
  }

  private func shorten(_ transfer: Transfer, _ framing: Framing) {
    transfer.body = transfer.body.slice(0, random(transfer.body.count + 1))
    // A body that its length ends may simply stop; one of chunks that stops is a failure of the transfer.
    if framing != .length || random(2) == 0 { transfer.failure = (.upstreamTruncated, "") }
  }

  /// A failure or a false answer; false when it is to be answered in earnest after all.
  private func lie(_ flight: SimFlight, _ transfer: Transfer) throws -> Bool {
    let kind = random(6)
    if kind == 0 || kind == 1 {
      try sim.done(flight, (random.one(kind == 0 ? networkCodes : otherCodes), ""))
    } else if kind == 2 {
      try status(flight, transfer, random.one([403, 404, 500, 503]), "the origin's own words")
    } else if kind == 3 {
      let fields: FieldList = ["Content-Range", "bytes 3-5/9"]
      try sim.head(flight, OriginAnswer(status: 206, reason: "", fields: fields, framing: .chunked))
    } else if kind == 4 {
      let first = max(0, flight.flight.askStart)
      let fields: FieldList = ["Content-Range", "bytes \(first)-\(first + 3)/*"]
      try sim.head(flight, OriginAnswer(status: 206, reason: "", fields: fields, framing: .chunked))
    } else {
      return false
    }
    return true
  }

  private func status(_ flight: SimFlight, _ transfer: Transfer, _ status: Int, _ text: ByteString) throws {
    let bodyless = flight.flight.method == .head
    transfer.body = bodyless ? "" : text
    let fields: FieldList = [
      "Content-Length", .decimal(text.count), "Content-Type", "text/html", "Set-Cookie", "error=1",
    ]
    let framing: Framing = bodyless ? .none : .length
    try sim.head(flight, OriginAnswer(status: status, reason: "Said So", fields: fields, framing: framing))
  }
}

/// The path of a URL on any host, without its query: directives change no resource.
func pathOf(_ url: ByteString) -> ByteString {
  let mark = url.indexOf("?")
  return url.slice(url.indexOf("/", 8), mark == -1 ? url.count : mark)
}

private func etagOf(_ resource: RandomResource) -> ByteString? {
  switch resource.validator {
  case .etag: "\"v\(resource.version)\""
  case .weak: "W/\"v\(resource.version)\""
  case .modified, .none: nil
  }
}

private func modifiedOf(_ resource: RandomResource) -> ByteString? {
  if resource.validator != .modified { return nil }
  let day = 1 + resource.version % 28
  return "Thu, \(day < 10 ? "0" : "")\(day) Jan 1970 00:00:00 GMT"
}

private func describe(_ resource: RandomResource) -> FieldList {
  var fields: FieldList = []
  if resource.playlist != .none { fields += ["Content-Type", "application/vnd.apple.mpegurl"] }
  if let etag = etagOf(resource) { fields += ["ETag", etag] }
  if let modified = modifiedOf(resource) { fields += ["Last-Modified", modified] }
  if !resource.cacheControl.isEmpty { fields += ["Cache-Control", resource.cacheControl] }
  if resource.cookies { fields += ["Set-Cookie", "session=1"] }
  return fields
}
