@testable import ReelcacheCore

func vectorsResponse() -> VectorRegistry {
  [
    "response/cache-status": [
      "newNote": call(newNote),
      "cacheStatusText": call(cacheStatusText),
    ],
    "response/problem-body": [
      "problemBody": call(problemBody),
      "jsonString": call(jsonString),
    ],
    "response/reason-phrase": [
      "reasonPhrase": call(reasonPhrase)
    ],
    "response/response-head": [
      "responseHead": call(responseHead)
    ],
  ]
}

extension AcceptRanges: JsonConvertible {}
extension CorsFields: JsonConvertible {}

extension CacheNote: JsonConvertible {
  init(json: Json) throws {
    self.init(
      hit: try json.member("hit"),
      fwd: try json.member("fwd"),
      fwdStatus: try json.member("fwdStatus"),
      stored: try json.member("stored"),
      collapsed: try json.member("collapsed"),
      detail: try json.member("detail")
    )
  }

  var json: Json {
    .record([
      "hit": hit.json, "fwd": fwd.json, "fwdStatus": fwdStatus.json, "stored": stored.json,
      "collapsed": collapsed.json, "detail": detail.json,
    ])
  }
}

extension ResponseHead: JsonConvertible {
  init(json: Json) throws {
    self.init(status: try json.member("status"), reason: try json.member("reason"), fields: try json.member("fields"))
  }

  var json: Json { .record(["status": status.json, "reason": reason.json, "fields": fields.json]) }
}

extension HeadParts: JsonConvertible {
  init(json: Json) throws {
    self.init(
      status: try json.member("status"),
      contentType: try json.member("contentType"),
      contentLength: try json.member("contentLength"),
      contentRange: try json.member("contentRange"),
      acceptRanges: try json.member("acceptRanges"),
      stored: try json.member("stored"),
      ageSeconds: try json.member("ageSeconds"),
      retryAfterSeconds: try json.member("retryAfterSeconds"),
      allow: try json.member("allow"),
      note: try json.member("note"),
      cors: try json.member("cors"),
      dateMs: try json.member("dateMs"),
      keepAlive: try json.member("keepAlive"),
      httpMinor: try json.member("httpMinor")
    )
  }

  var json: Json {
    .record([
      "status": status.json, "contentType": contentType.json, "contentLength": contentLength.json,
      "contentRange": contentRange.json, "acceptRanges": acceptRanges.json, "stored": stored.json,
      "ageSeconds": ageSeconds.json, "retryAfterSeconds": retryAfterSeconds.json, "allow": allow.json,
      "note": note.json, "cors": cors.json, "dateMs": dateMs.json, "keepAlive": keepAlive.json,
      "httpMinor": httpMinor.json,
    ])
  }
}
