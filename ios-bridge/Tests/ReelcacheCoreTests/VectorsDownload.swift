@testable import ReelcacheCore

func vectorsDownload() -> VectorRegistry {
  [
    "download/flight": [
      "newCursor": call(newCursor),
      "newBody": call(newBody),
      "flightCovers": call(flightCovers),
      "flightHoldsByte": call(flightHoldsByte),
      "flightSilenceMs": call(flightSilenceMs),
      "flightWanted": call(flightWanted),
      "flightFurthest": call(flightFurthest),
      "flightShouldPause": call(flightShouldPause),
      "flightShouldWrite": call(flightShouldWrite),
      "flightTailFloor": call(flightTailFloor),
    ],
    "download/head-verdict": [
      "headVerdict": call(headVerdict),
      "isRanged": call(isRanged),
      "isEncoded": call(isEncoded),
    ],
  ]
}

extension Lane: JsonConvertible {}
extension FlightState: JsonConvertible {}
extension FlightPurpose: JsonConvertible {}
extension AskMethod: JsonConvertible {}
extension Framing: JsonConvertible {}

extension Limits: JsonConvertible {
  init(json: Json) throws {
    self.init()
    let record = try json.record()
    for (name, field) in limitFields { self[keyPath: field] = try json.member(name.description) }
    let known = Set(limitFields.map(\.name.description))
    guard let stray = record.keys.first(where: { !known.contains($0) }) else { return }
    throw JsonError(description: "\"\(stray)\" is no limit")
  }

  var json: Json {
    let members = limitFields.map { ($0.name.description, self[keyPath: $0.field].json) }
    return .record([String: Json](uniqueKeysWithValues: members))
  }
}

extension Cursor: JsonConvertible {
  convenience init(json: Json) throws {
    self.init(owner: try json.member("owner"), offset: try json.member("offset"), end: try json.member("end"))
    failures = try json.member("failures")
    failure = try json.member("failure")
    notBeforeMs = try json.member("notBeforeMs")
  }

  var json: Json {
    .record([
      "owner": owner.json, "offset": offset.json, "end": end.json, "failures": failures.json,
      "failure": failure.json, "notBeforeMs": notBeforeMs.json,
    ])
  }
}

/// A body of a vector has no flights: JSON has no cycles.
extension Body: JsonConvertible {
  convenience init(json: Json) throws {
    self.init(entry: try json.member("entry"))
    flights = try json.member("flights")
    cursors = try json.member("cursors")
    uses = try json.member("uses")
    storing = try json.member("storing")
    hidden = try json.member("hidden")
    doomed = try json.member("doomed")
    journalled = try json.member("journalled")
    onDisk = try json.member("onDisk")
    rangeless = try json.member("rangeless")
    passing = try json.member("passing")
    status = try json.member("status")
    reason = try json.member("reason")
    location = try json.member("location")
  }

  var json: Json {
    .record([
      "entry": entry.json, "flights": flights.json, "cursors": cursors.json, "uses": uses.json,
      "storing": storing.json, "hidden": hidden.json, "doomed": doomed.json, "journalled": journalled.json,
      "onDisk": onDisk.json, "rangeless": rangeless.json, "passing": passing.json, "status": status.json,
      "reason": reason.json, "location": location.json,
    ])
  }
}

extension Flight: JsonConvertible {
  convenience init(json: Json) throws {
    self.init(
      id: try json.member("id"),
      body: try json.member("body"),
      asker: try json.member("asker"),
      purpose: try json.member("purpose"),
      verb: "",
      lane: try json.member("lane"),
      url: try json.member("url"),
      forward: try json.member("forward"),
      space: "",
      credentials: try json.member("credentials"),
      unstorable: try json.member("unstorable"),
      playlist: try json.member("playlist"),
      directed: try json.member("directed"),
      requestMs: try json.member("requestMs")
    )
    key = try json.member("key")
    method = try json.member("method")
    redirects = try json.member("redirects")
    probe = try json.member("probe")
    askStart = try json.member("askStart")
    askEnd = try json.member("askEnd")
    askSuffix = try json.member("askSuffix")
    revalidates = try json.member("revalidates")
    state = try json.member("state")
    start = try json.member("start")
    position = try json.member("position")
    limit = try json.member("limit")
    written = try json.member("written")
    journalled = try json.member("journalled")
    tailStart = try json.member("tailStart")
    paused = try json.member("paused")
    pausedMs = try json.member("pausedMs")
    clipped = try json.member("clipped")
    unpublished = try json.member("unpublished")
    detachLimit = try json.member("detachLimit")
    waiters = try json.member("waiters")
  }

  var json: Json {
    .record([
      "id": id.json, "body": body.json, "asker": asker.json, "purpose": purpose.json, "key": key.json,
      "method": method.json, "lane": lane.json, "url": url.json, "redirects": redirects.json,
      "forward": forward.json, "credentials": credentials.json, "unstorable": unstorable.json, "probe": probe.json,
      "playlist": playlist.json, "directed": directed.json, "askStart": askStart.json, "askEnd": askEnd.json,
      "askSuffix": askSuffix.json, "revalidates": revalidates.json, "state": state.json, "start": start.json,
      "position": position.json, "limit": limit.json, "written": written.json, "journalled": journalled.json,
      "tailStart": tailStart.json, "paused": paused.json, "pausedMs": pausedMs.json, "clipped": clipped.json,
      "unpublished": unpublished.json, "detachLimit": detachLimit.json, "requestMs": requestMs.json,
      "waiters": waiters.json,
    ])
  }
}

extension Ask: JsonConvertible {
  init(json: Json) throws {
    self.init(
      method: try json.member("method"),
      url: try json.member("url"),
      start: try json.member("start"),
      end: try json.member("end"),
      suffix: try json.member("suffix"),
      conditional: try json.member("conditional")
    )
  }

  var json: Json {
    .record([
      "method": method.json, "url": url.json, "start": start.json, "end": end.json, "suffix": suffix.json,
      "conditional": conditional.json,
    ])
  }
}

extension HeadVerdict: JsonConvertible {
  init(json: Json) throws {
    switch try json.kind() {
    case "redirect": self = .redirect(url: try json.member("url"))
    case "not-modified": self = .notModified
    case "whole": self = .whole(total: try json.member("total"))
    case "part":
      self = .part(start: try json.member("start"), end: try json.member("end"), total: try json.member("total"))
    case "unsatisfied": self = .unsatisfied(total: try json.member("total"))
    case "ask-whole": self = .askWhole
    case "pass": self = .pass(total: try json.member("total"))
    case "fail": self = .fail(code: try json.member("code"), detail: try json.member("detail"))
    default: throw JsonError(description: "no HeadVerdict: \(json)")
    }
  }

  var json: Json {
    switch self {
    case .redirect(let url): .tagged("redirect", ["url": url.json])
    case .notModified: .tagged("not-modified", [:])
    case .whole(let total): .tagged("whole", ["total": total.json])
    case .part(let start, let end, let total):
      .tagged("part", ["start": start.json, "end": end.json, "total": total.json])
    case .unsatisfied(let total): .tagged("unsatisfied", ["total": total.json])
    case .askWhole: .tagged("ask-whole", [:])
    case .pass(let total): .tagged("pass", ["total": total.json])
    case .fail(let code, let detail): .tagged("fail", ["code": code.json, "detail": detail.json])
    }
  }
}
