import Reelcache

/// What the command needs of a running server.
protocol RunningServer: Sendable {
  var url: String { get }
  var port: Int { get }
  func convertUrl(_ url: String) -> String
  func clearCache() async
  func stop() async
}

extension Server: RunningServer {}

/// What the command needs of its process; a test may stand in for any of it.
struct World: Sendable {
  var args: [String]
  var environment: [String: String]
  var version: String
  var start: @Sendable (ServerOptions) async throws -> RunningServer
  var write: @Sendable (String) -> Void
  var complain: @Sendable (String) -> Void
  /// Whether a person reads standard error.
  var errorIsTerminal: Bool
  /// Calls back on each request to stop (SIGINT, SIGTERM, SIGHUP).
  var onStop: @Sendable (@escaping @Sendable () -> Void) -> Void
  /// Calls back on each line of standard input.
  var onLine: @Sendable (@escaping @Sendable (String) -> Void) -> Void
  /// Milliseconds on a clock that only goes forward.
  var now: @Sendable () -> Int
}

/// Exit statuses.
enum ExitStatus {
  static let stopped: Int32 = 0
  static let failed: Int32 = 1
  static let wrongOption: Int32 = 2
  static let portTaken: Int32 = 3
  static let cacheUnusable: Int32 = 4
  static let cut: Int32 = 130
}

/// A signal that arrives twice within this time is one key press, forwarded by npm or a start script.
private let sameSignalMs = 250

/// Runs until a signal; returns the exit status. `exit` ends the process at once, at the second signal.
func runCommand(_ world: World, _ exit: @escaping @Sendable (Int32) -> Void) async -> Int32 {
  switch readControlWords(world.args) {
  case .refused(let message): return complain(world, ExitStatus.wrongOption, message)
  case .run(let port, let code): return await runControl(world, port, code, exit)
  case nil: break
  }
  let run: CommandRun
  switch readCommandLine(world.args, world.environment, world.version) {
  case .print(let text):
    world.write(text)
    return ExitStatus.stopped
  case .refused(let message):
    return complain(world, ExitStatus.wrongOption, message)
  case .run(let read):
    run = read
  }
  let server: RunningServer
  do {
    server = try await world.start(startOptions(run, world))
  } catch {
    return startFailure(world, error, run.options)
  }
  let stop = StopWish(world, exit)
  world.onLine { line in
    if line == "clear" {
      Task {
        await server.clearCache()
        world.write("{\"cleared\":true}\n")
      }
    }
  }
  world.write(readyText(run, server))
  await stop.wished()
  await server.stop()
  return ExitStatus.stopped
}

/// The options for the server: what the user said, with logs made for the reader.
private func startOptions(_ run: CommandRun, _ world: World) -> ServerOptions {
  var options = run.options
  if !run.given.contains("logFormat") { options.logFormat = world.errorIsTerminal ? "pretty" : "json" }
  return options
}

private func readyText(_ run: CommandRun, _ server: RunningServer) -> String {
  let reachable = reachableUrl(server.url, server.port, run.options)
  let offers = run.urls.map { url in
    let converted = server.convertUrl(url)
    let own = converted.hasPrefix(server.url)
    return Offer(title: url, url: url, proxied: own ? reachable + converted.dropFirst(server.url.count) : converted)
  }
  return jsonLines(server.url, run.urls.compactMap { privateNote($0, run.options) }, offers)
}

private func startFailure(_ world: World, _ error: any Error, _ options: ServerOptions) -> Int32 {
  guard let error = error as? StartError else { return complain(world, ExitStatus.failed, "\(error)") }
  switch error.reason {
  case .cacheDirectory:
    // R-CLI-7
    return complain(world, ExitStatus.cacheUnusable, "\(error.message) The option is --cache-dir.")
  case .originCa:
    return complain(world, ExitStatus.wrongOption, "--\(error.message)")
  case .portTaken:
    // R-CLI-6
    return complain(world, ExitStatus.portTaken, "port \(options.port) is taken on \(options.host): use --port")
  case .portForbidden where options.port > 0 && options.port < 1024:
    let message = "port \(options.port) needs privileges: use --port with 1024 or more"
    return complain(world, ExitStatus.portTaken, message)
  case .noSuchAddress:
    let message = "\(options.host) is no address of this machine: use --host"
    return complain(world, ExitStatus.portTaken, message)
  case .option, .portForbidden, .system:
    return complain(world, ExitStatus.failed, error.message)
  }
}

private func complain(_ world: World, _ status: Int32, _ message: String) -> Int32 {
  world.complain("reelcache: \(message)\n")
  return status
}

/// The first signal, and what a second one does.
final class StopWish: Sendable {
  private let signals: AsyncStream<Void>

  init(_ world: World, _ exit: @escaping @Sendable (Int32) -> Void) {
    let (signals, continuation) = AsyncStream<Void>.makeStream()
    self.signals = signals
    let firstAt = Locked<Int?>(nil)
    world.onStop {
      let now = world.now()
      let first = firstAt.with { at -> Int? in
        defer { at = at ?? now }
        return at
      }
      guard let first else {
        // R-CLI-8
        continuation.yield()
        continuation.finish()
        return
      }
      // R-CLI-9
      if now - first > sameSignalMs { exit(ExitStatus.cut) }
    }
  }

  /// Returns once the first signal came.
  func wished() async {
    for await _ in signals { return }
  }
}
