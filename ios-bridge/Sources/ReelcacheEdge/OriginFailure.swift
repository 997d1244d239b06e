/// Why a transfer from an origin failed: one code of the error table, from whatever the system below says.

import Network
import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A failed transfer; `detail` is for the log, never parsed and never told to a player.
package struct OriginFailure: Error, Equatable, Sendable {
  package let code: ErrorCode
  package let detail: ByteString

  package init(code: ErrorCode, detail: ByteString) {
    self.code = code
    self.detail = detail
  }
}

/// What a player is told of a failed transfer, one sentence a code (R-ORIGIN-24).
private func toldSentence(_ code: ErrorCode) -> ByteString {
  switch code {
  case .upstreamRefused: return "the connection was refused or lost before the response"
  case .upstreamDns: return "the name does not resolve"
  case .upstreamTls: return "the handshake failed"
  case .upstreamProtocol: return "the response is malformed"
  case .upstreamTruncated: return "the connection was lost inside the response"
  case .upstreamTimeout: return "nothing came in time"
  case .playlistTooLarge: return "the decoded playlist is larger than playlistBytesMax"
  case .forbiddenUpstream: return "the upstream or its address is not allowed"
  default: return ""
  }
}

/// The failure as the core and a player may know it: the words of a library would differ from twin to twin.
package func toldFailure(_ failure: OriginFailure) -> OriginFailure {
  // R-ORIGIN-24
  OriginFailure(code: failure.code, detail: toldSentence(failure.code))
}

/// What can happen to a transfer.
package enum OriginError: Error, Sendable {
  /// Already one of our codes: an address refused, a name not resolved, no time left.
  case known(OriginFailure)
  /// Bytes that are no response.
  case malformed(ByteString)
  /// The connection came to its end in an orderly way.
  case ended
  /// The system's word on a connection.
  case network(NWError)
}

/// Names the failure. `headSeen` says whether the response head was complete: the same broken connection is an
/// unreachable origin before it and a truncated response after it.
package func originFailure(_ error: OriginError, _ headSeen: Bool) -> OriginFailure {
  switch error {
  case .known(let failure):
    return failure
  case .malformed(let fault):
    // R-ORIGIN-12
    return OriginFailure(code: .upstreamProtocol, detail: fault)
  case .ended:
    // R-ORIGIN-14, R-ORIGIN-8
    return OriginFailure(code: headSeen ? .upstreamTruncated : .upstreamRefused, detail: "the connection ended")
  case .network(let error):
    return networkFailure(error, headSeen)
  }
}

/// Whether the connection broke, as opposed to bytes that are wrong, a limit of ours, or a programmer's error.
package func isConnectionLoss(_ error: OriginError) -> Bool {
  switch error {
  case .known, .malformed: return false
  case .ended, .network: return true
  }
}

/// The words for an error of the system, for the log: a name where there is one, as numbers differ between systems.
package func networkDetail(_ error: NWError) -> ByteString {
  switch error {
  case .posix(let code):
    return systemCodes.first { $0.code == code }?.name ?? "error \(Int(code.rawValue))"
  case .tls(let status):
    return "TLS error \(Int(status))"
  default:
    return ByteString(utf8: "\(error)")
  }
}

/// Whether the error is of the handshake, or of an encrypted connection's end.
package func isTlsError(_ error: NWError) -> Bool {
  if case .tls = error { return true }
  return false
}

private func networkFailure(_ error: NWError, _ headSeen: Bool) -> OriginFailure {
  let detail = networkDetail(error)
  // R-ORIGIN-14
  if headSeen { return OriginFailure(code: .upstreamTruncated, detail: detail) }
  // R-ORIGIN-9
  if isTlsError(error) { return OriginFailure(code: .upstreamTls, detail: detail) }
  // R-ORIGIN-10
  if case .posix(.ETIMEDOUT) = error { return OriginFailure(code: .upstreamTimeout, detail: detail) }
  // R-ORIGIN-8
  return OriginFailure(code: .upstreamRefused, detail: detail)
}

private let systemCodes: [(code: POSIXErrorCode, name: ByteString)] = [
  (.ECONNRESET, "ECONNRESET"),
  (.ECONNREFUSED, "ECONNREFUSED"),
  (.ECONNABORTED, "ECONNABORTED"),
  (.EPIPE, "EPIPE"),
  (.ETIMEDOUT, "ETIMEDOUT"),
  (.EHOSTUNREACH, "EHOSTUNREACH"),
  (.EHOSTDOWN, "EHOSTDOWN"),
  (.ENETUNREACH, "ENETUNREACH"),
  (.ENETDOWN, "ENETDOWN"),
  (.ENOTCONN, "ENOTCONN"),
  (.EADDRNOTAVAIL, "EADDRNOTAVAIL"),
]
