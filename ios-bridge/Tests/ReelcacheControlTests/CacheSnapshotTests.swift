import Foundation
import XCTest

@testable import ReelcacheControl

/// The copy of a cache in use.
final class CacheSnapshotTests: XCTestCase {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

  override func tearDown() {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func testIndexAndDataAreCopiedAndNothingThatBelongsToAProcess() throws {
    try write("from/index.sqlite", "index")
    try write("from/index.sqlite-wal", "journal")
    try write("from/index.sqlite-shm", "shared")
    try write("from/lock", "")
    try write("from/owner.json", "{}")
    try write("from/data/ff/00000000000001ff", "bytes")
    try copyCache("\(folder)/from", "\(folder)/to")
    XCTAssertEqual(try read("to/index.sqlite"), "index")
    XCTAssertEqual(try read("to/index.sqlite-wal"), "journal")
    XCTAssertEqual(try read("to/data/ff/00000000000001ff"), "bytes")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/to")
    XCTAssertEqual(names.sorted(), ["data", "index.sqlite", "index.sqlite-wal"])
  }

  func testACacheThatHasNothingYetIsCopiedToo() throws {
    try FileManager.default.createDirectory(atPath: "\(folder)/from", withIntermediateDirectories: true)
    try copyCache("\(folder)/from", "\(folder)/to")
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/to"), ["data"])
  }

  private func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")), as: UTF8.self)
  }
}
