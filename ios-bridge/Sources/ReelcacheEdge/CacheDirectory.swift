/// The cache directory: where things lie in it, and the one process that may use it (docs/formats.md).
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
import ReelcacheCore
import SQLite3

/// What came of preparing a directory; `refused` says why it cannot be used: what, where, and what to do, for a person
/// to read.
package enum DirectoryResult {
  case held(HeldDirectory)
  case refused(message: String)
}

/// A directory that this process holds. `release` gives it up; the end of the process does so too.
package final class HeldDirectory: @unchecked Sendable {
  package let dir: String
  package let dataDir: String
  private let ownerPath: String
  private var lock: SqliteConnection?

  fileprivate init(_ dir: String, _ dataDir: String, _ ownerPath: String, _ lock: SqliteConnection) {
    self.dir = dir
    self.dataDir = dataDir
    self.ownerPath = ownerPath
    self.lock = lock
  }

  /// Not from two threads at once. A second call does nothing.
  package func release() {
    guard let lock else { return }
    self.lock = nil
    unlink(ownerPath)
    lock.close()
  }
}

/// Folders and files are the user's alone: what somebody watched is private.
package let folderMode: mode_t = 0o700
package let fileMode: mode_t = 0o600

/// Creates the directory where missing, proves that it can be written, and takes its lock.
package func prepareDirectory(_ path: String) -> DirectoryResult {
  let full = absolutePath(path)
  let dataDir = "\(full)/data"
  let ownerPath = "\(full)/owner.json"
  let probePath = "\(dataDir)/probe-\(getpid())"
  do throws(FileError) {
    try makeFolders(dataDir, folderMode)
    // Opening a file for writing is the only proof: permission bits say nothing to root or on a read-only file system.
    try closeFile(openFile(probePath, O_WRONLY | O_CREAT | O_TRUNC, fileMode))
    try unlinkFile(probePath)
  } catch {
    return .refused(message: refusal(full, error))
  }
  markAsCache(full)
  do {
    let lock = try takeLock("\(full)/lock")
    writeOwner(ownerPath)
    return .held(HeldDirectory(full, dataDir, ownerPath, lock))
  } catch let error as SqliteError where error.primary == SQLITE_BUSY {
    return .refused(message: heldMessage(full, ownerPath))
  } catch {
    let remedy = "Delete its file \"lock\", or choose a directory on a local file system."
    return .refused(message: "The cache directory \(full) cannot be locked (\(error)). \(remedy)")
  }
}

/// The directory when none is named: `$XDG_CACHE_HOME/reelcache`, else `~/.cache/reelcache` (XDG Base Directory 0.8).
package func defaultDirectory(_ environment: [String: String], _ home: String) -> String {
  // R-DISK-3
  if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return absolutePath("\(base)/reelcache") }
  return absolutePath("\(home)/.cache/reelcache")
}

/// Path of an entry's data file below the data directory: folder by the low byte of the id, then the id, all in hex.
package func dataFileName(_ id: Int) -> String {
  // R-DISK-1
  let digits = String(id, radix: 16)
  let hex = String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
  return "\(hex.suffix(2))/\(hex)"
}

/// The id of a data file by its folder and name, -1 when it is none of ours.
package func dataFileId(_ folder: String, _ name: String) -> Int {
  let lowerHex = name.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) }
  guard lowerHex, name.utf8.count == 16, name.hasSuffix(folder), folder.utf8.count == 2 else { return -1 }
  guard let id = Int(name, radix: 16), id > 0, id <= integerMax else { return -1 }
  return id
}

/// Keeps the directory out of backups, and readable once the phone has been unlocked after its start: a film goes on
/// behind a locked screen. Files inherit the protection of the folder in which they are made. Neither is worth refusing
/// to start for, and a volume that knows no such attributes is no fault.
private func markAsCache(_ dir: String) {
  #if canImport(Darwin)
    var values = URLResourceValues()
    values.isExcludedFromBackup = true
    var url = URL(fileURLWithPath: dir, isDirectory: true)
    try? url.setResourceValues(values)
  #endif
  #if os(iOS) || os(tvOS) || os(watchOS) || os(visionOS)
    let protection = [FileAttributeKey.protectionKey: FileProtectionType.completeUntilFirstUserAuthentication]
    try? FileManager.default.setAttributes(protection, ofItemAtPath: dir)
    try? FileManager.default.setAttributes(protection, ofItemAtPath: "\(dir)/data")
  #endif
}

/// An open exclusive transaction on a tiny database of its own: a lock of the operating system's that ends with the
/// process however it ends, that both twins can take through SQLite, and that also holds against a second instance in
/// the same process. The lock file must never be opened by other means here: closing any descriptor of a file drops
/// all of the process's POSIX locks on it, which is why the process id stands in a file of its own.
private func takeLock(_ lockPath: String) throws -> SqliteConnection {
  let connection = try SqliteConnection(lockPath, 0)
  do {
    // R-DISK-2
    try connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
    if chmod(lockPath, fileMode) != 0 { throw FileError(errno, "chmod '\(lockPath)'") }
    return connection
  } catch {
    connection.close()
    throw error
  }
}

/// Who holds the directory is a help to the person who is refused; failing to note it harms nothing.
private func writeOwner(_ ownerPath: String) {
  do throws(FileError) {
    let descriptor = try openFile(ownerPath, O_WRONLY | O_CREAT | O_TRUNC, fileMode)
    defer { close(descriptor) }
    _ = try writeFile(descriptor, [Data("{\"pid\":\(getpid())}\n".utf8)], 0)
  } catch {
    unlink(ownerPath)
  }
}

private func heldMessage(_ dir: String, _ ownerPath: String) -> String {
  let pid = readOwner(ownerPath)
  let holder = pid > 0 ? "process \(pid)" : "another process"
  return "The cache directory \(dir) is in use by \(holder). Stop it, or choose another directory."
}

private struct Owner: Decodable {
  let pid: Int
}

private func readOwner(_ ownerPath: String) -> Int {
  guard let descriptor = try? openFile(ownerPath, O_RDONLY, 0) else { return -1 }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 256)
  guard let count = try? bytes.withUnsafeMutableBytes({ try readFile(descriptor, $0, 0) }) else { return -1 }
  return (try? JSONDecoder().decode(Owner.self, from: Data(bytes.prefix(count))))?.pid ?? -1
}

/// One sentence for each way in which a directory is unusable.
private func refusal(_ dir: String, _ error: FileError) -> String {
  switch error.code {
  case EEXIST, ENOTDIR:
    "The cache directory \(dir) is, or lies below, a file. Move that file away, or choose another directory."
  case EACCES, EPERM:
    "The cache directory \(dir) cannot be written by this user. Change its permissions, or choose another directory."
  case EROFS:
    "The cache directory \(dir) is on a read-only file system. Choose another directory."
  case ENOSPC, EDQUOT:
    "The disk of the cache directory \(dir) is full. Free some space, or choose another directory."
  default:
    "The cache directory \(dir) cannot be prepared (Error: \(error)). Choose another directory."
  }
}
