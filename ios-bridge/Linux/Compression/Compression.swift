import Brotli

// Apple's Compression framework, as far as the bridge needs it: the decoding of Brotli. Names and shapes are those that
// Swift sees of compression.h. A state is used by one thread at a time.

/// What a stream does.
public struct compression_stream_operation: RawRepresentable, Equatable, Sendable {
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Not here.
public let COMPRESSION_STREAM_ENCODE = compression_stream_operation(rawValue: 0)
/// Compressed bytes in, the bytes out.
public let COMPRESSION_STREAM_DECODE = compression_stream_operation(rawValue: 1)

/// Flags of `compression_stream_process`.
public struct compression_stream_flags: RawRepresentable, Equatable, Sendable {
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// No more source bytes will come.
public let COMPRESSION_STREAM_FINALIZE = compression_stream_flags(rawValue: 1)

/// How a call ended.
public struct compression_status: RawRepresentable, Equatable, Sendable {
  public var rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// All of the source is used, or all of the destination.
public let COMPRESSION_STATUS_OK = compression_status(rawValue: 0)
/// The source is corrupt, or it is cut and was said to be complete.
public let COMPRESSION_STATUS_ERROR = compression_status(rawValue: -1)
/// The end of the compressed stream.
public let COMPRESSION_STATUS_END = compression_status(rawValue: 1)

/// How bytes are compressed.
public struct compression_algorithm: RawRepresentable, Equatable, Sendable {
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// RFC 7932; on Apple since iOS 15 and macOS 12.
public let COMPRESSION_BROTLI = compression_algorithm(rawValue: 0xB02)

/// The two buffers and what the library remembers. The caller moves the buffers on; a call uses up their fronts.
public struct compression_stream {
  public var dst_ptr: UnsafeMutablePointer<UInt8>
  public var dst_size: Int
  public var src_ptr: UnsafePointer<UInt8>
  public var src_size: Int
  public var state: UnsafeMutableRawPointer?

  public init(
    dst_ptr: UnsafeMutablePointer<UInt8>,
    dst_size: Int,
    src_ptr: UnsafePointer<UInt8>,
    src_size: Int,
    state: UnsafeMutableRawPointer?
  ) {
    self.dst_ptr = dst_ptr
    self.dst_size = dst_size
    self.src_ptr = src_ptr
    self.src_size = src_size
    self.state = state
  }
}

/// Prepares the state; the buffers are set afterwards. Only the decoding of Brotli is here.
@discardableResult
public func compression_stream_init(
  _ stream: UnsafeMutablePointer<compression_stream>,
  _ operation: compression_stream_operation,
  _ algorithm: compression_algorithm
) -> compression_status {
  guard operation == COMPRESSION_STREAM_DECODE, algorithm == COMPRESSION_BROTLI,
    let decoder = BrotliDecoderCreateInstance(nil, nil, nil)
  else { return COMPRESSION_STATUS_ERROR }
  stream.pointee.state = UnsafeMutableRawPointer(decoder)
  stream.pointee.src_size = 0
  stream.pointee.dst_size = 0
  return COMPRESSION_STATUS_OK
}

/// Decodes until the source is used up, the destination is full, or the stream ends.
@discardableResult
public func compression_stream_process(
  _ stream: UnsafeMutablePointer<compression_stream>,
  _ flags: Int32
) -> compression_status {
  guard let state = stream.pointee.state else { return COMPRESSION_STATUS_ERROR }
  let decoder = OpaquePointer(state)
  if BrotliDecoderIsFinished(decoder) == BROTLI_TRUE { return COMPRESSION_STATUS_END }
  var sourceSize = stream.pointee.src_size
  var source: UnsafePointer<UInt8>? = stream.pointee.src_ptr
  var roomSize = stream.pointee.dst_size
  var room: UnsafeMutablePointer<UInt8>? = stream.pointee.dst_ptr
  let result = BrotliDecoderDecompressStream(decoder, &sourceSize, &source, &roomSize, &room, nil)
  stream.pointee.src_size = sourceSize
  stream.pointee.dst_size = roomSize
  if let source { stream.pointee.src_ptr = source }
  if let room { stream.pointee.dst_ptr = room }
  switch result {
  case BROTLI_DECODER_RESULT_SUCCESS: return COMPRESSION_STATUS_END
  case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return COMPRESSION_STATUS_OK
  case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
    let last = flags & Int32(COMPRESSION_STREAM_FINALIZE.rawValue) != 0
    return last ? COMPRESSION_STATUS_ERROR : COMPRESSION_STATUS_OK
  default: return COMPRESSION_STATUS_ERROR
  }
}

/// Frees the state.
@discardableResult
public func compression_stream_destroy(_ stream: UnsafeMutablePointer<compression_stream>) -> compression_status {
  guard let state = stream.pointee.state else { return COMPRESSION_STATUS_ERROR }
  BrotliDecoderDestroyInstance(OpaquePointer(state))
  stream.pointee.state = nil
  return COMPRESSION_STATUS_OK
}
