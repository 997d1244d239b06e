import Foundation

/// The folder of fixtures: the checkout's own, or what the environment's REELCACHE_FIXTURES names.
func fixtureFolder() -> URL {
  if let path = ProcessInfo.processInfo.environment["REELCACHE_FIXTURES"] {
    return URL(fileURLWithPath: path, isDirectory: true)
  }
  return [1, 2, 3, 4].reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    .appendingPathComponent("fixtures", isDirectory: true)
}

/// Appends a line for each case that ran ("http/byte-range byte-range/absent") to the file that the environment's
/// REELCACHE_IDS names, if it names one, so that the set can be compared with the reference's. One write, as tests may
/// run side by side.
func recordIds(_ lines: [String]) throws {
  guard let path = ProcessInfo.processInfo.environment["REELCACHE_IDS"], !path.isEmpty else { return }
  let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
  guard descriptor >= 0 else { throw JsonError(description: "\(path) cannot be opened: errno \(errno)") }
  let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  try file.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
  try file.close()
}
