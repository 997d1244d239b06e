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

/// How long the end waits for received bytes to reach the disk, in milliseconds.
private let stopGraceMs = 5_000

/// How long stored bytes stay in memory unused, in milliseconds.
private let memoryIdleMs = 60_000

/// Buffers for reads that are kept when nobody uses them.
private let piecesKeptMax = 64

/// Everything below the listener: made in the order in which one needs the other.
final class AppParts: @unchecked Sendable {
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
    _ hooks: AppHooks,
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
        // What is written holds a slot until it is: more descriptors than slots would only wait for the journal.
        unreadFilesMax: max(1, min(limits.slotsMax, limits.openFilesMax)),
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
        memory: MemoryTier(loop, MemoryTierOptions(bytesMax: limits.memoryBytesMax, idleMs: memoryIdleMs)),
        log: log,
        now: epochMs,
        freeDiskReserveBytes: options.freeDiskReserveBytes,
        resign: hooks.resign,
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
      case .control(let command):
        answerControl(request, command, response)
      case .exchange(let exchange):
        // R-PASS-1
        if !exchange.verb.isEmpty && hasContent(request) {
          let content = RequestContent()
          response.content = content
          engine.keepContent(exchange, content)
        }
        engine.attach(exchange, response)
        startExchange(state, exchange, nowMs)
      }
    }
  }

  private func answerControl(_ request: PlayerRequest, _ command: ControlCommand, _ response: PlayerResponse) {
    let engine = engine
    withTexts(engine) { shelf, nowMs in
      controlAnswer(engine.state, command, shelf, nowMs)
    } _: { found in
      let answer = found ?? controlProblem(.stopping, "")
      let head = controlHead(engine.state, request, answer, engine.now())
      send(response, head, request.method == "HEAD" ? Data() : Data(answer.content))
    }
  }

  /// Ends every part in the order in which bytes go through them, so that what was received is stored.
  func end(_ done: @escaping () -> Void) {
    engine.stop(stopGraceMs) {
      self.origin.close {
        self.journal.flush {
          self.files.closeAll {
            self.engine.memory.clear()
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
