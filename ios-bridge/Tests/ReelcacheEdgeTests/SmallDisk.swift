/// A disk of a few blocks, to be filled to the last.
import Foundation
import XCTest

@testable import ReelcacheEdge

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Set in a test program that was started anew for one test, in a namespace in which it may mount.
private let namespaceVariable = "REELCACHE_TEST_NAMESPACE"

struct SmallDisk {
  let dir: String

  /// Fills it with a file "ballast", to the last byte.
  func fill() throws {
    let ballast = try openFile("\(dir)/ballast", O_WRONLY | O_CREAT, 0o600)
    var end = 0
    while let count = try? writeFile(ballast, [Data(count: 4_096)], end), count > 0 { end += count }
    try closeFile(ballast)
  }
}

extension XCTestCase {
  /// Runs the rest of a test with a disk that has room for so many bytes and files. A user who may not mount one has the
  /// test run in a namespace of its own, in another process; where that is not allowed either, the test is left out.
  func onSmallDisk(_ bytes: Int, _ files: Int = 100, _ body: (SmallDisk) throws -> Void) throws {
    let dir = NSTemporaryDirectory() + "reelcache-full-" + UUID().uuidString
    try makeFolders(dir, 0o700)
    defer { try? FileManager.default.removeItem(atPath: dir) }
    #if os(Linux)
      if mount("tmpfs", dir, "tmpfs", 0, "size=\(bytes),nr_inodes=\(files)") == 0 {
        defer { umount2(dir, Int32(MNT_DETACH)) }
        return try body(SmallDisk(dir: dir))
      }
      let refused = FileError(errno, "mount").name
      guard ProcessInfo.processInfo.environment[namespaceVariable] == nil else {
        return XCTFail("a namespace of its own, and no disk: \(refused)")
      }
      let enter = ["/usr/bin/unshare", "--map-root-user", "--mount"]
      let mayEnter = FileManager.default.isExecutableFile(atPath: enter[0])
      if try mayEnter && runProgram(enter + ["mount", "-t", "tmpfs", "tmpfs", dir], [:]).status == 0 {
        let name = "ReelcacheEdgeTests.\(self.name.replacingOccurrences(of: ".", with: "/"))"
        let end = try runProgram(enter + [testProgram().path, name], [namespaceVariable: "1"])
        XCTAssert(end.output.contains("Executed 1 test, with 0 failures"), end.output)
        return
      }
    #endif
    throw XCTSkip("left out: this user may not mount a disk in memory")
  }
}
