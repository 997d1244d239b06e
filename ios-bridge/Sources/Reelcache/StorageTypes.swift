/// What a resource is.
public enum ResourceKind: String, Sendable {
  /// A segment, an initialization section, a key or a file.
  case media
  /// A playlist that names variants.
  case multivariant
  /// A finished media playlist.
  case vod
  /// A playlist that grows.
  case event
  /// A playlist that moves on.
  case live
}

/// A stored resource.
public struct StoredEntry: Sendable, Equatable {
  /// Never used again within a cache.
  public let id: Int
  /// The upstream URL that was asked for.
  public let url: String
  /// What it is.
  public let kind: ResourceKind
  /// Bytes stored.
  public let bytes: Int
  /// Its length, -1 while unknown.
  public let total: Int
  /// Stored intervals: start, end (exclusive), start, end …
  public let spans: [Int]
  /// Kept from eviction.
  public let pinned: Bool
  /// Last access, in milliseconds since the epoch.
  public let accessMs: Int
}

/// What is stored of a URL and of all that its playlists name.
public struct Presentation: Sendable, Equatable {
  /// Something that is missing for playing without a network.
  public struct Missing: Sendable, Equatable {
    /// `playlist`, `live`, `map`, `key`, `segment` or `file`.
    public let what: String
    /// Its URL; "" for a segment that nobody could ask for.
    public let url: String
    /// Its first byte.
    public let start: Int
    /// Its end, exclusive; -1 for all of it.
    public let end: Int
  }

  /// A way to play: a variant, or the playlist itself.
  public struct Way: Sendable, Equatable {
    /// The URL of its playlist.
    public let url: String
    /// In bits per second; 0 when there is only one way.
    public let bandwidth: Int
    /// It begins to play without a network.
    public let playable: Bool
    /// All of it plays without a network.
    public let complete: Bool
    /// Its length, in seconds; 0 when it is not known.
    public let seconds: Double
    /// The times that are stored, in seconds.
    public let times: [Range<Double>]
  }

  /// What was asked about.
  public let url: String
  /// Nil when nothing is stored under the URL.
  public let kind: ResourceKind?
  /// Stored resources that it names, itself among them.
  public let entries: Int
  /// Bytes stored of all of them.
  public let bytes: Int
  /// Length of the resource itself, -1 while unknown.
  public let total: Int
  /// Stored intervals of the resource itself: start, end (exclusive), start, end …
  public let spans: [Int]
  /// The resource itself is kept from eviction.
  public let pinned: Bool
  /// It begins to play without a network.
  public let playable: Bool
  /// All of it, in one variant at least, plays without a network.
  public let complete: Bool
  /// Its variants.
  public let ways: [Way]
  /// What the variant lacks of which most is stored; up to 50.
  public let missing: [Missing]
}
