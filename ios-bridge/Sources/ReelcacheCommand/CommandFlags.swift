import Reelcache

/// The words of a command line: for each flag its texts, one for each time it was given, and what is no flag.
struct FlagTexts: Equatable {
  var texts: [String: [String]] = [:]
  var operands: [String] = []
}

/// What the words come to.
enum FlagResult: Equatable {
  case read(FlagTexts)
  case help
  case version
  case wrong(String)
}

/// A flag as it is written: with a value, or alone. `text` is what it says when it has no value of its own.
private struct Flag {
  let long: String
  /// As the help shows it.
  let shown: String
  let takesValue: Bool
  /// Flag of the option table that it speaks of; empty when it is one of the command's own.
  let option: String
  let text: String
  let hidden: Bool
}

/// Splits the words into flags and operands, as the reference's command line does: `--flag value`, `--flag=value`, and
/// nothing behind `--` is a flag.
func readFlags(_ args: [String]) -> FlagResult {
  var read = FlagTexts()
  // Behind the first unknown word nothing counts but known flags and the wish for help.
  var unknown: [String] = []
  var at = 0
  while at < args.count {
    let word = args[at]
    at += 1
    if word == "--" {
      if unknown.isEmpty { read.operands += args[at...] } else { unknown += args[at...] }
      break
    }
    if let flag = allFlags.first(where: { $0.long == word }) {
      if flag.long == "--version" { return .version }
      if flag.takesValue {
        if at == args.count { return .wrong("option '\(flag.shown)' argument missing") }
        read.texts[flag.option, default: []].append(args[at])
        at += 1
      } else if !flag.option.isEmpty {
        read.texts[flag.option] = [flag.text]
      }
    } else if let (flag, value) = flagWithValue(word) {
      read.texts[flag.option, default: []].append(value)
    } else if unknown.isEmpty && !looksLikeFlag(word) {
      read.operands.append(word)
    } else {
      unknown.append(word)
    }
  }
  if unknown.contains("--help") || unknown.contains("-h") { return .help }
  guard let first = unknown.first else { return .read(read) }
  return .wrong("unknown option '\(first)'\(suggestion(first))")
}

/// The flags that the help lists, each with its description's row; for the help.
func shownFlags(_ row: OptionRow) -> String {
  allFlags.first { $0.option == row.flag && !$0.hidden }?.shown ?? ""
}

private let allFlags: [Flag] =
  [own("--version")] + optionTable.flatMap(flagsOf) + [own("--json")]

private func own(_ long: String) -> Flag {
  Flag(long: long, shown: long, takesValue: false, option: "", text: "", hidden: false)
}

/// A switch that is on by default is listed as `--no-…`; its other form is accepted as well.
private func flagsOf(_ row: OptionRow) -> [Flag] {
  let long = "--\(row.flag)"
  if row.kind != .flag {
    let shown = "\(long) <\(placeholder(row))>"
    return [Flag(long: long, shown: shown, takesValue: true, option: row.flag, text: "", hidden: false)]
  }
  let on = row.value(defaultOptions) == .flag(true)
  let negated = "--no-\(row.flag)"
  return [
    Flag(long: long, shown: long, takesValue: false, option: row.flag, text: "true", hidden: on),
    Flag(long: negated, shown: negated, takesValue: false, option: row.flag, text: "false", hidden: !on),
  ]
}

private func flagWithValue(_ word: String) -> (Flag, String)? {
  let scalars = word.unicodeScalars
  guard word.hasPrefix("--"), let equals = scalars.firstIndex(of: "=") else { return nil }
  let long = String(scalars[..<equals])
  guard let flag = allFlags.first(where: { $0.long == long && $0.takesValue }) else { return nil }
  return (flag, String(scalars[scalars.index(after: equals)...]))
}

/// A dash and more, but no negative number.
private func looksLikeFlag(_ word: String) -> Bool {
  let isNumber = word.utf8.allSatisfy { "0123456789.eE+-".utf8.contains($0) } && Double(word) != nil
  return word.unicodeScalars.count > 1 && word.hasPrefix("-") && !isNumber
}

private func placeholder(_ row: OptionRow) -> String {
  switch row.kind {
  case .count: "number"
  case .bytes: "size"
  case .seconds, .milliseconds: "duration"
  case .choice: row.name == "logLevel" ? "level" : row.choices.joined(separator: "|")
  case .hosts: "host"
  case .names: "name"
  case .fields: "field"
  case .limits: "name=value"
  case .text, .flag: row.name == "cacheDir" ? "folder" : row.name == "originCa" ? "file" : row.name
  }
}

/// Flags that the word may have meant: those with the fewest letters to change, at most three and fewer than 60 percent.
private func suggestion(_ word: String) -> String {
  guard word.hasPrefix("--") else { return "" }
  let name = Array(word.unicodeScalars.dropFirst(2))
  var nearest: [String] = []
  var nearestDistance = 3
  for flag in allFlags.filter({ !$0.hidden }).map(\.long) + ["--help"] {
    let candidate = Array(flag.unicodeScalars.dropFirst(2))
    let distance = editDistance(name, candidate)
    let length = max(name.count, candidate.count)
    if Double(length - distance) / Double(length) <= 0.4 || distance > nearestDistance { continue }
    if distance < nearestDistance { nearest = [] }
    nearestDistance = distance
    nearest.append(flag)
  }
  switch nearest.count {
  case 0: return ""
  case 1: return " (Did you mean \(nearest[0])?)"
  default: return " (Did you mean one of \(nearest.sorted().joined(separator: ", "))?)"
  }
}

/// Letters to insert, delete, change or swap with the next to make one text the other, no place twice.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  if abs(a.count - b.count) > 3 { return max(a.count, b.count) }
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
