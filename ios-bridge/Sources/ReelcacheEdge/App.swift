/// The composition root: with AppParts the only place that knows every part, makes them in order and ends them in reverse.
import ReelcacheCore

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
  private let parts: AppParts
  private let evictionTimer: LoopTimer

  init(_ parts: AppParts, _ listener: Listener) {
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

  /// Lets go of what is in memory only to be quicker.
  package func freeMemory() {
    engine.memory.clear()
    forgetPlaylists(state.playlists)
  }

  /// Time may have passed that no timer counted: the process was suspended.
  package func wake() {
    engine.run { nowMs in proxyTick(state, nowMs) }
  }

  package func networkChanged(_ isOnline: Bool) {
    engine.run { nowMs in connectivityChanged(state, isOnline, nowMs) }
  }

  /// Asks an origin whether what is stored of a URL is current; `done` follows on the loop.
  package func validate(_ url: ByteString, _ fields: FieldList, _ done: @escaping (Validation) -> Void) {
    engine.run { nowMs in
      let exchange = validationExchange(state, url, fields, nowMs)
      engine.whenValidated(exchange, done)
      startExchange(state, exchange, nowMs)
    }
  }

  /// Nothing new is taken on any more.
  package var isStopping: Bool { parts.stopping }
}

/// Starts a proxy, on its loop; `done` follows there.
package func startApp(
  _ options: AppOptions,
  _ listeners: AppListeners,
  _ hooks: AppHooks,
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
  let parts = AppParts(options, listeners, hooks, loop, log, directory)
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
