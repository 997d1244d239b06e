import CryptoKit
import Foundation
import XCTest

final class SHA256Tests: XCTestCase {
  func testTheDigestOfAWholeMessageIsTheStandardsOne() {
    XCTAssertEqual(hex(SHA256.hash(data: Data())), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    XCTAssertEqual(
      hex(SHA256.hash(data: Data("abc".utf8))),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    XCTAssertEqual(
      hex(SHA256.hash(data: [UInt8](repeating: 0x61, count: 1_000_000))),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    )
  }

  func testAMessageInPartsHasTheDigestOfTheWhole() {
    var hasher = SHA256()
    hasher.update(data: Data("a".utf8))
    hasher.update(data: Data())
    hasher.update(data: [UInt8]("bc".utf8))
    XCTAssertEqual(hasher.finalize(), SHA256.hash(data: Data("abc".utf8)))
  }

  func testACopyGoesItsOwnWay() {
    var first = SHA256()
    first.update(data: Data("ab".utf8))
    var second = first
    second.update(data: Data("x".utf8))
    first.update(data: Data("c".utf8))
    XCTAssertEqual(first.finalize(), SHA256.hash(data: Data("abc".utf8)))
    XCTAssertEqual(second.finalize(), SHA256.hash(data: Data("abx".utf8)))
  }

  func testADigestMayBeAskedForBeforeTheEnd() {
    var hasher = SHA256()
    hasher.update(data: Data("ab".utf8))
    XCTAssertEqual(hasher.finalize(), SHA256.hash(data: Data("ab".utf8)))
    hasher.update(data: Data("c".utf8))
    XCTAssertEqual(hasher.finalize(), SHA256.hash(data: Data("abc".utf8)))
  }

  func testADigestDescribesItself() {
    let digest = SHA256.hash(data: Data("abc".utf8))
    XCTAssertEqual(
      digest.description,
      "SHA256 digest: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    XCTAssertEqual(Array(digest).count, SHA256Digest.byteCount)
    XCTAssertEqual(digest.withUnsafeBytes { $0.count }, 32)
  }

  private func hex(_ digest: SHA256Digest) -> String {
    digest.map { String(format: "%02x", $0) }.joined()
  }
}
