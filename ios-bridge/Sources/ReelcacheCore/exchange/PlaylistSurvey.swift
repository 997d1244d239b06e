/// Looks up, before a multivariant playlist goes out, how far each of its playlists plays from what is stored: out of
/// reach of the origin only what plays is named, and otherwise what is warm comes first. The stored playlists are
/// gathered one after the other, as the multivariant one was.

/// Under way: which playlists are looked up, absolute URLs, and which of those before `at` play far enough.
package final class Survey {
  let purpose: SurveyPurpose
  /// The multivariant playlist, raw, and the body that it came from.
  let bytes: ByteString
  let body: Body
  let urls: [ByteString]
  var at = 0
  var playable: [ByteString] = []

  init(purpose: SurveyPurpose, bytes: ByteString, body: Body, urls: [ByteString]) {
    self.purpose = purpose
    self.bytes = bytes
    self.body = body
    self.urls = urls
  }
}

/// What a multivariant playlist is looked into for.
package enum SurveyPurpose: String, TextUnion, Sendable {
  case none
  case offline
  case warm
}

/// What a multivariant playlist is looked into for before it goes out to an exchange.
package func surveyPurpose(_ state: ProxyState, _ exchange: Exchange, _ body: Body) -> SurveyPurpose {
  if body.entry.kind != .multivariant || body.passing || exchange.method == .background { return .none }
  // R-OFFLINE-1
  if state.options.offlineFilter && isOutOfReach(state, exchange, body) { return .offline }
  // R-WARM-1
  return state.options.warmFirst ? .warm : .none
}

/// Begins to look up the playlists named; the exchange is answered when all are.
package func beginSurvey(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ bytes: ByteString,
  _ purpose: SurveyPurpose,
  _ playlists: [ByteString],
  _ nowMs: Int
) {
  let named = purpose == .warm ? variantUrls(bytes, body.entry.finalUrl) : playlists
  if purpose == .offline { probeOrigin(state, exchange, body, nowMs) }
  // R-OFFLINE-6
  let urls = Array(named.prefix(state.options.limits.surveyPlaylistsMax))
  let survey = Survey(purpose: purpose, bytes: bytes, body: body, urls: urls)
  exchange.survey = survey
  goOn(state, exchange, survey, nowMs)
}

/// The playlist that was being looked up is gathered; nil when its bytes cannot be had.
package func surveyGathered(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ survey: Survey,
  _ bytes: ByteString?,
  _ nowMs: Int
) {
  let url = survey.urls[survey.at]
  let baseUrl = exchange.body?.entry.finalUrl ?? url
  let timeline = bytes.map { mediaTimeline($0, baseUrl) }
  if let timeline, timeline.certain, isEnough(state, exchange, survey, timeline.segments, nowMs) {
    survey.playable.append(url)
  }
  survey.at += 1
  goOn(state, exchange, survey, nowMs)
}

/// Whether all bytes of a part are here and may be served without their origin.
package func isStored(_ state: ProxyState, _ exchange: Exchange, _ part: PlaylistPart, _ nowMs: Int) -> Bool {
  guard let body = storedBody(state, exchange, part.url, nowMs) else { return false }
  return bodyHolds(body, part.start, part.end)
}

/// Asks the origin in the background once its breaker's pause is over, and that of whom it redirected to: what is
/// stored is all that players ask for.
private func probeOrigin(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) {
  let finalOrigin = originOf(body.entry.finalUrl)
  let askedUntil = breakerOpenUntil(state.breakers, originOf(exchange.url))
  let openUntil = max(askedUntil, breakerOpenUntil(state.breakers, finalOrigin))
  // R-OFFLINE-7
  if state.offline || openUntil < 0 || openUntil > nowMs { return }
  // Where only whom a redirect leads to was out of reach, this request is its probe.
  if askedUntil < 0 && breakerAllows(state.breakers, finalOrigin, nowMs) != .probe { return }
  let probe = backgroundExchange(state, PlaylistPart(url: exchange.url, start: 0, end: -1), exchange.own, nowMs)
  probe.renews = true
  state.actions.append(.begin(exchange: probe))
}

/// Gathers the next playlist that is stored, or answers the exchange when there is none.
private func goOn(_ state: ProxyState, _ exchange: Exchange, _ survey: Survey, _ nowMs: Int) {
  dropBody(state, exchange)
  // Of the variants that are warm the first is enough.
  let isDone = survey.purpose == .warm && !survey.playable.isEmpty
  while !isDone && survey.at < survey.urls.count {
    if let body = storedBody(state, exchange, survey.urls[survey.at], nowMs), isReadable(state, body) {
      holdBody(exchange, body)
      beginReading(state, exchange, body, 0, body.entry.total, .gathering, nowMs)
      return
    }
    survey.at += 1
  }
  exchange.survey = nil
  holdBody(exchange, survey.body)
  answerSurveyed(state, exchange, survey, nowMs)
}

/// Whether a playlist is here whole, and no larger than one may be: gathering it would fail the presentation.
private func isReadable(_ state: ProxyState, _ body: Body) -> Bool {
  // R-OFFLINE-6
  bodyHolds(body, 0, -1) && body.entry.total <= state.options.limits.playlistBytesMax
}

/// Whether as much of a playlist's beginning is stored as its presentation needs.
private func isEnough(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ survey: Survey,
  _ segments: [TimelineSegment],
  _ nowMs: Int
) -> Bool {
  let options = state.options
  let enoughMs = survey.purpose == .offline ? options.offlineMs : options.limits.warmStartMs
  var count = 0
  var before: TimelineSegment?
  for segment in segments {
    // R-OFFLINE-2
    if !newNeeds(segment, before).allSatisfy({ isStored(state, exchange, $0, nowMs) }) { break }
    count += 1
    if !segment.gap { before = segment }
    if enoughMs > 0 && playsEnough(segments, count, enoughMs) { return true }
  }
  return playsEnough(segments, count, enoughMs)
}

/// What has to be there for a segment to play and was not needed for the one before.
private func newNeeds(_ segment: TimelineSegment, _ before: TimelineSegment?) -> [PlaylistPart] {
  // R-TIME-2
  guard let part = segment.part else { return [] }
  var needs = [part]
  if let map = segment.map, map != before?.map { needs.append(map) }
  if segment.keys != before?.keys { needs += segment.keys.map { PlaylistPart(url: $0, start: 0, end: -1) } }
  return needs
}

/// What is stored of a URL for an exchange's player and may be served without its origin; nil when nothing is.
private func storedBody(_ state: ProxyState, _ exchange: Exchange, _ url: ByteString, _ nowMs: Int) -> Body? {
  guard let body = findStoredOf(state, exchange, url) else { return nil }
  if isReusable(state, body, nowMs) { return body }
  let control = parseCacheControl(fieldCombined(body.entry.fields, "cache-control"))
  return mayServeStale(body.entry.kind, state.options.policy, control, state.options.shared) ? body : nil
}

/// Whether the origin of a playlist is out of reach: the edge was told so, or it has just been tried in vain.
private func isOutOfReach(_ state: ProxyState, _ exchange: Exchange, _ body: Body) -> Bool {
  if state.offline || exchange.note.detail == "offline" { return true }
  // R-OFFLINE-1: until its origin has answered again; at the end of a pause a player is no probe.
  return [exchange.url, body.entry.finalUrl].contains { breakerOpenUntil(state.breakers, originOf($0)) >= 0 }
}
