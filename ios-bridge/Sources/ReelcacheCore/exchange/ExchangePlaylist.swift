/// A playlist is gathered whole, then rewritten and sent; what only claims to be one is passed on untouched.

/// What `gatherBegan` says.
package enum GatherStep: String, TextUnion, Sendable {
  case more
  case stream
}

/// Looks at the first bytes that were gathered. "more": go on gathering. "stream": it is no playlist; a head was sent,
/// and the edge sends what it has gathered and goes on as for any other body.
package func gatherBegan(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ firstBytes: ByteString,
  _ nowMs: Int
) -> GatherStep {
  guard let body = exchange.body, exchange.method != .head, isPlaylistBody(firstBytes) == .no else { return .more }
  // R-JSON-5
  if exchange.own.as != .none { return .more }
  // R-SERVE-2
  body.entry.kind = .media
  storeBody(state, body)
  exchange.playlist = false
  exchange.state = .sending
  sendHead(state, exchange, bodyHead(state, exchange, body, body.status, 0, body.entry.total, nowMs), nil)
  return .stream
}

/// The whole body is gathered: sends the rewritten playlist, or looks first into those that it names.
package func gatherDone(_ state: ProxyState, _ exchange: Exchange, _ bytes: ByteString, _ nowMs: Int) {
  guard let body = exchange.body else { return }
  if let survey = exchange.survey {
    surveyGathered(state, exchange, survey, bytes, nowMs)
    return
  }
  if isPlaylistBody(bytes) != .yes {
    if exchange.own.as != .none {
      sendJson(state, exchange, body, bytes, nowMs)
    } else {
      sendUntouched(state, exchange, body, bytes, nowMs)
    }
    return
  }
  let context = rewriteContext(state, exchange, body)
  let delivery = segmentDelivery(state, exchange, body, bytes, nowMs)
  // R-SERVE-3
  guard let text = rewriteSegments(bytes, context, delivery.direct) else {
    answerUrisTooLarge(state, exchange, nowMs)
    return
  }
  let (expressUrls, names, playlists) = learnPlaylist(state, body, bytes, context.sources)
  if exchange.method == .background {
    exchange.status = 200
    if let task = exchange.task { preloadPlaylist(state, task, bytes, body.entry.finalUrl, context.sources) }
    finishExchange(state, exchange, nowMs)
    return
  }
  // R-OFFLINE-9
  let purpose = definesVariables(bytes) ? .none : surveyPurpose(state, exchange, body)
  if purpose != .none {
    beginSurvey(state, exchange, body, bytes, purpose, playlists, nowMs)
    return
  }
  let (form, own, prefix) = (exchange.form, exchange.own, exchange.prefix)
  let (id, finalUrl) = (body.entry.id, body.entry.finalUrl)
  let momentary = isMomentary(state, body)
  if body.journalled && !momentary {
    let ownUrl = namesQueryParameters(bytes) ? context.sources.ownUrl : ""
    let known = KnownPlaylist(baseUrl: finalUrl, ownUrl: ownUrl, text: text, expressUrls: expressUrls, names: names)
    rememberPlaylist(state.playlists, playlistKey(id, form, prefix, own), known)
  }
  armStarts(state, exchange, names, nowMs)
  sendPlaylist(state, exchange, body, text, momentary, nowMs)
  if delivery.direct.first != true { startAhead(state, exchange, bytes, finalUrl, nowMs) }
  if exchange.method != .head { fetchLater(state, exchange, delivery.later, nowMs) }
}

/// The playlists that a multivariant one names are looked up: sends what the player shall see of it.
package func answerSurveyed(_ state: ProxyState, _ exchange: Exchange, _ survey: Survey, _ nowMs: Int) {
  let body = survey.body
  let baseUrl = body.entry.finalUrl
  let isFiltered = survey.purpose == .offline
  let chosen =
    isFiltered
    ? playablePresentation(survey.bytes, baseUrl, survey.playable)
    : warmFirst(survey.bytes, baseUrl, Array(survey.playable.prefix(1)))
  if chosen.isEmpty {
    // R-OFFLINE-5
    exchange.note.hit = false
    answerProblem(state, exchange, .offline, "no variant is stored as far as it must be to be played", nowMs)
    return
  }
  let context = rewriteContext(state, exchange, body)
  guard let text = rewritePlaylist(chosen, context) else {
    answerUrisTooLarge(state, exchange, nowMs)
    return
  }
  let names = startNames(state, chosen, baseUrl, playlistResources(chosen, baseUrl, context.sources).playlists)
  if isFiltered { exchange.note.detail = "offline-filtered" }
  armStarts(state, exchange, names, nowMs)
  sendPlaylist(state, exchange, body, text, isFiltered, nowMs)
}

/// How an asset list or a steering manifest is kept: finished, or as what its origin is asked for each time.
package func jsonEntryKind(_ kind: JsonKind) -> EntryKind {
  // R-JSON-6
  kind == .steering ? .live : .vod
}

/// Answers with a playlist that was rewritten before and has not changed since; false when there is none.
package func answerKnownPlaylist(_ state: ProxyState, _ exchange: Exchange, _ body: Body, _ nowMs: Int) -> Bool {
  let entry = body.entry
  if !body.journalled || !entryComplete(entry) || isMomentary(state, body) { return false }
  if surveyPurpose(state, exchange, body) != .none { return false }
  let key = playlistKey(entry.id, exchange.form, exchange.prefix, exchange.own)
  guard
    let known = recallPlaylist(state.playlists, key, entry.finalUrl, ownUrlOf(exchange.url, body))
  else { return false }
  // R-EXPRESS-2
  for url in known.expressUrls { rememberUrl(state.expressUrls, url) }
  armStarts(state, exchange, known.names, nowMs)
  sendPlaylist(state, exchange, body, known.text, false, nowMs)
  return true
}

/// More was gathered than a playlist may have.
package func gatherTooLarge(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  answerProblem(state, exchange, .playlistTooLarge, "the body is larger than playlistBytesMax", nowMs)
}

/// Where the values of a playlist's variables come from when it is asked for by a URL, and may import these.
package func variableSources(
  _ state: ProxyState,
  _ body: Body,
  _ url: ByteString,
  _ imports: ByteString
) -> VariableSources {
  let limits = state.options.limits
  return VariableSources(
    ownUrl: ownUrlOf(url, body),
    imports: imports,
    countMax: limits.variablesMax,
    bytesMax: limits.variablesBytesMax,
    uriBytesMax: limits.targetBytesMax
  )
}

private func answerUrisTooLarge(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  let detail: ByteString = "the playlist's URIs come to more than urisBytesMax"
  answerProblem(state, exchange, .playlistTooLarge, detail, nowMs)
}

/// Sends what only claims to be a playlist.
private func sendUntouched(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ bytes: ByteString,
  _ nowMs: Int
) {
  body.entry.kind = .media
  storeBody(state, body)
  let head = bodyHead(state, exchange, body, body.status, 0, bytes.count, nowMs)
  sendHead(state, exchange, head, bodyOf(exchange, bytes))
  finishExchange(state, exchange, nowMs)
}

/// Sends an asset list or a steering manifest, rewritten like a playlist.
private func sendJson(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ bytes: ByteString,
  _ nowMs: Int
) {
  let (form, own, prefix) = (exchange.form, exchange.own, exchange.prefix)
  let entry = body.entry
  let limits = state.options.limits
  let kind = jsonEntryKind(own.as)
  if entry.kind != kind || entry.targetDurationMs != 0 {
    entry.kind = kind
    entry.targetDurationMs = 0
    storeBody(state, body)
  }
  let context = JsonContext(
    prefix: prefix,
    form: form,
    baseUrl: entry.finalUrl,
    own: own,
    depthMax: limits.jsonDepthMax,
    bytesMax: limits.jsonBytesMax,
    urisBytesMax: limits.urisBytesMax
  )
  let text = rewriteJson(bytes, context)
  if body.journalled {
    let known = KnownPlaylist(baseUrl: entry.finalUrl, ownUrl: "", text: text, expressUrls: [], names: nil)
    rememberPlaylist(state.playlists, playlistKey(entry.id, form, prefix, own), known)
  }
  sendPlaylist(state, exchange, body, text, false, nowMs)
}

private func sendPlaylist(
  _ state: ProxyState,
  _ exchange: Exchange,
  _ body: Body,
  _ text: ByteString,
  _ momentary: Bool,
  _ nowMs: Int
) {
  var parts = bodyParts(state, exchange, body, 200, nowMs)
  parts.stored = momentary ? momentaryFields(parts.stored) : playlistFields(parts.stored)
  parts.contentLength = text.count
  parts.acceptRanges = .never
  sendHead(state, exchange, responseHead(parts), bodyOf(exchange, text))
  finishExchange(state, exchange, nowMs)
}

/// Remembers of a playlist what later requests need: its kind, its pace, its keys and initialization sections. Returns
/// the latter two, and the playlists that a multivariant one names, as fetching ahead remembers them and as URLs.
private func learnPlaylist(
  _ state: ProxyState,
  _ body: Body,
  _ bytes: ByteString,
  _ sources: VariableSources
) -> (expressUrls: [ByteString], names: StartNames?, playlists: [ByteString]) {
  let entry = body.entry
  let summary = playlistSummary(bytes)
  let kind = entryKind(summary.kind)
  if entry.kind != kind || entry.targetDurationMs != summary.targetDurationMs {
    entry.kind = kind
    entry.targetDurationMs = summary.targetDurationMs
    storeBody(state, body)
  }
  let resources = playlistResources(bytes, entry.finalUrl, sources)
  let expressUrls = resources.maps + resources.keys
  // R-DELIVER-2
  if summary.kind == .event || summary.kind == .live { rememberUrl(state.liveUrls, entry.key) }
  // R-EXPRESS-2
  for url in expressUrls { rememberUrl(state.expressUrls, url) }
  let isMultivariant = summary.kind == .multivariant
  let names = isMultivariant ? startNames(state, bytes, entry.finalUrl, resources.playlists) : nil
  return (expressUrls, names, resources.playlists)
}

/// What is true of the moment only, no cache behind the proxy may keep or renew.
private func momentaryFields(_ stored: FieldList) -> FieldList {
  var fields = stored
  // R-OFFLINE-5, R-DELIVER-5
  for name: ByteString in ["etag", "last-modified", "expires"] { fieldRemove(&fields, name) }
  fieldSet(&fields, "Cache-Control", "no-store")
  return fields
}

/// How an exchange's player sees a playlist.
private func rewriteContext(_ state: ProxyState, _ exchange: Exchange, _ body: Body) -> RewriteContext {
  RewriteContext(
    prefix: exchange.prefix,
    form: exchange.form,
    baseUrl: body.entry.finalUrl,
    playerUrl: exchange.url,
    sources: variableSources(state, body, exchange.url, exchange.own.define),
    bytesMax: state.options.limits.urisBytesMax
  )
}

/// The URL whose query a playlist means: where a redirect led, else the one asked for, for the key may leave out some.
private func ownUrlOf(_ url: ByteString, _ body: Body) -> ByteString {
  // R-VAR-6
  body.entry.finalUrl == body.entry.url ? url : body.entry.finalUrl
}

private func bodyOf(_ exchange: Exchange, _ content: ByteString) -> ByteString {
  exchange.method == .head ? "" : content
}

/// TypeScript's unions share their members; Swift's enums do not.
private func entryKind(_ kind: PlaylistKind) -> EntryKind {
  switch kind {
  case .multivariant: .multivariant
  case .vod: .vod
  case .event: .event
  case .live: .live
  }
}
