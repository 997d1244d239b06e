import Foundation
import XCTest

@testable import Reelcache

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// What the library's caller decides and asks: what server/test/library-hooks.test.ts proves of the reference.
final class ServerHooksTests: XCTestCase {
  private var server: Server?

  override func tearDown() async throws {
    await server?.stop()
    server = nil
  }

  // R-KEY-7
  func testTwoUrlsThatTheCallerGivesOneNameShareWhatIsStored() async throws {
    let origin = try TestOrigin(20_000)
    defer { origin.close() }
    var hooks = ServerHooks()
    hooks.cacheKeyUrl = { url in
      if url.contains("none") { return nil }
      return url.contains("odd") ? "not a url id=1" : unsigned(url)
    }
    let server = try await start(hooks)
    for path in ["a.ts?s=1", "none.ts?s=1", "odd.ts?s=1"] { _ = try await ask(server, "\(origin.url)/\(path)") }
    let same = try await ask(server, "\(origin.url)/a.ts?s=2")
    XCTAssertEqual(same.status, "reelcache; hit")
    XCTAssertEqual(same.body, origin.body)
    for path in ["none.ts", "odd.ts"] {
      let own = try await ask(server, "\(origin.url)/\(path)?s=1")
      XCTAssertEqual(own.status, "reelcache; hit", "\(path): its own URL is its name")
      let other = try await ask(server, "\(origin.url)/\(path)?s=2")
      XCTAssertNotEqual(other.status, "reelcache; hit", "\(path): and no other")
    }
  }

  // R-SIGN-1
  func testARefusedUrlIsSignedAnew() async throws {
    let origin = try TestOrigin(20_000)
    origin.refuse = { head in head.contains("s=1") }
    defer { origin.close() }
    let seen = Locked<[String]>([])
    var hooks = ServerHooks()
    hooks.resign = { url, status in
      seen.with { $0.append("\(status) \(url)") }
      await Task.yield()
      return unsigned(url) + "?s=2"
    }
    let server = try await start(hooks)
    let answer = try await ask(server, "\(origin.url)/x.ts?s=1")
    XCTAssertEqual(answer.code, 200)
    XCTAssertEqual(answer.body, origin.body)
    XCTAssertEqual(seen.with { $0 }, ["403 \(origin.url)/x.ts?s=1"])
    XCTAssertEqual(origin.requests.count, 2)
    let again = try await ask(server, "\(origin.url)/x.ts?s=1")
    XCTAssertEqual(again.status, "reelcache; hit", "it is of the same resource")
  }

  // R-SIGN-2
  func testARefusalStandsWithoutAnotherUrlAndWithoutAnAnswerInTime() async throws {
    let origin = try TestOrigin(20_000)
    origin.refuse = { _ in true }
    defer { origin.close() }
    var hooks = ServerHooks()
    hooks.resign = { url, _ in
      if url.contains("none") { return nil }
      if url.contains("file") { return "file:///etc/passwd" }
      if url.contains("late") {
        while !Task.isCancelled { try? await Task.sleep(nanoseconds: 10_000_000_000) }
      }
      return url
    }
    let server = try await start(hooks) { $0.limits = ["resignMs": 50, "resignMax": 2] }
    for path in ["none", "file", "late", "same"] {
      let answer = try await ask(server, "\(origin.url)/\(path).ts")
      XCTAssertEqual(answer.code, 403, path)
      XCTAssertEqual(answer.body, origin.refusal, path)
    }
    XCTAssertEqual(origin.requests.count, 6, "once each, and the same URL twice more")
  }

  // R-CHECK-1, R-CHECK-2
  func testValidateSaysWhatTheOriginSaysOfWhatIsStored() async throws {
    let origin = try TestOrigin(20_000)
    let server = try await start(ServerHooks())
    let url = "\(origin.url)/x.ts"
    let absent = await server.validate(url)
    XCTAssertEqual(absent, .absent)
    XCTAssertEqual(origin.requests.count, 0, "nobody was asked")
    _ = try await ask(server, url)
    let updated = await server.validate(url)
    XCTAssertEqual(updated, .updated, "this origin answers no condition")
    XCTAssertTrue(origin.requests.last?.lowercased().contains("if-none-match") ?? false)
    origin.refuse = { _ in true }
    let failed = await server.validate(url)
    XCTAssertEqual(failed, .failed)
    origin.close()
    let offline = await server.validate(url)
    XCTAssertEqual(offline, .offline)
    let other = await server.validate(url, fields: ["Authorization": "Basic x"])
    XCTAssertEqual(other, .absent, "nothing is stored for this identity")
    await server.stop()
    let stopped = await server.validate(url)
    XCTAssertEqual(stopped, .failed, "a server that has stopped asks nobody")
  }

  private func start(_ hooks: ServerHooks, _ change: (inout ServerOptions) -> Void = { _ in }) async throws -> Server {
    var options = ServerOptions()
    options.port = 0
    options.cacheDir = FileManager.default.temporaryDirectory.appendingPathComponent("hooks-\(UUID())").path
    options.allowPrivate = ["127.0.0.1:*"]
    options.logLevel = "silent"
    change(&options)
    let started = try await startServer(options, hooks: hooks)
    server = started
    let folder = options.cacheDir
    addTeardownBlock { try? FileManager.default.removeItem(atPath: folder) }
    return started
  }

  private func ask(_ server: Server, _ url: String) async throws -> (code: Int, status: String, body: Data) {
    let answer = try await fetch(server.convertUrl(url))
    return (answer.status, answer.fields["Cache-Status"] as? String ?? "", answer.body)
  }
}

/// The URL without its signature.
private func unsigned(_ url: String) -> String {
  String(url.prefix { $0 != "?" })
}
