import ReelcacheCore
import ReelcacheEdge

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The version of this package, that of the reference that it mirrors.
public let reelcacheVersion = "0.1.0"

/// Starts a server and waits until it listens. Throws a `StartError`: wrong options, a cache folder that cannot be used,
/// or a port that is not to be had; a taken port is never exchanged for another.
///
/// ```swift
/// let server = try await startServer()
/// let item = AVPlayerItem(url: server.convertUrl(playlistUrl))
/// ```
public func startServer(
  _ options: ServerOptions = ServerOptions(),
  hooks: ServerHooks = ServerHooks()
) async throws -> Server {
  let resolved: ServerOptions
  switch resolveOptions(options) {
  case .resolved(let options): resolved = options
  case .refused(let message): throw StartError(.option, message)
  }
  let appOptions = try appOptions(resolved, hooks)
  let loop = EventLoop()
  let hub = EventHub()
  let tally = Tally()
  let listeners = AppListeners(
    onExchange: { runner, nowMs in
      if runner.exchange.note.hit { tally.hits += 1 } else { tally.misses += 1 }
      if !hub.isEmpty { hub.emit(.exchange(report(runner, nowMs))) }
    },
    onEvent: { name, detail in
      switch name {
      case .evicted:
        tally.evictions += 1
        hub.emit(.evicted(detail.description))
      case .breaker:
        hub.emit(.breaker(detail.description))
      }
    }
  )
  let started = await withCheckedContinuation { (continuation: CheckedContinuation<Result<App, AppError>, Never>) in
    loop.later {
      startApp(appOptions, listeners, appHooks(hooks), loop) { result in continuation.resume(returning: result) }
    }
  }
  switch started {
  case .success(let app):
    let server = Server(app, loop, resolved, hub, tally)
    latest.with { $0 = server }
    return server
  case .failure(let error):
    throw startError(error)
  }
}

/// Stops the server that was started last; nothing to do when there is none.
public func stopServer() async {
  await latestServer()?.stop()
}

/// `convertUrl` of the server that was started last; without one the URL itself. Synchronous, never throws, from any
/// thread.
public func convertUrl(_ url: String) -> String {
  convertUrl(url) { _ in }
}

/// As `convertUrl(_:)`; `why` hears the reason when the URL itself comes back.
public func convertUrl(_ url: String, _ why: (Fallback) -> Void) -> String {
  if let server = latestServer() { return server.convertUrl(url, why) }
  why(.notRunning)
  return url
}

/// As `convertUrl(_:)`, for a `URL`.
public func convertUrl(_ url: URL) -> URL {
  latestServer()?.convertUrl(url) ?? url
}

/// `clearCache` of the server that was started last; nothing to do when there is none.
public func clearCache() async {
  await latestServer()?.clearCache()
}

/// An app has one proxy: the module's functions speak of the one that was started last.
private let latest = Locked<Server?>(nil)

/// The server that was started last.
func latestServer() -> Server? {
  latest.with { $0 }
}
