/// Playlists as they were sent: one that is asked for again, under the same prefix and in the same form, is neither read
/// nor rewritten again. Bounded by bytes in two generations: what is used moves to the young one, and when that is full
/// it becomes the old one, and what was in the old one is forgotten.

/// A rewritten playlist, the initialization sections and keys that it names, and the playlists, if those are needed.
/// `ownUrl` is the URL whose query it was rewritten with, "" when that took no part.
package struct KnownPlaylist: Sendable {
  package let baseUrl: ByteString
  package let ownUrl: ByteString
  package let text: ByteString
  package let expressUrls: [ByteString]
  package let names: StartNames?
}

package final class PlaylistMemory {
  /// Bytes of both generations together.
  package let bytesMax: Int
  package var young: [ByteString: KnownPlaylist] = [:]
  package var old: [ByteString: KnownPlaylist] = [:]
  package var youngBytes = 0

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }
}

/// What a playlist costs besides its texts, in bytes.
private let overheadBytes = 256

/// An empty memory for `bytesMax` bytes.
package func newPlaylistMemory(_ bytesMax: Int) -> PlaylistMemory {
  PlaylistMemory(bytesMax: bytesMax)
}

/// What a rewritten playlist of an entry is remembered by.
package func playlistKey(
  _ entryId: Int,
  _ form: UrlForm,
  _ prefix: ByteString,
  _ own: OwnParameters
) -> ByteString {
  form == .query ? "\(entryId) query \(prefix)\(ownQuery(own))" : "\(entryId) path \(prefix)\(ownQuery(own))"
}

/// Remembers the playlist of an entry whose bytes are all stored.
package func rememberPlaylist(_ memory: PlaylistMemory, _ key: ByteString, _ known: KnownPlaylist) {
  keep(memory, key, known)
}

/// The playlist of an entry as it was sent; nil when it is not remembered, or was another with other URLs.
package func recallPlaylist(
  _ memory: PlaylistMemory,
  _ key: ByteString,
  _ baseUrl: ByteString,
  _ ownUrl: ByteString
) -> KnownPlaylist? {
  guard let known = memory.young[key] ?? aged(memory, key), known.baseUrl == baseUrl else { return nil }
  // R-VAR-10
  return known.ownUrl.isEmpty || known.ownUrl == ownUrl ? known : nil
}

/// Forgets all.
package func forgetPlaylists(_ memory: PlaylistMemory) {
  memory.young = [:]
  memory.old = [:]
  memory.youngBytes = 0
}

/// What the old generation knows; it is young again.
private func aged(_ memory: PlaylistMemory, _ key: ByteString) -> KnownPlaylist? {
  guard let known = memory.old[key] else { return nil }
  memory.old[key] = nil
  keep(memory, key, known)
  return known
}

private func keep(_ memory: PlaylistMemory, _ key: ByteString, _ known: KnownPlaylist) {
  var bytes = key.count + known.ownUrl.count + known.text.count + overheadBytes
  for url in known.expressUrls { bytes += url.count }
  for name in known.names?.named ?? [] { bytes += name.count }
  for group in known.names?.groups ?? [] { for name in group { bytes += name.count } }
  if bytes * 2 > memory.bytesMax { return }
  if (memory.youngBytes + bytes) * 2 > memory.bytesMax {
    memory.old = memory.young
    memory.young = [:]
    memory.youngBytes = 0
  }
  memory.young[key] = known
  memory.youngBytes += bytes
}
