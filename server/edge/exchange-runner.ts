/** Carries out one exchange: writes its head and bytes to the player's socket at the player's own pace. */
import type { ServerResponse } from "node:http";
import { equalIgnoreCase } from "../core/base/bytes.ts";
import { gatherBegan, gatherDone, gatherTooLarge } from "../core/exchange/exchange-playlist.ts";
import { nextStep, readerAdvanced, readFailed } from "../core/exchange/exchange-read.ts";
import { exchangeEnded } from "../core/exchange/proxy-events.ts";
import type { Exchange } from "../core/exchange/proxy-state.ts";
import { fieldFirst } from "../core/http/field-list.ts";
import { readerDiskEnd, tailFlight } from "../core/reader/reader-step.ts";
import type { ResponseHead } from "../core/response/response-head.ts";
import type { Engine } from "./engine.ts";
import { writeHead } from "./response-writer.ts";

/** Bytes that tell a playlist from anything else: a byte order mark, #EXTM3U, a line end. */
const sniffBytes = 12;

/** Takes the head along as it stands; the library's own flushing would write its bytes as UTF-8 (R-FIELD-1). */
const noBytes = Buffer.alloc(0);

export class ExchangeRunner {
  readonly exchange: Exchange;
  /** Null: nobody listens, the bytes are fetched to be kept. */
  private readonly response: ServerResponse | null;
  private readonly engine: Engine;
  private reading = false;
  private pumping = false;
  private over = false;
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private sniffed = false;
  /** Whether the head is on its way to the socket: written alone, or before the first bytes. */
  private headOut = false;
  /** From the file, or from what memory holds of it. */
  bytesFromDisk = 0;
  bytesFromFlights = 0;

  constructor(engine: Engine, exchange: Exchange, response: ServerResponse | null) {
    this.engine = engine;
    this.exchange = exchange;
    this.response = response;
  }

  /** Hears from now on of the player's pace and its end; what was answered in one go needs neither. */
  listen(): void {
    const response = this.response;
    if (this.over || response === null) return;
    // On a turn of its own: a socket that takes all it is given must not keep the others waiting.
    response.on("drain", () => this.engine.turns.add(this));
    response.on("close", () => this.gone());
  }

  /** Sends the head; with `content` that is the whole response. */
  head(head: ResponseHead, content: string | null): void {
    const response = this.response;
    if (response !== null) {
      writeHead(response, head);
      if (content !== null) response.end(Buffer.from(content, "latin1"));
      else if (this.exchange.method === "HEAD") response.end();
      else for (const bytes of this.gathered) this.write(response, bytes);
    }
    this.gathered = [];
    if (content !== null || this.exchange.method === "HEAD") this.finish();
  }

  /** Takes the next steps, as far as the player takes bytes. */
  pump(): void {
    if (this.reading || this.pumping || this.over) return;
    this.pumping = true;
    try {
      while (!this.over && !this.reading && this.step()) {
        // Each step says whether another may follow at once.
      }
    } finally {
      this.pumping = false;
    }
    // A head alone must not wait for the first byte.
    const response = this.response;
    if (response?.headersSent === true && !this.headOut && this.exchange.state === "sending" && !this.reading)
      this.write(response, noBytes);
  }

  /** Tells a player that waits with its content to send it. */
  goOnSending(): void {
    const expects = fieldFirst(this.exchange.fields, "expect");
    if (expects !== null && equalIgnoreCase(expects, "100-continue")) this.response?.writeContinue();
  }

  /** Takes the next steps on a turn of its own. */
  goOn(): void {
    if (!this.over) this.engine.run(() => this.pump());
  }

  /** Ends the player's connection before the response is whole: what was sent goes out, then the end. */
  cut(): void {
    const socket = this.response?.socket;
    this.finish();
    if (socket !== null && socket !== undefined) socket.destroySoon();
    else this.response?.destroy();
  }

  /** Lets go of an exchange that the core has ended without an action: nobody waits for a head. */
  endIfDone(): void {
    if (this.exchange.state === "done") this.finish();
  }

  /** The player closed its connection, or the response went out whole. */
  private gone(): void {
    if (this.over) return;
    this.engine.run((nowMs) => exchangeEnded(this.engine.state, this.exchange, nowMs));
    this.finish();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.gathered = [];
    this.engine.over(this);
  }

  private step(): boolean {
    const { exchange, engine, response } = this;
    const state = exchange.state;
    if (state !== "sending" && state !== "gathering") return false;
    const body = exchange.body;
    const cursor = exchange.cursor;
    if (body === null || cursor === null) return false;
    // The end takes no bytes: it goes out behind the last of them.
    const full = response?.writableNeedDrain === true && cursor.offset !== cursor.end;
    if (state === "sending" && full) return false;
    const nowMs = engine.now();
    const before = engine.state.actions.length;
    const step = nextStep(engine.state, exchange, nowMs);
    if (!engine.settled(exchange, before) || this.over) return false;
    switch (step) {
      case "end":
        return this.end(nowMs);
      case "tail": {
        const flight = tailFlight(body, cursor.offset);
        if (flight === null) return true;
        const bytes = engine.flightRunner(flight).bytesAt(cursor.offset, cursor.end);
        this.bytesFromFlights += bytes.length;
        engine.readMemory.hold(bytes);
        return this.take(bytes, cursor.offset + bytes.length, () => engine.readMemory.release(bytes));
      }
      case "disk":
        return this.readDisk(body.entry.id, cursor.offset, readerDiskEnd(body, cursor));
      case "wait":
      case "open":
        return false;
      case "cut":
        // Of a playlist that broke off nothing is read.
        this.gathered = [];
        this.gatheredBytes = 0;
        engine.loseExchange(exchange);
        return this.gathersOn();
    }
  }

  private readDisk(id: number, offset: number, end: number): boolean {
    const { engine } = this;
    if (this.response === null && this.exchange.state === "sending") {
      readerAdvanced(engine.state, this.exchange, end, engine.now());
      return true;
    }
    const held = engine.memory.get(id, offset, end);
    if (held !== null) return this.stored(held, offset, null);
    const buffer = engine.pool.take();
    const length = Math.min(engine.memory.readEnd(id, offset, end) - offset, buffer.length);
    if (engine.files.readNow(id, buffer, offset, length)) {
      engine.memory.offer(id, offset, buffer.subarray(0, length));
      return this.stored(buffer.subarray(0, length), offset, () => engine.pool.give(buffer));
    }
    this.reading = true;
    engine.files.read(id, buffer, offset, length, (error, bytesRead) => {
      this.reading = false;
      if (this.over || error !== null || bytesRead < length) {
        engine.pool.give(buffer);
        if (!this.over) engine.run((nowMs) => this.readBroke(id, error, nowMs));
        return;
      }
      engine.memory.offer(id, offset, buffer.subarray(0, length));
      engine.run(() => {
        const give = (): void => engine.pool.give(buffer);
        if (this.stored(buffer.subarray(0, length), offset, give)) this.pump();
      });
    });
    return false;
  }

  /** Takes bytes that were stored. */
  private stored(bytes: Buffer, offset: number, written: (() => void) | null): boolean {
    this.bytesFromDisk += bytes.length;
    this.engine.bytesFromDisk += bytes.length;
    return this.take(bytes, offset + bytes.length, written);
  }

  private readBroke(id: number, error: Error | null, nowMs: number): void {
    const { engine, exchange } = this;
    engine.log.warn({ err: error, entry: id }, "stored bytes cannot be read; they are fetched anew");
    readFailed(engine.state, exchange, id, nowMs);
  }

  /** Hands bytes to the player or the gathering; `written` is told when their memory is not needed any more. */
  private take(bytes: Buffer, offset: number, written: (() => void) | null): boolean {
    const { engine, exchange, response } = this;
    const before = engine.state.actions.length;
    if (exchange.state !== "gathering" && response !== null) {
      this.write(response, bytes, written ?? undefined);
    } else {
      if (exchange.state === "gathering") this.gather(written === null ? bytes : Buffer.from(bytes));
      written?.();
    }
    readerAdvanced(engine.state, exchange, offset, engine.now());
    return engine.settled(exchange, before) && !this.over;
  }

  private write(response: ServerResponse, bytes: Buffer, written?: () => void): void {
    this.headOut = true;
    response.write(bytes, written);
  }

  /** Keeps bytes of what may be a playlist, and lets the core look at the first of them. */
  private gather(bytes: Buffer): void {
    const { engine, exchange } = this;
    this.gathered.push(bytes);
    this.gatheredBytes += bytes.length;
    if (!this.sniffed && this.gatheredBytes >= sniffBytes) {
      this.sniffed = true;
      const start = Buffer.concat(this.gathered).toString("latin1", 0, sniffBytes);
      gatherBegan(engine.state, exchange, start, engine.now());
    }
    if (exchange.state === "gathering" && this.gatheredBytes > engine.state.options.limits.playlistBytesMax) {
      gatherTooLarge(engine.state, exchange, engine.now());
    }
  }

  /** All was read; true when more is to be gathered before the player is answered. */
  private end(nowMs: number): boolean {
    const { engine, exchange, response } = this;
    if (exchange.state === "gathering") {
      const bytes = Buffer.concat(this.gathered).toString("latin1");
      this.gathered = [];
      this.gatheredBytes = 0;
      gatherDone(engine.state, exchange, bytes, nowMs);
      engine.drain();
      return this.gathersOn();
    }
    response?.end();
    exchangeEnded(engine.state, exchange, nowMs);
    engine.drain();
    this.finish();
    return false;
  }

  /** Whether another body is to be gathered: its pump came while this runner was at work. */
  private gathersOn(): boolean {
    return !this.over && this.exchange.state === "gathering";
  }
}
