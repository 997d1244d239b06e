/**
 * Holds back what is fetched ahead until that costs no new connection. To connect takes two or three round trips, and
 * the player asks one round trip later: it would wait for a fresh connection although one has come free meanwhile.
 */
import { exchangeEnded } from "../core/exchange/proxy-events.ts";
import type { Exchange } from "../core/exchange/proxy-state.ts";
import { startExchange } from "../core/exchange/request-admission.ts";
import { originOf } from "../core/http/uri-reference.ts";
import type { Engine } from "./engine.ts";

/** Exchanges that may wait; of more the oldest is given up. */
const waitingMax = 64;

export class StartQueue {
  private readonly engine: Engine;
  private waiting: Exchange[] = [];
  private looking = false;

  constructor(engine: Engine) {
    this.engine = engine;
    engine.origin.onFree = () => this.look();
  }

  /** Takes on an exchange that the engine knows. Called while actions are carried out. */
  add(exchange: Exchange): void {
    this.waiting.push(exchange);
    const oldest = this.waiting.length > waitingMax ? this.waiting.shift() : undefined;
    if (oldest !== undefined) exchangeEnded(this.engine.state, oldest, this.engine.now());
    this.look();
  }

  /** Looks, on a turn of its own, who may go: by then transfers that were begun have taken their connections. */
  private look(): void {
    if (this.looking || this.waiting.length === 0) return;
    this.looking = true;
    setImmediate(() => {
      this.looking = false;
      this.engine.run((nowMs) => this.begin(nowMs));
    });
  }

  private begin(nowMs: number): void {
    const { engine } = this;
    const taken = new Map<string, number>();
    const left: Exchange[] = [];
    for (const exchange of this.waiting) {
      // The engine may have stopped meanwhile.
      if (isOver(exchange)) continue;
      const origin = originOf(exchange.url);
      const before = taken.get(origin) ?? 0;
      const { idle, busy } = engine.origin.connectionsTo(exchange.url);
      // R-AHEAD-12: where no connection is under way either, nobody's request would find one.
      if (idle <= before && idle + busy + before > 0) {
        left.push(exchange);
        continue;
      }
      startExchange(engine.state, exchange, nowMs);
      if (!isOver(exchange)) taken.set(origin, before + 1);
    }
    this.waiting = left;
  }
}

function isOver(exchange: Exchange): boolean {
  return exchange.state === "done";
}
