import Foundation
import XCTest

@testable import ReelcacheCore
@testable import ReelcacheEdge

final class LocalPagesTests: XCTestCase {
  private let state = newProxyState(
    CoreOptions(
      limits: defaultLimits,
      policy: .media,
      keyRules: KeyRules(dropParameters: [], keepParameters: nil),
      keyUrl: { $0 },
      secret: "",
      allowedHosts: [],
      allowUpstream: [],
      playlistFreshMs: 0,
      ignoreNoStore: false,
      validateOutdated: false,
      apart: true,
      shared: false,
      heuristicPercent: 0,
      startAhead: false,
      delivery: .all,
      headMs: 0,
      headSegments: 0,
      offlineFilter: false,
      offlineMs: 0,
      warmFirst: false,
      cors: true,
      keepAlive: true,
      forwardFields: [],
      requestFields: [],
      responseFields: [],
      maxCacheBytes: 1_000,
      resigns: false
    ),
    1,
    0
  )

  func testHealthSaysWhatTheReferenceSaysInTheSameOrder() {
    let page = localPage(state, LocalPages(), request(), "/health", 0)
    XCTAssertEqual(page.head.status, 200)
    XCTAssertEqual(
      String(decoding: page.body, as: Unicode.ASCII.self),
      "{\"status\":\"ok\",\"entries\":0,\"bytes\":0,\"flights\":0,\"exchanges\":0,\"lanes\":"
        + "{\"running\":{\"express\":0,\"held\":0,\"regular\":0,\"background\":0},\"extra\":0,"
        + "\"waiting\":{\"express\":0,\"held\":0,\"regular\":0,\"background\":0}}}\n"
    )
    XCTAssertEqual(
      page.head.fields.prefix(8),
      [
        "Content-Type", "application/json", "Content-Length", .decimal(page.body.count), "Cache-Control", "no-store",
        "Cache-Status", "reelcache; detail=local",
      ]
    )
    XCTAssertEqual(page.head.fields.suffix(2), ["Connection", "keep-alive"])
  }

  func testAnUnknownPathIsNotFoundInTheReferencesWords() {
    let page = localPage(state, LocalPages(), request(close: true), "/nothing", 0)
    XCTAssertEqual(page.head.status, 404)
    XCTAssertEqual(
      String(decoding: page.body, as: Unicode.ASCII.self),
      "{\"type\":\"urn:reelcache:error:not-found\",\"title\":\"There is nothing at this path\",\"status\":404,"
        + "\"detail\":\"use /proxy?url=\\u2026 or /https/host/path\"}"
    )
    XCTAssertEqual(page.head.fields.suffix(2), ["Connection", "close"])
  }

  func testPagesOfTheAppAreFoundBehindTheProxysOwn() {
    let pages = LocalPages()
    pages.find = { path in
      path == "/mine" || path == "/health" ? LocalPage(contentType: "text/html", body: Data("mine".utf8)) : nil
    }
    XCTAssertEqual(localPage(state, pages, request(), "/mine", 0).body, Data("mine".utf8))
    XCTAssertEqual(localPage(state, pages, request(), "/health", 0).head.fields[1], "application/json")
    XCTAssertEqual(localPage(state, pages, request(), "/other", 0).head.status, 404)
  }

  private func request(close: Bool = false) -> PlayerRequest {
    PlayerRequest(
      method: "GET",
      target: "",
      httpMinor: 1,
      fields: [],
      localAddress: "127.0.0.1",
      localPort: 80,
      close: close
    )
  }
}
