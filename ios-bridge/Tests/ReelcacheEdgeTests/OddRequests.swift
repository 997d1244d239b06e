import Foundation

@testable import ReelcacheCore
@testable import ReelcacheEdge

/// One entry of fixtures/requests/odd-requests.json: bytes that players may send, and what must come of them when the
/// player ends its side behind them. The reference's listener runs the same file on real sockets.
struct OddRequest {
  static let host = "127.0.0.1:18080"

  let name: String
  let bytes: [UInt8]
  /// In the words of `oddEvent`.
  let events: [String]

  static func all() throws -> [OddRequest] {
    let file = fixtures().appendingPathComponent("requests/odd-requests.json")
    let entries = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]] ?? []
    return entries.map { entry in
      OddRequest(
        name: entry["name"] as? String ?? "",
        bytes: byteText(entry["bytes"] ?? ""),
        events: (entry["events"] as? [Any] ?? []).map(told)
      )
    }
  }

  /// The folder of fixtures: the checkout's own, or what the environment's REELCACHE_FIXTURES names.
  private static func fixtures() -> URL {
    if let folder = ProcessInfo.processInfo.environment["REELCACHE_FIXTURES"] {
      return URL(fileURLWithPath: folder, isDirectory: true)
    }
    let root = [1, 2, 3, 4].reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    return root.appendingPathComponent("fixtures", isDirectory: true)
  }

  private static func byteText(_ value: Any) -> [UInt8] {
    let parts = value as? [Any] ?? [value]
    let text = parts.map { part -> String in
      if let text = part as? String { return text }
      let repeated = part as? [String: Any] ?? [:]
      return String(repeating: repeated["text"] as? String ?? "", count: repeated["times"] as? Int ?? 0)
    }
    return text.joined().replacingOccurrences(of: "{host}", with: host).unicodeScalars.map { UInt8($0.value) }
  }

  private static func told(_ event: Any) -> String {
    if let code = event as? String { return code }
    guard let parts = event as? [Any], parts.count == 5 else { return "no event: \(event)" }
    let fields = (parts[4] as? [String]).map { $0.joined(separator: "|") } ?? "\(parts[4])"
    return "\(parts[0]) \(parts[1]) \(parts[2]) \(parts[3] as? Bool ?? false) \(fields)"
  }
}

/// An event as the file tells it: of long texts and lists the length.
func oddEvent(_ event: RequestEvent) -> String {
  guard case .request(let head) = event else {
    if case .refused(let code) = event { return code.rawValue }
    return ""
  }
  func told(_ text: ByteString) -> String {
    latin1Text(text).replacingOccurrences(of: OddRequest.host, with: "{host}")
  }
  let long =
    head.fields.count > 100 || ([head.target] + head.fields).contains { $0.count > 300 } || head.target.isEmpty
  let target = head.target.count > 300 ? "\(head.target.count)" : told(head.target)
  let fields = long ? "\(head.fields.count / 2)" : head.fields.map(told).joined(separator: "|")
  return "\(told(head.method)) \(target) \(head.httpMinor) \(head.close) \(fields)"
}

/// What a parser makes of pieces of bytes, and of the end behind them unless it is left out.
func oddEvents(
  _ pieces: [ArraySlice<UInt8>],
  ends: Bool = true,
  headBytesMax: Int = defaultLimits.requestHeadBytesMax
) -> [String] {
  var parser = RequestParser(headBytesMax)
  var events: [String] = []
  for piece in pieces {
    piece.withUnsafeBytes { bytes in
      var at = 0
      while let event = parser.next(bytes, &at) { events.append(oddEvent(event)) }
    }
  }
  if ends, let event = parser.finish() { events.append(oddEvent(event)) }
  return events
}
