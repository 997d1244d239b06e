import Foundation
import XCTest

/// What handlers on other threads told, in order; a test waits until there is enough of it.
final class Recorder<Value: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var recorded: [Value] = []

  var values: [Value] { condition.withLock { recorded } }

  func add(_ value: Value) {
    condition.withLock {
      recorded.append(value)
      condition.broadcast()
    }
  }

  /// Waits until the condition holds, ten seconds at most, and gives what was told.
  @discardableResult
  func wait(
    _ file: StaticString = #filePath,
    _ line: UInt = #line,
    until holds: ([Value]) -> Bool
  ) -> [Value] {
    let deadline = Date(timeIntervalSinceNow: 10)
    return condition.withLock {
      while !holds(recorded) {
        if !condition.wait(until: deadline) {
          XCTFail("it never came to that: \(recorded)", file: file, line: line)
          break
        }
      }
      return recorded
    }
  }

  /// Waits for so many values.
  @discardableResult
  func wait(count: Int, _ file: StaticString = #filePath, _ line: UInt = #line) -> [Value] {
    wait(file, line) { $0.count >= count }
  }
}

/// Waits for something that nobody announces, such as memory that is let go.
func eventually(_ file: StaticString = #filePath, _ line: UInt = #line, _ holds: () -> Bool) {
  let deadline = Date(timeIntervalSinceNow: 10)
  while !holds() {
    if Date() > deadline { return XCTFail("it never came to that", file: file, line: line) }
    usleep(1000)
  }
}
