/**
 * Memory that connections to origins read into, used again and again: what a miss brings would otherwise be garbage
 * outside of the heap, and collecting it costs more than moving the bytes. A block is free again when nobody holds it
 * any more. Forgetting to let go costs a block, which the garbage collector then takes; letting go twice asserts.
 */
import assert from "node:assert";

/** Counts for the statistics, in blocks. */
export type ReadMemoryCounts = { held: number; kept: number; made: number };

type Block = { memory: Buffer; holds: number };

export class ReadMemory {
  readonly #blockBytes: number;
  readonly #keptMax: number;
  readonly #kept: Block[] = [];
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>();
  #held = 0;
  #made = 0;

  /** `blockBytes` a block; at most `keptMax` free ones are kept, the others go to the garbage collector. */
  constructor(blockBytes: number, keptMax: number) {
    assert(blockBytes > 0, "a block has a size");
    this.#blockBytes = blockBytes;
    this.#keptMax = keptMax;
  }

  /** A whole block with arbitrary content, held once. */
  take(): Buffer {
    let block = this.#kept.pop();
    if (block === undefined) {
      block = { memory: Buffer.allocUnsafeSlow(this.#blockBytes), holds: 0 };
      this.#blocks.set(block.memory.buffer, block);
      this.#made += 1;
    }
    block.holds = 1;
    this.#held += 1;
    return block.memory;
  }

  /** Keeps the block of these bytes as it is; bytes of other memory are nobody's concern. */
  hold(bytes: Buffer): void {
    const block = this.#blocks.get(bytes.buffer);
    if (block === undefined) return;
    assert(block.holds > 0, "what is free cannot be held");
    block.holds += 1;
  }

  /** Undoes one `hold`, or the `take`. */
  release(bytes: Buffer): void {
    const block = this.#blocks.get(bytes.buffer);
    if (block === undefined) return;
    assert(block.holds > 0, "what is held is let go once");
    block.holds -= 1;
    if (block.holds > 0) return;
    this.#held -= 1;
    if (this.#kept.length < this.#keptMax) this.#kept.push(block);
    else this.#blocks.delete(block.memory.buffer);
  }

  /** Leaves the free blocks to the garbage collector. */
  trim(): void {
    for (const block of this.#kept.splice(0)) this.#blocks.delete(block.memory.buffer);
  }

  counts(): ReadMemoryCounts {
    return { held: this.#held, kept: this.#kept.length, made: this.#made };
  }
}
