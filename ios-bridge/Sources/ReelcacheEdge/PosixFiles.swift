/// The system's calls on files as functions that throw, repeat what a signal interrupted, and leak no descriptor to a
/// child process.
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

/// Buffers in one call; POSIX promises 16, both systems take 1,024 (IOV_MAX).
private let vectorsMax = 1_024

/// Opens a file; `mode` counts when it comes into being.
func openFile(_ name: String, _ flags: Int32, _ mode: mode_t) throws(FileError) -> Int32 {
  while true {
    let descriptor = open(name, flags | O_CLOEXEC, mode)
    if descriptor >= 0 { return descriptor }
    if errno != EINTR { throw FileError(errno, "open '\(name)'") }
  }
}

/// Closes a descriptor, which is free afterwards whatever the call says: it is never tried again.
func closeFile(_ descriptor: Int32) throws(FileError) {
  if close(descriptor) != 0 && errno != EINTR { throw FileError(errno, "close") }
}

/// Reads into `room` from `position` on, in bytes, until it is full or the file ends; gives the number of bytes.
func readFile(_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer, _ position: Int) throws(FileError) -> Int {
  guard let base = room.baseAddress else { return 0 }
  var count = 0
  while count < room.count {
    let got = pread(descriptor, base + count, room.count - count, off_t(position + count))
    if got == 0 { break }
    if got > 0 {
      count += got
    } else if errno != EINTR {
      throw FileError(errno, "read")
    }
  }
  return count
}

/// Writes the buffers, one after the other, at `position`; gives the number of bytes, which may be fewer than all.
func writeFile(_ descriptor: Int32, _ buffers: [Data], _ position: Int) throws(FileError) -> Int {
  while true {
    var vectors: [iovec] = []
    let outcome = withVectors(buffers.prefix(vectorsMax), &vectors) { vectors in
      let count = pwritev(descriptor, vectors.baseAddress, Int32(vectors.count), off_t(position))
      return count >= 0 ? count : -Int(errno)
    }
    if outcome >= 0 { return outcome }
    if outcome != -Int(EINTR) { throw FileError(Int32(-outcome), "write") }
  }
}

/// Makes a file's bytes survive a loss of power before whatever is written afterwards.
///
/// On Linux that is fdatasync. On Apple's systems fsync leaves bytes in the drive's own cache, in any order, and
/// F_FULLFSYNC empties that cache, which takes tens of milliseconds. What the index needs is the order alone: no row
/// without its bytes. F_BARRIERFSYNC gives that; where a volume has no barriers, the full flush does.
func syncFile(_ descriptor: Int32) throws(FileError) {
  #if canImport(Darwin)
    if fcntl(descriptor, F_BARRIERFSYNC) == 0 || fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    while fsync(descriptor) != 0 {
      if errno != EINTR { throw FileError(errno, "fsync") }
    }
  #else
    while fdatasync(descriptor) != 0 {
      if errno != EINTR { throw FileError(errno, "fdatasync") }
    }
  #endif
}

/// Deletes a file.
func unlinkFile(_ name: String) throws(FileError) {
  if unlink(name) != 0 { throw FileError(errno, "unlink '\(name)'") }
}

/// Deletes a file; one that is not there is no error.
func removeFile(_ name: String) throws(FileError) {
  if unlink(name) != 0 && errno != ENOENT { throw FileError(errno, "unlink '\(name)'") }
}

/// Gives a file another name, whose own file goes.
func renameFile(_ name: String, _ target: String) throws(FileError) {
  if rename(name, target) != 0 { throw FileError(errno, "rename '\(name)' -> '\(target)'") }
}

/// Creates a folder and those above it that are missing; one that is there is no error.
func makeFolders(_ folder: String, _ mode: mode_t) throws(FileError) {
  if mkdir(folder, mode) == 0 { return }
  let code = errno
  let parent = parentFolder(folder)
  if code == EEXIST && isFolder(folder) { return }
  if code != ENOENT || parent == folder { throw FileError(code, "mkdir '\(folder)'") }
  try makeFolders(parent, mode)
  if mkdir(folder, mode) != 0 && errno != EEXIST { throw FileError(errno, "mkdir '\(folder)'") }
}

/// Size of a file in bytes, -1 when it cannot be had.
func fileSize(_ name: String) -> Int {
  var status = stat()
  return stat(name, &status) == 0 ? Int(status.st_size) : -1
}

func isFolder(_ name: String) -> Bool {
  var status = stat()
  return stat(name, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Bytes free for this user on the disk that holds `name`.
func freeBytes(_ name: String) throws(FileError) -> Int {
  var disk = statvfs()
  while statvfs(name, &disk) != 0 {
    if errno != EINTR { throw FileError(errno, "statvfs '\(name)'") }
  }
  let (bytes, overflow) = Int(clamping: disk.f_bavail).multipliedReportingOverflow(by: Int(clamping: disk.f_frsize))
  return overflow ? Int.max : bytes
}

/// The names in a folder, in no order.
func folderNames(_ folder: String) throws(FileError) -> [String] {
  guard let stream = opendir(folder) else { throw FileError(errno, "scandir '\(folder)'") }
  defer { closedir(stream) }
  guard let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) else { return [] }
  var names: [String] = []
  while let entry = readdir(stream) {
    // By its address: a copy of the record would read past the end of a short one.
    let name = UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)
    names.append(String(cString: name))
  }
  return names
}

/// The path with "." and ".." resolved by their text, made absolute by the working directory.
func absolutePath(_ name: String) -> String {
  var parts: [Substring] = []
  let whole = name.hasPrefix("/") ? name : "\(workingFolder())/\(name)"
  for part in whole.split(separator: "/", omittingEmptySubsequences: true) {
    if part == ".." {
      if !parts.isEmpty { parts.removeLast() }
    } else if part != "." {
      parts.append(part)
    }
  }
  return "/" + parts.joined(separator: "/")
}

/// The folder that holds an absolute path; the root holds itself.
func parentFolder(_ name: String) -> String {
  guard let slash = name.lastIndex(of: "/"), slash != name.startIndex else { return "/" }
  return String(name[..<slash])
}

private func workingFolder() -> String {
  guard let name = getcwd(nil, 0) else { return "/" }
  defer { free(name) }
  return String(cString: name)
}

/// Calls `body` with the addresses of all buffers that have bytes.
private func withVectors(
  _ buffers: ArraySlice<Data>,
  _ vectors: inout [iovec],
  _ body: (UnsafeBufferPointer<iovec>) -> Int
) -> Int {
  guard let buffer = buffers.first else { return vectors.withUnsafeBufferPointer(body) }
  return buffer.withUnsafeBytes { bytes in
    if let base = bytes.baseAddress, bytes.count > 0 {
      vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: bytes.count))
    }
    return withVectors(buffers.dropFirst(), &vectors, body)
  }
}

/// What is left of the buffers after their first `count` bytes.
func buffersAfter(_ buffers: [Data], _ count: Int) -> [Data] {
  var left = count
  for (index, buffer) in buffers.enumerated() {
    if left < buffer.count { return [buffer.dropFirst(left)] + buffers[(index + 1)...] }
    left -= buffer.count
  }
  return []
}
