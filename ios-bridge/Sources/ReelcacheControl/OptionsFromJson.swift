import Reelcache

/// Options that the device decides itself.
private let ownOptions = ["cacheDir", "port", "originCa"]

/// The options that a command gives, checked row by row like those of the command line.
func serverOptions(_ given: [String: JsonValue]) -> Result<ServerOptions, ControlFailure> {
  var options = ServerOptions()
  // By name, since a JSON object has no order here: of several faults always the same one is told.
  for (name, value) in given.sorted(by: { $0.key < $1.key }) {
    guard let row = optionTable.first(where: { $0.name == name }) else {
      return refused("\(name): no such option; there are \(optionTable.map(\.name).joined(separator: ", "))")
    }
    if ownOptions.contains(name) { return refused("\(name): the device decides this itself") }
    let read = optionValue(value)
    if let fault = optionFault(row, read) { return refused(faultMessage(name, name, read, fault)) }
    row.set(&options, read)
  }
  if !isLoopback(options.host) {
    return refused(faultMessage("host", "host", .text(options.host), "an address of the device's own loopback"))
  }
  options.port = 0
  return .success(options)
}

private func refused(_ message: String) -> Result<ServerOptions, ControlFailure> {
  .failure(ControlFailure(.option, message))
}

private func optionValue(_ value: JsonValue) -> OptionValue {
  switch value {
  case .null: return .absent
  case .flag(let on): return .flag(on)
  case .number(let number): return .number(number)
  case .fraction: return .unreadable
  case .text(let text): return .text(text)
  case .list(let list):
    let texts = list.compactMap(\.text)
    return texts.count == list.count ? .list(texts) : .unreadable
  case .object(let fields):
    let limits = fields.compactMapValues(\.number)
    return limits.count == fields.count ? .limits(limits) : .unreadable
  }
}
