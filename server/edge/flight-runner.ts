/**
 * Carries out one flight: asks the origin, keeps the bytes in memory that the core still needs, writes them to the
 * file, one write at a time. No promise and no copy: a chunk is the buffer that the socket filled.
 */
import { lowerAscii } from "../core/base/bytes.ts";
import type { Flight } from "../core/download/flight.ts";
import { flightShouldWrite, flightSilenceMs } from "../core/download/flight.ts";
import { isEncoded } from "../core/download/head-verdict.ts";
import { flightData, flightSettle, flightTrim } from "../core/exchange/flight-data.ts";
import { flightDone, flightWritten, pumpReaders } from "../core/exchange/flight-end.ts";
import type { OriginAnswer } from "../core/exchange/flight-head.ts";
import { flightHead, flightResigned } from "../core/exchange/flight-head.ts";
import { fieldFirst } from "../core/http/field-list.ts";
import type { Engine } from "./engine.ts";
import { loggedUrl } from "./log.ts";
import type { ContentDecoder } from "./origin-body.ts";
import { decodeContent } from "./origin-body.ts";
import type { OriginFailure, OriginHead, OriginPass, OriginTransfer } from "./origin-client.ts";
import { toldFailure } from "./origin-failure.ts";

/** Buffers in one write. */
const writeBuffersMax = 64;

export class FlightRunner {
  readonly flight: Flight;
  readonly engine: Engine;
  /** Requests sent so far: events of an earlier one are not of this flight any more. */
  private attempt = 0;
  private transfer: OriginTransfer | null = null;
  private decoder: ContentDecoder | null = null;
  /** Runs while bytes wait that are not worth a write yet. */
  private timer: NodeJS.Timeout | null = null;
  /** What came behind a head that is not judged yet: a paused origin may have sent a little more. */
  private held: (() => void)[] | null = null;
  /** Received bytes in memory, in order; `offsets` are where each begins. */
  private chunks: Buffer[] = [];
  private offsets: number[] = [];
  private first = 0;

  constructor(engine: Engine, flight: Flight) {
    this.engine = engine;
    this.flight = flight;
  }

  /** Sends the flight's current request; an earlier one is given up. */
  send(fields: string[]): void {
    this.abort();
    this.attempt += 1;
    const { attempt, engine, flight } = this;
    const { limits } = engine.state.options;
    const headSilenceMs = flightSilenceMs(flight, limits);
    this.transfer = engine.origin.start(
      { method: flight.method, url: flight.url, fields, limits, headSilenceMs, passes: this.passes() },
      {
        onHead: (head) => {
          if (attempt === this.attempt) this.onHead(head);
        },
        onData: (bytes) => {
          if (attempt !== this.attempt) return;
          if (this.held !== null) this.hold(Buffer.from(bytes));
          else if (this.decoder === null) this.onData(bytes);
          else this.decoder.feed(Buffer.from(bytes));
        },
        onDone: (failure) => {
          if (attempt !== this.attempt) return;
          if (this.held !== null) this.held.push(() => this.onDone(failure));
          else if (this.decoder === null || failure !== null) this.onDone(failure);
          else this.decoder.end();
        },
      },
    );
    if (this.flight.paused) this.transfer.pause();
  }

  private passes(): OriginPass | null {
    const { verb, asker } = this.flight;
    return verb === "" ? null : { method: verb, content: this.engine.takeContent(asker) };
  }

  /** Closes the origin's connection; nothing more is heard of it, and what it brought is written. */
  abort(): void {
    this.attempt += 1;
    this.transfer?.abort();
    this.decoder?.abort();
    this.transfer = null;
    this.decoder = null;
    this.held = null;
    this.write();
  }

  /** The origin refused the URL: what it says waits until the library's caller has another, or has none. */
  resign(answer: OriginAnswer): void {
    const { engine, flight, attempt } = this;
    this.transfer?.pause();
    this.held = [];
    engine.resign(flight.source, answer.status, (url) => {
      if (attempt !== this.attempt) return;
      const held = this.held ?? [];
      this.held = null;
      engine.run((nowMs) => flightResigned(engine.state, flight, answer, url, nowMs));
      // Sent anew, or given up.
      if (attempt !== this.attempt) return;
      if (!flight.paused) this.transfer?.resume();
      for (const event of held) event();
    });
  }

  pause(): void {
    this.transfer?.pause();
  }

  resume(): void {
    this.transfer?.resume();
  }

  /** The bytes in memory from `offset` to the end of their chunk, at most up to `end` (-1: no limit). */
  bytesAt(offset: number, end: number): Buffer {
    let at = this.chunks.length - 1;
    while (at > this.first && (this.offsets[at] ?? 0) > offset) at -= 1;
    const chunk = this.chunks[at];
    const start = this.offsets[at];
    if (chunk === undefined || start === undefined || offset < start || offset >= start + chunk.length) {
      throw new Error(`flight ${this.flight.id} holds no byte at ${offset}`);
    }
    const stop = end === -1 ? chunk.length : Math.min(chunk.length, end - start);
    return offset === start && stop === chunk.length ? chunk : chunk.subarray(offset - start, stop);
  }

  /** The flight is over. What is not written is left to the garbage collector: somebody may yet write it. */
  landed(): void {
    const { body, written, position } = this.flight;
    if (body.storing && written < position) return;
    for (let at = this.first; at < this.chunks.length; at += 1) {
      const chunk = this.chunks[at];
      if (chunk !== undefined) this.engine.readMemory.release(chunk);
    }
    this.chunks = [];
    this.offsets = [];
    this.first = 0;
  }

  /** Writes what waits for the disk: at once if that is worth a write, else with what comes within `journalMs`. */
  write(): void {
    const { flight, engine } = this;
    const { limits } = engine.state.options;
    if (flightShouldWrite(flight, limits)) this.writeNow();
    else if (flight.body.storing && flight.written < flight.position)
      this.timer ??= setTimeout(() => this.writeNow(), limits.journalMs).unref();
  }

  /** When no other write of the file is under way. */
  private writeNow(): void {
    const { flight, engine } = this;
    const body = flight.body;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (!body.storing || flight.written >= flight.position || !engine.takeWrite(body.entry.id, this)) return;
    body.onDisk = true;
    const buffers = this.buffersFrom(flight.written);
    let upTo = flight.written;
    for (const buffer of buffers) upTo += buffer.length;
    for (const buffer of buffers) engine.readMemory.hold(buffer);
    engine.files.write(body.entry.id, buffers, flight.written, (error) => {
      for (const buffer of buffers) engine.readMemory.release(buffer);
      engine.giveWrite(body.entry.id);
      if (error !== null) {
        engine.writeFailed(body, error);
        return;
      }
      engine.run((nowMs) => {
        engine.checkReserve(nowMs);
        flightWritten(engine.state, flight, upTo, nowMs);
        this.trim();
        flightSettle(engine.state, flight, nowMs);
        engine.resumeIfDue(flight);
      });
      this.write();
    });
  }

  private hold(bytes: Buffer): void {
    this.held?.push(() => this.onData(bytes));
  }

  private onHead(head: OriginHead): void {
    if (head.status === 200 && isEncoded(head.fields)) this.startDecoder(head);
    this.engine.run((nowMs) => flightHead(this.engine.state, this.flight, head, nowMs));
  }

  private onData(bytes: Buffer): void {
    const { flight, engine } = this;
    const offset = flight.position;
    const accepted = flightData(flight, bytes.length);
    if (accepted > 0) {
      engine.readMemory.hold(bytes);
      this.chunks.push(accepted === bytes.length ? bytes : bytes.subarray(0, accepted));
      this.offsets.push(offset);
      engine.bytesFromOrigin += accepted;
    }
    // The player first, the disk after: nothing waits for the disk.
    engine.runHot((nowMs) => {
      pumpReaders(engine.state, flight.body);
      engine.drain();
      this.trim();
      flightSettle(engine.state, flight, nowMs);
    });
    this.write();
  }

  private onDone(failure: OriginFailure | null): void {
    this.transfer = null;
    if (failure !== null) {
      const { log } = this.engine;
      log.debug({ flight: this.flight.id, url: loggedUrl(this.flight.url), ...failure }, "a transfer failed");
    }
    const told = failure === null ? null : toldFailure(failure);
    this.engine.run((nowMs) => flightDone(this.engine.state, this.flight, told, nowMs));
    this.write();
  }

  private startDecoder(head: OriginHead): void {
    const encoding = lowerAscii(fieldFirst(head.fields, "content-encoding") ?? "");
    const attempt = this.attempt;
    this.decoder = decodeContent(encoding, this.engine.state.options.limits.playlistBytesMax, {
      onData: (bytes) => {
        if (attempt === this.attempt) this.onData(bytes);
      },
      onDone: (failure) => {
        if (attempt === this.attempt) this.onDone(failure);
      },
    });
  }

  /** Lets go of chunks that neither the disk nor a reader needs in memory. */
  private trim(): void {
    const floor = flightTrim(this.engine.state, this.flight);
    while (this.first < this.chunks.length) {
      const chunk = this.chunks[this.first];
      const start = this.offsets[this.first];
      if (chunk === undefined || start === undefined || start + chunk.length > floor) break;
      this.engine.readMemory.release(chunk);
      this.first += 1;
    }
    if (this.first === this.chunks.length || this.first >= 64) {
      this.chunks.splice(0, this.first);
      this.offsets.splice(0, this.first);
      this.first = 0;
    }
  }

  private buffersFrom(offset: number): Buffer[] {
    const buffers: Buffer[] = [];
    let at = this.first;
    while (at < this.chunks.length && buffers.length < writeBuffersMax) {
      const chunk = this.chunks[at];
      const start = this.offsets[at];
      if (chunk === undefined || start === undefined) break;
      if (start >= offset) buffers.push(chunk);
      else if (start + chunk.length > offset) buffers.push(chunk.subarray(offset - start));
      at += 1;
    }
    return buffers;
  }
}
