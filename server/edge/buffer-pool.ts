/**
 * Buffers of one size for positional reads, used again and again: allocating 256 KiB a read costs more in garbage
 * than the read itself.
 */
import assert from "node:assert";

/** Counts for the statistics, in buffers. */
export type BufferPoolCounts = { taken: number; kept: number; made: number };

export class BufferPool {
  /** Size of each buffer, in bytes. */
  readonly pieceBytes: number;
  readonly #keptMax: number;
  readonly #kept: Buffer[] = [];
  readonly #taken = new Set<Buffer>();
  #made = 0;

  /** `pieceBytes` a buffer; at most `keptMax` unused ones are kept, the others go to the garbage collector. */
  constructor(pieceBytes: number, keptMax: number) {
    assert(pieceBytes > 0, "a pooled buffer has a size");
    this.pieceBytes = pieceBytes;
    this.#keptMax = keptMax;
  }

  /** A buffer of `pieceBytes` with arbitrary content, the taker's until given back. */
  take(): Buffer {
    let buffer = this.#kept.pop();
    if (buffer === undefined) {
      // The slow variant has memory of its own, where allocUnsafe would cut small sizes from Node's shared slab.
      buffer = Buffer.allocUnsafeSlow(this.pieceBytes);
      this.#made += 1;
    }
    this.#taken.add(buffer);
    return buffer;
  }

  /** Gives a taken buffer back. Giving twice, or giving another buffer, is a programmer's error. */
  give(buffer: Buffer): void {
    // R-DISK-9
    assert(this.#taken.delete(buffer), "a buffer is given back once, and only by who took it");
    if (this.#kept.length < this.#keptMax) this.#kept.push(buffer);
  }

  /** Leaves the unused buffers to the garbage collector. */
  trim(): void {
    this.#kept.length = 0;
  }

  counts(): BufferPoolCounts {
    return { taken: this.#taken.size, kept: this.#kept.length, made: this.#made };
  }
}
