/**
 * Runs the core: hands it events, carries out its actions in order, and keeps its clock. One thread, no locks: an event
 * that comes up while actions are carried out adds its own to the end.
 */
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Body, Flight } from "../core/download/flight.ts";
import { flightShouldPause } from "../core/download/flight.ts";
import { dropLater } from "../core/exchange/fetch-later.ts";
import { abortFlight, unpause } from "../core/exchange/flight-control.ts";
import { bodyWriteFailed } from "../core/exchange/flight-data.ts";
import { cancelPreloads } from "../core/exchange/preload-run.ts";
import {
  exchangeEnded,
  exchangeLost,
  proxyDeadline,
  proxyTick,
  setReserveShortfall,
} from "../core/exchange/proxy-events.ts";
import type { Action, Exchange, ProxyState, Validation } from "../core/exchange/proxy-state.ts";
import { startExchange } from "../core/exchange/request-admission.ts";
import type { AppHooks } from "./app.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { CacheIndex } from "./cache-index.ts";
import { ExchangeRunner } from "./exchange-runner.ts";
import { FlightRunner } from "./flight-runner.ts";
import type { Log } from "./log.ts";
import { loggedUrl } from "./log.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { OriginClient } from "./origin-client.ts";
import { PreloadDesk } from "./preload-desk.ts";
import type { ReadMemory } from "./read-memory.ts";
import type { SpanFiles } from "./span-files.ts";
import type { SpanJournal } from "./span-journal.ts";
import { StartQueue } from "./start-queue.ts";
import { TurnQueue } from "./turn-queue.ts";

/** What the engine is made of; the composition root makes it. */
export type EngineParts = {
  state: ProxyState;
  origin: OriginClient;
  files: SpanFiles;
  index: CacheIndex;
  journal: SpanJournal;
  pool: BufferPool;
  memory: MemoryTier;
  readMemory: ReadMemory;
  log: Log;
  /** Milliseconds since the epoch. */
  now: () => number;
  freeDiskReserveBytes: number;
  /** Gives a URL that an origin takes in place of one that it refused; null when nobody can. */
  resign: AppHooks["resign"];
  /** Told of every exchange that is over, and of what else a listener may want to know. */
  onExchange: (runner: ExchangeRunner) => void;
  onEvent: (name: "evicted" | "breaker", detail: string) => void;
};

export class Engine {
  readonly state: ProxyState;
  readonly origin: OriginClient;
  readonly files: SpanFiles;
  readonly pool: BufferPool;
  readonly memory: MemoryTier;
  readonly readMemory: ReadMemory;
  readonly log: Log;
  readonly now: () => number;
  readonly turns = new TurnQueue();
  readonly preloads: PreloadDesk;
  bytesFromOrigin = 0;
  bytesFromDisk = 0;
  private readonly parts: EngineParts;
  private readonly flights = new Map<number, FlightRunner>();
  private readonly runners = new Map<number, ExchangeRunner>();
  /** Runners without a player. */
  private readonly background = new Set<ExchangeRunner>();
  /** Flights that write a file, or wait to: the first of each list writes. */
  private readonly writers = new Map<number, FlightRunner[]>();
  private readonly starts: StartQueue;
  /** Content of requests that pass through, until they are sent, by exchange. */
  private readonly contents = new Map<number, Readable>();
  /** Who waits for what a validation finds, by exchange. */
  private readonly validations = new Map<number, (found: Validation) => void>();
  private draining = false;
  /** Nothing is asked of the core any more: what it would store, nobody writes down. */
  stopped = false;
  /** Called when nothing is on its way to the disk any more, once the engine is stopped. */
  private idle: (() => void) | null = null;
  private timer: NodeJS.Timeout | null = null;
  private timerMs = -1;

  constructor(parts: EngineParts) {
    this.parts = parts;
    this.state = parts.state;
    this.origin = parts.origin;
    this.files = parts.files;
    this.pool = parts.pool;
    this.memory = parts.memory;
    this.readMemory = parts.readMemory;
    this.log = parts.log;
    this.now = parts.now;
    this.starts = new StartQueue(this);
    this.preloads = new PreloadDesk(this);
  }

  /** Hands an event to the core and carries out what follows. */
  run(event: (nowMs: number) => void): void {
    event(this.now());
    this.drain();
    // A player hears its end from its socket; who has none, from here.
    for (const runner of this.background) runner.endIfDone();
    this.setTimer();
  }

  /** Like `run` for the byte path, which sets no timers. */
  runHot(event: (nowMs: number) => void): void {
    event(this.now());
    this.drain();
  }

  /**
   * Whether a runner may go on after a call to the core that began with `before` actions waiting. If it added some,
   * they come first: at once, or, from inside another action, before the runner is called again.
   */
  settled(exchange: Exchange, before: number): boolean {
    if (this.state.actions.length === before) return true;
    if (this.draining) {
      this.state.actions.push({ kind: "pump", exchange });
      return false;
    }
    this.drain();
    return true;
  }

  /** Carries out the actions that wait, unless that is being done further up the stack. */
  drain(): void {
    if (this.draining) return;
    this.draining = true;
    const { actions } = this.state;
    try {
      for (let at = 0; at < actions.length; at += 1) {
        const action = actions[at];
        if (action !== undefined) this.carryOut(action);
      }
    } finally {
      actions.length = 0;
      this.draining = false;
    }
  }

  /** Takes on the player of an exchange (null: none). */
  attach(exchange: Exchange, response: ServerResponse | null): ExchangeRunner {
    if (this.state.reserveShortfallBytes > 0) this.checkReserve(this.now());
    const runner = new ExchangeRunner(this, exchange, response);
    this.runners.set(exchange.id, runner);
    if (response === null) this.background.add(runner);
    return runner;
  }

  /** A runner has done its work. */
  over(runner: ExchangeRunner): void {
    this.runners.delete(runner.exchange.id);
    this.contents.delete(runner.exchange.id);
    this.background.delete(runner);
    this.parts.onExchange(runner);
  }

  /** Asks the library's caller for another URL; `done` hears within `resignMs`, once. */
  resign(url: string, status: number, done: (url: string | null) => void): void {
    let told = false;
    const tell = (signed: string | null): void => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      done(signed);
    };
    // R-SIGN-2
    const timer = setTimeout(() => tell(null), this.state.options.limits.resignMs);
    timer.unref();
    if (this.parts.resign === null) tell(null);
    else this.parts.resign(url, status, tell);
  }

  /** Keeps the content of a request that passes through until its origin is asked. */
  keepContent(exchange: Exchange, content: Readable): void {
    this.contents.set(exchange.id, content);
  }

  /** The content of a request that is being sent; its player is told to go on. */
  takeContent(exchangeId: number): Readable | null {
    const content = this.contents.get(exchangeId);
    if (content === undefined) return null;
    this.contents.delete(exchangeId);
    // R-PASS-5
    this.runners.get(exchangeId)?.goOnSending();
    return content;
  }

  /** Calls `done` with what an exchange that validates finds. */
  whenValidated(exchange: Exchange, done: (found: Validation) => void): void {
    this.validations.set(exchange.id, done);
  }

  /** The runner of a flight. */
  flightRunner(flight: Flight): FlightRunner {
    let runner = this.flights.get(flight.id);
    if (runner === undefined) {
      runner = new FlightRunner(this, flight);
      this.flights.set(flight.id, runner);
    }
    return runner;
  }

  /** Whether this flight may write its file now; if not, it is called when it may. */
  takeWrite(id: number, runner: FlightRunner): boolean {
    const waiting = this.writers.get(id);
    if (waiting === undefined) {
      this.writers.set(id, [runner]);
      return true;
    }
    if (!waiting.includes(runner)) waiting.push(runner);
    return false;
  }

  /** A write of the file is over: the next flight that waits for it writes. */
  giveWrite(id: number): void {
    const waiting = this.writers.get(id);
    this.writers.delete(id);
    if (waiting === undefined) return;
    waiting.shift();
    const next = waiting.shift();
    if (next === undefined) return;
    next.write();
    for (const other of waiting) other.write();
  }

  /** A write failed: the body is passed through from memory from now on. */
  writeFailed(body: Body, error: NodeJS.ErrnoException): void {
    this.log.warn({ err: error, entry: body.entry.id }, "the cache cannot be written; the response is passed through");
    this.run((nowMs) => {
      bodyWriteFailed(this.state, body, nowMs);
      if (error.code === "ENOSPC" || error.code === "EDQUOT") this.checkReserve(nowMs);
      for (const flight of body.flights) this.resumeIfDue(flight);
    });
  }

  /** Lets an origin go on when nothing holds it back any more. */
  resumeIfDue(flight: Flight): void {
    if (flight.paused && !flightShouldPause(flight, this.state.options.limits)) unpause(this.state, flight);
  }

  /** Ends an exchange whose bytes cannot be had any more. */
  loseExchange(exchange: Exchange): void {
    this.log.warn(
      { exchange: exchange.id, url: loggedUrl(exchange.url) },
      "the response is cut: its bytes cannot be had",
    );
    const runner = this.runners.get(exchange.id);
    if (!exchangeLost(this.state, exchange, this.now())) runner?.cut();
    this.drain();
  }

  /**
   * Ends every exchange and every origin transfer; `done` follows once what was received is on the disk, or after
   * `graceMs` without that.
   */
  stop(graceMs: number, done: () => void): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.stopped = true;
    for (const runner of Array.from(this.runners.values())) runner.cut();
    this.run((nowMs) => {
      dropLater(this.state);
      cancelPreloads(this.state, nowMs);
      for (const exchange of Array.from(this.state.exchanges.values())) exchangeEnded(this.state, exchange, nowMs);
      for (const flight of Array.from(this.state.flights.values())) abortFlight(this.state, flight, nowMs);
    });
    if (this.state.flights.size === 0) {
      done();
      return;
    }
    const grace = setTimeout(() => this.idle?.(), graceMs);
    this.idle = () => {
      clearTimeout(grace);
      this.idle = null;
      done();
    };
  }

  private carryOut(action: Action): void {
    switch (action.kind) {
      case "send":
        this.flightRunner(action.flight).send(action.fields);
        return;
      case "abort":
        this.flightRunner(action.flight).abort();
        return;
      case "resign":
        this.flightRunner(action.flight).resign(action.answer);
        return;
      case "landed":
        this.flights.get(action.flight.id)?.landed();
        this.flights.delete(action.flight.id);
        if (this.stopped && this.state.flights.size === 0) this.idle?.();
        return;
      case "pause":
        this.flightRunner(action.flight).pause();
        return;
      case "resume":
        this.flightRunner(action.flight).resume();
        return;
      case "head":
        this.runners.get(action.exchange.id)?.head(action.head, action.content);
        return;
      case "pump":
        this.runners.get(action.exchange.id)?.pump();
        return;
      case "begin":
        this.attach(action.exchange, null);
        // What was asked for by request does not wait for a connection that rests.
        if (action.exchange.task === null) this.starts.add(action.exchange);
        else startExchange(this.state, action.exchange, this.now());
        return;
      case "preload":
        this.preloads.tell(action.preload);
        return;
      case "validated": {
        const done = this.validations.get(action.exchange.id);
        this.validations.delete(action.exchange.id);
        done?.(action.found);
        return;
      }
      case "store":
        this.parts.index.put(action.body.entry);
        return;
      case "span":
        this.parts.journal.add(action.body.entry.id, action.start, action.end);
        return;
      case "touch":
        this.parts.index.touch(action.body.entry.id, action.body.entry.accessMs);
        return;
      case "forget":
        this.parts.journal.drop(action.body.entry.id);
        this.parts.index.drop(action.body.entry.id);
        return;
      case "remove":
        this.memory.drop(action.body.entry.id);
        this.files.remove(action.body.entry.id, (error) => {
          if (error !== null)
            this.log.warn({ err: error, entry: action.body.entry.id }, "a data file cannot be deleted");
        });
        return;
      case "event":
        this.parts.onEvent(action.name, action.detail);
        return;
    }
  }

  private setTimer(): void {
    const deadline = this.stopped ? -1 : proxyDeadline(this.state);
    if (deadline === this.timerMs) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.timerMs = deadline;
    if (deadline === -1) return;
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.timerMs = -1;
        this.run((nowMs) => proxyTick(this.state, nowMs));
      },
      Math.max(0, deadline - this.now()),
    );
    this.timer.unref();
  }

  /** Asks the disk, at most once a second, whether it still has its reserve. */
  checkReserve(nowMs: number): void {
    const free = this.files.freeBytes();
    if (free < 0) return;
    const shortfall = Math.max(0, this.parts.freeDiskReserveBytes - free);
    if (shortfall !== this.state.reserveShortfallBytes) setReserveShortfall(this.state, shortfall, nowMs);
  }
}
