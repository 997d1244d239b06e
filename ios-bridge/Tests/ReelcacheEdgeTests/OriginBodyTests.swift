import CZlib
import Foundation
import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class OriginBodyTests: XCTestCase {
  private let loop = EventLoop(label: "test.decoder")

  private final class Decoded: @unchecked Sendable {
    var body = Data()
    var failure: OriginFailure?
    var dones = 0
  }

  /// Feeds a body in pieces of the given size and waits until done was called and the loop has turned again.
  private func decode(_ encoding: ByteString, _ body: Data, _ pieceBytes: Int, _ maxBytes: Int) throws -> Decoded {
    let decoded = Decoded()
    let pending: Pending<Void> = loop.start { done in
      let events = DecoderEvents(
        onData: { decoded.body.append(decoded.dones > 0 ? Data("LATE".utf8) : $0) },
        onDone: { failure in
          decoded.dones += 1
          decoded.failure = failure
          done(())
        }
      )
      let decoder = decodeContent(encoding, maxBytes, events, loop)
      for at in stride(from: 0, to: body.count, by: pieceBytes) {
        decoder.feed(body[at..<min(at + pieceBytes, body.count)])
      }
      decoder.end()
    }
    try pending.value()
    loop.run {}
    loop.run {}
    return decoded
  }

  private let text: Data = {
    var text = Data("#EXTM3U\r\n".utf8)
    for _ in 0..<2_000 { text.append(Data("#EXTINF:6.006,\r\nsegment-\u{e9}.ts\r\n".utf8)) }
    return text
  }()

  private var packed: [(ByteString, Data)] {
    [
      ("gzip", deflated(text, 31)),
      ("x-gzip", deflated(text, 31)),
      ("GZip", deflated(text, 31)),
      ("br", brotliText),
      ("deflate", deflated(text, 15)),
      ("deflate", deflated(text, -15)),
      ("identity", text),
      ("", text),
    ]
  }

  // R-ORIGIN-17
  func testEveryCodingAskedForIsUndoneInPiecesOfAnySize() throws {
    for (encoding, body) in packed {
      for pieceBytes in [1, 7, 65_536] {
        let done = try decode(encoding, body, pieceBytes, 8_000_000)
        XCTAssertNil(done.failure, "\(encoding) in pieces of \(pieceBytes)")
        XCTAssertEqual(done.dones, 1)
        XCTAssertEqual(done.body, text)
      }
    }
  }

  // R-ORIGIN-17
  func testAnEmptyBodyIsAnEmptyBodyInEveryCoding() throws {
    for encoding in ["gzip", "br", "deflate", "identity", "", "zstd"] as [ByteString] {
      let done = try decode(encoding, Data(), 1, 100)
      XCTAssertNil(done.failure, encoding.description)
      XCTAssertEqual(done.body, Data())
      XCTAssertEqual(done.dones, 1)
    }
  }

  // R-ORIGIN-17
  func testCorruptCutAndUnknownCodingsAreUpstreamProtocol() throws {
    let good = deflated(testBody(0, 5_000), 31)
    var flipped = good
    flipped[good.count - 5] ^= 1
    let cases: [(ByteString, Data)] = [
      ("gzip", good[..<(good.count - 9)]),
      ("gzip", good[..<1]),
      ("gzip", flipped),
      ("gzip", text),
      ("br", text),
      ("br", brotliText[..<40]),
      ("deflate", Data([0x78, 0x9c, 0xff, 0xff, 0xff])),
      ("zstd", text),
      ("gzip, br", good),
    ]
    for (encoding, body) in cases {
      let done = try decode(encoding, Data(body), 1_000, 8_000_000)
      XCTAssertEqual(done.failure?.code, .upstreamProtocol, encoding.description)
      XCTAssertEqual(done.dones, 1)
    }
  }

  // R-ORIGIN-17
  func testMembersOfGzipAreJoinedAndPaddingIsPassedOver() throws {
    let first = deflated(Data("one,".utf8), 31)
    let second = deflated(Data("two".utf8), 31)
    for pieceBytes in [1, 5, 1_000] {
      let both = try decode("gzip", first + second, pieceBytes, 1_000)
      XCTAssertEqual(both.body, Data("one,two".utf8))
      XCTAssertNil(both.failure)
      let padded = try decode("gzip", first + Data(count: 10), pieceBytes, 1_000)
      XCTAssertEqual(padded.body, Data("one,".utf8))
      XCTAssertNil(padded.failure)
      let garbage = try decode("gzip", first + Data("PK".utf8), pieceBytes, 1_000)
      XCTAssertEqual(garbage.failure?.code, .upstreamProtocol)
    }
    // Behind the other codings nothing is looked at.
    for (encoding, body) in [("deflate", deflated(text, 15)), ("br", brotliText)] as [(ByteString, Data)] {
      let done = try decode(encoding, body + Data("garbage".utf8), 1_000, 8_000_000)
      XCTAssertEqual(done.body, text)
      XCTAssertNil(done.failure)
    }
  }

  // R-ORIGIN-18
  func testOutputBeyondTheBoundStopsTheDecoderOutputAtTheBoundDoesNot() throws {
    for (encoding, body) in packed {
      XCTAssertNil(try decode(encoding, body, 1_000, text.count).failure, encoding.description)
      let over = try decode(encoding, body, 1_000, text.count - 1)
      XCTAssertEqual(over.failure?.code, .playlistTooLarge, encoding.description)
      XCTAssertEqual(over.dones, 1)
    }
    let bomb = deflated(Data(count: 50_000_000), 31)
    let done = try decode("gzip", bomb, bomb.count, 100_000)
    XCTAssertEqual(done.failure?.code, .playlistTooLarge)
    XCTAssertLessThanOrEqual(done.body.count, 100_000)
  }

  // R-ORIGIN-18
  func testInputBeyondTheBoundStopsTheDecoderToo() throws {
    // Empty stored blocks of deflate: endless input without any output.
    let empty = Data((0..<500_000).map { [0, 0, 0, 0xff, 0xff][$0 % 5] })
    XCTAssertEqual(try decode("deflate", empty, 50_000, 100_000).failure?.code, .playlistTooLarge)
  }

  // R-ORIGIN-17
  func testNothingIsHeardOfAnAbortedDecoder() throws {
    let heard = Decoded()
    let packed = deflated(text, 31)
    loop.run {
      let events = DecoderEvents(onData: { heard.body.append($0) }, onDone: { _ in heard.dones += 1 })
      let decoder = decodeContent("gzip", 8_000_000, events, loop)
      decoder.feed(packed)
      decoder.abort()
      decoder.end()
    }
    // A second decoder with the same work behind the first is the clock.
    _ = try decode("gzip", packed, 1_000, 8_000_000)
    XCTAssertEqual(heard.dones, 0)
    XCTAssertEqual(heard.body, Data())
  }

  func testOthersHaveTheirTurnWhileALargeBodyIsDecoded() throws {
    let packed = deflated(Data(count: 4_000_000), 31)
    let decoded = Decoded()
    var sizes: [Int] = []
    let pending: Pending<Void> = loop.start { done in
      let events = DecoderEvents(onData: { decoded.body.append($0) }, onDone: { _ in done(()) })
      let decoder = decodeContent("gzip", 8_000_000, events, loop)
      decoder.feed(packed)
      decoder.end()
      func look() {
        sizes.append(decoded.body.count)
        if decoded.body.count < 4_000_000 { loop.later(look) }
      }
      loop.later(look)
    }
    try pending.value()
    loop.run {}
    XCTAssertGreaterThan(Set(loop.run { sizes }).count, 20, "it came in many turns")
  }
}

/// The text of the tests in Brotli, by Node.
private let brotliText =
  Data(
    base64Encoded: "Gzjy+C0OePMsRAixlZ6MMD/519qSeoQudVgquMC4jc2jS3D4Cxq9ygYbp8KaS10Kui0ZcEEXKbd65NypNzjWnA7AywE="
  ) ?? Data()

/// zlib's own encoder; `bits` choose the wrapper.
private func deflated(_ bytes: Data, _ bits: Int32) -> Data {
  var stream = z_stream()
  let size = Int32(MemoryLayout<z_stream>.size)
  deflateInit2_(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
  defer { deflateEnd(&stream) }
  var input = [UInt8](bytes)
  var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(input.count))))
  return input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { room in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = room.baseAddress
      stream.avail_out = UInt32(room.count)
      deflate(&stream, Z_FINISH)
      return Data(room[..<(room.count - Int(stream.avail_out))])
    }
  }
}
