/// The closed table of operating errors: what went wrong, the status a player sees, and how loud the log is
/// (SPEC: R-ERROR-1). Operating errors are values of this table; a programmer's error asserts.
package enum ErrorCode: String, TextUnion, CaseIterable, Sendable {
  case badRequest = "bad-request"
  case badTarget = "bad-target"
  case badUrl = "bad-url"
  case forbiddenSecret = "forbidden-secret"
  case forbiddenUpstream = "forbidden-upstream"
  case forbiddenPage = "forbidden-page"
  case badCommand = "bad-command"
  case notFound = "not-found"
  case methodNotAllowed = "method-not-allowed"
  case requestTimeout = "request-timeout"
  case targetTooLong = "target-too-long"
  case wrongHost = "wrong-host"
  case headTooLarge = "head-too-large"
  case `internal`
  case upstreamRefused = "upstream-refused"
  case upstreamDns = "upstream-dns"
  case upstreamTls = "upstream-tls"
  case upstreamProtocol = "upstream-protocol"
  case upstreamTruncated = "upstream-truncated"
  case upstreamRedirects = "upstream-redirects"
  case upstreamBadRange = "upstream-bad-range"
  case playlistTooLarge = "playlist-too-large"
  case tooBusy = "too-busy"
  case upstreamTimeout = "upstream-timeout"
  case offline
  case notStored = "not-stored"
  case stopping
}

/// How loud an error is in the log.
package enum LogLevel: String, TextUnion, Sendable {
  case debug
  case info
  case warn
  case error
}

/// One row: the response status, the title of the problem body, and the log level.
package struct ErrorRow: Sendable {
  package let status: Int
  package let title: ByteString
  package let level: LogLevel
}

/// The row of a code. Titles are the problem body's `title` (RFC 9457 section 3.1.4).
package func errorRow(_ code: ErrorCode) -> ErrorRow {
  switch code {
  case .badRequest: ErrorRow(status: 400, title: "The request is malformed", level: .info)
  case .badTarget: ErrorRow(status: 400, title: "The request target names no upstream URL", level: .info)
  case .badUrl: ErrorRow(status: 400, title: "The upstream URL is not a usable http or https URL", level: .info)
  case .forbiddenSecret: ErrorRow(status: 403, title: "The proxied URL lacks the right secret", level: .warn)
  case .forbiddenUpstream: ErrorRow(status: 403, title: "The upstream is not allowed", level: .warn)
  case .forbiddenPage:
    ErrorRow(status: 403, title: "A page may not control the proxy", level: .warn)
  case .badCommand: ErrorRow(status: 400, title: "The command is not understood", level: .info)
  case .notFound: ErrorRow(status: 404, title: "There is nothing at this path", level: .info)
  case .methodNotAllowed: ErrorRow(status: 405, title: "Only GET, HEAD and OPTIONS are served", level: .info)
  case .requestTimeout: ErrorRow(status: 408, title: "The request head did not arrive in time", level: .info)
  case .targetTooLong: ErrorRow(status: 414, title: "The request target is too long", level: .info)
  case .wrongHost: ErrorRow(status: 421, title: "The Host field does not name this proxy", level: .warn)
  case .headTooLarge: ErrorRow(status: 431, title: "The request head is too large", level: .info)
  case .`internal`: ErrorRow(status: 500, title: "The proxy failed", level: .error)
  case .upstreamRefused: ErrorRow(status: 502, title: "The origin cannot be reached", level: .warn)
  case .upstreamDns: ErrorRow(status: 502, title: "The origin's name cannot be resolved", level: .warn)
  case .upstreamTls: ErrorRow(status: 502, title: "The origin's certificate or TLS handshake failed", level: .warn)
  case .upstreamProtocol: ErrorRow(status: 502, title: "The origin's response is not valid HTTP", level: .warn)
  case .upstreamTruncated: ErrorRow(status: 502, title: "The origin ended its response early", level: .warn)
  case .upstreamRedirects: ErrorRow(status: 502, title: "The origin redirects too often or nowhere", level: .warn)
  case .upstreamBadRange: ErrorRow(status: 502, title: "The origin's partial response contradicts itself", level: .warn)
  case .playlistTooLarge: ErrorRow(status: 502, title: "The playlist is too large", level: .warn)
  case .tooBusy: ErrorRow(status: 503, title: "Too many upstream transfers", level: .warn)
  case .upstreamTimeout: ErrorRow(status: 504, title: "The origin is silent", level: .warn)
  case .offline:
    ErrorRow(status: 504, title: "The origin is out of reach, and nothing stored may be served", level: .warn)
  case .notStored:
    ErrorRow(status: 504, title: "Nothing that is stored may be served, and only that was asked for", level: .info)
  case .stopping: ErrorRow(status: 503, title: "The proxy is stopping", level: .info)
  }
}
