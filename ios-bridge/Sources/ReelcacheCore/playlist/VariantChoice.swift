/// A multivariant playlist with only what can be played without its origin, or with the variant first that is warm.
/// Lines are left out or moved; each that stays keeps its bytes. Playlists are byte strings.
///
/// *Variant*: an EXT-X-STREAM-INF line and its URI line. *Rendition*: an EXT-X-MEDIA line; those with the same TYPE and
/// GROUP-ID are a *group*, which variants refer to.

/// The playlist with only the variants, renditions and trick-play streams whose playlists are among `playable` (absolute
/// URLs); "" when no variant is left. `baseUrl` is its final absolute URL.
package func playablePresentation(_ bytes: ByteString, _ baseUrl: ByteString, _ playable: [ByteString]) -> ByteString {
  var pieces = readPieces(bytes, uriReader(baseUrl))
  let known = Set(playable)
  var defined: Set<ByteString> = []
  var usable: Set<ByteString> = []
  func isStored(_ piece: Piece) -> Bool { piece.url.map { known.contains($0) } ?? true }
  for piece in pieces where piece.kind == .rendition {
    defined.insert(piece.group)
    // R-OFFLINE-3: what has no playlist of its own comes with its variant.
    if isStored(piece) { usable.insert(piece.group) }
  }
  var named: Set<ByteString> = []
  var variants = 0
  for at in pieces.indices where pieces[at].kind == .variant {
    let piece = pieces[at]
    // R-OFFLINE-3
    let hasGroups = piece.needed.allSatisfy { !defined.contains($0) || usable.contains($0) }
    pieces[at].keep = piece.url != nil && isStored(piece) && hasGroups
    if !pieces[at].keep { continue }
    variants += 1
    named.formUnion(piece.named)
  }
  if variants == 0 { return "" }
  for at in pieces.indices {
    let piece = pieces[at]
    if piece.kind == .trick { pieces[at].keep = isStored(piece) }
    // R-OFFLINE-4: a variant names its subtitles whether they are there or not, and may not name what is not defined.
    if piece.kind == .rendition {
      pieces[at].keep = isStored(piece) || (named.contains(piece.group) && !usable.contains(piece.group))
    }
  }
  return keptText(bytes, pieces)
}

/// The playlist with the first variant whose playlist is among `warm` (absolute URLs) moved to the first variant's place;
/// as it is when there is none, when it is first, and when an EXT-X-MEDIA tag stands between.
package func warmFirst(_ bytes: ByteString, _ baseUrl: ByteString, _ warm: [ByteString]) -> ByteString {
  let pieces = readPieces(bytes, uriReader(baseUrl))
  func isWarm(_ piece: Piece) -> Bool { piece.kind == .variant && piece.url.map { warm.contains($0) } ?? false }
  guard let first = pieces.firstIndex(where: { $0.kind == .variant }), let found = pieces.firstIndex(where: isWarm)
  else { return bytes }
  if found <= first { return bytes }
  let between = pieces[first..<found]
  // R-WARM-2
  if between.contains(where: { $0.kind == .rendition }) { return bytes }
  let start = pieces[first].start
  let moved = pieces[found]
  let block = bytes.slice(moved.start, moved.end)
  let passed = bytes.slice(start, moved.start)
  let rest = bytes.slice(moved.end)
  if block.endsWith("\n") { return bytes.slice(0, start) + block + passed + rest }
  // R-WARM-3: the last line has no end; it takes that of the line that becomes the last.
  let lineEnd: ByteString = passed.endsWith("\r\n") ? "\r\n" : "\n"
  return bytes.slice(0, start) + block + lineEnd + passed.slice(0, passed.count - lineEnd.count) + rest
}

/// The absolute URLs of the variants' playlists, in order, each once.
package func variantUrls(_ bytes: ByteString, _ baseUrl: ByteString) -> [ByteString] {
  var urls: [ByteString] = []
  var seen: Set<ByteString> = [""]
  for variant in variantList(bytes, baseUrl).variants {
    if seen.insert(variant.url).inserted { urls.append(variant.url) }
  }
  return urls
}

private let hash = 0x23
private let streamTag: ByteString = "#EXT-X-STREAM-INF"
private let mediaTag: ByteString = "#EXT-X-MEDIA"
private let trickTags: [ByteString] = ["#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-IMAGE-STREAM-INF"]

/// Attributes of a variant that name groups; of those that it cannot play without, the first two.
private let groupTypes: [ByteString] = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]
private let neededTypes = 2

private enum PieceKind {
  case variant
  case rendition
  case trick
  case other
}

/// Lines that stay or go together. `url` is that of their playlist, nil when they have none, "" when it is no upstream
/// URL; `group` a rendition's; `named` and `needed` the groups that a variant names and cannot play without.
private struct Piece {
  let kind: PieceKind
  let start: Int
  var end: Int
  var url: ByteString?
  var group: ByteString = ""
  var named: [ByteString] = []
  var needed: [ByteString] = []
  var keep = true

  init(_ kind: PieceKind, _ start: Int, _ end: Int) {
    self.kind = kind
    self.start = start
    self.end = end
  }
}

/// The playlist as pieces, in order; joined they are the playlist.
private func readPieces(_ bytes: ByteString, _ mapper: UriMapper) -> [Piece] {
  var pieces: [Piece] = []
  var inVariant = false
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    let end = contentEnd(bytes, from, next)
    let isUri = from < end && bytes.code(from) != hash
    if inVariant && !isTag(bytes, from, end, streamTag) {
      // What stands between a variant's two lines stays or goes with them.
      pieces[pieces.count - 1].end = next
      if isUri {
        pieces[pieces.count - 1].url = partUrl(mapper, bytes.slice(from, end))
        inVariant = false
      }
    } else {
      let piece = readPiece(bytes, mapper, start, from, end, next)
      pieces.append(piece)
      inVariant = piece.kind == .variant
    }
    start = next
  }
  return pieces
}

private func readPiece(
  _ bytes: ByteString,
  _ mapper: UriMapper,
  _ start: Int,
  _ from: Int,
  _ end: Int,
  _ next: Int
) -> Piece {
  let tags = [streamTag, mediaTag] + trickTags
  guard let tag = tags.first(where: { isTag(bytes, from, end, $0) }) else { return Piece(.other, start, next) }
  let attributes = attributeList(bytes, from + tag.count + 1, end)
  if tag == streamTag {
    var piece = Piece(.variant, start, next)
    for (at, type) in groupTypes.enumerated() {
      let id = onlyQuoted(bytes, attributes, type)
      if id.isEmpty { continue }
      piece.named.append("\(type) \(id)")
      if at < neededTypes { piece.needed.append("\(type) \(id)") }
    }
    return piece
  }
  var piece = Piece(tag == mediaTag ? .rendition : .trick, start, next)
  let hasUri = attributes.contains { $0.name == "URI" }
  if hasUri { piece.url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI")) }
  if tag == mediaTag {
    piece.group = "\(attributeText(bytes, attributes, "TYPE") ?? "") \(onlyQuoted(bytes, attributes, "GROUP-ID"))"
  }
  return piece
}

private func keptText(_ bytes: ByteString, _ pieces: [Piece]) -> ByteString {
  var text: ByteString = ""
  for piece in pieces where piece.keep { text += bytes.slice(piece.start, piece.end) }
  return text
}
