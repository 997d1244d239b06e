import XCTest

@testable import Reelcache

/// Listeners of a server.
final class EventHubTests: XCTestCase {
  func testListenersHearEveryEventInTheirOrderUntilTheyAreTakenOff() {
    let hub = EventHub()
    let heard = Locked<[String]>([])
    XCTAssertTrue(hub.isEmpty)
    let first = hub.add { event in heard.with { $0.append("first \(event)") } }
    hub.add { event in heard.with { $0.append("second \(event)") } }
    hub.emit(.breaker("a"))
    hub.remove(first)
    hub.remove(first)
    hub.emit(.evicted("b"))
    XCTAssertEqual(heard.with { $0 }, [#"first breaker("a")"#, #"second breaker("a")"#, #"second evicted("b")"#])
  }

  func testAListenerMayTakeItselfOffWhileItIsCalled() {
    let hub = EventHub()
    let calls = Locked(0)
    let token = Locked<EventToken?>(nil)
    let own = hub.add { _ in
      calls.with { $0 += 1 }
      if let token = token.with({ $0 }) { hub.remove(token) }
    }
    token.with { $0 = own }
    hub.emit(.breaker("a"))
    hub.emit(.breaker("b"))
    XCTAssertEqual(calls.with { $0 }, 1)
    XCTAssertTrue(hub.isEmpty)
  }

  func testAStreamGivesTheEventsFromItsBeginningToTheStop() async {
    let hub = EventHub()
    hub.emit(.breaker("before"))
    let stream = hub.stream(8)
    hub.emit(.breaker("a"))
    hub.emit(.stopped)
    hub.emit(.breaker("after"))
    var heard: [ServerEvent] = []
    for await event in stream { heard.append(event) }
    XCTAssertEqual(heard, [.breaker("a"), .stopped])
    XCTAssertTrue(hub.isEmpty, "a stream that ended listens no longer")
  }

  func testAStreamThatNobodyReadsKeepsTheNewestOnly() async {
    let hub = EventHub()
    let stream = hub.stream(2)
    for name in ["a", "b", "c"] { hub.emit(.breaker(name)) }
    hub.emit(.stopped)
    var heard: [ServerEvent] = []
    for await event in stream { heard.append(event) }
    XCTAssertEqual(heard, [.breaker("c"), .stopped])
  }

  func testALockedValueIsCountedRightByManyThreads() {
    let count = Locked(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<10_000 { count.with { $0 += 1 } }
    }
    XCTAssertEqual(count.with { $0 }, 80_000)
  }
}
