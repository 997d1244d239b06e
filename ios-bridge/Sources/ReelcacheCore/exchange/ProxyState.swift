/// The state of the whole proxy as the core sees it, and the actions that the edge carries out, in order.

/// Bytes of request targets that are remembered, with what they name.
private let targetMemoryBytes = 1_048_576

/// What the core must know of the options.
package struct CoreOptions: Sendable {
  package var limits: Limits
  package var policy: ReusePolicy
  package var keyRules: KeyRules
  /// Gives the URL that stands for a URL in its cache key: itself, unless the library's caller knows better.
  package var keyUrl: @Sendable (ByteString) -> ByteString
  package var secret: ByteString
  package var allowedHosts: [ByteString]
  package var allowUpstream: [ByteString]
  /// Freshness of a finished playlist that names none, in milliseconds.
  package var playlistFreshMs: Int
  package var ignoreNoStore: Bool
  /// What was given a lifetime is validated once it is over, under the media policy too.
  package var validateOutdated: Bool
  /// What depends on who asks is kept apart, not passed through.
  package var apart: Bool
  /// The proxy counts as a cache that several users share.
  package var shared: Bool
  /// Share of the time since Last-Modified for which what states no freshness is fresh under the http policy.
  package var heuristicPercent: Int
  /// What a player that begins to play asks for next is fetched at once.
  package var startAhead: Bool
  /// Which segments of a complete playlist come through the proxy.
  package var delivery: DeliveryPolicy
  /// Under `head`: those that begin before, in milliseconds, and so many of the first.
  package var headMs: Int
  package var headSegments: Int
  /// Out of reach, a multivariant playlist goes out with what is stored only.
  package var offlineFilter: Bool
  /// How much of a playlist's beginning must be stored for that, in milliseconds; 0 is all of it.
  package var offlineMs: Int
  /// The first variant whose beginning is stored comes first.
  package var warmFirst: Bool
  package var cors: Bool
  package var keepAlive: Bool
  /// Names of further player fields to forward, lower case.
  package var forwardFields: [ByteString]
  /// Fields set on every upstream request, flat.
  package var requestFields: FieldList
  /// Names of further origin fields to pass on, lower case.
  package var responseFields: [ByteString]
  package var maxCacheBytes: Int
  /// The library's caller signs URLs anew that an origin refuses.
  package var resigns: Bool

  package init(
    limits: Limits,
    policy: ReusePolicy,
    keyRules: KeyRules,
    keyUrl: @escaping @Sendable (ByteString) -> ByteString,
    secret: ByteString,
    allowedHosts: [ByteString],
    allowUpstream: [ByteString],
    playlistFreshMs: Int,
    ignoreNoStore: Bool,
    validateOutdated: Bool,
    apart: Bool,
    shared: Bool,
    heuristicPercent: Int,
    startAhead: Bool,
    delivery: DeliveryPolicy,
    headMs: Int,
    headSegments: Int,
    offlineFilter: Bool,
    offlineMs: Int,
    warmFirst: Bool,
    cors: Bool,
    keepAlive: Bool,
    forwardFields: [ByteString],
    requestFields: FieldList,
    responseFields: [ByteString],
    maxCacheBytes: Int,
    resigns: Bool
  ) {
    self.limits = limits
    self.policy = policy
    self.keyRules = keyRules
    self.keyUrl = keyUrl
    self.secret = secret
    self.allowedHosts = allowedHosts
    self.allowUpstream = allowUpstream
    self.playlistFreshMs = playlistFreshMs
    self.ignoreNoStore = ignoreNoStore
    self.validateOutdated = validateOutdated
    self.apart = apart
    self.shared = shared
    self.heuristicPercent = heuristicPercent
    self.startAhead = startAhead
    self.delivery = delivery
    self.headMs = headMs
    self.headSegments = headSegments
    self.offlineFilter = offlineFilter
    self.offlineMs = offlineMs
    self.warmFirst = warmFirst
    self.cors = cors
    self.keepAlive = keepAlive
    self.forwardFields = forwardFields
    self.requestFields = requestFields
    self.responseFields = responseFields
    self.maxCacheBytes = maxCacheBytes
    self.resigns = resigns
  }
}

/// A request as it came off the wire.
package struct PlayerRequest: Sendable {
  package var method: ByteString
  package var target: ByteString
  /// HTTP/1.x minor version.
  package var httpMinor: Int
  package var fields: FieldList
  /// The address and port that the connection came in on.
  package var localAddress: ByteString
  package var localPort: Int
  /// The player asked for, or the edge insists on, closing after this response.
  package var close: Bool

  package init(
    method: ByteString,
    target: ByteString,
    httpMinor: Int,
    fields: FieldList,
    localAddress: ByteString,
    localPort: Int,
    close: Bool
  ) {
    self.method = method
    self.target = target
    self.httpMinor = httpMinor
    self.fields = fields
    self.localAddress = localAddress
    self.localPort = localPort
    self.close = close
  }
}

/// What asking an origin after a stored response came to.
package enum Validation: String, TextUnion, Sendable {
  case current
  case updated
  case gone
  case offline
  case absent
  case failed
}

package enum ExchangeState: String, TextUnion, Sendable {
  case waiting
  case gathering
  case sending
  case done
}

/// What was asked for; "" runs without a player.
package enum ExchangeMethod: String, TextUnion, Sendable {
  case get = "GET"
  case head = "HEAD"
  case background = ""
}

/// One request and its response.
package final class Exchange {
  package let id: Int
  @exclusivity(unchecked) package var state = ExchangeState.waiting
  /// "" runs without a player: fetched for later.
  @exclusivity(unchecked) package var method: ExchangeMethod
  /// The method of a request that passes through, "" for any other; its response is like one to GET.
  package let verb: ByteString
  package let url: ByteString
  package let key: ByteString
  /// The key of what is for its player alone: `key`, unless who asks is kept apart.
  package let space: ByteString
  package let form: UrlForm
  /// The proxy's own parameters of the URL that was asked for.
  package let own: OwnParameters
  /// The options allow its upstream host.
  let allowed: Bool
  /// What a proxied URL of this exchange begins with.
  package let prefix: ByteString
  package let fields: FieldList
  package let range: RangeSpec
  package let httpMinor: Int
  package let keepAlive: Bool
  /// Its URL or type says playlist, or it is JSON that names more: the whole body is gathered and rewritten.
  var playlist: Bool
  /// It is a directed reload: its origin answers it, whatever is stored.
  let directed: Bool
  /// It has no player yet, and fetches what one will ask for next.
  var ahead = false
  /// It has no player, and fetches what one fetches from the origin by itself.
  var later = false
  /// It asks the origin although what is stored is fresh.
  var renews = false
  /// What of a preload it fetches.
  @exclusivity(unchecked) package var task: PreloadTask?
  /// Whether its playlist is where its player begins; nil before it is answered with one.
  var startClaim: StartClaim?
  /// What it looks up before it is answered with a multivariant playlist.
  var survey: Survey?
  /// Its response is not shared: it neither waits for others nor is found by them.
  var solo = false
  /// It takes only what is stored: no origin is asked for it.
  let onlyStored: Bool
  /// It only validates what is stored, and this is what it found; nil for any other.
  var found: Validation?
  @exclusivity(unchecked) package var body: Body?
  @exclusivity(unchecked) package var cursor: Cursor?
  var waitingOn: Flight?
  @exclusivity(unchecked) package var note = newNote("")
  /// Set-Cookie fields of the answer that it asked for itself.
  var cookies: FieldList = []
  package let startMs: Int
  /// Times that a version it was to be served from could not be completed.
  var replans = 0
  /// Status that went out, 0 before.
  @exclusivity(unchecked) package var status = 0

  init(
    id: Int,
    method: ExchangeMethod,
    verb: ByteString,
    url: ByteString,
    key: ByteString,
    space: ByteString,
    form: UrlForm,
    own: OwnParameters,
    allowed: Bool,
    prefix: ByteString,
    fields: FieldList,
    range: RangeSpec,
    httpMinor: Int,
    keepAlive: Bool,
    playlist: Bool,
    directed: Bool,
    onlyStored: Bool,
    startMs: Int
  ) {
    self.id = id
    self.method = method
    self.verb = verb
    self.url = url
    self.key = key
    self.space = space
    self.form = form
    self.own = own
    self.allowed = allowed
    self.prefix = prefix
    self.fields = fields
    self.range = range
    self.httpMinor = httpMinor
    self.keepAlive = keepAlive
    self.playlist = playlist
    self.directed = directed
    self.onlyStored = onlyStored
    self.startMs = startMs
  }
}

/// What an `event` action tells of.
package enum ProxyEvent: String, TextUnion, Sendable {
  case evicted
  case breaker
}

package enum Action {
  /// Ask the origin: a new request of this flight, with these fields.
  case send(flight: Flight, fields: FieldList)
  /// Close the origin's connection of this flight.
  case abort(flight: Flight)
  case pause(flight: Flight)
  case resume(flight: Flight)
  /// Ask the library's caller for a URL that the origin takes; its answer comes as `flightResigned`.
  case resign(flight: Flight, answer: OriginAnswer)
  /// The flight is over: nothing of it is needed any more.
  case landed(flight: Flight)
  /// Send a response head; with `content`, the whole response.
  case head(exchange: Exchange, head: ResponseHead, content: ByteString?)
  /// Let the reader of this exchange take its next steps.
  case pump(exchange: Exchange)
  /// Take on an exchange that has no player, then let the core plan it.
  case begin(exchange: Exchange)
  /// An exchange that validates is over.
  case validated(exchange: Exchange, found: Validation)
  /// Write the entry's row.
  case store(body: Body)
  /// Write a span's row: its bytes are in the file.
  case span(body: Body, start: Int, end: Int)
  /// Note the entry's access time.
  case touch(body: Body)
  /// Drop the entry's row.
  case forget(body: Body)
  /// Delete the entry's file: nobody uses it any more.
  case remove(body: Body)
  /// The preload came further, or is over.
  case preload(preload: Preload)
  /// Something that a listener may want to know.
  case event(name: ProxyEvent, detail: ByteString)
}

/// Everything.
package final class ProxyState {
  package let options: CoreOptions
  package let table: ResourceTable
  package let lanes: LaneQueue
  package let breakers: BreakerTable
  /// The network is gone, as far as the edge was told: no origin is asked.
  var offline = false
  @exclusivity(unchecked) package var flights: [Int: Flight] = [:]
  @exclusivity(unchecked) package var exchanges: [Int: Exchange] = [:]
  /// Initialization sections and keys that playlists named: they travel express.
  package let expressUrls: UrlMemory
  /// Playlists that were live or events, by cache key.
  let liveUrls: UrlMemory
  /// What is fetched in the background although no player waits for it.
  var later = newLaterQueue()
  /// Rewritten playlists.
  package let playlists: PlaylistMemory
  /// Media playlists with which a player may begin.
  package let starts: StartMemory
  /// What is fetched for later.
  package let preloads: PreloadTable
  /// The preloads of the feed's window, the nearest first.
  var window: [Preload] = []
  /// What players asked for.
  let targets: TargetMemory
  var nextEntryId: Int
  var nextFlightId = 1
  var nextExchangeId = 1
  /// Bytes that the disk lacks to keep its reserve; above 0 nothing new is stored.
  @exclusivity(unchecked) package var reserveShortfallBytes = 0
  /// Bytes in the cache after the last eviction run, -1 before any: without change another is in vain.
  var evictionIdleBytes = -1
  /// Evictions wait until then, in milliseconds since the epoch.
  var evictAfterMs: Int
  /// Cursors that wait before they resume.
  var sleepers: [Cursor] = []
  @exclusivity(unchecked) package var actions: [Action] = []

  init(options: CoreOptions, nextEntryId: Int, evictAfterMs: Int) {
    self.options = options
    table = newResourceTable()
    lanes = laneQueue(options.limits)
    breakers = breakerTable(options.limits)
    expressUrls = newUrlMemory(options.limits.expressUrlsMax)
    liveUrls = newUrlMemory(options.limits.expressUrlsMax)
    playlists = newPlaylistMemory(options.limits.playlistMemoryBytesMax)
    starts = newStartMemory(options.limits.startAheadUrlsMax)
    preloads = newPreloadTable()
    targets = newTargetMemory(targetMemoryBytes)
    self.nextEntryId = nextEntryId
    self.evictAfterMs = evictAfterMs
  }

  /// A flight and its body hold each other until the flight ends; one that is under way would outlive a proxy that is
  /// let go.
  deinit {
    for flight in flights.values { flight.body.flights = [] }
  }
}

/// Every flight, oldest first: the order of a map differs from language to language, and from run to run in some, so
/// nothing is decided by it.
package func flightsByAge(_ state: ProxyState) -> [Flight] {
  state.flights.values.sorted { $0.id < $1.id }
}

/// The cache key of a URL.
package func keyOf(_ options: CoreOptions, _ url: ByteString) -> ByteString {
  let named = options.keyUrl(url)
  // R-KEY-7
  return cacheKey(named == url || isHttpUrl(named) ? named : url, options.keyRules)
}

/// A proxy with an empty cache.
package func newProxyState(_ options: CoreOptions, _ nextEntryId: Int, _ evictAfterMs: Int) -> ProxyState {
  ProxyState(options: options, nextEntryId: nextEntryId, evictAfterMs: evictAfterMs)
}
