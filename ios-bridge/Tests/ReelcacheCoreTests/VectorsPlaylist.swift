@testable import ReelcacheCore

func vectorsPlaylist() -> VectorRegistry {
  [
    "playlist/playlist-lines": [
      "splitLines": call(splitLines),
      "lineNext": call(lineNext),
      "contentStart": call(contentStart),
      "contentEnd": call(contentEnd),
      "attributeList": call(attributeList),
      "attributeText": call(attributeText),
    ],
    "playlist/delivery-directives": [
      "isDirectiveName": call(isDirectiveName),
      "isDirectedUrl": call(isDirectedUrl),
    ],
    "playlist/playlist-kind": [
      "playlistSummary": call(playlistSummary),
      "isPlaylistBody": call(isPlaylistBody),
      "milliseconds": call(milliseconds),
    ],
    "playlist/playlist-resources": [
      "playlistResources": call(playlistResources)
    ],
    "playlist/playlist-part": [
      "isTag": call(isTag),
      "onlyQuoted": call(onlyQuoted),
      "partUrl": call(partUrl),
      "rangedPart": call(rangedPart),
      "mapPart": call(mapPart),
    ],
    "playlist/media-timeline": [
      "beginningAt": call(beginningAt),
      "mediaTimeline": call(mediaTimeline),
      "headCount": call(headCount),
      "startOffset": call(startOffset),
      "playsEnough": call(playsEnough),
    ],
    "playlist/variant-choice": [
      "playablePresentation": call(playablePresentation),
      "warmFirst": call(warmFirst),
      "variantUrls": call(variantUrls),
    ],
    "playlist/playlist-start": [
      "playlistStart": call(playlistStart),
      "startGroups": call(startGroups),
    ],
    "playlist/playlist-rewrite": [
      "rewritePlaylist": call(rewritePlaylist),
      "rewriteSegments": call(rewriteSegments),
    ],
    "playlist/json-scan": [
      "memberPath": call(memberPath),
      "elementPath": call(elementPath),
      "scanJson": call(scanJson),
    ],
    "playlist/json-rewrite": [
      "rewriteJson": call(rewriteJson)
    ],
    "playlist/playlist-variables": [
      "playlistDefinitions": call(playlistDefinitions),
      "exportedVariables": call(exportedVariables),
      "substituteVariables": call(substituteVariables),
      "nameQueryParameters": call(nameQueryParameters),
      "exportsText": call(exportsText),
      "plainPlaylist": call(plainPlaylist),
      "definesVariables": call(definesVariables),
      "namesQueryParameters": call(namesQueryParameters),
    ],
    "playlist/uri-mapper": [
      "uriMapper": call(uriMapper),
      "uriReader": call(uriReader),
      "upstreamUri": call(upstreamUri),
      "mapUri": call(mapUri),
      "mapReportUri": call(mapReportUri),
      "escapeUri": call(escapeUri),
    ],
    "playlist/uri-places": [
      "uriPlaces": call(uriPlaces),
      "uriRole": call(uriRole),
    ],
  ]
}

extension PlaylistKind: JsonConvertible {}
extension PlaylistBodyAnswer: JsonConvertible {}
extension UriRole: JsonConvertible {}

extension Attribute: JsonConvertible {
  init(json: Json) throws {
    self.init(
      name: try json.member("name"),
      valueStart: try json.member("valueStart"),
      valueEnd: try json.member("valueEnd"),
      quoted: try json.member("quoted")
    )
  }

  var json: Json {
    .record([
      "name": name.json, "valueStart": valueStart.json, "valueEnd": valueEnd.json, "quoted": quoted.json,
    ])
  }
}

extension PlaylistSummary: JsonConvertible {
  init(json: Json) throws {
    self.init(
      kind: try json.member("kind"),
      targetDurationMs: try json.member("targetDurationMs"),
      endList: try json.member("endList"),
      mediaSequence: try json.member("mediaSequence"),
      partTargetMs: try json.member("partTargetMs"),
      canBlockReload: try json.member("canBlockReload")
    )
  }

  var json: Json {
    .record([
      "kind": kind.json, "targetDurationMs": targetDurationMs.json, "endList": endList.json,
      "mediaSequence": mediaSequence.json, "partTargetMs": partTargetMs.json,
      "canBlockReload": canBlockReload.json,
    ])
  }
}

extension PlaylistResources: JsonConvertible {
  init(json: Json) throws {
    self.init(
      maps: try json.member("maps"),
      keys: try json.member("keys"),
      segments: try json.member("segments"),
      playlists: try json.member("playlists")
    )
  }

  var json: Json {
    .record(["maps": maps.json, "keys": keys.json, "segments": segments.json, "playlists": playlists.json])
  }
}

extension PlaylistPart: JsonConvertible {
  init(json: Json) throws {
    self.init(url: try json.member("url"), start: try json.member("start"), end: try json.member("end"))
  }

  var json: Json { .record(["url": url.json, "start": start.json, "end": end.json]) }
}

extension TimelineSegment: JsonConvertible {
  init(json: Json) throws {
    self.init(
      startMs: try json.member("startMs"),
      endMs: try json.member("endMs"),
      gap: try json.member("gap"),
      part: try json.member("part"),
      map: try json.member("map"),
      keys: try json.member("keys")
    )
  }

  var json: Json {
    .record([
      "startMs": startMs.json, "endMs": endMs.json, "gap": gap.json, "part": part.json, "map": map.json,
      "keys": keys.json,
    ])
  }
}

extension Timeline: JsonConvertible {
  init(json: Json) throws {
    self.init(
      segments: try json.member("segments"),
      beginMs: try json.member("beginMs"),
      endMs: try json.member("endMs"),
      certain: try json.member("certain")
    )
  }

  var json: Json {
    .record([
      "segments": segments.json, "beginMs": beginMs.json, "endMs": endMs.json, "certain": certain.json,
    ])
  }
}

extension PlaylistStart: JsonConvertible {
  init(json: Json) throws {
    self.init(map: try json.member("map"), segment: try json.member("segment"))
  }

  var json: Json { .record(["map": map.json, "segment": segment.json]) }
}

extension RewriteContext: JsonConvertible {
  init(json: Json) throws {
    self.init(
      prefix: try json.member("prefix"),
      form: try json.member("form"),
      baseUrl: try json.member("baseUrl"),
      playerUrl: try json.member("playerUrl"),
      sources: try json.member("sources"),
      bytesMax: try json.member("bytesMax")
    )
  }

  var json: Json {
    .record([
      "prefix": prefix.json, "form": form.json, "baseUrl": baseUrl.json, "playerUrl": playerUrl.json,
      "sources": sources.json, "bytesMax": bytesMax.json,
    ])
  }
}

extension JsonPlaceKind: JsonConvertible {}

extension JsonPlace: JsonConvertible {
  init(json: Json) throws {
    self.init(
      path: try json.member("path"),
      owner: try json.member("owner"),
      name: try json.member("name"),
      keyStart: try json.member("keyStart"),
      kind: try json.member("kind"),
      start: try json.member("start"),
      end: try json.member("end"),
      text: try json.member("text")
    )
  }

  var json: Json {
    .record([
      "path": path.json, "owner": owner.json, "name": name.json, "keyStart": keyStart.json, "kind": kind.json,
      "start": start.json, "end": end.json, "text": text.json,
    ])
  }
}

extension JsonContext: JsonConvertible {
  init(json: Json) throws {
    self.init(
      prefix: try json.member("prefix"),
      form: try json.member("form"),
      baseUrl: try json.member("baseUrl"),
      own: try json.member("own"),
      depthMax: try json.member("depthMax"),
      bytesMax: try json.member("bytesMax"),
      urisBytesMax: try json.member("urisBytesMax")
    )
  }

  var json: Json {
    .record([
      "prefix": prefix.json, "form": form.json, "baseUrl": baseUrl.json, "own": own.json, "depthMax": depthMax.json,
      "bytesMax": bytesMax.json, "urisBytesMax": urisBytesMax.json,
    ])
  }
}

extension VariableSources: JsonConvertible {
  init(json: Json) throws {
    self.init(
      ownUrl: try json.member("ownUrl"),
      imports: try json.member("imports"),
      countMax: try json.member("countMax"),
      bytesMax: try json.member("bytesMax"),
      uriBytesMax: try json.member("uriBytesMax")
    )
  }

  var json: Json {
    .record([
      "ownUrl": ownUrl.json, "imports": imports.json, "countMax": countMax.json, "bytesMax": bytesMax.json,
      "uriBytesMax": uriBytesMax.json,
    ])
  }
}

extension Definition: JsonConvertible {
  init(json: Json) throws {
    self.init(name: try json.member("name"), value: try json.member("value"), from: try json.member("from"))
  }

  var json: Json { .record(["name": name.json, "value": value.json, "from": from.json]) }
}

extension Shortcut: JsonConvertible {
  init(json: Json) throws {
    self.init(
      start: try json.member("start"),
      upstream: try json.member("upstream"),
      proxied: try json.member("proxied")
    )
  }

  var json: Json { .record(["start": start.json, "upstream": upstream.json, "proxied": proxied.json]) }
}

extension UriMapper: JsonConvertible {
  convenience init(json: Json) throws {
    self.init(
      prefix: try json.member("prefix"),
      form: try json.member("form"),
      base: try json.member("base"),
      here: try json.member("here"),
      root: try json.member("root"),
      above: try json.member("above"),
      learned: try json.member("learned"),
      room: try json.member("room")
    )
  }

  var json: Json {
    .record([
      "prefix": prefix.json, "form": form.json, "base": base.json, "here": here.json, "root": root.json,
      "above": above.json, "learned": learned.json, "room": room.json,
    ])
  }
}
