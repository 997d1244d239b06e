import FoundationEssentials
import OpenSSL

/// SHA-256 with the interface of Apple's CryptoKit, computed by OpenSSL.
public struct SHA256: Sendable {
  public static let byteCount = 32
  public static let blockByteCount = 64

  private var state: DigestState

  public init() {
    state = DigestState()
  }

  /// The digest of a whole message.
  public static func hash<D: DataProtocol>(data: D) -> SHA256Digest {
    var hasher = SHA256()
    hasher.update(data: data)
    return hasher.finalize()
  }

  /// Adds the next part of the message.
  public mutating func update<D: DataProtocol>(data: D) {
    for region in data.regions { region.withUnsafeBytes { update(bufferPointer: $0) } }
  }

  /// Adds the next part of the message.
  public mutating func update(bufferPointer: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&state) { state = DigestState(copying: state) }
    state.add(bufferPointer)
  }

  /// The digest of what was added so far; more may be added after.
  public func finalize() -> SHA256Digest {
    SHA256Digest(bytes: DigestState(copying: state).finish())
  }
}

/// The 32 bytes of a SHA-256.
public struct SHA256Digest: Sequence, Hashable, CustomStringConvertible, Sendable {
  public static let byteCount = 32

  fileprivate let bytes: [UInt8]

  public func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }

  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes(body)
  }

  public var description: String {
    let digits = Array("0123456789abcdef")
    return "SHA256 digest: " + bytes.reduce(into: "") { $0 += "\(digits[Int($1 >> 4)])\(digits[Int($1 & 15)])" }
  }

  public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
    CRYPTO_memcmp(left.bytes, right.bytes, byteCount) == 0
  }
}

/// An EVP_MD_CTX. It is changed only while one SHA256 value holds it.
private final class DigestState: @unchecked Sendable {
  private let context: OpaquePointer

  init() {
    context = DigestState.make()
    check(EVP_DigestInit_ex(context, EVP_sha256(), nil))
  }

  init(copying other: DigestState) {
    context = DigestState.make()
    check(EVP_MD_CTX_copy_ex(context, other.context))
  }

  deinit { EVP_MD_CTX_free(context) }

  func add(_ bytes: UnsafeRawBufferPointer) {
    check(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count))
  }

  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
    check(EVP_DigestFinal_ex(context, &digest, nil))
    return digest
  }

  private static func make() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { fatalError("no memory for a digest") }
    return context
  }

  private func check(_ result: Int32) {
    precondition(result == 1, "OpenSSL refused to compute a SHA-256")
  }
}
