import XCTest

@testable import ReelcacheCore

/// Playlists made to be slow: they cost by their length, as any other does.
final class PlaylistHostileTests: XCTestCase {
  private let prefix: ByteString = "http://127.0.0.1:9000"
  private let baseUrl: ByteString = "https://a.example/v/index.m3u8?q=1"

  func testTagsWithoutAColonAreReadInOnePass() {
    assertOnePass("", "#EXT\n")
  }

  func testAttributeListsWithoutACommaAreReadInOnePass() {
    assertOnePass("", "#EXT-X-KEY:A=1\n")
  }

  func testTheAttributesOfOneHintAreReadInOnePass() {
    assertOnePass("#EXT-X-PRELOAD-HINT:", "URI=\"a\",")
  }

  func testTheAttributesOfOneDateRangeAreReadInOnePass() {
    assertOnePass("#EXT-X-DATERANGE:", "X-URI=\"a\",")
  }

  func testInitializationSectionsAndRenditionsAreReadInOnePass() {
    assertOnePass("", "#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1@2\"\n")
    assertOnePass("", "#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a\"\n")
  }

  func testVariablesThatNeverCloseAreReadInOnePass() {
    assertOnePass("", "{$")
  }

  func testVariablesAndWhatRefersToThemAreReadInOnePass() {
    assertOnePass("", "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$a}\"\n")
    assertOnePass("", "#EXT-X-DEFINE:QUERYPARAM=\"q\"\n")
    assertOnePass("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1234567\"\n", "{$a}\n")
    assertOnePass("", "{$b}\n")
  }

  func testAPlaylistWhoseUrisWouldGrowBeyondTheBoundIsTooLarge() {
    let value = joined(Array(repeating: "v", count: 8_000), "")
    let long: ByteString = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\(value)\"\n"
    for uri in ["{$a}\n", "skd:{$a}\n"] as [ByteString] {
      let uris = joined(Array(repeating: uri, count: 9_000), "")
      XCTAssertEqual(rewritten(long + uris, .path, prefix, baseUrl, 200_000), "")
    }
    XCTAssertNotEqual(rewritten(long + "{$a}\n", .path, prefix, baseUrl, 200_000), "")
  }

  func testTheClimbsOfOneReferenceAreReadInOnePass() {
    assertOnePass("", "../")
    assertOnePass("", "a/../")
  }

  func testKeysOfEverNewFormatsAreReadInOnePass() {
    func keys(_ count: Int) -> ByteString {
      let lines: [ByteString] = (0..<count).map {
        "#EXT-X-KEY:METHOD=AES-128,KEYFORMAT=\"f\($0)\",URI=\"k\($0)\"\n#EXTINF:1,\ns\n"
      }
      return "#EXTM3U\n\(joined(lines, ""))#EXT-X-ENDLIST\n"
    }
    XCTAssertLessThan(leastTime(keys(3_200)) / leastTime(keys(200)), 40)
  }

  func testVariantsAndRangesAreReadInOnePass() {
    assertOnePass("", "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv\n")
    assertOnePass("#EXT-X-BYTERANGE:9@0\n", "#EXTINF:1,\n#EXT-X-BYTERANGE:9\ns\n")
  }

  /// Sixteen times the text takes sixteen times as long in one pass, and 256 times as long when something begins anew with
  /// each piece. Held against itself, it is the same on a slow machine and under a sanitizer.
  private func assertOnePass(_ tag: ByteString, _ piece: ByteString) {
    let short = playlist(tag, piece, 12_500)
    let long = playlist(tag, piece, 200_000)
    let growth = leastTime(long) / leastTime(short)
    XCTAssertLessThan(growth, 40)
  }

  private func playlist(_ tag: ByteString, _ piece: ByteString, _ bytes: Int) -> ByteString {
    var text: ByteString = "#EXTM3U\n\(tag)"
    while text.count < bytes { text += piece }
    text += "\n"
    return text
  }

  /// The least time of the processor that reading a playlist took, of some times: other processes only add to it.
  private func leastTime(_ text: ByteString) -> Double {
    let times = (0..<3).map { _ in
      let begun = clock()
      _ = playlistSummary(text)
      _ = rewritten(text, .path, prefix, baseUrl)
      _ = playlistResources(text, baseUrl, variableSources(baseUrl))
      _ = playlistStart(text + "#EXTINF:1,\ns.ts\n#EXT-X-ENDLIST\n", baseUrl)
      _ = startGroups(text, baseUrl)
      _ = preloadParts(mediaTimeline(text, baseUrl), PreloadAmount(unit: .all, count: 0), 4_096)
      _ = variantList(text, baseUrl)
      _ = playablePresentation(text, baseUrl, ["https://a.example/v/v"])
      return Double(clock() - begun)
    }
    return max(1, times.min() ?? 1)
  }
}
