import ReelcacheCore
import ReelcacheEdge

/// What a caller decides while the server runs.
public struct ServerHooks: Sendable {
  /// Names the resource that a URL is of, by a URL without what changes from visit to visit: two URLs with one name
  /// share what is stored. Nil leaves the URL as it is. The options' rules for query parameters apply to what comes
  /// back. Called for every request, on the server's own queue: it must be quick, and give the same name for a URL always.
  public var cacheKeyUrl: (@Sendable (String) -> String?)?
  /// Gives a URL that the origin takes in place of one that it refused with 401 or 403, as when a signature has run out;
  /// nil passes the refusal on. What comes from it is of the same resource, and what is stored of that goes on.
  public var resign: (@Sendable (_ url: String, _ status: Int) async -> String?)?

  /// No hooks.
  public init() {}
}

/// What asking an origin after a stored response came to.
public enum Validation: String, Sendable {
  /// What is stored is what the origin has.
  case current
  /// Another version takes its place.
  case updated
  /// The origin says 404 or 410; what is stored stays.
  case gone
  /// The origin is out of reach.
  case offline
  /// Nothing is stored, and nobody was asked.
  case absent
  /// The origin, or the proxy, gave no answer to the question.
  case failed

  init(_ found: ReelcacheCore.Validation) {
    switch found {
    case .current: self = .current
    case .updated: self = .updated
    case .gone: self = .gone
    case .offline: self = .offline
    case .absent: self = .absent
    case .failed: self = .failed
    }
  }
}

/// The hooks as the edge calls them.
func appHooks(_ hooks: ServerHooks) -> AppHooks {
  guard let resign = hooks.resign else { return AppHooks(resign: nil) }
  return AppHooks(resign: { url, status, done in
    let text = shown(url)
    Task {
      let signed = await resign(text, status)
      done(signed.map { withoutFragment(upstreamBytes($0)) })
    }
  })
}

/// The URL by which the caller names a URL's resource, the URL itself when it does not.
func keyUrl(_ hooks: ServerHooks) -> @Sendable (ByteString) -> ByteString {
  guard let cacheKeyUrl = hooks.cacheKeyUrl else { return { $0 } }
  return { url in cacheKeyUrl(shown(url)).map(upstreamBytes) ?? url }
}

/// A URL of the core as the caller reads it.
private func shown(_ url: ByteString) -> String {
  String(decoding: url.bytes.map { $0 }, as: UTF8.self)
}
