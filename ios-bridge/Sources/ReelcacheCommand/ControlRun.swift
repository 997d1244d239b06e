import Reelcache
import ReelcacheControl

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `--control-port N [--control-code CODE]`, alone: no proxy of its own, but the harness may start some, as it does in the
/// host app on a phone. With a code everybody must say it, as who comes over the network must to a phone.
enum ControlRequest: Equatable {
  case run(port: Int, code: String)
  case refused(String)
}

/// The control that the words ask for; nil when they do not.
func readControlWords(_ args: [String]) -> ControlRequest? {
  guard args.contains(where: { $0 == "--control-port" || $0.hasPrefix("--control-port=") }) else { return nil }
  var port: Int?
  var code = ""
  var rest = args.flatMap(wordAndValue)[...]
  while let word = rest.popFirst() {
    guard let value = rest.popFirst() else { return .refused("option '\(word)' argument missing") }
    switch word {
    case "--control-port":
      guard let number = Int(value), (0...65_535).contains(number) else {
        return .refused("--control-port: \(jsonText(value)) is not allowed; it must be a whole number from 0 to 65535")
      }
      port = number
    case "--control-code": code = value
    default: return .refused("--control-port stands alone or with --control-code; options come from the harness")
    }
  }
  return port.map { .run(port: $0, code: code) } ?? .refused("option '--control-port' argument missing")
}

/// Lets the harness drive proxies in this process until a signal; returns the exit status.
func runControl(_ world: World, _ port: Int, _ code: String, _ exit: @escaping @Sendable (Int32) -> Void) async -> Int32
{
  let folder = FileManager.default.temporaryDirectory.path
  let process = ProcessInfo.processInfo
  var options = ControlOptions(folder: "\(folder)/reelcache-control-\(process.processIdentifier)")
  options.port = port
  options.code = code
  options.trustsNobody = !code.isEmpty
  options.system = process.operatingSystemVersionString
  options.device = process.hostName
  let control = ControlServer(options)
  let stop = StopWish(world, exit)
  do {
    let taken = try await control.start()
    world.write("{\"controlling\":\"127.0.0.1:\(taken)\"}\n")
  } catch {
    world.complain("reelcache: \(error)\n")
    return ExitStatus.portTaken
  }
  await stop.wished()
  await control.stop()
  return ExitStatus.stopped
}

private func wordAndValue(_ word: String) -> [String] {
  guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return [word] }
  return [String(word[..<equals]), String(word[word.index(after: equals)...])]
}
