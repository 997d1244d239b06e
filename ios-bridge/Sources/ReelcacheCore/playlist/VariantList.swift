/// The variants of a multivariant playlist, which of them is wanted, and the playlists that are played with it.

/// A variant stream: its place, URL ("" when that is no upstream URL), pace, picture height, and groups.
package struct VariantLine: Equatable, Sendable {
  package var index: Int
  package var url: ByteString
  package var bandwidth: Int
  package var height: Int
  package var audio: ByteString
  package var video: ByteString
  package var subtitles: ByteString
}

/// A rendition with a playlist of its own; `rank` 2 is the default one, 1 one that may be chosen by itself.
package struct RenditionLine: Equatable, Sendable {
  package var type: ByteString
  package var group: ByteString
  package var url: ByteString
  package var rank: Int
}

package struct VariantList: Equatable, Sendable {
  package var variants: [VariantLine]
  package var renditions: [RenditionLine]
}

/// What decides between variants.
package enum VariantMeasure: String, TextUnion, Sendable {
  case first
  case bandwidth
  case height
  case index
}

/// Which variant: the first listed, the best within a bandwidth or a height, or one by its place.
package struct VariantWish: Equatable, Sendable {
  package var by: VariantMeasure
  package var value: Int

  package init(by: VariantMeasure, value: Int) {
    self.by = by
    self.value = value
  }
}

/// Reads a whole multivariant playlist (a byte string). `baseUrl` is its final absolute URL.
package func variantList(_ bytes: ByteString, _ baseUrl: ByteString) -> VariantList {
  let mapper = uriReader(baseUrl)
  var list = VariantList(variants: [], renditions: [])
  var coming: VariantLine?
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    let end = contentEnd(bytes, from, next)
    if isTag(bytes, from, end, streamTag) {
      coming = variantLine(bytes, from + streamTag.count + 1, end, list.variants.count)
    } else if isTag(bytes, from, end, mediaTag) {
      addRendition(&list, bytes, from + mediaTag.count + 1, end, mapper)
    } else if from < end && bytes.code(from) != hash {
      if var variant = coming {
        variant.url = partUrl(mapper, bytes.slice(from, end))
        list.variants.append(variant)
      }
      coming = nil
    }
    start = next
  }
  return list
}

/// The variant that is wanted; nil when there is none.
package func chooseVariant(_ list: VariantList, _ wish: VariantWish) -> VariantLine? {
  let variants = list.variants
  // R-PRE-4
  if wish.by == .first { return variants.first }
  if wish.by == .index { return variants.indices.contains(wish.value) ? variants[wish.value] : nil }
  var best: VariantLine?
  for variant in variants {
    guard let known = best, !isBetter(measure(variant, wish), measure(known, wish), wish.value) else {
      best = variant
      continue
    }
  }
  return best
}

/// The playlists that are played with a variant: its own, and one audio, one video rendition and, if wanted, subtitles.
package func variantPlaylists(_ list: VariantList, _ variant: VariantLine, _ subtitles: Bool) -> [ByteString] {
  var urls: [ByteString] = []
  let groups: [(type: ByteString, group: ByteString)] = [
    ("AUDIO", variant.audio),
    ("VIDEO", variant.video),
    ("SUBTITLES", subtitles ? variant.subtitles : ""),
  ]
  if !variant.url.isEmpty { urls.append(variant.url) }
  // R-PRE-5
  for (type, group) in groups {
    let url = group.isEmpty ? "" : bestRendition(list, type, group)
    if !url.isEmpty && !urls.contains(url) { urls.append(url) }
  }
  return urls
}

private let hash = 0x23
private let streamTag: ByteString = "#EXT-X-STREAM-INF"
private let mediaTag: ByteString = "#EXT-X-MEDIA"

private func variantLine(_ bytes: ByteString, _ start: Int, _ end: Int, _ index: Int) -> VariantLine {
  let attributes = attributeList(bytes, start, end)
  func text(_ name: ByteString) -> ByteString { attributeText(bytes, attributes, name) ?? "" }
  let resolution = text("RESOLUTION")
  let cross = resolution.indexOf("x")
  return VariantLine(
    index: index,
    url: "",
    bandwidth: max(0, parseDigits(text("BANDWIDTH"))),
    height: cross < 0 ? 0 : max(0, parseDigits(resolution.slice(cross + 1))),
    audio: text("AUDIO"),
    video: text("VIDEO"),
    subtitles: text("SUBTITLES")
  )
}

private func addRendition(
  _ list: inout VariantList,
  _ bytes: ByteString,
  _ start: Int,
  _ end: Int,
  _ mapper: UriMapper
) {
  let attributes = attributeList(bytes, start, end)
  func text(_ name: ByteString) -> ByteString { attributeText(bytes, attributes, name) ?? "" }
  let rank = text("DEFAULT") == "YES" ? 2 : text("AUTOSELECT") == "YES" ? 1 : 0
  let url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"))
  list.renditions.append(RenditionLine(type: text("TYPE"), group: text("GROUP-ID"), url: url, rank: rank))
}

/// The URL of the group's rendition of the highest rank, the first of equals; "" when it has none of its own.
private func bestRendition(_ list: VariantList, _ type: ByteString, _ group: ByteString) -> ByteString {
  var best: RenditionLine?
  for rendition in list.renditions where rendition.type == type && rendition.group == group {
    if rendition.rank > (best?.rank ?? -1) { best = rendition }
  }
  return best?.url ?? ""
}

private func measure(_ variant: VariantLine, _ wish: VariantWish) -> Int {
  wish.by == .bandwidth ? variant.bandwidth : variant.height
}

/// Within the bound more is better; beyond it less, so that the least of all is taken when none is within.
private func isBetter(_ found: Int, _ best: Int, _ bound: Int) -> Bool {
  if found <= bound { return best > bound || found > best }
  return best > bound && found < best
}
