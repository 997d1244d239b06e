/// Actions of the core as plain text, one line each: what a playbook says and a failure shows.

@testable import ReelcacheCore

/// The line of an action that is none of the player's own: a head, a pump, what it found.
func actionLine(_ action: Action) -> ByteString {
  switch action {
  case .send(let flight, let fields):
    "send f\(flight.id) \(methodOf(flight)) \(flight.url)\(fieldsText(fields))"
  case .resign(let flight, let answer): "resign f\(flight.id) \(flight.source) after \(answer.status)"
  case .begin(let exchange): "begin X\(exchange.id) \(exchange.url)"
  case .store(let body): storeLine(body)
  case .span(let body, let start, let end): "span e\(body.entry.id) \(start)-\(end)"
  case .touch(let body): "touch e\(body.entry.id)"
  case .forget(let body): "forget e\(body.entry.id)"
  case .remove(let body): "remove e\(body.entry.id)"
  case .preload(let preload): preloadLine(preload)
  case .event(let name, let detail): "event \(latin1(name.rawValue)) \(detail)"
  case .abort(let flight): "abort f\(flight.id)"
  case .pause(let flight): "pause f\(flight.id)"
  case .resume(let flight): "resume f\(flight.id)"
  case .landed(let flight): "landed f\(flight.id)"
  case .head, .pump, .validated: preconditionFailure("This line is the player's")
  }
}

private func methodOf(_ flight: Flight) -> ByteString {
  flight.verb.isEmpty ? latin1(flight.method.rawValue) : flight.verb
}

/// The line of a head: every field but Date, and Connection when it stays open.
func headLine(_ name: ByteString, _ head: ResponseHead) -> ByteString {
  var shown: FieldList = []
  for at in stride(from: 0, to: head.fields.count - 1, by: 2) {
    let field = head.fields[at]
    let value = head.fields[at + 1]
    if field != "Date" && !(field == "Connection" && value == "keep-alive") { shown += [field, value] }
  }
  return "\(name) head \(head.status) \(head.reason)\(fieldsText(shown))"
}

/// ASCII text as wire text.
func latin1(_ text: String) -> ByteString {
  ByteString(utf8: text)
}

private func preloadLine(_ preload: Preload) -> ByteString {
  let why: ByteString = preload.cause.isEmpty ? "" : " (\(preload.cause))"
  let segments: ByteString = "\(preload.segments) of \(preload.segmentsAll) segments"
  let state = latin1(preload.state.rawValue)
  return "preload p\(preload.id) \(state)\(why): \(preload.bytes) bytes, \(segments), \(preload.durationMs) ms"
}

private func storeLine(_ body: Body) -> ByteString {
  let entry = body.entry
  let pace: ByteString = entry.targetDurationMs > 0 ? " every \(entry.targetDurationMs) ms" : ""
  let place: ByteString = entry.finalUrl == entry.url ? "" : " from \(entry.finalUrl)"
  return "store e\(entry.id) \(latin1(entry.kind.rawValue)) \(entry.total) \(entry.key)\(place)\(pace)"
}

private func fieldsText(_ fields: FieldList) -> ByteString {
  var text = ByteString()
  for at in stride(from: 0, to: fields.count - 1, by: 2) { text += " | \(fields[at]): \(fields[at + 1])" }
  return text
}
