import Reelcache

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The proxy of one conversation: it begins with `start`, and ends at the latest with the conversation.
///
/// Its owner gives it one thing to do at a time, and the next one when that is done.
final class ProxySession: @unchecked Sendable {
  private let folder: String
  private let ports: Locked<Set<Int>>
  private let log: ControlLog
  private var running: (server: Server, options: ServerOptions)?
  private var folders = 0

  /// `folder` is its own, and need not be there yet; `ports` are those of all conversations' proxies.
  init(_ folder: String, _ ports: Locked<Set<Int>>, _ log: ControlLog) {
    self.folder = folder
    self.ports = ports
    self.log = log
  }

  func start(_ given: [String: JsonValue]) async -> ControlAnswer {
    if running != nil { return .failed(ControlFailure(.state, "a proxy runs already in this conversation")) }
    switch serverOptions(given) {
    case .failure(let failure):
      return .failed(failure)
    case .success(var options):
      options.cacheDir = nextFolder()
      return await launch(options)
    }
  }

  /// A kill is played: what the proxy has given to the system by now is copied, and the copy is what the next one finds.
  /// The old one then ends in order, but into the folder that nobody looks at any more.
  func restart(kill: Bool) async -> ControlAnswer {
    guard let (server, old) = running else { return notRunning() }
    var options = old
    options.port = server.port
    if kill {
      options.cacheDir = nextFolder()
      do {
        try copyCache(old.cacheDir, options.cacheDir)
      } catch {
        return .failed(ControlFailure(.state, "the cache cannot be copied: \(error)"))
      }
    }
    await end(server)
    if kill { remove(old.cacheDir) }
    return await launch(options)
  }

  func clear() async -> ControlAnswer {
    guard let (server, _) = running else { return notRunning() }
    await server.clearCache()
    return .cleared
  }

  /// Stops the proxy if there is one, and deletes everything.
  func stop() async -> ControlAnswer {
    if let (server, _) = running { await end(server) }
    remove(folder)
    return .stopped
  }

  private func launch(_ options: ServerOptions) async -> ControlAnswer {
    do {
      let server = try await startServer(options)
      running = (server, options)
      ports.with { _ = $0.insert(server.port) }
      log.add("a proxy listens on port \(server.port)")
      return .listening("http://127.0.0.1:\(server.port)")
    } catch let error as StartError {
      return .failed(ControlFailure(error.reason == .option ? .option : .start, error.message))
    } catch {
      return .failed(ControlFailure(.start, "\(error)"))
    }
  }

  private func end(_ server: Server) async {
    running = nil
    await server.stop()
    ports.with { _ = $0.remove(server.port) }
    log.add("the proxy on port \(server.port) ended")
  }

  private func nextFolder() -> String {
    folders += 1
    return "\(folder)/cache-\(folders)"
  }

  private func remove(_ path: String) {
    do {
      if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    } catch {
      log.add("\(path) cannot be deleted: \(error)")
    }
  }

  private func notRunning() -> ControlAnswer {
    .failed(ControlFailure(.state, "no proxy runs in this conversation"))
  }
}
