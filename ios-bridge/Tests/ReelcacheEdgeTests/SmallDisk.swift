/// A disk of a few blocks, to be filled to the last.
import Foundation
import XCTest

@testable import ReelcacheEdge

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

struct SmallDisk {
  let dir: String

  /// Mounts it with room for so many bytes and files, or skips the test where this user may not.
  init(_ bytes: Int, _ files: Int = 100) throws {
    dir = NSTemporaryDirectory() + "reelcache-full-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: dir, withIntermediateDirectories: true)
    #if os(Linux)
      if mount("tmpfs", dir, "tmpfs", 0, "size=\(bytes),nr_inodes=\(files)") == 0 { return }
    #endif
    try FileManager.default.removeItem(atPath: dir)
    throw XCTSkip("this user may not mount a disk in memory: the failures that are handed in are the proof")
  }

  /// Fills it with a file "ballast", to the last byte.
  func fill() throws {
    let ballast = try openFile("\(dir)/ballast", O_WRONLY | O_CREAT, 0o600)
    var end = 0
    while let count = try? writeFile(ballast, [Data(count: 4_096)], end), count > 0 { end += count }
    try closeFile(ballast)
  }

  func unmount() {
    #if os(Linux)
      umount2(dir, Int32(MNT_DETACH))
    #endif
    try? FileManager.default.removeItem(atPath: dir)
  }
}
