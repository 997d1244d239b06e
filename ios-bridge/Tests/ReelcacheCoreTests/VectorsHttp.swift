@testable import ReelcacheCore

func vectorsHttp() -> VectorRegistry {
  [
    "http/field-list": [
      "fieldFirst": call(fieldFirst),
      "fieldCount": call(fieldCount),
      "fieldCombined": call(fieldCombined),
      "fieldJoined": call(fieldJoined),
      "listItems": call(listItems),
      "fieldSet": change(fieldSet),
      "fieldRemove": change(fieldRemove),
      "isFieldValue": call(isFieldValue),
    ],
    "http/field-table": [
      "upstreamRequestFields": call(upstreamRequestFields),
      "passedRequestFields": call(passedRequestFields),
      "isForwardedName": call(isForwardedName),
      "storedResponseFields": call(storedResponseFields),
      "passedResponseFields": call(passedResponseFields),
    ],
    "http/http-date": [
      "parseHttpDate": call(parseHttpDate),
      "formatHttpDate": call(formatHttpDate),
    ],
    "http/uri-reference": [
      "parseUri": call(parseUri),
      "formatUri": call(formatUri),
      "withoutFragment": call(withoutFragment),
      "removeDotSegments": call(removeDotSegments),
      "resolveReference": call(resolveReference),
      "originOf": call(originOf),
      "parseAuthority": call(parseAuthority),
      "isHttpUrl": call(isHttpUrl),
      "parameterName": call(parameterName),
    ],
    "http/byte-range": [
      "parseRange": call(parseRange),
      "resolveRange": call(resolveRange),
      "parseContentRange": call(parseContentRange),
      "contentRangeText": call(contentRangeText),
      "unsatisfiedRangeText": call(unsatisfiedRangeText),
      "rangeText": call(rangeText),
    ],
    "http/validator": [
      "isStrongEtag": call(isStrongEtag),
      "isValidEtag": call(isValidEtag),
      "etagEqualStrong": call(etagEqualStrong),
      "etagEqualWeak": call(etagEqualWeak),
      "ifNoneMatchHolds": call(ifNoneMatchHolds),
      "ifModifiedSinceHolds": call(ifModifiedSinceHolds),
      "ifRangeHolds": call(ifRangeHolds),
      "sameVersion": call(sameVersion),
      "resumeValidator": call(resumeValidator),
    ],
    "http/cache-control": [
      "parseCacheControl": call(parseCacheControl)
    ],
    "http/media-type": [
      "pathExtension": call(pathExtension),
      "contentTypeFor": call(contentTypeFor),
      "isPlaylistType": call(isPlaylistType),
      "isPlaylistUrl": call(isPlaylistUrl),
    ],
  ]
}

extension UriParts: JsonConvertible {
  init(json: Json) throws {
    self.init(
      scheme: try json.member("scheme"),
      authority: try json.member("authority"),
      path: try json.member("path"),
      query: try json.member("query"),
      fragment: try json.member("fragment")
    )
  }

  var json: Json {
    .record([
      "scheme": scheme.json, "authority": authority.json, "path": path.json, "query": query.json,
      "fragment": fragment.json,
    ])
  }
}

extension Authority: JsonConvertible {
  init(json: Json) throws {
    self.init(userinfo: try json.member("userinfo"), host: try json.member("host"), port: try json.member("port"))
  }

  var json: Json { .record(["userinfo": userinfo.json, "host": host.json, "port": port.json]) }
}

extension RangeSpec: JsonConvertible {
  init(json: Json) throws {
    switch try json.kind() {
    case "none": self = .none
    case "ignored": self = .ignored
    case "from": self = .from(first: try json.member("first"), last: try json.member("last"))
    case "suffix": self = .suffix(length: try json.member("length"))
    default: throw JsonError(description: "no RangeSpec: \(json)")
    }
  }

  var json: Json {
    switch self {
    case .none: .tagged("none", [:])
    case .ignored: .tagged("ignored", [:])
    case .from(let first, let last): .tagged("from", ["first": first.json, "last": last.json])
    case .suffix(let length): .tagged("suffix", ["length": length.json])
    }
  }
}

extension ResolvedRange: JsonConvertible {
  init(json: Json) throws {
    switch try json.kind() {
    case "whole": self = .whole
    case "part": self = .part(start: try json.member("start"), end: try json.member("end"))
    case "unsatisfiable": self = .unsatisfiable
    default: throw JsonError(description: "no ResolvedRange: \(json)")
    }
  }

  var json: Json {
    switch self {
    case .whole: .tagged("whole", [:])
    case .part(let start, let end): .tagged("part", ["start": start.json, "end": end.json])
    case .unsatisfiable: .tagged("unsatisfiable", [:])
    }
  }
}

extension ContentRange: JsonConvertible {
  init(json: Json) throws {
    switch try json.kind() {
    case "range":
      self = .range(first: try json.member("first"), last: try json.member("last"), total: try json.member("total"))
    case "unsatisfied": self = .unsatisfied(total: try json.member("total"))
    case "invalid": self = .invalid
    default: throw JsonError(description: "no ContentRange: \(json)")
    }
  }

  var json: Json {
    switch self {
    case .range(let first, let last, let total):
      .tagged("range", ["first": first.json, "last": last.json, "total": total.json])
    case .unsatisfied(let total): .tagged("unsatisfied", ["total": total.json])
    case .invalid: .tagged("invalid", [:])
    }
  }
}

extension CacheControl: JsonConvertible {
  init(json: Json) throws {
    self.init(
      noStore: try json.member("noStore"),
      noCache: try json.member("noCache"),
      isPrivate: try json.member("isPrivate"),
      isPublic: try json.member("isPublic"),
      mustRevalidate: try json.member("mustRevalidate"),
      proxyRevalidate: try json.member("proxyRevalidate"),
      immutable: try json.member("immutable"),
      onlyIfCached: try json.member("onlyIfCached"),
      noTransform: try json.member("noTransform"),
      maxAge: try json.member("maxAge"),
      sMaxAge: try json.member("sMaxAge"),
      staleWhileRevalidate: try json.member("staleWhileRevalidate"),
      staleIfError: try json.member("staleIfError"),
      minFresh: try json.member("minFresh"),
      maxStale: try json.member("maxStale")
    )
  }

  var json: Json {
    .record([
      "noStore": noStore.json, "noCache": noCache.json, "isPrivate": isPrivate.json, "isPublic": isPublic.json,
      "mustRevalidate": mustRevalidate.json, "proxyRevalidate": proxyRevalidate.json, "immutable": immutable.json,
      "onlyIfCached": onlyIfCached.json, "noTransform": noTransform.json, "maxAge": maxAge.json,
      "sMaxAge": sMaxAge.json, "staleWhileRevalidate": staleWhileRevalidate.json,
      "staleIfError": staleIfError.json, "minFresh": minFresh.json, "maxStale": maxStale.json,
    ])
  }
}
