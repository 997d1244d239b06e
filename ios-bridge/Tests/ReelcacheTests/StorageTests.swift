import XCTest

@testable import Reelcache

private let master =
  "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",DEFAULT=YES,URI=\"audio.m3u8\"\n"
  + "#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"a\"\nlow.m3u8\n"
  + "#EXT-X-STREAM-INF:BANDWIDTH=3000000,AUDIO=\"a\"\nhigh.m3u8\n"
private let low = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nl1.ts\n#EXTINF:4,\nl2.ts\n#EXT-X-ENDLIST\n"
private let audio = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na1.aac\n#EXTINF:4,\na2.aac\n#EXT-X-ENDLIST\n"
private let texts = ["/m.m3u8": master, "/low.m3u8": low, "/audio.m3u8": audio]

/// Preloading and what is stored, as server/test/wire-preload.test.ts proves it of the reference.
final class StorageTests: XCTestCase {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelcache-\(UUID().uuidString)")

  override func tearDown() async throws {
    await stopServer()
    try? FileManager.default.removeItem(at: folder)
  }

  func testAPreloadTellsItsProgressAndItsEndAndWhatItBroughtPlaysWithoutTheOrigin() async throws {
    let origin = try TestOrigin(20_000, texts)
    let server = try await startServer(options())
    let heard = Locked<[PreloadProgress]>([])
    let wish = PreloadOptions(amount: .seconds(4)) { progress in heard.with { $0.append(progress) } }
    let end = await server.preload("\(origin.url)/m.m3u8", wish).done
    XCTAssertEqual(end.state, .done, end.cause)
    XCTAssertEqual(end.segments, 1)
    XCTAssertEqual(end.seconds, 4)
    XCTAssertEqual(heard.with { $0.last }, end)
    XCTAssertEqual(
      origin.requests.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }.sorted(),
      ["/a1.aac", "/audio.m3u8", "/l1.ts", "/low.m3u8", "/m.m3u8"]
    )
    origin.close()
    let status = await server.status("\(origin.url)/m.m3u8")
    XCTAssertEqual(status.kind, .multivariant)
    XCTAssertEqual(status.entries, 5)
    XCTAssertTrue(status.playable)
    XCTAssertFalse(status.complete)
    XCTAssertEqual(status.ways.first?.times, [0..<4])
    XCTAssertEqual(status.ways.first?.seconds, 8)
    XCTAssertEqual(status.missing.map(\.what), ["segment", "segment"])
    let answer = try await fetch(server.convertUrl("\(origin.url)/l1.ts"))
    XCTAssertEqual(answer.body, origin.body)
  }

  func testAPreloadThatCannotGoOnSaysWhyAndOneThatIsCancelledEnds() async throws {
    let origin = try TestOrigin(20_000, texts)
    defer { origin.close() }
    let server = try await startServer(options())
    let lost = await server.preload("\(origin.url)/m.m3u8", PreloadOptions(variant: .index(7))).done
    XCTAssertEqual(lost.state, .failed)
    XCTAssertEqual(lost.cause, "no-variant")
    // Nobody listens on port 1: the preload would try again for a while.
    let far = server.preload("http://127.0.0.1:1/x.ts")
    far.cancel()
    let cancelled = await far.done
    XCTAssertEqual(cancelled.state, .cancelled)
    XCTAssertNotEqual(cancelled.id, 0)
    await server.stop()
    let late = await server.preload("\(origin.url)/m.m3u8").done
    XCTAssertEqual(late.cause, "stopping")
    let status = await server.status("\(origin.url)/m.m3u8")
    XCTAssertNil(status.kind)
  }

  func testANumberOfSecondsThatIsNoneMeansAllOfIt() async throws {
    let origin = try TestOrigin(1_000, texts)
    defer { origin.close() }
    let server = try await startServer(options())
    for seconds in [Double.nan, .infinity] {
      let end = await server.preload("\(origin.url)/low.m3u8", PreloadOptions(amount: .seconds(seconds))).done
      XCTAssertEqual(end.segments, 2, "\(seconds): \(end.cause)")
    }
  }

  func testAFeedsWindowIsFromTheNearestOutwardAndCloses() async throws {
    let origin = try TestOrigin(1_000, texts)
    defer { origin.close() }
    let server = try await startServer(options())
    let urls = ["a", "b", "c", "d"].map { "\(origin.url)/\($0).mp4" }
    let wish = WindowOptions(ahead: 1, behind: 1, amount: .bytes(100))
    let near = await server.setWindow(urls, index: 2, options: wish)
    XCTAssertEqual(near.map(\.url), [urls[2], urls[3], urls[1]])
    let same = await server.setWindow(urls, index: 2, options: wish)
    XCTAssertEqual(same.map(\.id), near.map(\.id))
    let none = await server.setWindow([], index: 0)
    XCTAssertEqual(none, [])
  }

  func testWhatIsStoredIsToldPinnedAndRemovedAlsoAfterARestart() async throws {
    let origin = try TestOrigin(20_000, texts)
    defer { origin.close() }
    let first = try await startServer(options())
    let end = await first.preload("\(origin.url)/m.m3u8").done
    XCTAssertEqual(end.segments, 2)
    await first.stop()
    let server = try await startServer(options())
    let url = "\(origin.url)/m.m3u8"
    let whole = await server.status(url)
    XCTAssertTrue(whole.complete)
    XCTAssertEqual(whole.missing, [])
    let pinned = await server.pin(url)
    XCTAssertEqual(pinned, 7)
    let page = await server.entries(limit: 2)
    XCTAssertEqual(page.map(\.pinned), [true, true])
    let rest = await server.entries(after: page.last?.id ?? 0)
    XCTAssertEqual(rest.count, 5)
    let unpinned = await server.unpin(url)
    XCTAssertEqual(unpinned, 7)
    let removed = await server.remove(url)
    XCTAssertEqual(removed, 7)
    let left = await server.entries()
    XCTAssertEqual(left, [])
  }

  func testWhatIsAskedWhileTheServerStopsIsAnswered() async throws {
    let origin = try TestOrigin(20_000, texts)
    defer { origin.close() }
    let url = "\(origin.url)/m.m3u8"
    for _ in 0..<8 {
      let server = try await startServer(options())
      let end = await server.preload(url).done
      XCTAssertEqual(end.state, .done, end.cause)
      async let pinned = server.pin(url)
      async let status = server.status(url)
      async let removed = server.remove(url)
      await server.stop()
      // Before the end or behind it: in between nothing may be written.
      let answers = await (pinned, status, removed)
      XCTAssertTrue([0, 7].contains(answers.0), "\(answers.0)")
      XCTAssertTrue([0, 7].contains(answers.1.entries), "\(answers.1.entries)")
      XCTAssertTrue([0, 7].contains(answers.2), "\(answers.2)")
    }
  }

  private func options() -> ServerOptions {
    var options = ServerOptions()
    options.port = 0
    options.cacheDir = folder.path
    options.allowPrivate = ["127.0.0.1:*"]
    options.logLevel = "silent"
    return options
  }
}
