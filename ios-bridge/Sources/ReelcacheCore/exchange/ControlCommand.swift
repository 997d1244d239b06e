/// Control: what a program on this device may ask of the proxy besides playing. Everything stands in the request's path
/// and query, so that no command has content. Pages are kept out: a browser says that a request is from one.

/// A command, or why there is none.
package enum ControlCommand {
  case entries(after: Int, max: Int)
  case status(url: ByteString)
  case preloads
  case preload(order: PreloadOrder)
  case cancel(id: Int)
  case window(urls: [ByteString], index: Int, shape: WindowShape)
  case pin(url: ByteString, pinned: Bool)
  case remove(url: ByteString)
  case refused(code: ErrorCode, detail: ByteString)
}

/// What a command that changes something must carry: no page can send it to another site without being asked first.
package let controlField: ByteString = "reelcache-control"

/// Highest priority that can be asked for; the window of a feed goes before all of them.
package let priorityMax = 9

/// Resources in one page of the list.
package let pageMax = 1_000

/// Whether a path of the proxy's own is one of control.
package func isControlPath(_ path: ByteString) -> Bool {
  path.startsWith(controlPath)
}

/// Why a request may not control the proxy, in spite of its Host field and secret; nil when it may.
package func controlFault(_ method: ByteString, _ fields: FieldList) -> ByteString? {
  let site = fieldFirst(fields, "sec-fetch-site")
  // R-CTRL-2: to a browser, a page that the proxy passes on from another site is one of the proxy's own.
  if fieldFirst(fields, "origin") != nil || (site != nil && site != "none") { return "the request is from a page" }
  // R-CTRL-3
  if method == "POST" && fieldFirst(fields, controlField) == nil {
    return "a command needs the field Reelcache-Control"
  }
  return nil
}

/// The command that a method, a path and a query mean.
package func controlCommand(_ method: ByteString, _ path: ByteString, _ query: ByteString) -> ControlCommand {
  let name = path.slice(controlPath.count)
  guard let row = commandRows.first(where: { $0.name == name }) else {
    return .refused(code: .notFound, detail: "there is no such command")
  }
  // R-CTRL-1
  if (method == "POST") != row.posted {
    return wrong(row.posted ? "this command is posted" : "this is asked for with GET")
  }
  guard let parameters = readParameters(query, row.parameters) else {
    return wrong("the parameters are: \(joined(row.parameters, ", "))")
  }
  return row.read(parameters)
}

private let controlPath: ByteString = "/control/"

private typealias Parameters = [(name: ByteString, value: ByteString)]

private struct CommandRow: Sendable {
  let name: ByteString
  let posted: Bool
  let parameters: [ByteString]
  let read: @Sendable (Parameters) -> ControlCommand
}

private let commandRows: [CommandRow] = [
  CommandRow(name: "entries", posted: false, parameters: ["after", "limit"], read: readEntries),
  CommandRow(name: "status", posted: false, parameters: ["url"]) { withUrl($0) { .status(url: $0) } },
  CommandRow(name: "preloads", posted: false, parameters: []) { _ in .preloads },
  CommandRow(
    name: "preload",
    posted: true,
    parameters: ["url", "seconds", "segments", "bytes", "bandwidth", "height", "index", "subtitles", "priority"],
    read: readPreload
  ),
  CommandRow(name: "cancel", posted: true, parameters: ["id"], read: readCancel),
  CommandRow(
    name: "window",
    posted: true,
    parameters: ["url", "index", "ahead", "behind", "seconds", "segments", "bytes"],
    read: readWindow
  ),
  CommandRow(name: "pin", posted: true, parameters: ["url"]) { withUrl($0) { .pin(url: $0, pinned: true) } },
  CommandRow(name: "unpin", posted: true, parameters: ["url"]) { withUrl($0) { .pin(url: $0, pinned: false) } },
  CommandRow(name: "remove", posted: true, parameters: ["url"]) { withUrl($0) { .remove(url: $0) } },
]

private func wrong(_ detail: ByteString) -> ControlCommand {
  .refused(code: .badCommand, detail: detail)
}

/// The parameters, decoded; nil when one is unknown or malformed.
private func readParameters(_ query: ByteString, _ names: [ByteString]) -> Parameters? {
  var parameters: Parameters = []
  for piece in query.split("&") where !piece.isEmpty {
    let equals = piece.indexOf("=")
    let name = equals < 0 ? piece : piece.slice(0, equals)
    guard names.contains(name), let value = percentDecode(equals < 0 ? "" : piece.slice(equals + 1)) else {
      return nil
    }
    parameters.append((name, value))
  }
  return parameters
}

private func textOf(_ parameters: Parameters, _ name: ByteString) -> ByteString? {
  parameters.first { $0.name == name }?.value
}

/// A whole number from 0 to `max`; the default when it is absent, -1 when it is none.
private func countOf(_ parameters: Parameters, _ name: ByteString, _ absent: Int, _ max: Int) -> Int {
  guard let text = textOf(parameters, name) else { return absent }
  let count = parseDigits(text)
  return count > max ? -1 : count
}

/// An upstream URL as players ask for it; "" when it is none.
private func upstreamUrl(_ text: ByteString?) -> ByteString {
  guard let text, isUpstreamUrl(text) else { return "" }
  return lowerScheme(withoutFragment(text))
}

private func withUrl(_ parameters: Parameters, _ make: (ByteString) -> ControlCommand) -> ControlCommand {
  let url = upstreamUrl(textOf(parameters, "url"))
  return url.isEmpty ? badUrl() : make(url)
}

private func badUrl() -> ControlCommand {
  .refused(code: .badUrl, detail: "url must be an http or https URL")
}

@Sendable private func readEntries(_ parameters: Parameters) -> ControlCommand {
  let after = countOf(parameters, "after", 0, integerMax)
  let most = countOf(parameters, "limit", 100, pageMax)
  if after < 0 || most < 1 { return wrong("after is an id, limit a number from 1 to \(pageMax)") }
  return .entries(after: after, max: most)
}

@Sendable private func readCancel(_ parameters: Parameters) -> ControlCommand {
  let id = countOf(parameters, "id", -1, integerMax)
  return id < 0 ? wrong("id is the number of a preload") : .cancel(id: id)
}

@Sendable private func readPreload(_ parameters: Parameters) -> ControlCommand {
  let priority = countOf(parameters, "priority", 0, priorityMax)
  guard let amount = readAmount(parameters) else {
    return wrong("one of seconds, segments and bytes may be given, above 0")
  }
  guard let variant = readVariant(parameters) else {
    return wrong("one of bandwidth, height and index may be given")
  }
  if priority < 0 { return wrong("priority is a number from 0 to \(priorityMax)") }
  let subtitles = textOf(parameters, "subtitles")
  // Who says that there shall be none must not get them.
  if let subtitles, !subtitles.isEmpty { return wrong("subtitles has no value") }
  return withUrl(parameters) { url in
    let order = PreloadOrder(
      url: url,
      amount: amount,
      variant: variant,
      subtitles: subtitles != nil,
      priority: priority
    )
    return .preload(order: order)
  }
}

@Sendable private func readWindow(_ parameters: Parameters) -> ControlCommand {
  let urls = parameters.filter { $0.name == "url" }.map { upstreamUrl($0.value) }
  let index = countOf(parameters, "index", 0, integerMax)
  let ahead = countOf(parameters, "ahead", 1, integerMax)
  let behind = countOf(parameters, "behind", 0, integerMax)
  if urls.contains("") { return badUrl() }
  guard let amount = readAmount(parameters) else {
    return wrong("one of seconds, segments and bytes may be given, above 0")
  }
  if index < 0 || ahead < 0 || behind < 0 { return wrong("index, ahead and behind are whole numbers") }
  return .window(urls: urls, index: index, shape: WindowShape(ahead: ahead, behind: behind, amount: amount))
}

/// How much is to be preloaded; nil when it is said twice, or is nothing.
private func readAmount(_ parameters: Parameters) -> PreloadAmount? {
  var found: [PreloadAmount] = []
  for (name, value) in parameters {
    if name == "seconds" { found.append(PreloadAmount(unit: .milliseconds, count: milliseconds(value))) }
    if name == "segments" { found.append(PreloadAmount(unit: .segments, count: parseDigits(value))) }
    if name == "bytes" { found.append(PreloadAmount(unit: .bytes, count: parseDigits(value))) }
  }
  // R-PRE-7
  guard let first = found.first else { return PreloadAmount(unit: .all, count: 0) }
  return found.count == 1 && first.count > 0 ? first : nil
}

/// Which variant; nil when it is said twice, or is no number.
private func readVariant(_ parameters: Parameters) -> VariantWish? {
  var found: [VariantWish] = []
  for (name, value) in parameters {
    if name == "bandwidth" { found.append(VariantWish(by: .bandwidth, value: parseDigits(value))) }
    if name == "height" { found.append(VariantWish(by: .height, value: parseDigits(value))) }
    if name == "index" { found.append(VariantWish(by: .index, value: parseDigits(value))) }
  }
  guard let first = found.first else { return VariantWish(by: .first, value: 0) }
  return found.count == 1 && first.value >= 0 ? first : nil
}
