#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Times that the index is copied anew because it changed its journal meanwhile.
private let copiesMax = 8

/// Copies a cache folder in use as it stands on the disk: what a killed process would leave behind, since the system keeps
/// what it was given. What the proxy still has in memory is not in it.
///
/// The index goes first, so that no row can name bytes that the copy does not have.
func copyCache(_ from: String, _ to: String) throws {
  let files = FileManager.default
  try files.createDirectory(atPath: to, withIntermediateDirectories: true)
  for attempt in 1...copiesMax {
    let journal = journalMark(from)
    for name in ["index.sqlite", "index.sqlite-wal"] {
      let target = "\(to)/\(name)"
      if files.fileExists(atPath: target) { try files.removeItem(atPath: target) }
      if files.fileExists(atPath: "\(from)/\(name)") { try files.copyItem(atPath: "\(from)/\(name)", toPath: target) }
    }
    // The same journal before and after: whatever was moved from it into the database meanwhile is in the copy of it.
    if journal == journalMark(from) { break }
    if attempt == copiesMax { throw ControlFailure(.state, "the index changes too fast to be copied") }
  }
  try copyData("\(from)/data", "\(to)/data")
}

/// What tells one life of the write-ahead log from the next: its header, which has salts.
private func journalMark(_ folder: String) -> Data {
  let path = "\(folder)/index.sqlite-wal"
  return ((try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()).prefix(32)
}

/// The data files, each in the folder of its last two digits. One that goes meanwhile was evicted.
private func copyData(_ from: String, _ to: String) throws {
  let files = FileManager.default
  try files.createDirectory(atPath: to, withIntermediateDirectories: true)
  for folder in (try? files.contentsOfDirectory(atPath: from)) ?? [] {
    try files.createDirectory(atPath: "\(to)/\(folder)", withIntermediateDirectories: true)
    for name in (try? files.contentsOfDirectory(atPath: "\(from)/\(folder)")) ?? [] {
      let file = "\(from)/\(folder)/\(name)"
      do {
        try files.copyItem(atPath: file, toPath: "\(to)/\(folder)/\(name)")
      } catch {
        if files.fileExists(atPath: file) { throw error }
      }
    }
  }
}
