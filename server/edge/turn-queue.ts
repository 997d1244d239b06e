/**
 * Lets runners go on, one on each turn of the loop: however many players pull segments, a request that comes in waits
 * for a piece of one of them, not for a piece of each.
 */
import type { ExchangeRunner } from "./exchange-runner.ts";

type Waiting = Pick<ExchangeRunner, "goOn">;

export class TurnQueue {
  readonly #waiting: Waiting[] = [];

  /** Takes on a runner whose player has taken all that it was given. */
  add(runner: Waiting): void {
    this.#waiting.push(runner);
    if (this.#waiting.length === 1) setImmediate(nextTurn, this.#waiting);
  }
}

function nextTurn(waiting: Waiting[]): void {
  const runner = waiting.shift();
  // Before the runner goes on: it may be back at once.
  if (waiting.length > 0) setImmediate(nextTurn, waiting);
  runner?.goOn();
}
