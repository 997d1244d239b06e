/// What the storage tests share: a loop to work on, bytes that follow from id and offset, entries, directories.
import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

/// How long a test waits for what must come, in seconds.
private let patience = 20.0

/// An answer that comes later, on the loop.
final class Pending<Answer>: @unchecked Sendable {
  private let ready = DispatchSemaphore(value: 0)
  private var answer: Answer?

  func come(_ answer: Answer) {
    self.answer = answer
    ready.signal()
  }

  /// Waits, not on the loop; fails the test when nothing comes.
  func value(_ file: StaticString = #filePath, _ line: UInt = #line) throws -> Answer {
    XCTAssertEqual(ready.wait(timeout: .now() + patience), .success, "no answer came", file: file, line: line)
    ready.signal()
    return try XCTUnwrap(answer, file: file, line: line)
  }
}

extension EventLoop {
  /// Runs `body` on the loop and gives what it gives.
  func run<Answer>(_ body: () throws -> Answer) rethrows -> Answer {
    try queue.sync(execute: body)
  }

  /// Starts something on the loop that answers later.
  func start<Answer>(_ body: (@escaping (Answer) -> Void) -> Void) -> Pending<Answer> {
    let pending = Pending<Answer>()
    run { body { pending.come($0) } }
    return pending
  }

  /// Waits until the condition holds, looked at on the loop.
  func until(
    _ what: String,
    _ file: StaticString = #filePath,
    _ line: UInt = #line,
    _ condition: () -> Bool
  ) {
    let deadline = Date(timeIntervalSinceNow: patience)
    while !run(condition) {
      if Date() > deadline {
        XCTFail("never came true: \(what)", file: file, line: line)
        return
      }
      usleep(500)
    }
  }
}

/// A test with a folder of its own and a loop.
class StorageTestCase: XCTestCase {
  let loop = EventLoop()
  private(set) var dir = ""
  var dataDir: String { "\(dir)/data" }

  override func setUpWithError() throws {
    dir = NSTemporaryDirectory() + "reelcache-" + UUID().uuidString
    try makeFolders(dataDir, 0o700)
  }

  override func tearDown() {
    try? FileManager.default.removeItem(atPath: dir)
  }

  /// The path of an id's data file.
  func dataFile(_ id: Int) -> String { "\(dataDir)/\(dataFileName(id))" }

  /// Makes an id's file with its pattern's first bytes.
  func makeFile(_ id: Int, _ size: Int) throws {
    try makeFolders(parentFolder(dataFile(id)), 0o700)
    try patternBytes(id, 0, size).write(to: URL(fileURLWithPath: dataFile(id)))
  }

  func fileBytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: name))
  }

  func mode(_ name: String) throws -> Int {
    var status = stat()
    guard stat(name, &status) == 0 else { throw FileError(errno, name) }
    return Int(status.st_mode) & 0o777
  }
}

/// The bytes of an id's file from `start` on: never zero, so that a hole is never taken for them.
func patternBytes(_ id: Int, _ start: Int, _ length: Int) -> Data {
  var bytes = Data(count: length)
  for at in 0..<length { bytes[at] = UInt8(1 + (id * 31 + start + at) % 251) }
  return bytes
}

/// An entry of an id, without spans, changed as the test needs it.
func plainEntry(_ id: Int, _ change: (Entry) -> Void = { _ in }) -> Entry {
  let url = ByteString(utf8: "https://cdn.example/\(id).ts")
  let entry = Entry(
    id: id,
    key: url,
    url: url,
    finalUrl: url,
    kind: .media,
    fields: ["Content-Type", "video/mp2t", "ETag", ByteString(utf8: "\"\(id)\"")],
    total: -1,
    spans: [],
    requestMs: 1_000,
    responseMs: 2_000,
    targetDurationMs: 0,
    accessMs: 3_000,
    pinned: false
  )
  change(entry)
  return entry
}

/// All that an entry says, to be compared.
func plain(_ entry: Entry) -> [String] {
  let texts: [ByteString] = [entry.key, entry.url, entry.finalUrl] + entry.fields
  let numbers: [Int] = [entry.id, entry.total, entry.requestMs, entry.responseMs, entry.targetDurationMs]
  var words: [String] = texts.map { $0.description }
  for number in numbers + [entry.accessMs] + entry.spans { words.append(String(number)) }
  words.append("\(entry.kind.rawValue) \(entry.pinned)")
  return words
}

/// Bytes of ASCII text.
func ascii(_ text: String) -> Data { Data(text.utf8) }
