/// What control answers, as JSON: ASCII, members always in one order, times and lengths in milliseconds and bytes.

/// A stored resource.
package func entryJson(_ body: Body) -> ByteString {
  let entry = body.entry
  let type = contentTypeFor(fieldFirst(entry.fields, "content-type"), entry.finalUrl)
  return object([
    ("id", .decimal(entry.id)),
    ("url", jsonString(entry.url)),
    ("kind", jsonString(ByteString(utf8: entry.kind.rawValue))),
    ("type", jsonString(type)),
    ("bytes", .decimal(spanBytes(entry.spans))),
    ("total", signed(entry.total)),
    ("spans", numbers(entry.spans)),
    ("pinned", truth(entry.pinned)),
    ("accessMs", .decimal(entry.accessMs)),
  ])
}

/// A page of stored resources; `next` is where the next page begins, 0 when this is the last.
package func entriesJson(_ bodies: [Body], _ next: Int) -> ByteString {
  object([("entries", list(bodies.map(entryJson))), ("next", .decimal(next))])
}

/// What is stored of a presentation.
package func presentationJson(_ status: Presentation) -> ByteString {
  object([
    ("url", jsonString(status.url)),
    ("kind", jsonString(status.kind.map { ByteString(utf8: $0.rawValue) } ?? "none")),
    ("entries", .decimal(status.entries)),
    ("bytes", .decimal(status.bytes)),
    ("total", signed(status.total)),
    ("spans", numbers(status.spans)),
    ("pinned", truth(status.pinned)),
    ("playable", truth(status.playable)),
    ("complete", truth(status.complete)),
    ("ways", list(status.ways.map(wayJson))),
    ("missing", list(status.missing.map(missingJson))),
  ])
}

/// A preload and how far it came; what is not known yet of the whole is 0.
package func preloadJson(_ preload: Preload) -> ByteString {
  let order = preload.order
  return object([
    ("id", .decimal(preload.id)),
    ("url", jsonString(order.url)),
    ("state", jsonString(ByteString(utf8: preload.state.rawValue))),
    ("cause", jsonString(preload.cause)),
    ("bytes", .decimal(preload.bytes)),
    ("segments", .decimal(preload.segments)),
    ("milliseconds", .decimal(preload.durationMs)),
    ("segmentsAll", .decimal(preload.segmentsAll)),
    ("millisecondsAll", .decimal(preload.durationAllMs)),
    ("priority", .decimal(order.priority)),
  ])
}

/// Preloads, in the given order.
package func preloadsJson(_ preloads: [Preload]) -> ByteString {
  object([("preloads", list(preloads.map(preloadJson)))])
}

/// A count under a name.
package func countJson(_ name: ByteString, _ count: Int) -> ByteString {
  object([(name, .decimal(count))])
}

private func wayJson(_ way: PlayableWay) -> ByteString {
  object([
    ("url", jsonString(way.url)),
    ("bandwidth", .decimal(way.bandwidth)),
    ("playable", truth(way.playable)),
    ("complete", truth(way.complete)),
    ("milliseconds", .decimal(way.lengthMs)),
    ("ranges", numbers(way.times)),
  ])
}

private func missingJson(_ missing: Missing) -> ByteString {
  object([
    ("what", jsonString(ByteString(utf8: missing.what.rawValue))),
    ("url", jsonString(missing.url)),
    ("start", .decimal(missing.start)),
    ("end", signed(missing.end)),
  ])
}

private func object(_ members: [(name: ByteString, value: ByteString)]) -> ByteString {
  "{\(joined(members.map { "\(jsonString($0.name)):\($0.value)" }, ","))}"
}

private func list(_ texts: [ByteString]) -> ByteString {
  "[\(joined(texts, ","))]"
}

private func numbers(_ values: [Int]) -> ByteString {
  list(values.map { .decimal($0) })
}

private func truth(_ value: Bool) -> ByteString {
  value ? "true" : "false"
}

/// A number that may be -1, for what is not known or open.
private func signed(_ value: Int) -> ByteString {
  value < 0 ? "-\(-value)" : .decimal(value)
}
