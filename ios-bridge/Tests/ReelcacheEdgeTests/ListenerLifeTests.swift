import XCTest

@testable import ReelcacheEdge

final class ListenerLifeTests: XCTestCase {
  func testThePortIsBoundOnceAndTheStartTold() {
    var life = ListenerLife()
    XCTAssertEqual(life.on(.start), [.bind])
    XCTAssertFalse(life.isListening)
    XCTAssertEqual(life.on(.ready), [.started])
    XCTAssertTrue(life.isListening)
    XCTAssertEqual(life.on(.start), [], "it starts once")
  }

  func testAPortThatIsTakenAtTheStartIsAnErrorAndIsNotTriedAgain() {
    var life = ListenerLife()
    _ = life.on(.start)
    XCTAssertEqual(life.on(.failed(98)), [.release])
    XCTAssertEqual(life.on(.released), [.refused(98)])
    XCTAssertEqual(life.on(.foreground), [])
    XCTAssertEqual(life.on(.retryDue), [])
  }

  func testInTheForegroundTheSocketIsCheckedAndLeftAloneWhileItHears() {
    var life = listening()
    XCTAssertEqual(life.on(.background), [])
    XCTAssertEqual(life.on(.foreground), [.check])
    XCTAssertTrue(life.isListening, "players may connect meanwhile")
    XCTAssertEqual(life.on(.foreground), [], "one check at a time")
    XCTAssertEqual(life.on(.checked(alive: true)), [])
    XCTAssertEqual(life.on(.foreground), [.check])
  }

  func testADeafSocketIsClosedBeforeThePortIsBoundAgain() {
    var life = listening()
    _ = life.on(.background)
    _ = life.on(.foreground)
    XCTAssertEqual(life.on(.checked(alive: false)), [.release])
    XCTAssertEqual(life.on(.ready), [], "news of the old socket")
    XCTAssertEqual(life.on(.released), [.bind])
    XCTAssertEqual(life.on(.ready), [])
    XCTAssertTrue(life.isListening)
  }

  func testASocketThatFailsIsReplacedAtOnceAlsoDuringACheck() {
    var life = listening()
    XCTAssertEqual(life.on(.failed(57)), [.release])
    XCTAssertEqual(life.on(.released), [.bind])
    _ = life.on(.ready)
    _ = life.on(.foreground)
    XCTAssertEqual(life.on(.failed(57)), [.release])
    XCTAssertEqual(life.on(.checked(alive: true)), [], "the check was of the old socket")
    XCTAssertEqual(life.on(.released), [.bind])
  }

  func testAPortThatSomebodyTookIsTriedAgainWithGrowingWaits() {
    var life = listening()
    _ = life.on(.failed(57))
    _ = life.on(.released)
    var waits: [Int] = []
    for _ in 0..<9 {
      XCTAssertEqual(life.on(.failed(98)), [.release])
      let actions = life.on(.released)
      guard case .retry(let wait)? = actions.first else { return XCTFail("\(actions)") }
      waits.append(wait)
      XCTAssertEqual(life.on(.retryDue), [.bind])
    }
    XCTAssertEqual(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    _ = life.on(.ready)
    _ = life.on(.failed(57))
    _ = life.on(.released)
    _ = life.on(.failed(98))
    XCTAssertEqual(life.on(.released), [.retry(100)], "success forgets failures")
  }

  func testInTheBackgroundNobodyTriesAndTheForegroundTriesAtOnce() {
    var life = listening()
    _ = life.on(.background)
    XCTAssertEqual(life.on(.failed(57)), [.release])
    XCTAssertEqual(life.on(.released), [.bind], "an app that plays audio is not suspended")
    XCTAssertEqual(life.on(.failed(98)), [.release])
    XCTAssertEqual(life.on(.released), [])
    XCTAssertEqual(life.on(.foreground), [.cancelRetry, .bind])
  }

  func testTheForegroundShortensAWait() {
    var life = listening()
    _ = life.on(.failed(57))
    _ = life.on(.released)
    _ = life.on(.failed(98))
    XCTAssertEqual(life.on(.foreground), [], "the old socket is still being closed")
    XCTAssertEqual(life.on(.released), [.bind])
    _ = life.on(.failed(98))
    XCTAssertEqual(life.on(.released), [.retry(100)])
    XCTAssertEqual(life.on(.foreground), [.cancelRetry, .bind])
    XCTAssertEqual(life.on(.retryDue), [])
  }

  func testClosingEndsItWhereverItIs() {
    var life = ListenerLife()
    XCTAssertEqual(life.on(.close), [.closed], "never started")
    life = listening()
    XCTAssertEqual(life.on(.close), [.release])
    XCTAssertEqual(life.on(.close), [])
    XCTAssertEqual(life.on(.released), [.closed])
    XCTAssertEqual(life.on(.foreground), [])
    XCTAssertFalse(life.isListening)
    life = listening()
    _ = life.on(.failed(57))
    XCTAssertEqual(life.on(.close), [], "it is being closed")
    XCTAssertEqual(life.on(.released), [.closed])
    life = listening()
    _ = life.on(.failed(57))
    _ = life.on(.released)
    _ = life.on(.failed(98))
    _ = life.on(.released)
    XCTAssertEqual(life.on(.close), [.cancelRetry, .closed], "it waits")
  }

  private func listening() -> ListenerLife {
    var life = ListenerLife()
    _ = life.on(.start)
    _ = life.on(.ready)
    return life
  }
}
