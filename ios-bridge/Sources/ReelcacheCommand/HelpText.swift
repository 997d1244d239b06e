import Reelcache
import ReelcacheCore

/// Width of the help, in columns.
private let helpColumns = 100

/// What `--help` prints: the reference's help, but for the demo, which only the reference has.
func helpText() -> String {
  let items: [(term: String, text: String)] =
    [(term: "--version", text: "print the version")]
    + optionTable.map { (term: shownFlags($0), text: description($0)) }
    + [
      (term: "--json", text: "print JSON lines; this command prints nothing else"),
      (term: "-h, --help", text: "print this text"),
    ]
  let width = items.map(\.term.unicodeScalars.count).max() ?? 0
  let options = items.map { item($0.term, $0.text, width) }.joined()
  return """
    Usage: reelcache [options] [urls...]

    A caching proxy for HLS video on loopback. Without a URL it only serves: the demo is the reference's.

    Arguments:
    \(item("urls", "URLs of playlists or files to print in proxied form", width))
    Options:
    \(options)
    Sizes take KB, MB, GB, KiB, MiB, GiB; durations take ms, s, m, h. Lists take commas or the flag again.
    Each option is also read from the environment variable named after it; flags win.
    The line "clear" on standard input empties the cache.
    --control-port <number>, alone, starts no proxy: the harness then starts some, as on a phone.

    Limits for --limit, with their defaults:
    \(limitLines())

    Exit status: 0 stopped, 1 failed, 2 wrong option, 3 port not to be had, 4 cache folder not usable.

    """
}

private func description(_ row: OptionRow) -> String {
  if row.kind != .flag { return "\(row.help) (\(defaultText(row))\(row.environment))" }
  let on = row.value(defaultOptions) == .flag(true)
  return on ? "do not \(row.help) (\(row.environment)=0)" : "\(row.help) (\(row.environment)=1)"
}

private func defaultText(_ row: OptionRow) -> String {
  if row.name == "cacheDir" { return "default reelcache in the user's cache folder; " }
  if row.name == "logFormat" { return "default pretty in a terminal, else json; " }
  switch row.value(defaultOptions) {
  case .number(let number):
    let unit = row.kind == .seconds ? " s" : row.kind == .milliseconds ? " ms" : ""
    return "default \(row.kind == .bytes ? formatByteCount(number) : "\(number)\(unit)"); "
  case .text(let text):
    return text.isEmpty ? "" : "default \(text); "
  default:
    return ""
  }
}

/// A term and its text beside it, as many lines as it needs.
private func item(_ term: String, _ text: String, _ width: Int) -> String {
  let indent = String(repeating: " ", count: width + 4)
  let padding = String(repeating: " ", count: width - term.unicodeScalars.count)
  let lines = wrapped(split(text, " "), helpColumns - width - 4)
  return "  \(term)\(padding)  \(lines.joined(separator: "\n\(indent)"))\n"
}

/// The limits in lines of up to 100 columns.
private func limitLines() -> String {
  let items = limitFields.map { "\($0.name.description)=\(defaultLimits[keyPath: $0.field])" }
  return wrapped(items, helpColumns - 2).map { "  \($0)" }.joined(separator: "\n")
}

/// Words in lines of up to so many columns.
private func wrapped(_ words: [String], _ columns: Int) -> [String] {
  var lines: [String] = []
  for word in words {
    if let last = lines.last, last.unicodeScalars.count + 1 + word.unicodeScalars.count <= columns {
      lines[lines.count - 1] = "\(last) \(word)"
    } else {
      lines.append(word)
    }
  }
  return lines
}
