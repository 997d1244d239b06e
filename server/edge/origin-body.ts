/**
 * Decodes a content coding (RFC 9110 section 8.4.1) of a playlist: streaming, with a bound on the output.
 *
 * Media is asked for without a coding; only playlists travel compressed, and they are rewritten as text.
 */
import type zlib from "node:zlib";
import type { OriginFailure } from "./origin-failure.ts";

/** What the caller hears: bytes, then exactly one done; nothing after an abort. */
export type DecoderEvents = {
  onData(bytes: Buffer): void;
  /** Null, `upstream-protocol` for corrupt bytes or an unknown coding, `playlist-too-large` beyond the bound. */
  onDone(failure: OriginFailure | null): void;
};

export type ContentDecoder = {
  feed(bytes: Buffer): void;
  /** No more bytes come; `onDone` follows, later. */
  end(): void;
  abort(): void;
};

/** A decoder for one body; `encoding` is the value of Content-Encoding ("" for none), `maxBytes` bounds the output. */
export function decodeContent(encoding: string, maxBytes: number, events: DecoderEvents): ContentDecoder {
  return new BoundedDecoder(encoding.toLowerCase(), maxBytes, events);
}

/** What a coding may add to bytes that it cannot compress. */
const codingOverheadBytes = 65_536;

type ZlibStream = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress;

class BoundedDecoder implements ContentDecoder {
  private encoding: string;
  private maxBytes: number;
  private events: DecoderEvents;
  private stream: ZlibStream | null = null;
  private waiting: Buffer[] = [];
  private fed = 0;
  private decoded = 0;
  private finished = false;

  constructor(encoding: string, maxBytes: number, events: DecoderEvents) {
    this.encoding = encoding;
    this.maxBytes = maxBytes;
    this.events = events;
  }

  feed(bytes: Buffer): void {
    if (this.finished || bytes.length === 0) return;
    this.fed += bytes.length;
    // R-ORIGIN-18: what is not decoded yet waits in memory, so the input is bounded too.
    if (this.fed > this.maxBytes + codingOverheadBytes) {
      queueMicrotask(() => this.finish(this.tooLarge()));
      return;
    }
    if (isIdentity(this.encoding)) this.take(bytes);
    else if (this.stream !== null) this.stream.write(bytes);
    else this.begin(bytes, false);
  }

  end(): void {
    if (this.finished) return;
    if (isIdentity(this.encoding)) queueMicrotask(() => this.finish(null));
    else if (this.stream !== null) this.stream.end();
    else this.begin(Buffer.alloc(0), true);
  }

  abort(): void {
    this.finished = true;
    this.stream?.destroy();
  }

  /** Opens the stream once its first two bytes are known: "deflate" comes with and without the zlib wrapper. */
  private begin(bytes: Buffer, last: boolean): void {
    this.waiting.push(bytes);
    const head = Buffer.concat(this.waiting);
    // An empty body has no coding to undo; origins send that with HEAD-like answers and empty files.
    if (last && head.length === 0) {
      queueMicrotask(() => this.finish(null));
      return;
    }
    if (!last && head.length < 2) return;
    this.waiting = [];
    const stream = decoderStream(this.encoding, head);
    if (stream === null) {
      // R-ORIGIN-17
      queueMicrotask(() => this.finish({ code: "upstream-protocol", detail: "an unknown content coding" }));
      return;
    }
    this.stream = stream;
    stream.on("data", (piece: Buffer) => this.take(piece));
    stream.on("end", () => this.finish(null));
    // R-ORIGIN-17
    stream.on("error", (error) => this.finish({ code: "upstream-protocol", detail: error.message }));
    stream.write(head);
    if (last) stream.end();
  }

  private take(bytes: Buffer): void {
    if (this.finished) return;
    this.decoded += bytes.length;
    // R-ORIGIN-18
    if (this.decoded > this.maxBytes) {
      this.finish(this.tooLarge());
      return;
    }
    this.events.onData(bytes);
  }

  private tooLarge(): OriginFailure {
    return { code: "playlist-too-large", detail: `more than ${this.maxBytes} bytes` };
  }

  private finish(failure: OriginFailure | null): void {
    if (this.finished) return;
    this.finished = true;
    this.stream?.destroy();
    this.events.onDone(failure);
  }
}

function decoderStream(encoding: string, head: Buffer): ZlibStream | null {
  const zlib = process.getBuiltinModule("node:zlib");
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip();
    case "br":
      return zlib.createBrotliDecompress();
    case "deflate":
      return isZlibHeader(head) ? zlib.createInflate() : zlib.createInflateRaw();
    default:
      return null;
  }
}

function isIdentity(encoding: string): boolean {
  return encoding === "" || encoding === "identity";
}

/** RFC 1950 section 2.2: method 8, and the first two bytes a multiple of 31. */
function isZlibHeader(head: Buffer): boolean {
  const first = head[0] ?? 0;
  const second = head[1] ?? 0;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
