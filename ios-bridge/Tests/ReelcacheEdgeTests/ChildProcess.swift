/// Tests that need another process: this test program started anew, to do one named thing and nothing else.
import Foundation
import XCTest

@testable import ReelcacheEdge

/// What the child is to do, in its environment.
let childVariable = "REELCACHE_TEST_CHILD"

/// Starts this test program with only the child's part of it, which does what `task` names.
func startChild(_ task: String, _ dir: String) throws -> Process {
  #if os(Linux)
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = ["ReelcacheEdgeTests.StorageChildTests/testIsTheChildOfAnotherTest"]
    var environment = ProcessInfo.processInfo.environment
    environment[childVariable] = task
    environment["REELCACHE_TEST_DIR"] = dir
    child.environment = environment
    return child
  #else
    throw XCTSkip("the test program starts itself on Linux only")
  #endif
}

/// Runs a child to its end: its output, and the signal or status that ended it.
func runChild(_ task: String, _ dir: String) throws -> (output: String, reason: Process.TerminationReason) {
  let child = try startChild(task, dir)
  let output = Pipe()
  child.standardOutput = output
  child.standardError = output
  try child.run()
  let bytes = output.fileHandleForReading.readDataToEndOfFile()
  child.waitUntilExit()
  return (String(decoding: bytes, as: UTF8.self), child.terminationReason)
}

/// Fails unless the child was ended by a precondition with that message.
func assertTraps(_ task: String, _ dir: String, _ message: String) throws {
  let (output, reason) = try runChild(task, dir)
  XCTAssertEqual(reason, .uncaughtSignal, output)
  XCTAssert(output.contains(message), output)
}
