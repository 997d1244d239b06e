/// One row of the extension table: the path extension in lower case, and the type it stands for.
package struct ExtensionRow: Sendable {
  package let `extension`: ByteString
  package let type: ByteString
}

/// The one extension table. Fragmented MP4 goes by video/mp4 or audio/mp4, which every player knows.
// R-TYPE-1
package let extensionTable: [ExtensionRow] = [
  ExtensionRow(extension: "m3u8", type: "application/vnd.apple.mpegurl"),
  ExtensionRow(extension: "m3u", type: "audio/mpegurl"),
  ExtensionRow(extension: "ts", type: "video/mp2t"),
  ExtensionRow(extension: "m2ts", type: "video/mp2t"),
  ExtensionRow(extension: "m4s", type: "video/mp4"),
  ExtensionRow(extension: "mp4", type: "video/mp4"),
  ExtensionRow(extension: "m4v", type: "video/mp4"),
  ExtensionRow(extension: "cmfv", type: "video/mp4"),
  ExtensionRow(extension: "m4a", type: "audio/mp4"),
  ExtensionRow(extension: "cmfa", type: "audio/mp4"),
  ExtensionRow(extension: "m4f", type: "video/mp4"),
  ExtensionRow(extension: "cmft", type: "application/mp4"),
  ExtensionRow(extension: "mov", type: "video/quicktime"),
  ExtensionRow(extension: "webm", type: "video/webm"),
  ExtensionRow(extension: "aac", type: "audio/aac"),
  ExtensionRow(extension: "ac3", type: "audio/ac3"),
  ExtensionRow(extension: "ec3", type: "audio/eac3"),
  ExtensionRow(extension: "eac3", type: "audio/eac3"),
  ExtensionRow(extension: "mp3", type: "audio/mpeg"),
  ExtensionRow(extension: "flac", type: "audio/flac"),
  ExtensionRow(extension: "opus", type: "audio/ogg"),
  ExtensionRow(extension: "wav", type: "audio/wav"),
  ExtensionRow(extension: "vtt", type: "text/vtt"),
  ExtensionRow(extension: "webvtt", type: "text/vtt"),
  ExtensionRow(extension: "key", type: "application/octet-stream"),
  ExtensionRow(extension: "jpg", type: "image/jpeg"),
  ExtensionRow(extension: "jpeg", type: "image/jpeg"),
  ExtensionRow(extension: "png", type: "image/png"),
  ExtensionRow(extension: "gif", type: "image/gif"),
  ExtensionRow(extension: "webp", type: "image/webp"),
  ExtensionRow(extension: "json", type: "application/json"),
]

private let playlistTypes: [ByteString] = [
  "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl",
]

/// Types that say nothing; what a server writes when it does not know.
private let genericTypes: [ByteString] = [
  "",
  "application/octet-stream",
  "binary/octet-stream",
  "application/x-octet-stream",
  "text/plain",
]

/// The extension of the URL's path in lower case, without its dot; "" when the last segment has none.
package func pathExtension(_ url: ByteString) -> ByteString {
  let path = parseUri(url).path
  let segment = path.slice(path.lastIndexOf("/") + 1)
  let dot = segment.lastIndexOf(".")
  // R-TYPE-2
  return dot < 0 ? "" : lowerAscii(segment.slice(dot + 1))
}

/// The Content-Type a player is told: the origin's when it says something, else by the extension of the URL's path.
package func contentTypeFor(_ originType: ByteString?, _ url: ByteString) -> ByteString {
  let origin = originType.map(trimOws) ?? ""
  // R-TYPE-3
  if !holds(genericTypes, essence(origin)) { return origin }
  let pathEnding = pathExtension(url)
  for row in extensionTable {
    // R-TYPE-4
    if row.extension == pathEnding { return row.type }
  }
  // R-TYPE-5
  return origin.count > 0 ? origin : "application/octet-stream"
}

/// True for one of the four types of a playlist, case and parameters aside.
package func isPlaylistType(_ type: ByteString?) -> Bool {
  // R-TYPE-6
  guard let type else { return false }
  return holds(playlistTypes, essence(type))
}

/// True when the URL's path ends in .m3u8 or .m3u; its query is never looked at.
package func isPlaylistUrl(_ url: ByteString) -> Bool {
  let pathEnding = pathExtension(url)
  // R-TYPE-7
  return pathEnding == "m3u8" || pathEnding == "m3u"
}

/// "type/subtype" in lower case, parameters cut (RFC 9110 section 8.3.1).
private func essence(_ type: ByteString) -> ByteString {
  let semicolon = type.indexOf(";")
  return lowerAscii(trimOws(semicolon < 0 ? type : type.slice(0, semicolon)))
}

private func holds(_ words: [ByteString], _ word: ByteString) -> Bool {
  for one in words where one == word { return true }
  return false
}
