import ReelcacheCore

/// Everything a server can be told. Units stand last in the name. Whatever is not set has its default; `startServer`
/// checks the values and throws a `StartError` that names the option, the value and what is allowed.
public struct ServerOptions: Sendable, Equatable {
  /// How proxied URLs carry the upstream URL.
  public enum Form: String, Sendable, CaseIterable {
    /// `/proxy?url=https%3A%2F%2Fhost%2Fpath`
    case query
    /// `/https/host/path`
    case path
  }

  /// When stored responses are reused.
  public enum Policy: String, Sendable, CaseIterable {
    /// Made for media: what never changes until it is evicted, playlists by their kind.
    case media
    /// Plain HTTP (RFC 9111) for everything.
    case http
  }

  /// What becomes of responses that depend on who asks: those to requests with credentials, and those that vary.
  public enum Identity: String, Sendable, CaseIterable {
    /// Stored for requests that send the same.
    case apart
    /// Passed through.
    case unstored
  }

  /// Address to listen on: an IP address or localhost. Beyond loopback it needs `secret`. Default 127.0.0.1.
  public var host = "127.0.0.1"
  /// Port to listen on; 0 takes a free one. Default 9000.
  public var port = 9_000
  /// Folder of the cache, made when absent. Empty, the default: `reelcache` in the user's or the app's cache folder.
  public var cacheDir = ""
  /// Size at which eviction starts, in bytes. Default 1 GiB.
  public var maxCacheBytes = 1_073_741_824
  /// Disk space left free, in bytes. Default 256 MiB.
  public var freeDiskReserveBytes = 268_435_456
  /// Part of every proxied URL; a request without it gets 403. 8 to 128 characters out of A-Z a-z 0-9 - . _ ~, or empty,
  /// the default, for none.
  public var secret = ""
  /// Further names or `name:port` that the Host field may carry.
  public var allowedHosts: [String] = []
  /// Only these origins: `host`, `*.host`, `host:port`. Empty, the default: all public ones.
  public var allowUpstream: [String] = []
  /// Origins on a private or loopback address that are allowed all the same: `host`, `host:port`, `host:*`.
  public var allowPrivate: [String] = []
  /// Form of the URLs that `convertUrl` gives. Default `query`.
  public var form = Form.query
  /// When stored responses are reused. Default `media`.
  public var policy = Policy.media
  /// Freshness of a finished playlist that states none, in seconds. Default 300.
  public var playlistFreshSeconds = 300
  /// Under the http policy, the share of the time since Last-Modified for which what states no freshness is fresh, in
  /// percent. Default 0: nothing is guessed.
  public var heuristicPercent = 0
  /// Counts as a cache that several users share: s-maxage counts, private is not stored. Default false.
  public var shared = false
  /// Validates media whose stated freshness is over before it is used. Default false.
  public var validateOutdated = false
  /// Stores responses that say no-store. Default false.
  public var ignoreNoStore = false
  /// Whether what depends on who asks is stored apart for each, or not. Default `apart`.
  public var identity = Identity.apart
  /// Fetches what a player that begins to play asks for next before it asks. Default false.
  public var startAhead = false
  /// Segments of complete playlists that come through the proxy: `all`, `head` or `cdn-first`. Default all.
  public var delivery = "all"
  /// Under `head`: the segments that begin before, in seconds. Default 10.
  public var headSeconds = 10
  /// Under `head`: at least so many segments. Default 0.
  public var headSegments = 0
  /// While an origin is out of reach, names only the variants that play from what is stored. Default false.
  public var offlineFilter = false
  /// How much of a variant must be stored for that, in seconds from its beginning; 0, the default, is all of it.
  public var offlineSeconds = 0
  /// Names the first variant whose beginning is stored before the others. Default false.
  public var warmFirst = false
  /// Query parameters that are no part of the cache key.
  public var dropParameters: [String] = []
  /// Only these query parameters are part of the cache key; nil, the default: all are.
  public var keepParameters: [String]?
  /// Keeps player connections open between requests. Default true.
  public var keepAlive = true
  /// Further player fields to pass on to the origin, by name.
  public var forwardFields: [String] = []
  /// Fields to set on every origin request: name, value, name, value.
  public var requestFields: [String] = []
  /// Further origin fields to pass on to the player, by name.
  public var responseFields: [String] = []
  /// Lets pages of other sites read responses. Default true.
  public var cors = true
  /// Least severe message logged: trace, debug, info, warn, error, fatal or silent. Default info.
  public var logLevel = "info"
  /// Wait after the start before anything is evicted, in milliseconds. Default 5000.
  public var evictionDelayMs = 5_000
  /// Bounds to change, by name, such as `["slotsMax": 8]`; names and defaults are in `limitDefaults`.
  public var limits: [String: Int] = [:]
  /// PEM file of certificate authorities to trust at origins besides the system's; empty, the default, for none.
  public var originCa = ""

  /// Form of the log on stderr.
  package var logFormat = "json"

  /// The defaults.
  public init() {}

  /// The name and value of every limit that `limits` can change. Units stand last in the names.
  public static var limitDefaults: [String: Int] {
    var values: [String: Int] = [:]
    for (name, field) in limitFields { values[name.description] = defaultLimits[keyPath: field] }
    return values
  }
}

extension ServerOptions {
  /// `form` as the option table writes it.
  package var formName: String {
    get { form.rawValue }
    set { form = Form(rawValue: newValue) ?? form }
  }

  /// `policy` as the option table writes it.
  package var policyName: String {
    get { policy.rawValue }
    set { policy = Policy(rawValue: newValue) ?? policy }
  }

  /// `identity` as the option table writes it.
  package var identityName: String {
    get { identity.rawValue }
    set { identity = Identity(rawValue: newValue) ?? identity }
  }
}
