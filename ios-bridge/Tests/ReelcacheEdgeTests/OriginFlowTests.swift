import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class OriginFlowTests: OriginTestCase {
  // R-ORIGIN-19
  func testAPausedTransferStallsAnOriginThatWrites200MegabytesAndThenCompletes() throws {
    let total = 200_000_000
    let piece = Data(repeating: 7, count: 100_000)
    let origin = try makeOrigin { request, connection in
      let size = request.target == "/paused" ? total : 60_000_000
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      for _ in 0..<size / piece.count where !connection.write(piece) { return }
    }
    let client = makeClient()
    let hooks = FetchHooks(onHead: { $0.transfer?.pause() }, keeps: false)
    let paused = client.start("\(origin.url)/paused", hooks: hooks)
    loop.until("the head") { paused.head != nil }
    // Another transfer of the same origin serves as the clock: 60 MB in full while the paused one stands.
    let other = try client.fetch("\(origin.url)/other", hooks: FetchHooks(keeps: false))
    XCTAssertEqual(other.size, 60_000_000)
    let accepted = origin.connections[0].bytesAccepted
    XCTAssertLessThan(accepted, 20_000_000, "the origin's kernel took \(accepted) bytes")
    XCTAssertEqual(loop.run { paused.size }, 0, "what was read waits")
    loop.run { paused.transfer?.resume() }
    try client.over(paused)
    XCTAssertNil(paused.failure)
    XCTAssertEqual(paused.size, total)
  }

  // R-ORIGIN-19
  func testPausingAndResumingAtEveryPieceKeepsEveryByteInOrder() throws {
    let total = 3_000_000
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      connection.writePattern(total)
    }
    let client = makeClient()
    let loop = loop
    let hooks = FetchHooks(onData: { fetched, _ in
      fetched.transfer?.pause()
      loop.later { fetched.transfer?.resume() }
    })
    let all = (0..<3).map { _ in client.start(origin.url, hooks: hooks) }
    let body = testBody(0, total)
    for one in all { XCTAssertEqual(try client.over(one).body, body) }
  }

  // R-ORIGIN-19
  func testResumingGoesOnWithTheNextChunkAndDeliversNoEmptyPiece() throws {
    let rest = DispatchSemaphore(value: 0)
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n")
      rest.wait()
      connection.write("3\r\nghi\r\n0\r\n\r\n")
    }
    let client = makeClient()
    let paused = client.start(origin.url, hooks: FetchHooks(onData: { fetched, _ in fetched.transfer?.pause() }))
    for size in [3, 6, 9] {
      loop.until("the next bytes") { paused.size == size }
      loop.run {}
      XCTAssertEqual(loop.run { paused.size }, size, "one chunk a resume")
      loop.run { paused.transfer?.resume() }
      if size == 6 { rest.signal() }
    }
    try client.over(paused)
    XCTAssertNil(paused.failure)
    XCTAssertEqual(paused.pieces.map(latin1), ["abc", "def", "ghi"])
  }

  // R-ORIGIN-19
  func testTheEndOfAPausedTransferIsToldAfterItsLastBytes() throws {
    let origin = try makeOrigin { _, connection in
      connection.write("HTTP/1.1 200 OK\r\n\r\nabc")
      connection.end()
    }
    let client = makeClient()
    let paused = client.start(origin.url, hooks: FetchHooks(onHead: { $0.transfer?.pause() }))
    loop.until("the head") { paused.head != nil }
    loop.run {}
    XCTAssertEqual(loop.run { paused.story }, "head")
    loop.run { paused.transfer?.resume() }
    try client.over(paused)
    XCTAssertNil(paused.failure)
    XCTAssertEqual(paused.text, "abc")
    XCTAssertEqual(paused.story, "head data done")
  }

  // R-ORIGIN-23
  func testNoEventComesBeforeStartHasReturned() throws {
    let client = makeClient()
    for url in ["no url", "http://10.0.0.1/", "http://127.0.0.1:1/"] {
      let (fetched, story) = loop.run { () -> (Fetched, String) in
        let fetched = client.startHere(url)
        return (fetched, fetched.story)
      }
      XCTAssertEqual(story, "", url)
      XCTAssertEqual(try client.over(fetched).story, "done")
    }
  }

  // R-ORIGIN-23
  func testOneTransfersEventMayResumeAbortAndStartOthers() throws {
    let origin = try makeOrigin { request, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
      if request.target != "/victim" { connection.writePattern(1_000_000) }
    }
    let client = makeClient()
    let victim = client.start("\(origin.url)/victim")
    let held = client.start("\(origin.url)/held", hooks: FetchHooks(onHead: { $0.transfer?.pause() }))
    loop.until("both heads") { held.head != nil && victim.head != nil }
    var started: Fetched?
    let url = origin.url
    let hooks = FetchHooks(onData: { _, _ in
      held.transfer?.resume()
      victim.transfer?.abort()
      if started == nil { started = client.startHere("\(url)/started") }
    })
    let actor = try client.fetch("\(origin.url)/actor", hooks: hooks)
    let body = testBody(0, 1_000_000)
    for one in [actor, held, try XCTUnwrap(started)] {
      try client.over(one)
      XCTAssertNil(one.failure)
      XCTAssertEqual(one.body, body)
    }
    XCTAssertEqual(victim.story, "head")
  }

  // R-ORIGIN-20
  func testAbortClosesTheConnectionAtOnceAndNoEventFollows() throws {
    let origin = try makeOrigin { request, connection in
      if request.target == "/body" { connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc") }
    }
    let client = makeClient()
    let silent = client.start("\(origin.url)/silent")
    let body = client.start("\(origin.url)/body")
    let paused = client.start("\(origin.url)/body", hooks: FetchHooks(onHead: { $0.transfer?.pause() }))
    let inHead = client.start("\(origin.url)/body", hooks: FetchHooks(onHead: { $0.transfer?.abort() }))
    loop.until("the bodies began") { body.size == 3 && paused.head != nil && inHead.head != nil }
    loop.until("all are asked") { origin.requests.count == 4 }
    loop.run {
      for one in [silent, body, paused] { one.transfer?.abort() }
    }
    loop.until("the connections are closed") { origin.openCount == 0 }
    XCTAssertEqual([silent.story, body.story, paused.story, inHead.story], ["", "head data", "head", "head"])
    loop.until("the connections are gone") { client.client.counts().open == 0 }
    XCTAssertEqual(client.counts, [0, 0, 0])
  }

  // R-ORIGIN-20
  func testAbortBeforeTheConnectionIsOpenLeavesNothingBehind() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient(lookup: { _, _ in })
    let first = loop.run {
      let first = client.startHere(origin.url)
      first.transfer?.abort()
      return first
    }
    let resolving = client.start("http://never.example/")
    loop.until("the name is being resolved") { client.client.counts().open == 1 }
    loop.run { resolving.transfer?.abort() }
    loop.until("the connection is given up") { client.client.counts().open == 0 }
    XCTAssertEqual([first.story, resolving.story], ["", ""])
    XCTAssertEqual(origin.requests.count, 0)
  }

  // R-ORIGIN-20
  func testAbortAfterTheEndChangesNothingTheConnectionIsKept() throws {
    let origin = try makeOrigin { _, connection in connection.write(simpleResponse) }
    let client = makeClient()
    let first = try client.fetch(origin.url, hooks: FetchHooks(onDone: { $0.transfer?.abort() }))
    loop.run {
      first.transfer?.abort()
      first.transfer?.pause()
      first.transfer?.resume()
    }
    _ = try client.fetch(origin.url)
    XCTAssertEqual(origin.connections.count, 1)
  }

  // R-ORIGIN-22
  func testCloseFailsTheTransfersUnderWayWithStoppingAndLaterOnesToo() throws {
    let origin = try makeOrigin { _, _ in }
    let client = makeClient()
    let waiting = client.start(origin.url)
    loop.until("it is asked") { origin.requests.count == 1 }
    try client.close()
    XCTAssertEqual(client.counts, [0, 0, 0])
    try client.over(waiting)
    XCTAssertEqual(waiting.failure?.code, .stopping)
    XCTAssertEqual(try client.fetch(origin.url).failure?.code, .stopping)
    loop.until("the origin sees it") { origin.openCount == 0 }
  }

  func testNothingOfATransferOutlivesItAndItsClient() throws {
    let origin = try makeOrigin { request, connection in
      if request.target != "/silent" { connection.write(simpleResponse) }
    }
    weak var client: OriginClient?
    weak var transfer: (any OriginTransfer)?
    func use() throws {
      let owner = TestClient(loop, tls: OriginTls())
      client = owner.client
      let aborted = owner.start("\(origin.url)/silent")
      transfer = aborted.transfer
      loop.until("it is asked") { origin.requests.count == 1 }
      loop.run { aborted.transfer?.abort() }
      for _ in 0..<3 { _ = try owner.fetch(origin.url) }
      aborted.transfer = nil
      try owner.close()
    }
    try use()
    loop.until("all is let go") { client == nil && transfer == nil }
  }
}
