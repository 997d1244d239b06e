/// The client for origins: HTTP/1.1 over kept-alive connections, bytes as they were on the wire, real back-pressure,
/// and failures told apart. It follows no redirect, decodes no body and limits no concurrency: the core decides those.

import ReelcacheCore

/// A request: an absolute http(s) URL and fields (flat, latin1), without Host, Connection and framing fields.
package struct OriginRequest {
  package let method: AskMethod
  package let url: ByteString
  package let fields: FieldList
  package let limits: Limits
  /// Silence before the head after which the transfer fails, in milliseconds.
  package let headSilenceMs: Int
  /// What a request that passes through has in place of the method; nil for any other.
  package let passes: OriginPass?

  package init(
    method: AskMethod,
    url: ByteString,
    fields: FieldList,
    limits: Limits,
    headSilenceMs: Int,
    passes: OriginPass?
  ) {
    self.method = method
    self.url = url
    self.fields = fields
    self.limits = limits
    self.headSilenceMs = headSilenceMs
    self.passes = passes
  }
}

package struct OriginClientOptions {
  package var limits: Limits
  /// Host patterns that may be reached; empty: every host.
  package var allow: [ByteString]
  /// Host or address patterns whose addresses need not be public.
  package var allowPrivate: [ByteString]
  package var tls: OriginTls
  /// Nil for the system's resolver.
  package var lookup: OriginLookup?
  package var log: OriginLog

  package init(
    limits: Limits,
    allow: [ByteString],
    allowPrivate: [ByteString],
    tls: OriginTls = OriginTls(),
    lookup: OriginLookup? = nil,
    log: @escaping OriginLog
  ) {
    self.limits = limits
    self.allow = allow
    self.allowPrivate = allowPrivate
    self.tls = tls
    self.lookup = lookup
    self.log = log
  }
}

/// What the client needs of the log: a line of level debug about a request that was refused.
package typealias OriginLog = (_ message: String, _ url: ByteString, _ failure: OriginFailure) -> Void

package final class OriginClient: @unchecked Sendable {
  private let loop: EventLoop
  private let options: OriginClientOptions
  private let deadlines: Deadlines
  private let pool: OriginPool
  private var active: [Int: OriginRun] = [:]
  private var lastId = 0
  private var closing = false

  package init(_ loop: EventLoop, _ options: OriginClientOptions) {
    self.loop = loop
    self.options = options
    deadlines = Deadlines(loop)
    pool = OriginPool(
      loop,
      deadlines,
      options.limits,
      ConnectorOptions(
        allowPrivate: options.allowPrivate,
        tls: options.tls,
        lookup: options.lookup ?? systemLookup(loop)
      )
    )
  }

  /// Starts a transfer. No event is called before this returns.
  @discardableResult
  package func start(_ request: OriginRequest, _ events: OriginEvents) -> any OriginTransfer {
    loop.assertHere()
    lastId += 1
    let id = lastId
    let call = originCall(request)
    let run = OriginRun(call ?? emptyCall(request), events, loop, deadlines, pool) { [weak self] _ in
      self?.active[id] = nil
    }
    active[id] = run
    let refusal = refusal(request, call)
    if let refusal { options.log("an origin request is refused", request.url, refusal) }
    // R-ORIGIN-23
    loop.later {
      if let refusal { run.fail(refusal) } else { run.begin() }
    }
    return run
  }

  /// Fails every transfer with `stopping`, closes every connection, and says when the last is closed.
  package func close(_ done: @escaping () -> Void) {
    loop.assertHere()
    // R-ORIGIN-22
    closing = true
    for id in active.keys.sorted() {
      active[id]?.fail(OriginFailure(code: .stopping, detail: "the origin client is closing"))
    }
    pool.close(done)
  }

  /// Told whenever a connection has come to rest or is gone.
  package var onFree: (() -> Void)? {
    get { pool.onFree }
    set { pool.onFree = newValue }
  }

  /// Connections to the origin of a URL that rest, and those that are used or being opened; none for no usable URL.
  package func connectionsTo(_ url: ByteString) -> (idle: Int, busy: Int) {
    guard let key = originKey(url) else { return (0, 0) }
    return pool.countsOf(key)
  }

  /// Connections open (or opening), those of them idle, and transfers under way.
  package func counts() -> (open: Int, idle: Int, active: Int) {
    let (open, idle) = pool.counts()
    return (open, idle, active.count)
  }

  private func refusal(_ request: OriginRequest, _ call: OriginCall?) -> OriginFailure? {
    if closing { return OriginFailure(code: .stopping, detail: "the origin client is closed") }
    guard let call else {
      return OriginFailure(code: .badUrl, detail: "the upstream URL is not a usable http or https URL")
    }
    // R-ORIGIN-6
    if upstreamUrlAllowed(request.url, options.allow) { return nil }
    let origin = ByteString(utf8: call.key.description)
    return OriginFailure(code: .forbiddenUpstream, detail: "the host of \(origin) is not in the allow-list")
  }
}

/// The parts of a request that go on the wire, or nil when the URL cannot be asked for.
private func originCall(_ request: OriginRequest) -> OriginCall? {
  let parts = parseUri(request.url)
  guard let key = originKey(request.url), let name = parts.authority else { return nil }
  let path: ByteString = parts.path.isEmpty ? "/" : parts.path
  let target = path + (parts.query.map { "?" + $0 } ?? "")
  if !isVisible(target) { return nil }
  // R-ORIGIN-1
  return OriginCall(
    method: request.method,
    key: key,
    host: name,
    target: target,
    fields: request.fields,
    limits: request.limits,
    headSilenceMs: request.headSilenceMs,
    passes: request.passes
  )
}

/// What connections are kept under; nil for what is no http or https URL of a host alone.
private func originKey(_ url: ByteString) -> OriginKey? {
  let parts = parseUri(url)
  let scheme = lowerAscii(parts.scheme ?? "")
  guard scheme == "http" || scheme == "https", let name = parts.authority,
    let authority = parseAuthority(name, scheme), authority.userinfo == nil,
    let host = connectHost(authority.host)
  else { return nil }
  return OriginKey(secure: scheme == "https", host: host, port: authority.port)
}

private func emptyCall(_ request: OriginRequest) -> OriginCall {
  OriginCall(
    method: request.method,
    key: OriginKey(secure: false, host: "", port: 0),
    host: "",
    target: "/",
    fields: [],
    limits: request.limits,
    headSilenceMs: request.headSilenceMs,
    passes: nil
  )
}

/// Whether every byte may stand in a request target: no control, no space.
private func isVisible(_ text: ByteString) -> Bool {
  for byte in text.bytes where byte <= 0x20 || byte == 0x7f { return false }
  return true
}
