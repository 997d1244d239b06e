import Foundation
import XCTest

@testable import ReelcacheEdge

final class CacheDirectoryTests: StorageTestCase {
  func testAnEntrysFileIsNamedByItsIdInAFolderByTheLowByte() {
    // R-DISK-1
    XCTAssertEqual(dataFileName(1), "01/0000000000000001")
    XCTAssertEqual(dataFileName(0x1f_ffff_ffff_ffff), "ff/001fffffffffffff")
    XCTAssertEqual(dataFileId("ff", "001fffffffffffff"), 0x1f_ffff_ffff_ffff)
    XCTAssertEqual(dataFileId("00", "001fffffffffffff"), -1, "in the wrong folder")
    XCTAssertEqual(dataFileId("ff", "00200000000000ff"), -1, "above 2^53")
    XCTAssertEqual(dataFileId("01", "0000000000000001.tmp"), -1)
    XCTAssertEqual(dataFileId("01", "+000000000000001"), -1)
    XCTAssertEqual(dataFileId("ff", "001FFFFFFFFFFFff"), -1, "upper case")
    XCTAssertEqual(dataFileId("00", "0000000000000000"), -1)
    XCTAssertEqual(dataFileId("", "0000000000000001"), -1)
  }

  func testAPreparedDirectoryIsPrivateAndASecondHolderIsRefusedByName() throws {
    // R-DISK-2
    let name = "\(dir)/deep/cache"
    let held = try hold(name)
    XCTAssertEqual(held.dir, name)
    XCTAssertEqual(held.dataDir, "\(name)/data")
    XCTAssertEqual(try mode(name), 0o700)
    XCTAssertEqual(try mode("\(name)/data"), 0o700)
    XCTAssertEqual(try mode("\(name)/lock"), 0o600)
    XCTAssertEqual(try mode("\(name)/owner.json"), 0o600)
    XCTAssertEqual(try fileBytes("\(name)/owner.json"), ascii("{\"pid\":\(getpid())}\n"))
    XCTAssertEqual(try folderNames("\(name)/data").filter { !$0.hasPrefix(".") }, [], "the probe is gone")
    let refused =
      "The cache directory \(name) is in use by process \(getpid()). Stop it, or choose another directory."
    XCTAssertEqual(refusal(name), refused)
    XCTAssert(try runChild("lock", name).output.contains(refused))
    held.release()
    held.release()
    XCTAssertEqual(fileSize("\(name)/owner.json"), -1)
    XCTAssert(try runChild("lock", name).output.contains("got it"), "its own lock ended with that process")
    try hold(name).release()
  }

  func testAHolderWhoseNameCannotBeReadIsAnotherProcess() throws {
    let held = try hold(dir)
    for owner in ["", "nonsense", "[]", "{\"pid\":\"7\"}", "{\"pid\":-7}"] {
      try ascii(owner).write(to: URL(fileURLWithPath: "\(dir)/owner.json"))
      XCTAssert(refusal(dir).contains("in use by another process."), owner)
    }
    try unlinkFile("\(dir)/owner.json")
    XCTAssert(refusal(dir).contains("in use by another process."))
    held.release()
  }

  func testAnUnusableDirectoryIsRefusedWithWhatWhereAndWhatToDo() throws {
    try ascii("text").write(to: URL(fileURLWithPath: "\(dir)/file"))
    XCTAssert(refusal("\(dir)/file").contains("file is, or lies below, a file. Move that file away"))
    XCTAssert(refusal("\(dir)/file/below").contains("is, or lies below, a file"))
    try makeFolders("\(dir)/garbled", 0o700)
    let garbage = String(repeating: "not a database at all ", count: 100)
    try ascii(garbage).write(to: URL(fileURLWithPath: "\(dir)/garbled/lock"))
    XCTAssert(refusal("\(dir)/garbled").contains("cannot be locked ("))
    XCTAssert(refusal("\(dir)/garbled").contains("Delete its file \"lock\""))
    try makeFolders("\(dir)/odd/lock", 0o700)
    XCTAssert(refusal("\(dir)/odd").contains("cannot be locked (SQLITE_CANTOPEN"))
    #if os(Linux)
      XCTAssert(refusal("/proc/reelcache").contains("/proc/reelcache cannot be "))
    #endif
  }

  func testAFullDiskIsRefused() throws {
    // Room for its own folder and one more.
    try onSmallDisk(65_536, 2) { disk in
      XCTAssert(refusal("\(disk.dir)/cache").contains("is full. Free some space"), refusal("\(disk.dir)/cache"))
    }
  }

  func testTheDefaultDirectoryFollowsXdgCacheHomeWhenItIsAbsolute() {
    // R-DISK-3
    XCTAssertEqual(defaultDirectory(["XDG_CACHE_HOME": "/var/c"], "/home/a"), "/var/c/reelcache")
    XCTAssertEqual(defaultDirectory(["XDG_CACHE_HOME": "rel"], "/home/a"), "/home/a/.cache/reelcache")
    XCTAssertEqual(defaultDirectory([:], "/home/a"), "/home/a/.cache/reelcache")
  }

  func testPathsAreMadeAbsoluteByTheirText() {
    XCTAssertEqual(absolutePath("/a//b/./c/../d/"), "/a/b/d")
    XCTAssertEqual(absolutePath("/../.."), "/")
    XCTAssertEqual(absolutePath("x/y"), FileManager.default.currentDirectoryPath + "/x/y")
    XCTAssertEqual(absolutePath(""), FileManager.default.currentDirectoryPath)
    XCTAssertEqual(parentFolder("/a/b"), "/a")
    XCTAssertEqual(parentFolder("/a"), "/")
    XCTAssertEqual(parentFolder("/"), "/")
  }

  private func hold(_ name: String) throws -> HeldDirectory {
    guard case .held(let held) = prepareDirectory(name) else { throw FileError(EBUSY, refusal(name)) }
    return held
  }

  private func refusal(_ name: String) -> String {
    switch prepareDirectory(name) {
    case .held(let held):
      held.release()
      return "prepared"
    case .refused(let message):
      return message
    }
  }
}
