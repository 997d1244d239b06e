/// What the tests of the data files share: the operations as answers to wait for, and a disk that fails on demand.
import Foundation
import XCTest

@testable import ReelcacheEdge

/// Data files of a test; whatever no callback carries fails the test.
final class FileBench: @unchecked Sendable {
  let files: SpanFiles
  let pool: BufferPool
  private let loop: EventLoop

  init(
    _ test: XCTestCase,
    _ loop: EventLoop,
    _ dataDir: String,
    openFilesMax: Int = 4,
    unreadFilesMax: Int? = nil,
    firstNewId: Int = 1,
    onError: @escaping (Error) -> Void = { XCTFail("onError: \($0)") },
    calls: FileCalls? = nil
  ) {
    self.loop = loop
    pool = BufferPool(loop, 262_144, 4)
    let options = SpanFilesOptions(
      loop: loop,
      pool: pool,
      openFilesMax: openFilesMax,
      unreadFilesMax: unreadFilesMax,
      firstNewId: firstNewId,
      onError: onError,
      calls: calls
    )
    files = SpanFiles(dataDir, options)
  }

  var counts: SpanFilesCounts { loop.run { files.counts() } }

  func write(_ id: Int, _ buffers: [Data], _ position: Int) -> Pending<FileError?> {
    loop.start { files.write(id, buffers, position, $0) }
  }

  func read(_ id: Int, _ position: Int, _ length: Int) -> Pending<Result<Data, FileError>> {
    loop.start { done in
      files.read(id, position, length) { error, data in done(error.map { .failure($0) } ?? .success(data)) }
    }
  }

  func sync(_ id: Int) -> Pending<FileError?> {
    loop.start { files.sync(id, $0) }
  }

  func remove(_ id: Int) -> Pending<FileError?> {
    loop.start { files.remove(id, $0) }
  }

  func close() throws {
    let closed: Pending<Void> = loop.start { done in files.closeAll { done(()) } }
    try closed.value()
  }
}

extension Pending where Answer == Result<Data, FileError> {
  /// The bytes that were read.
  func bytes(_ file: StaticString = #filePath, _ line: UInt = #line) throws -> Data {
    try value(file, line).get()
  }

  /// The name of the error, "" when there is none.
  func errorName() throws -> String {
    if case .failure(let error) = try value() { return error.name }
    return ""
  }
}

/// Calls that a test holds back, on the loop, until it lets them go.
final class HeldCalls: @unchecked Sendable {
  private let loop: EventLoop
  private var calls: [() -> Void] = []

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  /// On the loop.
  func hold(_ call: @escaping () -> Void) {
    calls.append(call)
  }

  var count: Int { calls.count }

  func letGo() {
    loop.run {
      let due = calls
      calls = []
      for call in due { call() }
    }
  }
}

/// A counter that is changed on the loop and read anywhere once all is still.
final class Tally: @unchecked Sendable {
  var value = 0
  var most = 0
  var code: Int32 = 0
  var names: [String] = []

  func add(_ count: Int) {
    value += count
    most = max(most, value)
  }
}
