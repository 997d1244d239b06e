import ReelcacheEdge
import XCTest

@testable import Reelcache

/// What a server does when the app leaves the foreground and comes back.
final class LifecycleTests: XCTestCase {
  func testTheIndexIsWrittenBeforeTheAppMayBeSuspended() {
    let stage = LifeStage()
    stage.onLoop { $0.entersBackground { stage.note("saved") } }
    XCTAssertEqual(stage.notes(), ["background", "save"], "nothing is over before it is written")
    stage.endSave()
    XCTAssertEqual(stage.notes(), ["background", "save", "saved"])
  }

  func testASecondLeaveDuringASaveWaitsForTheSameSave() {
    let stage = LifeStage()
    stage.onLoop { life in
      life.entersBackground { stage.note("first saved") }
      life.entersForeground()
      life.entersBackground { stage.note("second saved") }
    }
    stage.endSave()
    XCTAssertEqual(
      stage.notes(),
      ["background", "save", "foreground", "background", "first saved", "second saved"]
    )
    stage.onLoop { $0.entersBackground { stage.note("third saved") } }
    stage.endSave()
    XCTAssertEqual(stage.notes().suffix(3), ["background", "save", "third saved"])
  }

  func testAWarningOfTheSystemAsksForMemoryOnce() {
    let stage = LifeStage()
    stage.onLoop { $0.warnedOfMemory() }
    XCTAssertEqual(stage.notes(), ["memory"])
  }
}

/// A life whose actions are written down.
private final class LifeStage: @unchecked Sendable {
  private let loop = EventLoop()
  private var life: ServerLife?
  private var log: [String] = []
  private var saved: (() -> Void)?

  init() {
    life = ServerLife(
      loop,
      LifeActions(
        save: { done in
          self.log.append("save")
          self.saved = done
        },
        background: { self.log.append("background") },
        foreground: { self.log.append("foreground") },
        networkChanged: { isOnline in self.log.append(isOnline ? "network" : "no network") },
        memoryWarning: { self.log.append("memory") }
      )
    )
  }

  func onLoop(_ work: (ServerLife) -> Void) {
    loop.queue.sync { if let life { work(life) } }
  }

  func endSave() {
    loop.queue.sync { saved?() }
  }

  func note(_ text: String) { log.append(text) }

  func notes() -> [String] { loop.queue.sync { log } }
}
