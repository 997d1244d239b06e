@testable import ReelcacheCore

func vectorsPreload() -> VectorRegistry {
  [
    "playlist/variant-list": [
      "variantList": call(variantList),
      "chooseVariant": call(chooseVariant),
      "variantPlaylists": call(variantPlaylists),
    ],
    "playlist/preload-parts": [
      "preloadParts": call(preloadParts)
    ],
  ]
}

extension VariantMeasure: JsonConvertible {}
extension PreloadUnit: JsonConvertible {}
extension PreloadPartKind: JsonConvertible {}

extension VariantLine: JsonConvertible {
  init(json: Json) throws {
    self.init(
      index: try json.member("index"),
      url: try json.member("url"),
      bandwidth: try json.member("bandwidth"),
      height: try json.member("height"),
      audio: try json.member("audio"),
      video: try json.member("video"),
      subtitles: try json.member("subtitles")
    )
  }

  var json: Json {
    .record([
      "index": index.json, "url": url.json, "bandwidth": bandwidth.json, "height": height.json,
      "audio": audio.json, "video": video.json, "subtitles": subtitles.json,
    ])
  }
}

extension RenditionLine: JsonConvertible {
  init(json: Json) throws {
    self.init(
      type: try json.member("type"),
      group: try json.member("group"),
      url: try json.member("url"),
      rank: try json.member("rank")
    )
  }

  var json: Json {
    .record([
      "type": type.json, "group": group.json, "url": url.json, "rank": rank.json,
    ])
  }
}

extension VariantList: JsonConvertible {
  init(json: Json) throws {
    self.init(
      variants: try json.member("variants"),
      renditions: try json.member("renditions")
    )
  }

  var json: Json {
    .record([
      "variants": variants.json, "renditions": renditions.json,
    ])
  }
}

extension VariantWish: JsonConvertible {
  init(json: Json) throws {
    self.init(
      by: try json.member("by"),
      value: try json.member("value")
    )
  }

  var json: Json {
    .record([
      "by": by.json, "value": value.json,
    ])
  }
}

extension PreloadAmount: JsonConvertible {
  init(json: Json) throws {
    self.init(
      unit: try json.member("unit"),
      count: try json.member("count")
    )
  }

  var json: Json {
    .record([
      "unit": unit.json, "count": count.json,
    ])
  }
}

extension PreloadPart: JsonConvertible {
  init(json: Json) throws {
    self.init(
      kind: try json.member("kind"),
      url: try json.member("url"),
      start: try json.member("start"),
      end: try json.member("end"),
      atMs: try json.member("atMs"),
      segments: try json.member("segments"),
      durationMs: try json.member("durationMs")
    )
  }

  var json: Json {
    .record([
      "kind": kind.json, "url": url.json, "start": start.json, "end": end.json, "atMs": atMs.json,
      "segments": segments.json, "durationMs": durationMs.json,
    ])
  }
}
