/**
 * Stored bytes that players ask for again, kept in memory: a replay costs no read. A piece is what one read brought;
 * pieces of an entry never overlap. The bytes of an entry never change and its id is never used again, so a piece is
 * right for as long as its entry lives.
 */
import assert from "node:assert";

export type MemoryTierOptions = {
  /** Bytes held at most; 0 holds nothing. */
  bytesMax: number;
  /** Time without a use after which everything is let go, in milliseconds: an idle proxy is a small one. */
  idleMs: number;
};

/** Counts for the statistics. */
export type MemoryTierCounts = { pieces: number; bytes: number; hits: number; reads: number };

/** Bytes of an entry from `start` on; `turn` is its last use. */
type Piece = { id: number; start: number; bytes: Buffer; turn: number };

/** Reads that are remembered though their bytes are not held. */
const seenMax = 8_192;
/** What a piece costs besides its bytes, in bytes. */
const pieceOverheadBytes = 256;
/** Of pieces above this size, in bytes, one in so many makes room for itself. */
const largeBytes = 65_536;
const largeTurns = 8;

export class MemoryTier {
  readonly #options: MemoryTierOptions;
  /** Pieces of an entry, by start. */
  readonly #entries = new Map<number, Piece[]>();
  /** All pieces, the least recently used first. */
  readonly #order = new Set<Piece>();
  /** When what is not held was read last, in turns; the longest ago first. */
  readonly #seen = new Map<string, number>();
  #bytes = 0;
  /** Counts large pieces for which there was no room. */
  #large = 0;
  /** Counts uses. */
  #turn = 0;
  #idleTurn = 0;
  #timer: NodeJS.Timeout | null = null;
  #hits = 0;
  #reads = 0;

  constructor(options: MemoryTierOptions) {
    this.#options = options;
  }

  /** The bytes held from `offset` on, to the end of their piece or to `end`; null when there are none. Not to be changed. */
  get(id: number, offset: number, end: number): Buffer | null {
    const pieces = this.#entries.get(id);
    const piece = pieces === undefined ? undefined : pieces[placeAfter(pieces, offset) - 1];
    if (piece === undefined || offset >= piece.start + piece.bytes.length) return null;
    this.#turn += 1;
    this.#hits += 1;
    piece.turn = this.#turn;
    this.#order.delete(piece);
    this.#order.add(piece);
    const { start, bytes } = piece;
    return offset === start && end - start >= bytes.length ? bytes : bytes.subarray(offset - start, end - start);
  }

  /** Where a read from `offset` on need not go beyond: the start of the next piece, or `end`. */
  readEnd(id: number, offset: number, end: number): number {
    const pieces = this.#entries.get(id);
    const next = pieces === undefined ? undefined : pieces[placeAfter(pieces, offset)];
    return next === undefined ? end : Math.min(end, next.start);
  }

  /**
   * Tells of bytes that were read. They are copied and kept when they are read for the second time, and sooner after
   * the first than the bytes that would have to go for them were last used: one long pass through more than there is
   * room for must not wash out all the rest.
   */
  offer(id: number, start: number, bytes: Buffer): void {
    if (bytes.length === 0 || bytes.length + pieceOverheadBytes > this.#options.bytesMax) return;
    this.#turn += 1;
    this.#reads += 1;
    const key = `${id}:${start}`;
    const before = this.#seen.get(key);
    if (before !== undefined) this.#seen.delete(key);
    if (before === undefined || !this.#makeRoom(bytes.length + pieceOverheadBytes, before)) {
      this.#seen.set(key, this.#turn);
      if (this.#seen.size > seenMax) for (const oldest of this.#seen.keys()) return void this.#seen.delete(oldest);
      return;
    }
    this.#keep(id, start, bytes);
  }

  /** Forgets an entry. */
  drop(id: number): void {
    for (const piece of this.#entries.get(id)?.slice() ?? []) this.#forget(piece);
  }

  /** Forgets everything. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#entries.clear();
    this.#order.clear();
    this.#seen.clear();
    this.#bytes = 0;
  }

  counts(): MemoryTierCounts {
    return { pieces: this.#order.size, bytes: this.#bytes, hits: this.#hits, reads: this.#reads };
  }

  #keep(id: number, start: number, bytes: Buffer): void {
    const pieces = this.#entries.get(id) ?? [];
    const place = placeAfter(pieces, start);
    const before = pieces[place - 1];
    const next = pieces[place];
    // Two players may have read the same bytes at once.
    if (before !== undefined && before.start + before.bytes.length > start) return;
    if (next !== undefined && next.start < start + bytes.length) return;
    // Memory of its own: the slab that small buffers share would stay as long as any of them.
    const copy = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(copy);
    const piece = { id, start, bytes: copy, turn: this.#turn };
    pieces.splice(place, 0, piece);
    this.#entries.set(id, pieces);
    this.#order.add(piece);
    this.#bytes += copy.length + pieceOverheadBytes;
    this.#watch();
  }

  /** Whether `bytes` more may be held, at the price of pieces that were not used since the turn `since`. */
  #makeRoom(bytes: number, since: number): boolean {
    if (this.#bytes + bytes > this.#options.bytesMax && bytes > largeBytes) {
      // Bringing in a large piece costs more than a hit of it saves: what changes all the time changes slowly here.
      this.#large = (this.#large + 1) % largeTurns;
      if (this.#large !== 0) return false;
    }
    while (this.#bytes + bytes > this.#options.bytesMax) {
      const [oldest] = this.#order;
      if (oldest === undefined || oldest.turn >= since) return false;
      this.#forget(oldest);
    }
    return true;
  }

  #forget(piece: Piece): void {
    const pieces = this.#entries.get(piece.id) ?? [];
    const place = pieces.indexOf(piece);
    assert(place !== -1, "a piece that is held belongs to an entry");
    pieces.splice(place, 1);
    if (pieces.length === 0) this.#entries.delete(piece.id);
    this.#order.delete(piece);
    this.#bytes -= piece.bytes.length + pieceOverheadBytes;
  }

  /** Looks after a while whether anything was used; runs only while something is held. */
  #watch(): void {
    if (this.#timer !== null) return;
    this.#idleTurn = this.#turn;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#turn === this.#idleTurn) this.clear();
      else this.#watch();
    }, this.#options.idleMs).unref();
  }
}

/** Place of the first piece that starts behind `offset`. */
function placeAfter(pieces: Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
