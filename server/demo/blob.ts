/**
 * Deterministic bodies of any size for tests: the byte at each offset is known without keeping the body.
 *
 * A blob is made of blocks of 64 KiB. Block `n` is one fixed xorshift block, its 32-bit words (little-endian) XORed with
 * a word mixed from the seed and `n` (whole words are XORed at once, which needs a little-endian host). The mix is a bijection of `n`, so no two blocks of a blob below 2^48 bytes are
 * alike and bytes from a wrong offset never look right for long.
 */

const blockBytes = 65_536;
const blockWords = blockBytes / 4;
const base = baseBlock();
const scratch = new Int32Array(blockWords);
const scratchBytes = new Uint8Array(scratch.buffer);

/** Writes the blob's bytes from `offset` on over the whole of `buffer`. Offsets and seeds are whole numbers. */
export function blobFill(buffer: Uint8Array, seed: number, offset: number): void {
  let done = 0;
  while (done < buffer.length) {
    const at = offset + done;
    const block = Math.floor(at / blockBytes);
    const inBlock = at - block * blockBytes;
    const length = Math.min(blockBytes - inBlock, buffer.length - done);
    const mask = blockMask(seed, block);
    const endWord = (inBlock + length + 3) >>> 2;
    for (let word = inBlock >>> 2; word < endWord; word += 1) scratch[word] = (base[word] ?? 0) ^ mask;
    buffer.set(scratchBytes.subarray(inBlock, inBlock + length), done);
    done += length;
  }
}

/** The blob's byte at one offset, worked out on its own (not by blobFill), so that one checks the other. */
export function blobByte(seed: number, offset: number): number {
  const block = Math.floor(offset / blockBytes);
  const inBlock = offset - block * blockBytes;
  const word = (base[inBlock >>> 2] ?? 0) ^ blockMask(seed, block);
  return (word >>> (8 * (inBlock & 3))) & 0xff;
}

/** One word from seed and block number: an avalanche of shifts and odd multiplications. */
function blockMask(seed: number, block: number): number {
  let word = (block ^ Math.imul(seed, 0x9e3779b1)) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

function baseBlock(): Int32Array {
  const words = new Int32Array(blockWords);
  let state = 0x2545f491;
  for (let word = 0; word < blockWords; word += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[word] = state;
  }
  return words;
}
