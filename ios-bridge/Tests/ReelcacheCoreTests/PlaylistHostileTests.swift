import XCTest

@testable import ReelcacheCore

/// Playlists made to be slow: a megabyte of them costs as little as any other.
final class PlaylistHostileTests: XCTestCase {
  private let context = RewriteContext(
    prefix: "http://127.0.0.1:9000",
    form: .path,
    baseUrl: "https://a.example/v/index.m3u8"
  )

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

  func testVariablesThatNeverCloseAreReadInOnePass() {
    assertOnePass("", "{$")
  }

  func testTheClimbsOfOneReferenceAreReadInOnePass() {
    assertOnePass("", "../")
    assertOnePass("", "a/../")
  }

  /// A square would take minutes where one pass takes a second, without any optimisation.
  private func assertOnePass(_ tag: ByteString, _ piece: ByteString) {
    var text: ByteString = "#EXTM3U\n\(tag)"
    while text.count < 1_000_000 { text += piece }
    text += "\n"
    // Time of the processor, which other processes cannot lengthen.
    let begun = clock()
    _ = playlistSummary(text)
    _ = rewritePlaylist(text, context)
    XCTAssertLessThan(Double(clock() - begun) / Double(CLOCKS_PER_SEC), 10)
  }
}
