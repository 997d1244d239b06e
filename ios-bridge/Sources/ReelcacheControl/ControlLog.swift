import Reelcache

/// What happened lately, for a person: on the app's screen, and for the harness.
final class ControlLog: Sendable {
  private static let linesMax = 300

  private let lines = Locked<[String]>([])
  private let onLine: @Sendable (String) -> Void

  /// `onLine` is called on whatever thread has something to tell.
  init(_ onLine: @escaping @Sendable (String) -> Void) {
    self.onLine = onLine
  }

  func add(_ line: String) {
    lines.with { lines in
      lines.append(line)
      if lines.count > ControlLog.linesMax { lines.removeFirst(lines.count - ControlLog.linesMax) }
    }
    onLine(line)
  }

  var recent: [String] { lines.with { $0 } }
}
