import XCTest

@testable import ReelcacheCore

/// Round trips between upstream URLs and proxied URLs, in both forms, over seeded URLs.
final class ProxiedUrlTests: XCTestCase {
  private let forms: [UrlForm] = [.query, .path]
  private let secrets: [ByteString] = ["", "s3cret", ByteString(utf8: "a/b c?\u{e9}")]
  private let origin: ByteString = "http://127.0.0.1:9000"

  func testSeededUrlsComeBackFromBothFormsByteForByteWithAndWithoutASecret() {
    for seed in 1...1500 {
      var random = SeededRandom(seed)
      let url = rawUrl(&random)
      for form in forms {
        for secret in secrets {
          let proxied = proxiedUrl(proxyPrefix("http", "127.0.0.1:9000", secret), form, url)
          let route = parseTarget(proxied.slice(origin.count), secret)
          XCTAssertEqual(route, .resource(form: form, url: url, own: noParameters()), "seed \(seed): \(proxied)")
        }
      }
    }
  }

  func testARenditionReportResolvesToTheProxiedUrlOfItsPlaylistInBothForms() {
    for seed in 1...1000 {
      var random = SeededRandom(seed)
      let playlist = plainUrl(&random)
      let report = random.next(3) == 0 ? plainUrl(&random) : resolveReference(parseUri(playlist), nearby(&random))
      for form in forms {
        for secret in secrets {
          let prefix = proxyPrefix("http", "127.0.0.1:9000", secret)
          let text = renditionReportUrl(form, playlist, report)
          let seen = resolveReference(parseUri(proxiedUrl(prefix, form, playlist)), text)
          XCTAssertEqual(seen, proxiedUrl(prefix, form, report), "seed \(seed): \(report) from \(playlist): \(text)")
          XCTAssertNil(parseUri(text).scheme, "seed \(seed): \(text)")
          XCTAssertFalse(text.startsWith("/"), "seed \(seed): \(text)")
        }
      }
    }
  }

  func testNoTargetEchoesBytesIntoADetailOrLetsAForeignSecretPass() {
    let bits: [ByteString] = [
      "/", "~", "s3cret", "proxy", "?", "url=", "&", "%", "%0d%0a", "http", "s:", "//", "\r\n", "\0", ByteString([255]),
      "@", "a.example", "[", "]", ":", "#", "*", " ", "health",
    ]
    for seed in 1...10_000 {
      var random = SeededRandom(seed)
      let target = random.text(14, bits)
      switch parseTarget(target, "s3cret") {
      case .error(_, let detail):
        XCTAssertFalse(detail.isEmpty || detail.bytes.contains { $0 < 32 || $0 > 126 }, "seed \(seed)")
      case .local:
        XCTAssertTrue(target.includes("/~s3cret") || target.includes("/health"), "seed \(seed): \(target)")
      case .resource(_, let url, _):
        XCTAssertTrue(target.includes("/~s3cret"), "seed \(seed): \(target)")
        XCTAssertFalse(url.bytes.contains { $0 <= 32 || $0 == 127 || $0 == 35 }, "seed \(seed): \(url)")
      }
    }
  }

  /// An http(s) URL with a path and without a fragment, of every byte that may stand in a request line but "#".
  private func rawUrl(_ random: inout SeededRandom) -> ByteString {
    let pathBits = plainBits + ["..", "%", "%zz", "\\", "|", ByteString(utf8: "\u{e9}")]
    return url(&random, pathBits)
  }

  /// As `rawUrl`, without dot segments: a player would have resolved them.
  private func plainUrl(_ random: inout SeededRandom) -> ByteString {
    url(&random, plainBits)
  }

  private let plainBits: [ByteString] = [
    "a", "/", "//", "%2F", "%2b", "+", "~", "!", "'", "(*)", ":", "@", ";=", ",", "$", "&", "=",
  ]

  private func url(_ random: inout SeededRandom, _ pathBits: [ByteString]) -> ByteString {
    let hosts: [ByteString] = [
      "a.example", "CDN.Example.com:8443", "127.0.0.1:80", "[::1]:8080", "[2001:db8::1]", "x_y-z.example:443",
    ]
    let queryBits =
      pathBits + ["?", "url=", "&url=https%3A%2F%2Fb.example%2F", "Policy=a~b&Signature=x%2By%2F%3D", "_HLS_msn=1"]
    let scheme = random.one(["http", "https"] as [ByteString])
    let host = random.one(hosts)
    let path = random.text(8, pathBits)
    let query: ByteString = random.next(2) == 0 ? "" : "?\(random.text(8, queryBits))"
    return "\(scheme)://\(host)/\(path)\(query)"
  }

  private func nearby(_ random: inout SeededRandom) -> ByteString {
    random.one(["./x", "./../x/y?z", ".//a:b", "./.", "./?q=/", "./a:b/"])
  }
}
