import ReelcacheCore
import ReelcacheEdge

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Events of a stream that are kept for who does not keep up.
private let streamEventsMax = 1_024

/// A running server. Every member may be used from any thread.
public final class Server: Sendable {
  /// `http://127.0.0.1:PORT`
  public let url: String
  /// The port it listens on. It stays the same for the server's life, also when the app comes back from the background.
  public let port: Int
  private let prefix: ByteString
  private let form: UrlForm
  let loop: EventLoop
  let app: App
  private let hub: EventHub
  private let tally: Tally
  let life: ServerLife
  private let end = Locked(End.running)

  /// How far the end has come, and who waits for it.
  private enum End {
    case running
    case stopping([CheckedContinuation<Void, Never>])
    case stopped
  }

  init(_ app: App, _ loop: EventLoop, _ options: ServerOptions, _ hub: EventHub, _ tally: Tally) {
    let host = options.host.utf8.contains(UInt8(ascii: ":")) ? "[\(options.host)]" : options.host
    self.app = app
    self.loop = loop
    self.hub = hub
    self.tally = tally
    port = app.port
    url = "http://\(host):\(app.port)"
    prefix = proxyPrefix("http", ByteString(utf8: "\(host):\(app.port)"), app.options.core.secret)
    form = app.options.form
    life = ServerLife(
      loop,
      LifeActions(
        save: { done in app.save(done) },
        background: {
          app.listener.enterBackground()
          app.freeMemory()
        },
        foreground: {
          app.listener.enterForeground()
          app.wake()
        },
        networkChanged: { isOnline in app.networkChanged(isOnline) },
        memoryWarning: { app.freeMemory() }
      )
    )
    life.start()
  }

  /// False from the moment that `stop` is called.
  public var isRunning: Bool {
    end.with { end in
      if case .running = end { return true }
      return false
    }
  }

  /// The proxied URL of an upstream URL, or the URL itself when the server is not running or it is not http or https:
  /// what comes back can always be played. Synchronous, never throws.
  public func convertUrl(_ url: String) -> String {
    convertUrl(url) { _ in }
  }

  /// As `convertUrl(_:)`; `why` hears the reason when the URL itself comes back.
  public func convertUrl(_ url: String, _ why: (Fallback) -> Void) -> String {
    if !isRunning {
      why(.notRunning)
      return url
    }
    let bytes = upstreamBytes(url)
    // A fragment is the player's own and never travels.
    let hash = bytes.indexOf("#")
    let bare = hash == -1 ? bytes : bytes.slice(0, hash)
    let converted = proxiedUrl(prefix, form, bare)
    if converted != bare { return (converted + bytes.slice(bare.count)).description }
    why(.notHttp)
    return url
  }

  /// As `convertUrl(_:)`, for a `URL`.
  public func convertUrl(_ url: URL) -> URL {
    URL(string: convertUrl(url.absoluteString)) ?? url
  }

  /// Empties the cache and its index. Responses under way complete; the next request of each is a miss.
  public func clearCache() async {
    await onLoop { $0.clear() }
  }

  /// Asks the origin of a URL whether what is stored of it is current, fresh or not. `fields` are those of the requests
  /// that it is stored for.
  public func validate(_ url: String, fields: [String: String] = [:]) async -> Validation {
    if !isRunning { return .failed }
    let bytes = upstreamBytes(url)
    let sorted = fields.sorted { $0.key < $1.key }
    let list: FieldList = sorted.flatMap { [ByteString(utf8: $0.key), ByteString(utf8: $0.value)] }
    let found = await withCheckedContinuation { continuation in
      loop.later { [app] in app.validate(bytes, list) { continuation.resume(returning: $0) } }
    }
    return Validation(found)
  }

  /// Tells that the network changed: origins given up are tried again at once. With `false` it is gone: until told
  /// otherwise no origin is asked, and what is stored is served as it is when one is out of reach. On Apple's systems the
  /// server also learns of it by itself.
  public func networkChanged(isOnline: Bool = true) {
    loop.later { [app] in app.networkChanged(isOnline) }
  }

  /// Figures of the moment.
  public func stats() async -> Stats {
    await onLoop { [tally] in figures($0, tally) }
  }

  /// Adds pages of the app's own below the proxy's address: `find` gives the page at a path, or nil for none. It is called
  /// on the server's own queue and must be quick.
  public func servePages(_ find: @escaping @Sendable (String) -> Page?) {
    loop.later { [app] in
      app.pages.find = { path in
        find(path.description).map { LocalPage(contentType: ByteString(utf8: $0.contentType), body: Data($0.body)) }
      }
    }
  }

  /// Calls `listener` on every event from now on, on the server's own queue: it must be quick. Returns what `off` takes.
  @discardableResult
  public func on(_ listener: @escaping @Sendable (ServerEvent) -> Void) -> EventToken {
    hub.add(listener)
  }

  /// Takes a listener off.
  public func off(_ token: EventToken) {
    hub.remove(token)
  }

  /// The events from now on; each use begins a sequence of its own. It ends when the server has stopped. Who does not
  /// keep up misses the oldest beyond 1024.
  public var events: AsyncStream<ServerEvent> {
    hub.stream(streamEventsMax)
  }

  /// Ends transfers, writes the index, closes the port. Calling it again waits for the same end.
  public func stop() async {
    await withCheckedContinuation { continuation in
      let (first, over) = end.with { end -> (Bool, Bool) in
        switch end {
        case .running:
          end = .stopping([continuation])
          return (true, false)
        case .stopping(let waiting):
          end = .stopping(waiting + [continuation])
          return (false, false)
        case .stopped:
          return (false, true)
        }
      }
      if over { continuation.resume() }
      if first { loop.later { self.stopApp() } }
    }
  }

  private func stopApp() {
    life.stop()
    app.stop {
      let waiting = self.end.with { end -> [CheckedContinuation<Void, Never>] in
        guard case .stopping(let waiting) = end else { return [] }
        end = .stopped
        return waiting
      }
      self.hub.emit(.stopped)
      for continuation in waiting { continuation.resume() }
    }
  }

  /// Runs work with the app on its loop and waits for what it returns.
  func onLoop<Result: Sendable>(_ work: @escaping @Sendable (App) -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      loop.later { [app] in continuation.resume(returning: work(app)) }
    }
  }
}

/// What a server counts besides the app's own figures. Lives on the loop.
final class Tally: @unchecked Sendable {
  var hits = 0
  var misses = 0
  var evictions = 0
}

/// A URL as the core takes it: bytes, escaped as a player would.
func upstreamBytes(_ url: String) -> ByteString {
  escapeUri(ByteString(utf8: url))
}

private func figures(_ app: App, _ tally: Tally) -> Stats {
  let lanes = laneCounts(app.state.lanes)
  let connections = app.engine.origin.counts()
  return Stats(
    entries: app.state.table.bodies.count,
    bytes: app.state.table.bytes,
    flights: app.state.flights.count,
    exchanges: app.state.exchanges.count,
    bytesFromOrigin: app.engine.bytesFromOrigin,
    bytesFromDisk: app.engine.bytesFromDisk,
    hits: tally.hits,
    misses: tally.misses,
    evictions: tally.evictions,
    running: laneFigures(lanes.running),
    extra: lanes.extra,
    waiting: laneFigures(lanes.waiting),
    connections: Stats.Connections(open: connections.open, idle: connections.idle, active: connections.active),
    index: app.index.health() == .ok ? .ok : .degraded
  )
}

private func laneFigures(_ numbers: LaneNumbers) -> Stats.Lanes {
  Stats.Lanes(
    express: numbers.express,
    held: numbers.held,
    regular: numbers.regular,
    background: numbers.background
  )
}
