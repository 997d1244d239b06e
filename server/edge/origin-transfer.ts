/**
 * One transfer from an origin: a request, its response, at most one retry; the machine between the HTTP library's
 * callbacks and the three events of the caller.
 */
import { pipeline, type Readable, Transform } from "node:stream";
import type { Dispatcher } from "undici";
import type { Limits } from "../core/base/limits.ts";
import { isConnectionLoss, OriginError, type OriginFailure, originFailure } from "./origin-failure.ts";
import { hasPaddedFraming, type OriginHead, originFields, originFraming, originReason } from "./origin-head.ts";
import { isUsable, type OriginConnection, type OriginPool } from "./origin-pool.ts";

/** What is asked, in the parts that go on the wire. */
export type OriginCall = {
  method: "GET" | "HEAD";
  /** `scheme://host:port`, lower case: the pool's key. */
  key: string;
  /** The value of Host: the URL's authority. */
  host: string;
  /** The request target in origin form. */
  target: string;
  /** Names and values, flat, latin1. */
  fields: string[];
  limits: Limits;
  headSilenceMs: number;
  passes: OriginPass | null;
};

/** A request that passes through: its own method, and its content, null for none. Its response is like one to GET. */
export type OriginPass = { method: string; content: Readable | null };

/** What the caller hears: at most one head, then bytes, then exactly one done; nothing after an abort. */
export type OriginEvents = {
  onHead(head: OriginHead): void;
  /** The bytes are as they are until this returns, and longer if their memory is held (`ReadMemory`). */
  onData(bytes: Buffer): void;
  onDone(failure: OriginFailure | null): void;
};

/** What the caller can do meanwhile. All calls are harmless once the transfer is over. */
export type OriginTransfer = {
  /** Stops reading; what was already read (one piece) may still arrive. */
  pause(): void;
  resume(): void;
  /** Closes the connection at once; no event follows. */
  abort(): void;
};

export class OriginRun implements OriginTransfer {
  finished = false;
  private call: OriginCall;
  private events: OriginEvents;
  private pool: OriginPool;
  private onFinished: (run: OriginRun) => void;
  private attempt: Attempt | null = null;
  private retried = false;
  private paused = false;
  private head: OriginHead | null = null;
  private bodyLength = -1;
  private received = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(call: OriginCall, events: OriginEvents, pool: OriginPool, onFinished: (run: OriginRun) => void) {
    this.call = call;
    this.events = events;
    this.pool = pool;
    this.onFinished = onFinished;
  }

  /** Sends the request on an idle connection, or a new one. */
  begin(): void {
    if (this.finished) return;
    if (this.call.passes !== null) {
      // R-PASS-2: what may have reached an origin is not sent again, so that no connection is taken that may be gone.
      this.dispatch(this.pool.open(this.call.key, this.call.limits.connectMs));
      return;
    }
    const connection = this.pool.take(this.call.key, this.call.limits.connectMs);
    if (connection.link.turns === 0) this.dispatch(connection);
    else setImmediate(() => this.dispatchIdle(connection));
  }

  pause(): void {
    if (this.finished || this.head?.framing === "none") return;
    // R-ORIGIN-19
    this.paused = true;
    this.attempt?.controller?.pause();
    // R-ORIGIN-10
    if (this.head !== null) clearTimeout(this.timer);
  }

  resume(): void {
    if (this.finished || !this.paused) return;
    this.paused = false;
    // Later: the library's parser is one for all connections and may not be entered while it is running.
    queueMicrotask(() => {
      if (this.finished || this.paused) return;
      if (this.head !== null) this.watch("body", this.call.limits.bodySilenceMs);
      this.attempt?.controller?.resume();
    });
  }

  abort(): void {
    if (this.finished) return;
    // R-ORIGIN-20
    this.finish();
    if (this.attempt !== null) this.pool.discard(this.attempt.connection);
  }

  /** Ends the transfer with a failure and closes its connection. */
  fail(failure: OriginFailure): void {
    if (this.finished) return;
    this.finish();
    if (this.attempt !== null) this.pool.discard(this.attempt.connection);
    this.events.onDone(failure);
  }

  /** The request is being written. */
  sent(attempt: Attempt): void {
    if (this.attempt !== attempt || this.finished) return;
    if (this.paused) attempt.controller?.pause();
    // R-ORIGIN-10
    this.watch("head", this.call.headSilenceMs);
  }

  headed(attempt: Attempt, status: number, statusText: string, raw: (Buffer | string)[]): void {
    if (this.attempt !== attempt || this.finished) return;
    // R-ORIGIN-5
    if (status < 200 && status !== 101) return;
    const fields = originFields(raw);
    const framing = originFraming(this.call.method, status, fields);
    // R-ORIGIN-13
    const fault = hasPaddedFraming(raw) ? "white space behind a framing field" : framing.fault;
    if (fault !== "") {
      this.fail({ code: "upstream-protocol", detail: fault });
      return;
    }
    this.head = { status, reason: originReason(statusText), fields, framing: framing.framing };
    this.bodyLength = framing.framing === "length" ? framing.length : -1;
    if (framing.framing === "none") {
      // R-ORIGIN-11
      this.paused = false;
      attempt.controller?.resume();
    }
    clearTimeout(this.timer);
    if (!this.paused) this.watch("body", this.call.limits.bodySilenceMs);
    this.events.onHead(this.head);
  }

  data(attempt: Attempt, bytes: Buffer): void {
    // The library sends an empty piece after each resume: passed on, it would make a careful caller pause again.
    if (this.attempt !== attempt || this.finished || bytes.length === 0) return;
    this.received += bytes.length;
    if (!this.paused) this.timer?.refresh();
    this.events.onData(bytes);
  }

  ended(attempt: Attempt): void {
    if (this.attempt !== attempt || this.finished) return;
    // R-ORIGIN-14
    if (this.bodyLength >= 0 && this.received !== this.bodyLength) {
      this.fail({ code: "upstream-truncated", detail: `${this.received} of ${this.bodyLength} bytes` });
      return;
    }
    const broken = attempt.connection.link.error;
    // R-ORIGIN-15: the library takes a reset for the orderly end of a body that ends with its connection.
    if (this.head?.framing === "close" && broken !== null) {
      this.fail({ code: "upstream-truncated", detail: broken.message });
      return;
    }
    this.finish();
    // Later: only then the library has decided whether the connection stays open.
    queueMicrotask(() => this.pool.release(attempt.connection));
    this.events.onDone(null);
  }

  failed(attempt: Attempt, error: unknown): void {
    if (this.attempt !== attempt || this.finished) return;
    // R-ORIGIN-4
    if (!this.retried && attempt.reused && !attempt.answered && isConnectionLoss(error)) {
      this.retried = true;
      clearTimeout(this.timer);
      this.pool.discard(attempt.connection);
      this.attempt = null;
      queueMicrotask(() => {
        if (!this.finished) this.dispatch(this.pool.open(this.call.key, this.call.limits.connectMs));
      });
      return;
    }
    this.fail(originFailure(error, this.head !== null));
  }

  private dispatch(connection: OriginConnection): void {
    const attempt = new Attempt(this, connection);
    this.attempt = attempt;
    const { method, passes, target, host, fields } = this.call;
    const headers = ["host", host, ...fields];
    if (passes === null) {
      connection.client.dispatch({ method, path: target, headers }, attempt);
      return;
    }
    const body = passes.content === null ? null : this.metered(passes.content);
    connection.client.dispatch({ method: passes.method, path: target, headers, body, reset: true }, attempt);
  }

  /** The content, each piece of which shows that the request goes on. */
  private metered(content: Readable): Readable {
    const { limits } = this.call;
    const meter = new Transform({
      transform: (piece, _encoding, done) => {
        // R-PASS-2
        if (!this.finished && this.head === null) this.watch("head", limits.headSilenceMs);
        done(null, piece);
      },
    });
    pipeline(content, meter, () => undefined);
    return meter;
  }

  /**
   * R-ORIGIN-21: goes on after a turn of the event loop (the library waits for another one), so that bytes or an end
   * already waiting in the kernel are seen while the connection is idle: stray bytes must not answer this request.
   */
  private dispatchIdle(connection: OriginConnection): void {
    if (this.finished) {
      this.pool.release(connection);
    } else if (isUsable(connection)) {
      this.dispatch(connection);
    } else {
      this.pool.discard(connection);
      this.dispatch(this.pool.open(this.call.key, this.call.limits.connectMs));
    }
  }

  private watch(part: "head" | "body", silenceMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.fail({ code: "upstream-timeout", detail: `no ${part} for ${silenceMs} ms` }),
      silenceMs,
    );
  }

  private finish(): void {
    this.finished = true;
    clearTimeout(this.timer);
    this.onFinished(this);
  }
}

/** One try on one connection: hands the library's callbacks to the run, which ignores those of an earlier try. */
class Attempt implements Dispatcher.DispatchHandler {
  connection: OriginConnection;
  controller: Dispatcher.DispatchController | null = null;
  /** Whether the request went (or was about to go) onto a connection that had served another one. */
  reused: boolean;
  /** Whether any byte of a response arrived. */
  answered = false;
  private run: OriginRun;

  constructor(run: OriginRun, connection: OriginConnection) {
    this.run = run;
    this.connection = connection;
    this.reused = connection.link.turns > 0;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.connection.link.turns += 1;
    // The library reconnects by itself when the connection ended before the request was written.
    this.reused = this.connection.link.turns > 1;
    this.run.sent(this);
    if (this.run.finished) controller.abort(new OriginError("stopping", "given up before it was sent"));
  }

  onResponseStarted(): void {
    this.answered = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _fields: unknown, reason?: string): void {
    this.run.headed(this, status, reason ?? "", rawFields(controller));
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    this.run.data(this, bytes);
  }

  onResponseEnd(): void {
    this.run.ended(this);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.run.failed(this, error);
  }
}

/** The library types the raw fields more widely than HTTP/1.1 ever gives them: a flat list of byte buffers. */
function rawFields(controller: Dispatcher.DispatchController): (Buffer | string)[] {
  const raw: unknown = controller.rawHeaders;
  return Array.isArray(raw) ? raw : [];
}
