/// The composition root: the only place that knows every part, makes them in order and ends them in reverse.
import ReelcacheCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a proxy is made from: the options in force.
package struct AppOptions: Sendable {
  package var host: String
  package var port: Int
  package var cacheDir: String
  package var freeDiskReserveBytes: Int
  package var allowPrivate: [ByteString]
  /// PEM text of certificate authorities to trust at origins besides the system's; nil for none.
  package var originCa: Data?
  package var form: UrlForm
  package var logLevel: String
  package var logFormat: LogFormat
  package var evictionDelayMs: Int
  package var core: CoreOptions

  package init(
    host: String,
    port: Int,
    cacheDir: String,
    freeDiskReserveBytes: Int,
    allowPrivate: [ByteString],
    originCa: Data?,
    form: UrlForm,
    logLevel: String,
    logFormat: LogFormat,
    evictionDelayMs: Int,
    core: CoreOptions
  ) {
    self.host = host
    self.port = port
    self.cacheDir = cacheDir
    self.freeDiskReserveBytes = freeDiskReserveBytes
    self.allowPrivate = allowPrivate
    self.originCa = originCa
    self.form = form
    self.logLevel = logLevel
    self.logFormat = logFormat
    self.evictionDelayMs = evictionDelayMs
    self.core = core
  }
}

/// Who wants to know: each is called on the loop.
package struct AppListeners: Sendable {
  /// An exchange is over, at a time in milliseconds since the epoch.
  package let onExchange: @Sendable (ExchangeRunner, Int) -> Void
  package let onEvent: @Sendable (ProxyEvent, ByteString) -> Void

  package init(
    onExchange: @escaping @Sendable (ExchangeRunner, Int) -> Void,
    onEvent: @escaping @Sendable (ProxyEvent, ByteString) -> Void
  ) {
    self.onExchange = onExchange
    self.onEvent = onEvent
  }
}

/// Why a proxy could not be started.
package enum AppError: Error {
  /// The cache directory; the message says what to do.
  case directory(String)
  case listen(ListenError)
}

/// How long the end waits for received bytes to reach the disk, in milliseconds.
private let stopGraceMs = 5_000

/// Buffers for reads that are kept when nobody uses them.
private let piecesKeptMax = 64

/// A running proxy. Lives on its loop.
package final class App: @unchecked Sendable {
  package let options: AppOptions
  package let port: Int
  package let state: ProxyState
  package let engine: Engine
  package let index: CacheIndex
  package let pages: LocalPages
  package let log: Log
  package let listener: Listener
  private let parts: Parts
  private let evictionTimer: LoopTimer

  fileprivate init(_ parts: Parts, _ listener: Listener) {
    self.parts = parts
    self.listener = listener
    options = parts.options
    port = listener.port
    state = parts.engine.state
    engine = parts.engine
    index = parts.index
    pages = parts.pages
    log = parts.engine.log
    let engine = parts.engine
    evictionTimer = parts.loop.after(parts.options.evictionDelayMs) {
      engine.run { nowMs in proxyTick(engine.state, nowMs) }
    }
  }

  /// Ends transfers, writes the index, closes the port.
  package func stop(_ done: @escaping () -> Void) {
    parts.stopping = true
    evictionTimer.cancel()
    listener.close { self.parts.end(done) }
  }

  package func clear() {
    engine.run { _ in clearProxy(state) }
    index.flush()
  }

  /// Writes all that the index still owes the disk; `done` follows on the loop. The server goes on meanwhile.
  package func save(_ done: @escaping () -> Void) {
    parts.journal.flush {
      self.index.flush()
      done()
    }
  }

  /// Time may have passed that no timer counted: the process was suspended.
  package func wake() {
    engine.run { nowMs in proxyTick(state, nowMs) }
  }

  package func networkChanged() {
    connectivityChanged(state)
  }

  /// Fetches a URL for later, without a player.
  package func prefetch(_ url: ByteString) {
    engine.run { nowMs in
      let exchange = backgroundExchange(state, url, options.form, "", nowMs)
      engine.attach(exchange, nil)
      startExchange(state, exchange, nowMs)
    }
  }
}

/// Starts a proxy, on its loop; `done` follows there.
package func startApp(
  _ options: AppOptions,
  _ listeners: AppListeners,
  _ loop: EventLoop,
  _ done: @escaping (Result<App, AppError>) -> Void
) {
  loop.assertHere()
  let log = openLog(options.logLevel, options.logFormat)
  let directory: HeldDirectory
  switch prepareDirectory(options.cacheDir) {
  case .held(let held): directory = held
  case .refused(let message):
    done(.failure(.directory(message)))
    return
  }
  let parts = Parts(options, listeners, loop, log, directory)
  let engine = parts.engine
  engine.run { nowMs in engine.checkReserve(nowMs) }
  let listening = ListenerParts(
    loop: loop,
    limits: options.core.limits,
    onRequest: { request, response in parts.onRequest(request, response) },
    problem: { code, detail in plainProblem(engine.state, code, detail, epochMs()) }
  )
  Listener.listen(options.host, options.port, listening) { result in
    switch result {
    case .failure(let error):
      parts.end { done(.failure(.listen(error))) }
    case .success(let listener):
      parts.index.sweep { removed in
        if removed > 0 { log.info("data files without a row are deleted", ["removed": removed]) }
      }
      done(.success(App(parts, listener)))
    }
  }
}

/// Everything below the listener.
private final class Parts: @unchecked Sendable {
  let options: AppOptions
  let loop: EventLoop
  let directory: HeldDirectory
  let index: CacheIndex
  let files: SpanFiles
  let origin: OriginClient
  let journal: SpanJournal
  let engine: Engine
  let pages = LocalPages()
  var stopping = false

  init(
    _ options: AppOptions,
    _ listeners: AppListeners,
    _ loop: EventLoop,
    _ log: Log,
    _ directory: HeldDirectory
  ) {
    let limits = options.core.limits
    let onError: (Error) -> Void = { error in
      log.warn("the cache's storage has a problem", ["err": error])
    }
    self.options = options
    self.loop = loop
    self.directory = directory
    let index = CacheIndex(
      directory.dir,
      CacheIndexOptions(
        loop: loop,
        journalMs: limits.journalMs,
        journalRowsMax: limits.journalRowsMax,
        onError: onError
      )
    )
    let entries = index.load()
    let state = newProxyState(options.core, index.firstId(), epochMs() + options.evictionDelayMs)
    loadEntries(state, entries)
    let files = SpanFiles(
      directory.dataDir,
      SpanFilesOptions(
        loop: loop,
        pool: BufferPool(loop, limits.readPieceBytes, piecesKeptMax),
        openFilesMax: limits.openFilesMax,
        firstNewId: index.firstId(),
        onError: onError
      )
    )
    let origin = OriginClient(
      loop,
      OriginClientOptions(
        limits: limits,
        allow: options.core.allowUpstream,
        allowPrivate: options.allowPrivate,
        tls: OriginTls(ca: options.originCa),
        log: { message, url, failure in
          log.debug(message, ["url": url, "code": failure.code.rawValue, "detail": failure.detail])
        }
      )
    )
    let journal = SpanJournal(
      SpanJournalParts(
        loop: loop,
        sync: { id, done in files.sync(id, done) },
        record: { id, start, end in index.spans(id, start, end) },
        journalMs: limits.journalMs,
        onError: onError
      )
    )
    self.index = index
    self.files = files
    self.origin = origin
    self.journal = journal
    engine = Engine(
      EngineParts(
        loop: loop,
        state: state,
        origin: origin,
        files: files,
        index: index,
        journal: journal,
        log: log,
        now: epochMs,
        freeDiskReserveBytes: options.freeDiskReserveBytes,
        onExchange: { runner in
          let nowMs = epochMs()
          logExchange(runner, nowMs, log)
          listeners.onExchange(runner, nowMs)
        },
        onEvent: listeners.onEvent
      )
    )
  }

  func onRequest(_ request: PlayerRequest, _ response: PlayerResponse) {
    let state = engine.state
    engine.run { nowMs in
      let admission =
        stopping ? refuse(state, request, .stopping, "", nowMs) : admitRequest(state, request, nowMs)
      switch admission {
      case .answer(let head, let content):
        send(response, head, Data(content))
      case .local(let path, _):
        let page = localPage(state, pages, request, path, nowMs)
        send(response, page.head, request.method == "HEAD" ? Data() : page.body)
      case .exchange(let exchange):
        engine.attach(exchange, response)
        startExchange(state, exchange, nowMs)
      }
    }
  }

  /// Ends every part in the order in which bytes go through them, so that what was received is stored.
  func end(_ done: @escaping () -> Void) {
    engine.stop(stopGraceMs) {
      self.origin.close {
        self.journal.flush {
          self.files.closeAll {
            self.index.close()
            self.directory.release()
            self.engine.log.flush()
            done()
          }
        }
      }
    }
  }
}

/// Milliseconds since the epoch.
package func epochMs() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int(time.tv_sec) * 1_000 + Int(time.tv_nsec) / 1_000_000
}

private func send(_ response: PlayerResponse, _ head: ResponseHead, _ body: Data) {
  response.writeHead(head)
  response.end(body)
}

private func plainProblem(
  _ state: ProxyState,
  _ code: ErrorCode,
  _ detail: ByteString,
  _ nowMs: Int
) -> (head: ResponseHead, content: ByteString) {
  let content = problemBody(code, detail, nil)
  let note = newNote(ByteString(utf8: code.rawValue))
  return (head: problemHead(state, code, content, note, 1, false, nowMs), content: content)
}

private func logExchange(_ runner: ExchangeRunner, _ nowMs: Int, _ log: Log) {
  if !log.isOn(.debug) { return }
  let exchange = runner.exchange
  log.debug(
    "exchange",
    [
      "id": exchange.id,
      "url": loggedUrl(exchange.url),
      "status": exchange.status,
      "cacheStatus": cacheStatusText(exchange.note),
      "bytesFromDisk": runner.bytesFromDisk,
      "bytesFromFlights": runner.bytesFromFlights,
      "ms": nowMs - exchange.startMs,
    ]
  )
}
