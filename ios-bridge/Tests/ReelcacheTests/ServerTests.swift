import ReelcacheEdge
import XCTest

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

@testable import Reelcache

/// The public API: what an app sees, as server/test/api.test.ts proves it of the reference.
final class ServerTests: XCTestCase {
  private var folders: [URL] = []

  override func tearDown() async throws {
    await stopServer()
    for folder in folders { try? FileManager.default.removeItem(at: folder) }
  }

  func testConvertUrlWorksBeforeTheStartWhileRunningAndAfterTheStopAndNeverThrows() async throws {
    await stopServer()
    let why = Locked<[Fallback]>([])
    let note: (Fallback) -> Void = { reason in why.with { $0.append(reason) } }
    let url = "https://cdn.example.com/a b/ü.m3u8?Policy=a~b&Signature=x%2By#t=1"
    XCTAssertEqual(convertUrl(url, note), url, "before the start the URL itself")
    let server = try await startServer(options())
    XCTAssertEqual(
      convertUrl(url),
      "\(server.url)/proxy?url=https%3A%2F%2Fcdn.example.com%2Fa%2520b%2F%25C3%25BC.m3u8"
        + "%3FPolicy%3Da~b%26Signature%3Dx%252By#t=1",
      "escaped as a player would, the fragment left to the player"
    )
    for other in ["file:///etc/passwd", "skd://key", "", "not a url", "https://user:pw@host/x", "data:,x"] {
      XCTAssertEqual(convertUrl(other, note), other, "\(other) stays")
    }
    XCTAssertTrue(server.isRunning)
    await stopServer()
    XCTAssertEqual(convertUrl(url, note), url)
    XCTAssertEqual(why.with { $0 }, [.notRunning] + Array(repeating: .notHttp, count: 6) + [.notRunning])
    XCTAssertFalse(server.isRunning)
    await server.stop()
  }

  func testConvertUrlOfAURLGivesOneThatCanBePlayed() async throws {
    let plain = try XCTUnwrap(URL(string: "https://cdn.example.com/a.m3u8?b=1"))
    let server = try await startServer(options())
    XCTAssertEqual(
      server.convertUrl(plain).absoluteString,
      "\(server.url)/proxy?url=https%3A%2F%2Fcdn.example.com%2Fa.m3u8%3Fb%3D1"
    )
    XCTAssertEqual(convertUrl(plain), server.convertUrl(plain))
    let file = URL(fileURLWithPath: "/etc/hosts")
    XCTAssertEqual(convertUrl(file), file)
  }

  func testConvertUrlMayBeCalledFromManyThreadsAtOnce() async throws {
    let server = try await startServer(options())
    let wanted = server.convertUrl("https://a.example/x")
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<500 { XCTAssertEqual(convertUrl("https://a.example/x"), wanted) }
    }
  }

  func testThePathFormAndASecretAreInWhatConvertUrlGivesAndThatCanBeFetched() async throws {
    let origin = try TestOrigin(10_000)
    defer { origin.close() }
    let server = try await startServer(
      options {
        $0.form = .path
        $0.secret = "open-sesame"
      }
    )
    let url = server.convertUrl("\(origin.url)/seg.ts?a=1")
    XCTAssertEqual(url, "\(server.url)/~open-sesame/http/127.0.0.1:\(origin.port)/seg.ts?a=1")
    let answer = try await fetch(url)
    XCTAssertEqual(answer.status, 200)
    XCTAssertEqual(answer.body, origin.body)
  }

  func testWrongOptionsAreRefusedWithAMessageAndNothingIsLeftBehind() async throws {
    let never = folder().appendingPathComponent("never").path
    let wrong: [(String, (inout ServerOptions) -> Void)] = [
      ("port", { $0.port = 70_000 }),
      ("secret", { $0.host = "0.0.0.0" }),
      ("slotsMax", { $0.limits = ["slotsMax": -1] }),
      ("PEM", { $0.originCa = "/nowhere/ca.pem" }),
    ]
    for (word, change) in wrong {
      let refused = await failure(
        options {
          $0.cacheDir = never
          change(&$0)
        }
      )
      XCTAssertTrue(refused?.message.contains(word) == true, "\(word): \(String(describing: refused))")
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: never), "no folder was made")
  }

  func testACacheFolderServesOneServerAndAPortOneListener() async throws {
    let shared = folder().path
    let first = try await startServer(options { $0.cacheDir = shared })
    let second = await failure(options { $0.cacheDir = shared })
    XCTAssertEqual(second?.reason, .cacheDirectory)
    XCTAssertTrue(second?.message.contains(shared) == true, "the message says which")
    let third = await failure(options { $0.port = first.port })
    XCTAssertEqual(third?.reason, .portTaken)
    await first.stop()
    let again = try await startServer(options { $0.cacheDir = shared })
    XCTAssertTrue(again.isRunning, "what is stopped lets go of its folder")
  }

  func testStatsAndEventsSayWhatHappened() async throws {
    let origin = try TestOrigin(50_000)
    defer { origin.close() }
    let server = try await startServer(
      options {
        $0.maxCacheBytes = 60_000
        $0.evictionDelayMs = 0
      }
    )
    let events = server.events
    let reports = Locked<[ExchangeReport]>([])
    let token = server.on { event in
      if case .exchange(let report) = event { reports.with { $0.append(report) } }
    }
    let one = server.convertUrl("\(origin.url)/1.ts")
    _ = try await fetch(one)
    try await until("the bytes on disk") { $0.bytes == 50_000 && $0.flights == 0 }
    _ = try await fetch(one)
    try await until("both to be over") { $0.hits + $0.misses == 2 }
    let stats = await server.stats()
    XCTAssertEqual([stats.entries, stats.bytes, stats.hits, stats.misses], [1, 50_000, 1, 1])
    XCTAssertEqual([stats.bytesFromOrigin, stats.bytesFromDisk], [50_000, 50_000])
    XCTAssertEqual(stats.index, .ok)
    let heard = reports.with { $0 }
    XCTAssertEqual(heard.map(\.url), ["\(origin.url)/1.ts", "\(origin.url)/1.ts"])
    XCTAssertEqual(heard.map(\.status), [200, 200])
    XCTAssertEqual(heard.map(\.bytesFromFlights), [50_000, 0])
    XCTAssertEqual(heard.map(\.bytesFromDisk), [0, 50_000])
    XCTAssertEqual(heard.last?.cacheStatus, "reelcache; hit")
    server.off(token)
    _ = try await fetch(server.convertUrl("\(origin.url)/2.ts"))
    try await until("the older to be evicted") { $0.evictions == 1 }
    XCTAssertEqual(reports.with { $0.count }, 2, "a listener that was taken off hears nothing")
    await clearCache()
    let cleared = await server.stats()
    XCTAssertEqual([cleared.entries, cleared.bytes], [0, 0])
    await server.stop()
    var evicted: [String] = []
    var last: ServerEvent?
    for await event in events {
      if case .evicted(let url) = event { evicted.append(url) }
      last = event
    }
    XCTAssertEqual(evicted, ["\(origin.url)/1.ts"])
    XCTAssertEqual(last, .stopped)
  }

  func testWhatIsPreloadedIsAHitAndSurvivesARestart() async throws {
    let origin = try TestOrigin(20_000)
    defer { origin.close() }
    let shared = folder().path
    let first = try await startServer(options { $0.cacheDir = shared })
    first.preload("\(origin.url)/x.ts")
    try await until("the bytes on disk") { $0.bytes == 20_000 && $0.flights == 0 }
    await first.stop()
    let second = try await startServer(options { $0.cacheDir = shared })
    let answer = try await fetch(second.convertUrl("\(origin.url)/x.ts"))
    XCTAssertEqual(answer.body, origin.body)
    XCTAssertEqual(answer.fields["Cache-Status"] as? String, "reelcache; hit")
    XCTAssertEqual(origin.requests.count, 1)
  }

  func testWhatWasPlayedBeforeTheAppWentToTheBackgroundIsOnTheDiskAndThePortAnswersAfterwards() async throws {
    let origin = try TestOrigin(20_000)
    defer { origin.close() }
    let shared = folder()
    let server = try await startServer(options { $0.cacheDir = shared.path })
    let url = server.convertUrl("\(origin.url)/x.ts")
    _ = try await fetch(url)
    try await until("the bytes on disk") { $0.bytes == 20_000 && $0.flights == 0 }
    await withCheckedContinuation { continuation in
      server.loop.later { server.life.entersBackground { continuation.resume() } }
    }
    // What a process that the system ends while it is suspended leaves behind.
    let left = folder()
    try FileManager.default.copyItem(at: shared, to: left)
    server.loop.later { server.life.entersForeground() }
    let again = try await fetch(url)
    XCTAssertEqual(again.body, origin.body, "the same port")
    await server.stop()
    let next = try await startServer(options { $0.cacheDir = left.path })
    let answer = try await fetch(next.convertUrl("\(origin.url)/x.ts"))
    XCTAssertEqual(answer.fields["Cache-Status"] as? String, "reelcache; hit")
    XCTAssertEqual(origin.requests.count, 1)
  }

  func testWhatIsPlayedAgainAndAgainComesFromMemoryUntilTheSystemAsksForIt() async throws {
    let origin = try TestOrigin(300_000)
    defer { origin.close() }
    let cache = folder()
    let server = try await startServer(options { $0.cacheDir = cache.path })
    let url = server.convertUrl("\(origin.url)/x.ts")
    try await play(url, times: 3)
    let kept = memoryCounts(server)
    XCTAssertEqual(kept.reads, 2 * kept.pieces, "each piece was read twice before it was kept")
    // From here on no file can answer.
    let file = try XCTUnwrap(dataFiles(cache).first)
    XCTAssertEqual(truncate(file.path, 0), 0)
    let third = try await fetch(url)
    XCTAssertEqual(third.body, origin.body)
    XCTAssertEqual(third.fields["Cache-Status"] as? String, "reelcache; hit")
    XCTAssertEqual(memoryCounts(server).hits, kept.pieces)
    XCTAssertEqual(origin.requests.count, 1)
    server.loop.later { server.life.warnedOfMemory() }
    XCTAssertEqual(memoryCounts(server).pieces, 0)
    let fourth = try await fetch(url)
    XCTAssertEqual(fourth.body, origin.body)
    XCTAssertEqual(origin.requests.count, 2, "the file was missed, and its bytes fetched anew")
  }

  func testAReadThatOpensItsFileCountsLikeAnyOther() async throws {
    let origin = try TestOrigin(300_000)
    defer { origin.close() }
    let shared = folder().path
    let first = try await startServer(options { $0.cacheDir = shared })
    try await play(first.convertUrl("\(origin.url)/x.ts"), times: 1)
    await first.stop()
    let second = try await startServer(options { $0.cacheDir = shared })
    for _ in 0..<2 { _ = try await fetch(second.convertUrl("\(origin.url)/x.ts")) }
    let kept = memoryCounts(second)
    XCTAssertGreaterThan(kept.pieces, 0)
    XCTAssertEqual(kept.reads, 2 * kept.pieces)
    XCTAssertEqual(origin.requests.count, 1)
  }

  func testNothingStaysInMemoryOfWhatIsClearedOrWhenTheAppGoesToTheBackground() async throws {
    let origin = try TestOrigin(300_000)
    defer { origin.close() }
    let server = try await startServer(options())
    let url = server.convertUrl("\(origin.url)/x.ts")
    try await play(url, times: 3)
    XCTAssertGreaterThan(memoryCounts(server).pieces, 0)
    await clearCache()
    XCTAssertEqual(memoryCounts(server).bytes, 0)
    try await play(url, times: 3)
    XCTAssertGreaterThan(memoryCounts(server).pieces, 0)
    await withCheckedContinuation { continuation in
      server.loop.later { server.life.entersBackground { continuation.resume() } }
    }
    XCTAssertEqual(memoryCounts(server).bytes, 0)
  }

  func testWhatWasOnlyWrittenHoldsNoMoreFilesOpenThanThereAreSlots() async throws {
    let origin = try TestOrigin(20_000)
    defer { origin.close() }
    let server = try await startServer(options { $0.limits = ["slotsMax": 2] })
    for at in 1...6 { _ = try await fetch(server.convertUrl("\(origin.url)/\(at).ts")) }
    try await until("the bytes on disk") { $0.bytes == 6 * 20_000 && $0.flights == 0 }
    let open = server.loop.queue.sync { server.app.engine.files.counts().open }
    XCTAssertGreaterThan(open, 0)
    XCTAssertLessThanOrEqual(open, 2)
  }

  func testPagesOfTheAppsOwnAreServedBelowTheProxysAddress() async throws {
    let server = try await startServer(options())
    server.servePages { path in
      path == "/own/page" ? Page(contentType: "text/plain; charset=utf-8", body: Array("own".utf8)) : nil
    }
    let own = try await fetch("\(server.url)/own/page")
    XCTAssertEqual(own.status, 200)
    XCTAssertEqual(own.body, Data("own".utf8))
    XCTAssertEqual(own.fields["Content-Type"] as? String, "text/plain; charset=utf-8")
    let other = try await fetch("\(server.url)/other")
    XCTAssertEqual(other.status, 404)
  }

  func testAStoppedServerLetsGoOfAllThatItWasMadeOf() async throws {
    let origin = try TestOrigin(300_000)
    defer { origin.close() }
    let parts = try await partsOfAStoppedServer(origin)
    // The module's functions remember the last server only.
    let next = try await startServer(options())
    try await until("every part to be gone") { _ in parts.allSatisfy { $0.part == nil } }
    await next.stop()
  }

  func testStopAnswersEveryCallerOnce() async throws {
    let server = try await startServer(options())
    let events = server.events
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<5 { group.addTask { await server.stop() } }
    }
    var stops = 0
    for await event in events where event == .stopped { stops += 1 }
    XCTAssertEqual(stops, 1)
  }

  private func partsOfAStoppedServer(_ origin: TestOrigin) async throws -> [Weak] {
    let server = try await startServer(options())
    for _ in 0..<2 { _ = try await fetch(server.convertUrl("\(origin.url)/x.ts")) }
    server.preload("\(origin.url)/y.ts")
    await server.stop()
    let app = server.app
    let engine = app.engine
    let parts: [AnyObject] = [server, app, engine, app.state, app.index, app.listener]
    return (parts + [engine.origin, engine.files, engine.memory]).map(Weak.init)
  }

  private func folder() -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelcache-\(UUID().uuidString)")
    folders.append(folder)
    return folder
  }

  private func options(_ change: (inout ServerOptions) -> Void = { _ in }) -> ServerOptions {
    var options = ServerOptions()
    options.port = 0
    options.cacheDir = folder().path
    options.allowPrivate = ["127.0.0.1:*"]
    options.logLevel = "silent"
    change(&options)
    return options
  }

  /// Fetches a URL that is not stored, waits until it is, and replays it.
  private func play(_ url: String, times: Int) async throws {
    _ = try await fetch(url)
    try await until("the bytes on disk") { $0.bytes > 0 && $0.flights == 0 }
    for _ in 1..<times { _ = try await fetch(url) }
  }

  private func memoryCounts(_ server: Server) -> MemoryTierCounts {
    server.loop.queue.sync { server.app.engine.memory.counts() }
  }

  private func dataFiles(_ cache: URL) -> [URL] {
    let data = cache.appendingPathComponent("data")
    let files = FileManager.default.enumerator(at: data, includingPropertiesForKeys: [.isRegularFileKey])
    return (files?.compactMap { $0 as? URL } ?? []).filter {
      (try? $0.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
    }
  }

  private func failure(_ options: ServerOptions) async -> StartError? {
    do {
      await (try startServer(options)).stop()
      return nil
    } catch {
      return error as? StartError
    }
  }

  /// Waits for a state of the server that was started last.
  private func until(_ what: String, _ holds: (Stats) -> Bool) async throws {
    let server = try XCTUnwrap(latestServer())
    for _ in 0..<2_000 {
      if holds(await server.stats()) { return }
      try await Task.sleep(nanoseconds: 5_000_000)
    }
    XCTFail("waited in vain for \(what): \(await server.stats())")
  }
}

private struct Weak: @unchecked Sendable {
  private(set) weak var part: AnyObject?

  init(_ part: AnyObject) {
    self.part = part
  }
}
