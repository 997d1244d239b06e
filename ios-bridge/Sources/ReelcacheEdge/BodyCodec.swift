import CZlib
import Compression

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What one step of a codec did. It ends when the input is used up or the room for output is full.
struct CodecStep {
  enum State {
    /// The coded body goes on.
    case going
    /// The coded body may end here, and may go on (gzip has members).
    case complete
    /// The coded body is over, whatever bytes follow.
    case over
    case corrupt
  }

  let consumed: Int
  let bytes: Data
  let state: State
}

/// One way to undo a content coding.
protocol BodyCodec: AnyObject {
  /// Decodes from the byte at `offset` on; `last` says that no bytes come behind this input.
  func step(_ input: Data, _ offset: Int, _ last: Bool) -> CodecStep
}

/// gzip, zlib and raw deflate (RFC 1952, 1950, 1951).
final class InflateCodec: BodyCodec {
  enum Wrapper: Int32 {
    // As zlib's window bits say it.
    case gzip = 31
    case zlib = 15
    case raw = -15
  }

  private let wrapper: Wrapper
  private let stream: UnsafeMutablePointer<z_stream>
  private let room: UnsafeMutableBufferPointer<UInt8>
  /// The member that was being read is complete.
  private var complete = false

  /// `roomBytes` bounds the output of one step; nil when there is no memory.
  init?(_ wrapper: Wrapper, _ roomBytes: Int) {
    self.wrapper = wrapper
    // On the heap, as zlib remembers the address.
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    room = .allocate(capacity: roomBytes)
    let size = Int32(MemoryLayout<z_stream>.size)
    if inflateInit2_(stream, wrapper.rawValue, ZLIB_VERSION, size) != Z_OK { return nil }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    room.deallocate()
  }

  func step(_ input: Data, _ offset: Int, _ last: Bool) -> CodecStep {
    input.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> CodecStep in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
      if complete {
        if rest.isEmpty { return CodecStep(consumed: 0, bytes: Data(), state: .complete) }
        // Another member, or padding with zeros.
        if wrapper != .gzip || rest[0] == 0 { return CodecStep(consumed: 0, bytes: Data(), state: .over) }
        inflateReset(stream)
        complete = false
      }
      return inflateOnce(rest)
    }
  }

  private func inflateOnce(_ rest: UnsafeRawBufferPointer) -> CodecStep {
    let bytes = rest.bindMemory(to: UInt8.self)
    // zlib only reads what it takes as mutable.
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.pointee.avail_in = UInt32(bytes.count)
    stream.pointee.next_out = room.baseAddress
    stream.pointee.avail_out = UInt32(room.count)
    let result = inflate(stream, Z_NO_FLUSH)
    let consumed = bytes.count - Int(stream.pointee.avail_in)
    let produced = Data(UnsafeMutableBufferPointer(rebasing: room[..<(room.count - Int(stream.pointee.avail_out))]))
    complete = result == Z_STREAM_END
    // Z_BUF_ERROR only says that there was nothing to do.
    let good = complete || result == Z_OK || result == Z_BUF_ERROR
    return CodecStep(consumed: consumed, bytes: produced, state: !good ? .corrupt : complete ? .complete : .going)
  }
}

/// Brotli (RFC 7932).
final class BrotliCodec: BodyCodec {
  private let stream: UnsafeMutablePointer<compression_stream>
  private let room: UnsafeMutableBufferPointer<UInt8>
  private var opened = false
  private var complete = false

  init?(_ roomBytes: Int) {
    room = .allocate(capacity: roomBytes)
    stream = .allocate(capacity: 1)
    guard let start = room.baseAddress else { return nil }
    stream.initialize(
      to: compression_stream(dst_ptr: start, dst_size: 0, src_ptr: UnsafePointer(start), src_size: 0, state: nil)
    )
    opened = compression_stream_init(stream, COMPRESSION_STREAM_DECODE, COMPRESSION_BROTLI) == COMPRESSION_STATUS_OK
    if !opened { return nil }
  }

  deinit {
    if opened { compression_stream_destroy(stream) }
    stream.deallocate()
    room.deallocate()
  }

  func step(_ input: Data, _ offset: Int, _ last: Bool) -> CodecStep {
    if complete {
      return CodecStep(consumed: 0, bytes: Data(), state: offset < input.count ? .over : .complete)
    }
    return input.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> CodecStep in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...]).bindMemory(to: UInt8.self)
      guard let start = room.baseAddress else { return CodecStep(consumed: 0, bytes: Data(), state: .corrupt) }
      // An empty source still needs an address.
      stream.pointee.src_ptr = rest.baseAddress ?? UnsafePointer(start)
      stream.pointee.src_size = rest.count
      stream.pointee.dst_ptr = start
      stream.pointee.dst_size = room.count
      let flags = last ? Int32(COMPRESSION_STREAM_FINALIZE.rawValue) : 0
      let status = compression_stream_process(stream, flags)
      let consumed = rest.count - stream.pointee.src_size
      let produced = Data(UnsafeMutableBufferPointer(rebasing: room[..<(room.count - stream.pointee.dst_size)]))
      complete = status == COMPRESSION_STATUS_END
      let good = complete || status == COMPRESSION_STATUS_OK
      return CodecStep(consumed: consumed, bytes: produced, state: !good ? .corrupt : complete ? .complete : .going)
    }
  }
}
