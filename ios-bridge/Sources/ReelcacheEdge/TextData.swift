import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Data {
  /// The bytes of a text, copied.
  init(_ text: ByteString) {
    self = text.bytes.withUnsafeBufferPointer { Data(buffer: $0) }
  }
}

/// Bytes of all pieces together.
func byteCount(_ pieces: [Data]) -> Int {
  var bytes = 0
  for piece in pieces { bytes += piece.count }
  return bytes
}

/// The pieces as one, which costs a copy when there are several.
func joined(_ pieces: [Data]) -> Data {
  if pieces.count == 1 { return pieces[0] }
  var bytes = Data(capacity: byteCount(pieces))
  for piece in pieces { bytes.append(piece) }
  return bytes
}
