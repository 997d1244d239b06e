/// A request as it came off the wire: refused, a page of the proxy's own, or an exchange.

package enum Admission {
  case exchange(exchange: Exchange)
  /// A page of the proxy's own, for the edge to answer.
  case local(path: ByteString, query: ByteString)
  /// A command for the proxy itself.
  case control(command: ControlCommand)
  /// The answer, complete.
  case answer(head: ResponseHead, content: ByteString)
}

/// Admits a request. An exchange is planned by `startExchange` once the edge knows it.
package func admitRequest(_ state: ProxyState, _ request: PlayerRequest, _ nowMs: Int) -> Admission {
  let fields = request.fields
  // R-HTTP-1
  if request.target.count > state.options.limits.targetBytesMax {
    return refuse(state, request, .targetTooLong, "", nowMs)
  }
  let authority = targetAuthority(request.target)
  let host = authority ?? fieldFirst(fields, "host")
  let allowed = hostAllowed(
    host,
    fieldCount(fields, "host"),
    request.localAddress,
    request.localPort,
    state.options.allowedHosts
  )
  // R-HTTP-2: two Host fields are two readings of one request.
  if fieldCount(fields, "host") > 1 { return refuse(state, request, .badRequest, "more than one Host field", nowMs) }
  if allowed == .missing && request.httpMinor == 1 {
    return refuse(state, request, .badRequest, "exactly one Host field is needed", nowMs)
  }
  if allowed == .wrong {
    return refuse(state, request, .wrongHost, "use 127.0.0.1, localhost, or a name allowed by option", nowMs)
  }
  let isRead = request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS"
  let isServed = isRead || isCommand(state, request)
  // R-HTTP-3, R-PASS-1
  if !isServed && !mayPass(state, request.method) { return refuse(state, request, .methodNotAllowed, "", nowMs) }
  // R-HTTP-4: content on a GET has no meaning, and is a way to smuggle.
  if isServed && hasContent(request) {
    return refuse(state, request, .badRequest, "this method takes no content", nowMs)
  }
  var target = recallTarget(state.targets, request.target)
  if target == nil {
    switch parseTarget(request.target, state.options.secret) {
    case .error(let code, let detail):
      return refuse(state, request, code, detail, nowMs)
    case .local(let path, let query):
      if isControlPath(path) {
        return admitControl(state, request, path, query, nowMs)
      }
      if request.method == "OPTIONS" { return preflight(state, request, servedMethods, nowMs) }
      if !isServed { return refuse(state, request, .methodNotAllowed, "", nowMs) }
      return .local(path: path, query: query)
    case .resource(let form, let url, let own):
      let read = targetOf(state, form, url, own)
      rememberTarget(state.targets, request.target, read)
      target = read
    }
  }
  guard let target, request.method != "OPTIONS" else {
    return preflight(state, request, allowedMethods(state, request), nowMs)
  }
  let prefix = proxyPrefix("http", host ?? localAuthority(request), state.options.secret)
  return .exchange(exchange: newExchange(state, request, target, prefix, nowMs))
}

/// Whether a request that is none of a player's is a command.
private func isCommand(_ state: ProxyState, _ request: PlayerRequest) -> Bool {
  guard request.method == "POST", case .local(let path, _) = parseTarget(request.target, state.options.secret) else {
    return false
  }
  return isControlPath(path)
}

private func admitControl(
  _ state: ProxyState,
  _ request: PlayerRequest,
  _ path: ByteString,
  _ query: ByteString,
  _ nowMs: Int
) -> Admission {
  // R-CTRL-4: no page is told that it may.
  let isPreflight = request.method == "OPTIONS"
  let detail = isPreflight ? "control has no preflight" : controlFault(request.method, request.fields)
  if let detail {
    let answer = controlProblem(.forbiddenPage, detail)
    let content = request.method == "HEAD" ? "" : answer.content
    return .answer(head: controlHead(state, request, answer, nowMs), content: content)
  }
  return .control(command: controlCommand(request.method, path, query))
}

/// Plans an exchange that was admitted or begun.
package func startExchange(_ state: ProxyState, _ exchange: Exchange, _ nowMs: Int) {
  // What it was begun for may have been cancelled meanwhile.
  if exchange.state == .done { return }
  // R-AHEAD-7: what it was begun for may be on its way by now.
  if exchange.ahead && !isWorthFetching(state, exchange, nowMs) {
    finishExchange(state, exchange, nowMs)
  } else {
    planExchange(state, exchange, nowMs)
  }
}

/// Begins an exchange without a player: its bytes are fetched in the background and kept.
package func backgroundExchange(
  _ state: ProxyState,
  _ part: PlaylistPart,
  _ own: OwnParameters,
  _ nowMs: Int
) -> Exchange {
  let fields: FieldList = part.end == -1 ? [] : ["Range", rangeText(part.start, part.end)]
  // R-PRE-1
  return unheardExchange(state, fields, .query, part.url, own, "", nowMs)
}

/// Begins an exchange that asks an origin whether what is stored of a URL is current, for requests with these fields.
package func validationExchange(
  _ state: ProxyState,
  _ url: ByteString,
  _ fields: FieldList,
  _ nowMs: Int
) -> Exchange {
  let exchange = unheardExchange(state, fields, .query, url, noParameters(), "", nowMs)
  exchange.found = .failed
  return exchange
}

/// Begins an exchange for what another's player will ask for next, with the fields that it sent.
package func aheadExchange(_ state: ProxyState, _ player: Exchange, _ part: PlaylistPart, _ nowMs: Int) -> Exchange {
  let exchange = partExchange(state, player, part, nowMs)
  exchange.ahead = true
  return exchange
}

/// Begins an exchange without a player for a part that a playlist names, with the fields that its player sent.
package func partExchange(_ state: ProxyState, _ player: Exchange, _ part: PlaylistPart, _ nowMs: Int) -> Exchange {
  var fields = player.fields
  // R-AHEAD-8: they were for the playlist.
  for name in playlistsOwnFields { fieldRemove(&fields, name) }
  if part.end != -1 { fields += ["Range", rangeText(part.start, part.end)] }
  return unheardExchange(state, fields, player.form, part.url, noParameters(), player.prefix, nowMs)
}

private let playlistsOwnFields: [ByteString] = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
]

/// A complete answer with a problem body.
package func refuse(
  _ state: ProxyState,
  _ request: PlayerRequest,
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) -> Admission {
  let content = problemBody(code, detail, nil)
  // R-HTTP-5: after a request that could not be understood, the next one on the connection cannot be trusted.
  let keepAlive =
    state.options.keepAlive && !request.close && code != .badRequest && code != .targetTooLong && code != .wrongHost
  let note = newNote(ByteString(utf8: code.rawValue))
  let head = problemHead(state, code, content, note, request.httpMinor, keepAlive, nowMs)
  return .answer(head: head, content: request.method == "HEAD" ? "" : content)
}

/// Methods that are served of every resource.
private let servedMethods: ByteString = "GET, HEAD, OPTIONS"

/// The methods that a resource takes, as far as a preflight asks for one.
private func allowedMethods(_ state: ProxyState, _ request: PlayerRequest) -> ByteString {
  guard
    let asked = fieldFirst(request.fields, "access-control-request-method"), isToken(asked),
    !servedMethods.split(", ").contains(asked)
  else { return servedMethods }
  // R-RESP-14
  return mayPass(state, asked) ? "\(servedMethods), \(asked)" : servedMethods
}

private func preflight(
  _ state: ProxyState,
  _ request: PlayerRequest,
  _ methods: ByteString,
  _ nowMs: Int
) -> Admission {
  var parts = plainParts(state, 204, request.httpMinor, state.options.keepAlive && !request.close, nowMs)
  parts.cors = state.options.cors ? .preflight : .none
  parts.allow = methods
  parts.note = newNote("preflight")
  return .answer(head: responseHead(parts), content: "")
}

private func unheardExchange(
  _ state: ProxyState,
  _ fields: FieldList,
  _ form: UrlForm,
  _ url: ByteString,
  _ own: OwnParameters,
  _ prefix: ByteString,
  _ nowMs: Int
) -> Exchange {
  let request = PlayerRequest(
    method: "GET",
    target: "",
    httpMinor: 1,
    fields: fields,
    localAddress: "",
    localPort: 0,
    close: false
  )
  let exchange = newExchange(state, request, targetOf(state, form, url, own), prefix, nowMs)
  exchange.method = .background
  return exchange
}

/// What a URL names to this proxy.
private func targetOf(
  _ state: ProxyState,
  _ form: UrlForm,
  _ url: ByteString,
  _ own: OwnParameters
) -> KnownTarget {
  let directed = isDirectedUrl(url)
  return KnownTarget(
    form: form,
    url: url,
    own: own,
    // R-KEY-8: a name that a hook gives may be that of the playlist itself.
    key: directed ? cacheKey(url, state.options.keyRules) : keyOf(state.options, url),
    // R-LL-1, R-JSON-5: only playlists know directives, whatever their path looks like.
    playlist: directed || isPlaylistUrl(url) || own.as != .none,
    directed: directed,
    allowed: upstreamUrlAllowed(url, state.options.allowUpstream)
  )
}

private func newExchange(
  _ state: ProxyState,
  _ request: PlayerRequest,
  _ target: KnownTarget,
  _ prefix: ByteString,
  _ nowMs: Int
) -> Exchange {
  let verb = request.method == "GET" || request.method == "HEAD" ? "" : request.method
  let exchange = Exchange(
    id: state.nextExchangeId,
    method: request.method == "HEAD" ? .head : .get,
    verb: verb,
    url: target.url,
    key: target.key,
    space: state.options.apart ? identityKey(target.key, request.fields) : target.key,
    form: target.form,
    own: target.own,
    allowed: target.allowed,
    prefix: prefix,
    fields: request.fields,
    // R-HTTP-8
    range: request.method == "HEAD" || !verb.isEmpty ? .none : parseRange(rangeField(request)),
    httpMinor: request.httpMinor,
    // R-PASS-2
    keepAlive: state.options.keepAlive && !request.close && verb.isEmpty,
    playlist: target.playlist && verb.isEmpty,
    directed: target.directed && verb.isEmpty,
    onlyStored: state.options.policy == .http && requestControl(request.fields).onlyIfCached,
    startMs: nowMs
  )
  state.nextExchangeId += 1
  state.exchanges[exchange.id] = exchange
  return exchange
}

/// The address that the connection came in on, as an authority: for HTTP/1.0 without Host.
private func localAuthority(_ request: PlayerRequest) -> ByteString {
  let mapped: ByteString = "::ffff:"
  let address = request.localAddress
  let plain = address.startsWith(mapped) && address.includes(".") ? address.slice(mapped.count) : address
  return "\(plain.includes(":") ? "[\(plain)]" : plain):\(request.localPort)"
}

/// Whether a request of another method may go to its origin: a trace would show the player what the proxy adds.
private func mayPass(_ state: ProxyState, _ method: ByteString) -> Bool {
  state.options.policy == .http && method != "TRACE" && method != "CONNECT"
}

private func rangeField(_ request: PlayerRequest) -> ByteString? {
  // R-HTTP-9: several Range fields are one malformed one.
  fieldCount(request.fields, "range") > 1 ? nil : fieldFirst(request.fields, "range")
}

/// Whether a request says that it has content.
package func hasContent(_ request: PlayerRequest) -> Bool {
  if fieldFirst(request.fields, "transfer-encoding") != nil { return true }
  guard let length = fieldFirst(request.fields, "content-length") else { return false }
  return lowerAscii(length) != "0"
}
