import Dispatch
import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The form of log lines.
package enum LogFormat: String, Sendable {
  case pretty
  case json
}

/// The log: lines on stderr, or wherever a sink puts them; URLs without their query, where signatures and tokens live.
///
/// Any thread may log. Lines are written in order on a queue of their own, since who reads them may be slow.
package final class Log: Sendable {
  private let least: Int
  private let format: LogFormat
  private let sink: @Sendable (String) -> Void
  private let queue = DispatchQueue(label: "reelcache.log", qos: .utility)

  /// `least` is the number of the least level that is written.
  fileprivate init(_ least: Int, _ format: LogFormat, _ sink: @escaping @Sendable (String) -> Void) {
    self.least = least
    self.format = format
    self.sink = sink
  }

  /// Whether lines of that level are written: what costs something to find out need not be found out in vain.
  package func isOn(_ level: LogLevel) -> Bool { levelNumber(level) >= least }

  package func debug(_ message: String, _ fields: KeyValuePairs<String, Any> = [:]) { write(.debug, message, fields) }

  package func info(_ message: String, _ fields: KeyValuePairs<String, Any> = [:]) { write(.info, message, fields) }

  package func warn(_ message: String, _ fields: KeyValuePairs<String, Any> = [:]) { write(.warn, message, fields) }

  package func error(_ message: String, _ fields: KeyValuePairs<String, Any> = [:]) { write(.error, message, fields) }

  package func write(_ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, Any>) {
    if !isOn(level) { return }
    let line: String
    switch format {
    case .json: line = jsonLine(levelNumber(level), message, fields)
    case .pretty: line = prettyLine(level, message, fields)
    }
    let sink = sink
    queue.async { sink(line) }
  }

  /// Waits until everything is written: for the end of a process.
  package func flush() {
    queue.sync {}
  }
}

/// A log of at least `level` ("silent": none), on stderr unless there is a sink. A sink gets lines with their line end,
/// on a queue of the log's own.
package func openLog(
  _ level: String,
  _ format: LogFormat = .json,
  _ sink: (@Sendable (String) -> Void)? = nil
) -> Log {
  Log(levelNumbers[level] ?? Int.max, format, sink ?? writeToStderr)
}

/// A URL as it may stand in a log: its query is there, but not shown.
package func loggedUrl(_ url: ByteString) -> String {
  let mark = url.indexOf("?")
  return mark < 0 ? latin1Text(url) : latin1Text(url.slice(0, mark)) + "?…"
}

/// The numbers of pino's levels.
private let levelNumbers: [String: Int] = ["trace": 10, "debug": 20, "info": 30, "warn": 40, "error": 50, "fatal": 60]

private func levelNumber(_ level: LogLevel) -> Int {
  switch level {
  case .debug: 20
  case .info: 30
  case .warn: 40
  case .error: 50
  }
}

private func jsonLine(_ level: Int, _ message: String, _ fields: KeyValuePairs<String, Any>) -> String {
  var text = "{\"level\":\(level),\"time\":\(epochMilliseconds())"
  for (key, value) in fields { text += ",\(quotedJson(key)):\(logJson(key, value))" }
  return text + ",\"msg\":\(quotedJson(message))}\n"
}

private func prettyLine(_ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, Any>) -> String {
  var text = "[\(timeOfDay(epochMilliseconds()))] \(level.rawValue.uppercased()): \(message)\n"
  for (key, value) in fields { text += "    \(key): \(logJson(key, value))\n" }
  return text
}

private func epochMilliseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int(time.tv_sec) * 1_000 + Int(time.tv_nsec) / 1_000_000
}

/// HH:MM:SS.mmm, local time.
private func timeOfDay(_ ms: Int) -> String {
  var seconds = time_t(ms / 1_000)
  var parts = tm()
  localtime_r(&seconds, &parts)
  func digits(_ value: Int, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
  let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0), 2) }.joined(separator: ":")
  return "\(clock).\(digits(ms % 1_000, 3))"
}

@Sendable private func writeToStderr(_ line: String) {
  var text = line
  text.withUTF8 { bytes in
    var at = 0
    while at < bytes.count {
      let written = write(2, bytes.baseAddress.map { $0 + at }, bytes.count - at)
      if written > 0 {
        at += written
      } else if errno != EINTR && errno != EAGAIN {
        return
      }
    }
  }
}
