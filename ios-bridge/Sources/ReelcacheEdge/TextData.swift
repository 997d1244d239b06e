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
