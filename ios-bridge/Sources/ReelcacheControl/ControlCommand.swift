#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The version of the protocol. The harness says its own in harness/device/control-client.ts.
public let controlProtocol = 1

/// The port on which the harness looks for the app.
public let controlPort = 9_199

/// What the harness asks for: one JSON object a line, answered by one line each, in order.
enum ControlCommand: Equatable, Sendable {
  /// Who is there? From outside of the device the code comes with it, and before anything else.
  case hello(code: String)
  /// Start a proxy with an empty cache folder. Options have the names and types of the option table.
  case start(options: [String: JsonValue])
  /// Stop it and start it again on its port and its cache; `kill` without a chance to write anything more.
  case restart(kill: Bool)
  /// Empty its cache while it runs.
  case clear
  /// Stop it; its cache goes.
  case stop
  /// Connect to these addresses and tell what they say.
  case reach([Destination])
  /// From now on this connection is one to a proxy's port.
  case dial(port: Int)
  /// What happened lately.
  case log

  struct Destination: Equatable, Sendable {
    let host: String
    let port: Int
  }
}

/// The command in a line, or what is wrong with it.
func parseCommand(_ line: Data) -> Result<ControlCommand, ControlFailure> {
  guard case .object(let fields)? = try? JSONDecoder().decode(JsonValue.self, from: line) else {
    return .failure(ControlFailure(.command, "a command is a JSON object in one line"))
  }
  let name = fields["do"]?.text ?? ""
  switch name {
  case "hello": return .success(.hello(code: fields["code"]?.text ?? ""))
  case "start":
    guard case .object(let options)? = fields["options"] else { return wrong(name, "options") }
    return .success(.start(options: options))
  case "restart": return .success(.restart(kill: fields["kill"]?.flag ?? false))
  case "clear": return .success(.clear)
  case "stop": return .success(.stop)
  case "reach":
    guard case .list(let list)? = fields["to"] else { return wrong(name, "to") }
    let to = list.compactMap(destination)
    return to.count == list.count ? .success(.reach(to)) : wrong(name, "to")
  case "dial":
    guard let port = fields["port"]?.number, (1...65_535).contains(port) else { return wrong(name, "port") }
    return .success(.dial(port: port))
  case "log": return .success(.log)
  default: return .failure(ControlFailure(.command, "there is no command \(name)"))
  }
}

private func destination(_ value: JsonValue) -> ControlCommand.Destination? {
  guard case .object(let fields) = value, let host = fields["host"]?.text, let port = fields["port"]?.number,
    (1...65_535).contains(port)
  else { return nil }
  return ControlCommand.Destination(host: host, port: port)
}

private func wrong(_ command: String, _ field: String) -> Result<ControlCommand, ControlFailure> {
  .failure(ControlFailure(.command, "\(command) needs \(field)"))
}
