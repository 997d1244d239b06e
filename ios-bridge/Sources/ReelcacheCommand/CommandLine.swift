import Reelcache
import ReelcacheCore

/// What the command line asks for: run with options, or print a text and end with a status.
enum CommandRequest: Equatable {
  case run(CommandRun)
  case print(String)
  case refused(String)
}

/// A run: the options in force, the names of those that were given, and the URLs to print.
struct CommandRun: Equatable {
  var options: ServerOptions
  var given: Set<String>
  var urls: [String]
}

/// Reads the arguments (without the program's name) and the environment. Flags come from the option table, URLs are
/// arguments; flags win over the environment, the environment over the defaults.
func readCommandLine(_ args: [String], _ environment: [String: String], _ version: String) -> CommandRequest {
  let flags: FlagTexts
  switch readFlags(args) {
  case .help: return .print(helpText())
  case .version: return .print("\(version)\n")
  case .wrong(let message): return .refused("\(message); reelcache --help lists all options")
  case .read(let read): flags = read
  }
  var options: ServerOptions
  var given: Set<String>
  switch readEnvironment(environment) {
  case .refused(let message): return .refused(message)
  case .read(let fromEnvironment, let names):
    options = fromEnvironment
    given = names
  }
  // R-CLI-11
  for row in optionTable {
    guard let texts = flags.texts[row.flag] else { continue }
    if let fault = readOptionText(&options, row, "--\(row.flag)", texts) { return .refused(fault) }
    given.insert(row.name)
  }
  if let badUrl = flags.operands.first(where: { !isWebUrl($0) }) {
    return .refused("\(jsonText(badUrl)) is not an http or https URL")
  }
  switch resolveOptions(options) {
  case .refused(let message): return .refused(message)
  case .resolved(let resolved): return .run(CommandRun(options: resolved, given: given, urls: flags.operands))
  }
}

private func isWebUrl(_ text: String) -> Bool {
  isUpstreamUrl(escapeUri(ByteString(utf8: text)))
}
