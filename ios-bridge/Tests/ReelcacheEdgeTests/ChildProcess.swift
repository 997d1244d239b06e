/// Tests that need another process: this test program started anew, to do one named thing and nothing else
/// (StorageChildTests.swift). On Linux only, where the test program is an ordinary one.
import Foundation
import XCTest

/// What the child is to do, in its environment.
let childVariable = "REELCACHE_TEST_CHILD"
/// Where it is to do it.
let childFolderVariable = "REELCACHE_TEST_DIR"

/// How a child ended.
struct ChildEnd {
  let output: String
  let bySignal: Bool
}

/// Runs a child to its end, or kills it once its output has `marker` in it. One that hangs is ended after a while.
func runChild(_ task: String, _ dir: String, killedAt marker: String = "\0") throws -> ChildEnd {
  #if os(Linux)
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = ["ReelcacheEdgeTests.StorageChildTests/testIsTheChildOfAnotherTest"]
    var environment = ProcessInfo.processInfo.environment
    environment[childVariable] = task
    environment[childFolderVariable] = dir
    child.environment = environment
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
    return ChildEnd(output: text, bySignal: child.terminationReason == .uncaughtSignal)
  #else
    throw XCTSkip("the test program starts itself on Linux only")
  #endif
}

/// Fails unless the child was ended by a precondition with that message. A sanitizer takes traps for itself, and then
/// there is nothing to see.
func assertTraps(_ task: String, _ dir: String, _ message: String) throws {
  let sanitized = dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil
  if sanitized { throw XCTSkip("a sanitizer takes traps for itself") }
  let end = try runChild(task, dir)
  XCTAssert(end.bySignal, end.output)
  XCTAssert(end.output.contains(message), end.output)
}
