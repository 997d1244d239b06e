/// Tests that need another process: this test program started anew, to do one named thing and nothing else
/// (StorageChildTests.swift). On Linux only, where the test program is an ordinary one.
import Foundation
import XCTest

/// What the child is to do, in its environment.
let childVariable = "REELCACHE_TEST_CHILD"
/// Where it is to do it.
let childFolderVariable = "REELCACHE_TEST_DIR"

/// How a child ended; its status, or the number of the signal.
struct ChildEnd {
  let output: String
  let bySignal: Bool
  let status: Int32
}

/// The test program itself.
func testProgram() -> URL {
  URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
}

/// Runs a child to its end, or kills it once its output has `marker` in it. One that hangs is ended after a while.
func runChild(
  _ task: String,
  _ dir: String,
  killedAt marker: String = "\0",
  _ added: [String: String] = [:]
) throws -> ChildEnd {
  let words = [testProgram().path, "ReelcacheEdgeTests.StorageChildTests/testIsTheChildOfAnotherTest"]
  let asked = [childVariable: task, childFolderVariable: dir]
  return try runProgram(words, asked.merging(added) { _, new in new }, killedAt: marker)
}

/// Runs the program at a path with arguments and more in its environment; ends as `runChild` does.
func runProgram(_ words: [String], _ added: [String: String], killedAt marker: String = "\0") throws -> ChildEnd {
  #if os(Linux)
    let child = Process()
    child.executableURL = URL(fileURLWithPath: words.first ?? "")
    child.arguments = Array(words.dropFirst())
    child.environment = ProcessInfo.processInfo.environment.merging(added) { _, new in new }
    let output = Pipe()
    child.standardOutput = output
    child.standardError = output
    try child.run()
    let pid = child.processIdentifier
    let deadline = DispatchWorkItem { kill(pid, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: deadline)
    var text = ""
    while true {
      let bytes = output.fileHandleForReading.availableData
      if bytes.isEmpty { break }
      text += String(decoding: bytes, as: UTF8.self)
      if text.contains(marker) { kill(pid, SIGKILL) }
    }
    child.waitUntilExit()
    deadline.cancel()
    return ChildEnd(
      output: text,
      bySignal: child.terminationReason == .uncaughtSignal,
      status: child.terminationStatus
    )
  #else
    throw XCTSkip("left out: the test program starts itself on Linux only")
  #endif
}

/// Fails unless the child was ended by a precondition with that message.
func assertTraps(_ task: String, _ dir: String, _ message: String) throws {
  // A sanitizer would take the trap for itself, and Swift would first look for where it was.
  var added = ["SWIFT_BACKTRACE": "enable=no"]
  for name in ["TSAN_OPTIONS", "ASAN_OPTIONS"] {
    let own = ProcessInfo.processInfo.environment[name] ?? ""
    added[name] = "\(own):handle_sigill=0:handle_sigtrap=0"
  }
  let end = try runChild(task, dir, added)
  XCTAssert(end.bySignal, end.output)
  XCTAssert(end.output.contains(message), end.output)
}
