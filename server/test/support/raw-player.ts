/**
 * A player on a bare socket: it sends exactly the bytes it is given and reads the answer with a parser that forgives
 * nothing. Whatever a lenient client would hide (a second Content-Length, a chunk size with a space, bytes after the
 * end of the body) is a `WireFault` here, and the test that sees it fails.
 *
 * Reading is pulled: the socket is read only while somebody waits for bytes, so that a player which stops pulling is a
 * slow player to the proxy, with real TCP back-pressure (the socket's own 64 KiB buffer aside).
 */
import { connect, type Socket } from "node:net";
import { resetSocket } from "./socket-reset.ts";

/** The response broke a rule of RFC 9112, or one that the proxy promises. */
export class WireFault extends Error {}

/** The connection ended before the response's framing did: what a player sees as a failed transfer. */
export class WireCut extends Error {
  readonly received: Buffer;
  constructor(message: string, received: Buffer) {
    super(message);
    this.received = received;
  }
}

export type WireFraming =
  | { kind: "length"; bytes: number }
  | { kind: "chunked" }
  | { kind: "close" }
  | { kind: "none" };

export type WireHead = {
  /** The head exactly as received, one char per byte, with its empty line. */
  text: string;
  version: string;
  status: number;
  reason: string;
  /** Flat list: name, value, name, value; order and case as received. */
  fields: string[];
  framing: WireFraming;
  /** `performance.now()` when the head's last byte was parsed. */
  at: number;
};

export type WireResponse = WireHead & {
  body: Buffer;
  /** `performance.now()` of the first body byte; -1 without a body. */
  firstBodyAt: number;
  /** `performance.now()` when the framing was complete. */
  doneAt: number;
};

/** What `ask` sends: a target, or the exact bytes of a whole request. */
export type Ask = { method?: string; fields?: string[]; host?: string; version?: string; close?: boolean };

const headBytesMax = 65_536;
const patienceMs = 10_000;

/** The value of the only field of that name (lower case), or null. */
export function field(head: { fields: string[] }, lowerName: string): string | null {
  for (let at = 0; at < head.fields.length; at += 2) {
    if (head.fields[at]?.toLowerCase() === lowerName) return head.fields[at + 1] ?? null;
  }
  return null;
}

/** The text of a request with the fields of a well-behaved player. */
export function requestText(port: number, target: string, ask: Ask): string {
  const lines = [
    `${ask.method ?? "GET"} ${target} HTTP/${ask.version ?? "1.1"}`,
    `Host: ${ask.host ?? `127.0.0.1:${port}`}`,
  ];
  const extra = ask.fields ?? [];
  for (let at = 0; at < extra.length; at += 2) lines.push(`${extra[at]}: ${extra[at + 1]}`);
  if (ask.close === true) lines.push("Connection: close");
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** One connection, one request, the whole response; the connection is closed afterwards. */
export async function askOnce(port: number, target: string, ask: Ask = {}): Promise<WireResponse> {
  const player = await RawPlayer.connect(port);
  try {
    return await player.ask(target, ask);
  } finally {
    player.abort();
  }
}

/** One connection, exact request bytes, the whole response, then the proxy's end of the connection. */
export async function sendOnce(port: number, bytes: string, method = "GET"): Promise<WireResponse> {
  const player = await RawPlayer.connect(port);
  try {
    player.send(bytes);
    return await player.response(method);
  } finally {
    player.abort();
  }
}

export class RawPlayer {
  readonly port: number;
  private readonly socket: Socket;
  private buffered: Buffer = Buffer.alloc(0);
  private ended = false;
  private failure: Error | null = null;
  private wake: (() => void) | null = null;
  private framing: WireFraming = { kind: "none" };
  private left = 0;
  private bodyDone = true;

  private constructor(port: number, socket: Socket) {
    this.port = port;
    this.socket = socket;
    socket.on("readable", () => this.wake?.());
    socket.on("end", () => {
      this.ended = true;
      this.wake?.();
    });
    socket.on("error", (error) => {
      this.failure = error;
      this.wake?.();
    });
    socket.on("close", () => {
      this.ended = true;
      this.wake?.();
    });
  }

  static connect(port: number): Promise<RawPlayer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        resolve(new RawPlayer(port, socket));
      });
    });
  }

  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  /** Exactly these bytes, one char per byte. */
  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Half-closes: the player has nothing more to say. */
  finish(): void {
    this.socket.end();
  }

  /** Leaves at once, whatever is under way. */
  abort(): void {
    this.socket.destroy();
  }

  /** Leaves with RST, as a killed app does; once the proxy has ended the connection, plainly. */
  reset(): void {
    resetSocket(this.socket);
  }

  /** A request with a player's fields and its whole response. */
  async ask(target: string, ask: Ask = {}): Promise<WireResponse> {
    this.send(requestText(this.port, target, ask));
    return this.response(ask.method ?? "GET");
  }

  /** A request of which only the head is awaited; the body is then pulled with `take`, `piece` or `rest`. */
  async open(target: string, ask: Ask = {}): Promise<WireHead> {
    this.send(requestText(this.port, target, ask));
    return this.head(ask.method ?? "GET");
  }

  /** The next response, complete, and nothing after it. */
  async response(method = "GET"): Promise<WireResponse> {
    const head = await this.head(method);
    const first = await this.piece();
    const firstBodyAt = first === null ? -1 : performance.now();
    const body = first === null ? Buffer.alloc(0) : Buffer.concat([first, await this.rest(first)]);
    if (this.buffered.length > 0) throw new WireFault(`bytes after the response: ${printable(this.buffered)}`);
    return { ...head, body, firstBodyAt, doneAt: performance.now() };
  }

  /** The next response head, checked. */
  async head(method = "GET"): Promise<WireHead> {
    if (!this.bodyDone) throw new Error("the last response's body has not been read");
    let end = this.buffered.indexOf("\r\n\r\n");
    while (end < 0) {
      if (this.buffered.length > headBytesMax) throw new WireFault("the response head does not end");
      if (!(await this.more())) throw new WireCut(`no response head: ${printable(this.buffered)}`, this.buffered);
      end = this.buffered.indexOf("\r\n\r\n");
    }
    const text = this.buffered.toString("latin1", 0, end + 4);
    this.buffered = this.buffered.subarray(end + 4);
    const head = parseHead(text, method);
    this.framing = head.framing;
    this.left = head.framing.kind === "length" ? head.framing.bytes : 0;
    this.bodyDone = head.framing.kind === "none" || (head.framing.kind === "length" && head.framing.bytes === 0);
    return head;
  }

  /** The next body bytes as they come (at most 64 KiB at a time), null once the framing is complete. */
  async piece(): Promise<Buffer | null> {
    if (this.bodyDone) return null;
    if (this.framing.kind === "chunked") return this.chunkedPiece();
    while (this.buffered.length === 0) {
      if (await this.more()) continue;
      if (this.framing.kind === "close" && this.failure === null) {
        this.bodyDone = true;
        return null;
      }
      throw new WireCut(
        `cut with ${this.left} body bytes missing (${this.failure?.message ?? "end"})`,
        Buffer.alloc(0),
      );
    }
    if (this.framing.kind === "close") return this.shift(this.buffered.length);
    const bytes = this.shift(Math.min(this.left, this.buffered.length));
    this.left -= bytes.length;
    if (this.left === 0) this.bodyDone = true;
    return bytes;
  }

  /** At least `count` body bytes (pieces are not split), or fewer when the body ends before. */
  async take(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let have = 0;
    while (have < count) {
      const piece = await this.pieceAfter(pieces);
      if (piece === null) break;
      pieces.push(piece);
      have += piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Everything to the end of the body. A cut carries all that was received, `before` included. */
  async rest(before: Buffer = Buffer.alloc(0)): Promise<Buffer> {
    const pieces: Buffer[] = [before];
    for (;;) {
      const piece = await this.pieceAfter(pieces);
      if (piece === null) return Buffer.concat(pieces.slice(1));
      pieces.push(piece);
    }
  }

  /** Resolves when the proxy has closed the connection; bytes that come before that are a fault. */
  async closed(): Promise<void> {
    if (this.buffered.length > 0 || (await this.more())) {
      throw new WireFault(`bytes instead of the end: ${printable(this.buffered)}`);
    }
  }

  private async pieceAfter(pieces: Buffer[]): Promise<Buffer | null> {
    try {
      return await this.piece();
    } catch (error) {
      if (error instanceof WireCut) throw new WireCut(error.message, Buffer.concat(pieces));
      throw error;
    }
  }

  private async chunkedPiece(): Promise<Buffer | null> {
    if (this.left === 0) {
      const line = await this.chunkLine();
      if (!/^[0-9a-fA-F]{1,8}$/.test(line))
        throw new WireFault(`chunk size: ${printable(Buffer.from(line, "latin1"))}`);
      this.left = Number.parseInt(line, 16);
      if (this.left === 0) {
        if ((await this.chunkLine()) !== "") throw new WireFault("trailer fields after the last chunk");
        this.bodyDone = true;
        return null;
      }
    }
    while (this.buffered.length === 0) {
      if (!(await this.more()))
        throw new WireCut(`cut inside a chunk (${this.failure?.message ?? "end"})`, Buffer.alloc(0));
    }
    const bytes = this.shift(Math.min(this.left, this.buffered.length));
    this.left -= bytes.length;
    if (this.left === 0 && (await this.chunkLine()) !== "") throw new WireFault("no CRLF after a chunk");
    return bytes;
  }

  private async chunkLine(): Promise<string> {
    let end = this.buffered.indexOf("\r\n");
    while (end < 0) {
      if (this.buffered.length > 64) throw new WireFault(`chunk line: ${printable(this.buffered)}`);
      if (!(await this.more()))
        throw new WireCut(`cut between chunks (${this.failure?.message ?? "end"})`, Buffer.alloc(0));
      end = this.buffered.indexOf("\r\n");
    }
    const line = this.buffered.toString("latin1", 0, end);
    this.buffered = this.buffered.subarray(end + 2);
    return line;
  }

  private shift(count: number): Buffer {
    const bytes = this.buffered.subarray(0, count);
    this.buffered = this.buffered.subarray(count);
    return bytes;
  }

  /** Waits for more bytes; false at the end of the connection. */
  private async more(): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const bytes: Buffer | null = this.socket.read();
      if (bytes !== null) {
        this.buffered = this.buffered.length === 0 ? bytes : Buffer.concat([this.buffered, bytes]);
        return true;
      }
      if (this.ended || this.failure !== null) return false;
      if (performance.now() > deadline) throw new WireFault(`nothing arrived for ${patienceMs} ms`);
      await this.event(deadline - performance.now());
    }
  }

  private event(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake?.(), Math.max(1, withinMs));
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }
}

/** Parses a head and holds it against RFC 9112 and the proxy's own promises. Throws `WireFault`. */
export function parseHead(text: string, method: string): WireHead {
  const lines = text.slice(0, -4).split("\r\n");
  const status = /^(HTTP\/1\.[01]) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)$/.exec(lines[0] ?? "");
  if (status === null) throw new WireFault(`status line: ${JSON.stringify(lines[0])}`);
  const fields: string[] = [];
  for (const line of lines.slice(1)) {
    const parts =
      /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)$/.exec(
        line,
      );
    if (parts === null) throw new WireFault(`field line: ${JSON.stringify(line)}`);
    fields.push(parts[1] ?? "", parts[2] ?? "");
  }
  const code = Number(status[2]);
  checkFields(fields, code);
  return {
    text,
    version: status[1] ?? "",
    status: code,
    reason: status[3] ?? "",
    fields,
    framing: framingOf(fields, code, method),
    at: performance.now(),
  };
}

function checkFields(fields: string[], status: number): void {
  const seen = new Set<string>();
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? "").toLowerCase();
    if (seen.has(name) && name !== "set-cookie") throw new WireFault(`field twice: ${name}`);
    seen.add(name);
    if (["keep-alive", "proxy-connection", "upgrade", "te", "trailer", "content-encoding"].includes(name)) {
      throw new WireFault(`field that must not be here: ${name}: ${fields[at + 1]}`);
    }
  }
  if (seen.has("content-length") && seen.has("transfer-encoding")) throw new WireFault("two framings");
  if (status !== 206) return;
  // AVPlayer refuses a 206 that is chunked or whose Content-Range does not say exactly what follows.
  const range = /^bytes (0|[1-9][0-9]*)-(0|[1-9][0-9]*)\/(0|[1-9][0-9]*)$/.exec(
    field({ fields }, "content-range") ?? "",
  );
  if (range === null) throw new WireFault(`206 with Content-Range ${field({ fields }, "content-range")}`);
  const [first, last, total] = [Number(range[1]), Number(range[2]), Number(range[3])];
  if (first > last || last >= total) throw new WireFault(`206 with Content-Range ${range[0]}`);
  if (field({ fields }, "content-length") !== String(last - first + 1))
    throw new WireFault("206 whose length is not its range's");
}

function framingOf(fields: string[], status: number, method: string): WireFraming {
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) return { kind: "none" };
  const coding = field({ fields }, "transfer-encoding");
  if (coding !== null) {
    if (coding !== "chunked") throw new WireFault(`Transfer-Encoding: ${coding}`);
    return { kind: "chunked" };
  }
  const length = field({ fields }, "content-length");
  if (length === null) return { kind: "close" };
  if (!/^(0|[1-9][0-9]*)$/.test(length)) throw new WireFault(`Content-Length: ${length}`);
  return { kind: "length", bytes: Number(length) };
}

function printable(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1", 0, 200));
}
