/// Which segments of a media playlist come through the proxy, and which the player fetches from their origin by itself.

/// "all": through the proxy. "head": the beginning. "cdn-first": what is stored; the rest is fetched in the background.
package enum DeliveryPolicy: String, TextUnion, Sendable {
  case all
  case head
  case cdnFirst = "cdn-first"
}

/// By segment, in order: whether the player fetches it by itself; and which parts the proxy then fetches as well.
package struct SegmentDelivery {
  var direct: [Bool] = []
  var later: [PlaylistPart] = []
}

/// How the segments of a playlist are delivered to an exchange. `bytes` is the whole playlist, raw.
package func segmentDelivery(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ bytes: ByteString,
  _ nowMs: Int
) -> SegmentDelivery {
  let options = state.options
  // R-DELIVER-1, R-DELIVER-2
  if options.delivery == .all || exchange.method == .background { return SegmentDelivery() }
  if remembersUrl(state.liveUrls, body.entry.key) { return SegmentDelivery() }
  let timeline = mediaTimeline(bytes, body.entry.finalUrl)
  if !timeline.certain { return SegmentDelivery() }
  if options.delivery == .cdnFirst { return storedFirst(state, exchange, timeline.segments, nowMs) }
  let count = headCount(timeline.segments, options.headMs, options.headSegments)
  return SegmentDelivery(direct: timeline.segments.indices.map { $0 >= count })
}

/// Whether what goes out to players of a playlist depends on what is stored at the moment.
package func isMomentary(_ state: ProxyState, _ body: Body) -> Bool {
  // R-DELIVER-5
  state.options.delivery == .cdnFirst && body.entry.kind == .vod
}

private func storedFirst(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ segments: [TimelineSegment],
  _ nowMs: Int
) -> SegmentDelivery {
  var delivery = SegmentDelivery()
  for segment in segments {
    // R-DELIVER-4
    guard let part = segment.part, !isStored(state, exchange, part, nowMs) else {
      delivery.direct.append(false)
      continue
    }
    delivery.direct.append(true)
    delivery.later.append(part)
  }
  return delivery
}
