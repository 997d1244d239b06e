/// Figures of a running server. Bytes and counts are since its start, unless they are sizes.
public struct Stats: Sendable, Equatable {
  /// A number for each lane in which requests travel to origins.
  public struct Lanes: Sendable, Equatable {
    /// Playlists, initialization sections, keys and short ranges: they wait for nobody.
    public let express: Int
    /// Reloads of low-latency playlists: their origins hold them until there is something new.
    public let held: Int
    /// Everything else that a player waits for.
    public let regular: Int
    /// What is fetched for later.
    public let background: Int
  }

  /// Connections to origins.
  public struct Connections: Sendable, Equatable {
    /// All of them.
    public let open: Int
    /// Those kept open for another request.
    public let idle: Int
    /// Those that carry one.
    public let active: Int
  }

  /// Whether what is stored will be found after a restart.
  public enum IndexHealth: String, Sendable {
    /// It will.
    case ok
    /// The index cannot be written: the cache works from memory until then.
    case degraded
  }

  /// Resources that are stored, whole or in part.
  public let entries: Int
  /// Bytes stored.
  public let bytes: Int
  /// Origin fetches under way.
  public let flights: Int
  /// Requests under way.
  public let exchanges: Int
  /// Bytes received from origins.
  public let bytesFromOrigin: Int
  /// Bytes served from files.
  public let bytesFromDisk: Int
  /// Requests answered from the cache alone.
  public let hits: Int
  /// Requests that were answered otherwise, refused ones among them.
  public let misses: Int
  /// Resources that left the cache to make room.
  public let evictions: Int
  /// Origin transfers that hold a slot, by lane.
  public let running: Lanes
  /// Extra slots in use, granted to requests that had waited too long.
  public let extra: Int
  /// Origin transfers that wait for a slot, by lane.
  public let waiting: Lanes
  /// Connections to origins.
  public let connections: Connections
  /// Whether what is stored will be found after a restart.
  public let index: IndexHealth
}

/// What a request came to.
public struct ExchangeReport: Sendable, Equatable {
  /// Counts the requests of a server.
  public let id: Int
  /// The upstream URL that was asked for.
  public let url: String
  /// The status that went out; 0 when the player left before.
  public let status: Int
  /// What the response's Cache-Status field says (RFC 9211).
  public let cacheStatus: String
  /// Bytes of the response that were read from files.
  public let bytesFromDisk: Int
  /// Bytes of the response that came straight from origin fetches.
  public let bytesFromFlights: Int
  /// From the request's head to the response's end, in milliseconds.
  public let ms: Int
}

/// What a server tells of.
public enum ServerEvent: Sendable, Equatable {
  /// A request is over.
  case exchange(ExchangeReport)
  /// A resource left the cache to make room; its URL.
  case evicted(String)
  /// An origin's circuit breaker opened; the origin.
  case breaker(String)
  /// The server has stopped.
  case stopped
}

/// Why a URL was not converted.
public enum Fallback: String, Sendable {
  /// No server runs.
  case notRunning = "not-running"
  /// The URL is not http or https, or it holds a user name.
  case notHttp = "not-http"
}

/// A page of the app's own below the proxy's address.
public struct Page: Sendable, Equatable {
  /// The Content-Type, such as `text/html; charset=utf-8`.
  public var contentType: String
  /// The bytes.
  public var body: [UInt8]

  /// A page of that type with that body.
  public init(contentType: String, body: [UInt8]) {
    self.contentType = contentType
    self.body = body
  }
}
