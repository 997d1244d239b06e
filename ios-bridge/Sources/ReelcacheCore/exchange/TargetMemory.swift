/// What request targets name, as they were read: players ask for the same ones again and again, and reading one takes its
/// URL apart several times, which is a good part of what a hit costs. Bounded by bytes in two generations: what is used
/// moves to the young one, and when that is full it becomes the old one, and what was in the old one is forgotten.

/// An upstream resource as a target named it.
package struct KnownTarget: Sendable {
  package let form: UrlForm
  package let url: ByteString
  package let own: OwnParameters
  /// Cache key of the URL.
  package let key: ByteString
  /// It is gathered whole: the URL says playlist, or the target JSON that names more.
  package let playlist: Bool
  /// It is a directed reload of one.
  package let directed: Bool
  /// The options allow its host.
  package let allowed: Bool
}

package final class TargetMemory {
  /// Bytes of both generations together.
  package let bytesMax: Int
  package var young: [ByteString: KnownTarget] = [:]
  package var old: [ByteString: KnownTarget] = [:]
  package var youngBytes = 0

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }
}

/// What a target costs besides its texts, in bytes.
private let overheadBytes = 256

/// An empty memory for `bytesMax` bytes.
package func newTargetMemory(_ bytesMax: Int) -> TargetMemory {
  TargetMemory(bytesMax: bytesMax)
}

/// Remembers what a target names.
package func rememberTarget(_ memory: TargetMemory, _ target: ByteString, _ known: KnownTarget) {
  let bytes = target.count + known.url.count + known.own.define.count + known.key.count + overheadBytes
  if bytes * 2 > memory.bytesMax { return }
  if (memory.youngBytes + bytes) * 2 > memory.bytesMax {
    memory.old = memory.young
    memory.young = [:]
    memory.youngBytes = 0
  }
  memory.young[target] = known
  memory.youngBytes += bytes
}

/// What a target names; nil when it is not remembered.
package func recallTarget(_ memory: TargetMemory, _ target: ByteString) -> KnownTarget? {
  if let known = memory.young[target] { return known }
  guard let aged = memory.old[target] else { return nil }
  memory.old[target] = nil
  rememberTarget(memory, target, aged)
  return aged
}
