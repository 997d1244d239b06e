import Reelcache

/// Why a command was not carried out.
struct ControlFailure: Error, Equatable, Sendable {
  /// For a program: `option` is the caller's fault, `code` a wrong or missing code.
  enum Code: String, Sendable {
    case command
    case code
    case option
    case start
    case state
    case dial
  }

  let code: Code
  let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// How an attempt to reach an address ended.
struct ReachResult: Equatable, Sendable {
  enum Outcome: String, Sendable {
    case reached
    case refused
    /// Nothing came back: usually a firewall.
    case timeout
    /// The person did not allow the app to use the local network.
    case denied
    case unreachable
    case failed
  }

  let host: String
  let outcome: Outcome
  /// What the address said, up to the first line feed.
  let heard: String
  let detail: String
}

/// What the harness is told: one line.
enum ControlAnswer: Equatable, Sendable {
  case hello(version: String, system: String, device: String, addresses: [String])
  case listening(String)
  case cleared
  case stopped
  case reached([ReachResult])
  case dialed
  case lines([String])
  case failed(ControlFailure)

  /// The answer as a JSON object, with its line feed.
  var line: String {
    "\(json)\n"
  }

  private var json: String {
    switch self {
    case .hello(let version, let system, let device, let addresses):
      let fields = [
        "\"protocol\":\(controlProtocol)",
        "\"version\":\(jsonText(version))",
        "\"system\":\(jsonText(system))",
        "\"device\":\(jsonText(device))",
        "\"addresses\":[\(addresses.map(jsonText).joined(separator: ","))]",
      ]
      return "{\"hello\":{\(fields.joined(separator: ","))}}"
    case .listening(let url): return "{\"listening\":\(jsonText(url))}"
    case .cleared: return "{\"cleared\":true}"
    case .stopped: return "{\"stopped\":true}"
    case .reached(let results): return "{\"reached\":[\(results.map(reachedJson).joined(separator: ","))]}"
    case .dialed: return "{\"dialed\":true}"
    case .lines(let lines): return "{\"lines\":[\(lines.map(jsonText).joined(separator: ","))]}"
    case .failed(let failure):
      return "{\"failed\":{\"code\":\"\(failure.code.rawValue)\",\"message\":\(jsonText(failure.message))}}"
    }
  }
}

private func reachedJson(_ result: ReachResult) -> String {
  "{\"host\":\(jsonText(result.host)),\"outcome\":\"\(result.outcome.rawValue)\","
    + "\"heard\":\(jsonText(result.heard)),\"detail\":\(jsonText(result.detail))}"
}
