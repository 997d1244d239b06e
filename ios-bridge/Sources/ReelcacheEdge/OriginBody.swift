/// Decodes a content coding (RFC 9110 section 8.4.1) of a playlist: streaming, with a bound on the output.
///
/// Media is asked for without a coding; only playlists travel compressed, and they are rewritten as text.

import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What the caller hears: bytes, then exactly one done; nothing after an abort.
package struct DecoderEvents {
  package let onData: (Data) -> Void
  /// Nil, `upstream-protocol` for corrupt bytes or an unknown coding, `playlist-too-large` beyond the bound.
  package let onDone: (OriginFailure?) -> Void

  package init(onData: @escaping (Data) -> Void, onDone: @escaping (OriginFailure?) -> Void) {
    self.onData = onData
    self.onDone = onDone
  }
}

package protocol ContentDecoder: AnyObject {
  func feed(_ bytes: Data)
  /// No more bytes come; `onDone` follows, later.
  func end()
  func abort()
}

/// A decoder for one body; `encoding` is the value of Content-Encoding ("" for none), `maxBytes` bounds the output.
package func decodeContent(
  _ encoding: ByteString,
  _ maxBytes: Int,
  _ events: DecoderEvents,
  _ loop: EventLoop
) -> any ContentDecoder {
  BoundedDecoder(lowerAscii(encoding), maxBytes, events, loop)
}

/// What a coding may add to bytes that it cannot compress.
private let codingOverheadBytes = 65_536

/// Bytes read and written in one turn of the loop: a small body may unfold to megabytes, and others wait meanwhile.
private let turnBytes = 65_536

/// Decoded bytes in one piece, as Node's zlib has it: what an error cuts short is not told.
private let roomBytes = 16_384

/// What a step costs even when it moves no byte, in bytes.
private let stepBytes = 64

private final class BoundedDecoder: ContentDecoder, @unchecked Sendable {
  private let encoding: ByteString
  private let maxBytes: Int
  private let events: DecoderEvents
  private let loop: EventLoop
  private var codec: (any BodyCodec)?
  /// What is not decoded yet, and how much of the first is.
  private var waiting: [Data] = []
  private var used = 0
  private var fed = 0
  private var decoded = 0
  /// The last step filled its room, so the codec may hold more output.
  private var full = false
  private var ended = false
  private var scheduled = false
  private var finished = false

  init(_ encoding: ByteString, _ maxBytes: Int, _ events: DecoderEvents, _ loop: EventLoop) {
    self.encoding = encoding
    self.maxBytes = maxBytes
    self.events = events
    self.loop = loop
  }

  func feed(_ bytes: Data) {
    loop.assertHere()
    if finished || bytes.isEmpty { return }
    fed += bytes.count
    // R-ORIGIN-18: what is not decoded yet waits in memory, so the input is bounded too.
    if fed > maxBytes + codingOverheadBytes {
      loop.later { self.finish(self.tooLarge()) }
      return
    }
    if isIdentity(encoding) {
      take(bytes)
    } else {
      waiting.append(bytes)
      schedule()
    }
  }

  func end() {
    loop.assertHere()
    if finished || ended { return }
    ended = true
    schedule()
  }

  func abort() {
    finished = true
    release()
  }

  private func schedule() {
    if scheduled { return }
    scheduled = true
    loop.later {
      self.scheduled = false
      self.turn()
    }
  }

  /// Decodes what one turn may, and comes back for the rest.
  private func turn() {
    if finished { return }
    if isIdentity(encoding) {
      finish(nil)
      return
    }
    if codec == nil && !begin() { return }
    guard let codec else { return }
    var worked = 0
    while !finished {
      if worked >= turnBytes {
        schedule()
        return
      }
      let input = waiting.first ?? Data()
      // Nothing to read and nothing left inside the codec: the next feed, or the end, calls again.
      if input.isEmpty && !ended && !full { return }
      // Said only once all was read, so that what a cut body still gave is told before its failure.
      let last = ended && input.isEmpty
      let step = codec.step(input, used, last)
      used += step.consumed
      if !waiting.isEmpty && used >= input.count {
        waiting.removeFirst()
        used = 0
      }
      full = step.bytes.count == roomBytes
      if !step.bytes.isEmpty && step.state != .corrupt { take(step.bytes) }
      conclude(step, waiting.isEmpty)
      worked += step.consumed + step.bytes.count + stepBytes
    }
  }

  private func conclude(_ step: CodecStep, _ drained: Bool) {
    switch step.state {
    case .going where ended && drained && step.bytes.isEmpty:
      // R-ORIGIN-17
      finish(OriginFailure(code: .upstreamProtocol, detail: "the coded body ends early"))
    case .going:
      break
    case .complete where ended && drained:
      finish(nil)
    case .complete:
      break
    case .over:
      finish(nil)
    case .corrupt:
      // R-ORIGIN-17
      finish(OriginFailure(code: .upstreamProtocol, detail: "the coded body is corrupt"))
    }
  }

  /// Chooses the codec once the first two bytes are known: "deflate" comes with and without the zlib wrapper.
  private func begin() -> Bool {
    var head: [UInt8] = []
    for piece in waiting where head.count < 2 { head.append(contentsOf: piece.prefix(2 - head.count)) }
    // An empty body has no coding to undo; origins send that with HEAD-like answers and empty files.
    if ended && head.isEmpty {
      finish(nil)
      return false
    }
    if !ended && head.count < 2 { return false }
    codec = bodyCodec(encoding, head)
    if codec == nil {
      // R-ORIGIN-17
      finish(OriginFailure(code: .upstreamProtocol, detail: "an unknown content coding"))
    }
    return codec != nil
  }

  private func take(_ bytes: Data) {
    if finished { return }
    decoded += bytes.count
    // R-ORIGIN-18
    if decoded > maxBytes {
      finish(tooLarge())
      return
    }
    events.onData(bytes)
  }

  private func tooLarge() -> OriginFailure {
    OriginFailure(code: .playlistTooLarge, detail: "more than \(maxBytes) bytes")
  }

  private func finish(_ failure: OriginFailure?) {
    if finished { return }
    finished = true
    release()
    events.onDone(failure)
  }

  private func release() {
    codec = nil
    waiting = []
  }
}

private func bodyCodec(_ encoding: ByteString, _ head: [UInt8]) -> (any BodyCodec)? {
  switch encoding {
  case "gzip", "x-gzip": return InflateCodec(.gzip, roomBytes)
  case "br": return BrotliCodec(roomBytes)
  case "deflate": return InflateCodec(isZlibHeader(head) ? .zlib : .raw, roomBytes)
  default: return nil
  }
}

private func isIdentity(_ encoding: ByteString) -> Bool {
  encoding.isEmpty || encoding == "identity"
}

/// RFC 1950 section 2.2: method 8, and the first two bytes a multiple of 31.
private func isZlibHeader(_ head: [UInt8]) -> Bool {
  let first = head.count > 0 ? Int(head[0]) : 0
  let second = head.count > 1 ? Int(head[1]) : 0
  return first & 0x0f == 8 && (first * 256 + second) % 31 == 0
}
