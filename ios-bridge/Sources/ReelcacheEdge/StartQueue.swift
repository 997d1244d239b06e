/// Holds back what is fetched ahead until that costs no new connection. To connect takes two or three round trips, and
/// the player asks one round trip later: it would wait for a fresh connection although one has come free meanwhile.

import ReelcacheCore

/// Exchanges that may wait; of more the oldest is given up.
private let waitingMax = 64

final class StartQueue: @unchecked Sendable {
  private unowned let engine: Engine
  private var waiting: [Exchange] = []
  private var looking = false

  init(_ engine: Engine) {
    self.engine = engine
    engine.origin.onFree = { [weak self] in self?.look() }
  }

  /// Takes on an exchange that the engine knows. Called while actions are carried out.
  func add(_ exchange: Exchange) {
    waiting.append(exchange)
    if waiting.count > waitingMax { exchangeEnded(engine.state, waiting.removeFirst(), engine.now()) }
    look()
  }

  /// Looks, on a turn of its own, who may go: by then transfers that were begun have taken their connections.
  private func look() {
    if looking || waiting.isEmpty { return }
    looking = true
    engine.loop.later { [weak self] in
      guard let self else { return }
      looking = false
      engine.run { nowMs in self.begin(nowMs) }
    }
  }

  private func begin(_ nowMs: Int) {
    var taken: [ByteString: Int] = [:]
    var left: [Exchange] = []
    for exchange in waiting {
      // The engine may have stopped meanwhile.
      if exchange.state == .done { continue }
      let origin = originOf(exchange.url)
      let before = taken[origin] ?? 0
      let (idle, busy) = engine.origin.connectionsTo(exchange.url)
      // R-AHEAD-12: where no connection is under way either, nobody's request would find one.
      if idle <= before && idle + busy + before > 0 {
        left.append(exchange)
        continue
      }
      startExchange(engine.state, exchange, nowMs)
      if exchange.state != .done { taken[origin] = before + 1 }
    }
    waiting = left
  }
}
