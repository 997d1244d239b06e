/**
 * SHA-256 (FIPS 180-4). Keys hold digests where they tell apart who asks: the texts themselves are secrets, and no disk
 * should keep them.
 */

/** The digest of a byte string, as 64 hexadecimal digits in small letters. */
export function sha256Hex(text: string): string {
  // R-BYTE-9
  const state = initialState.slice();
  const words: number[] = new Array(64).fill(0);
  const blocks = Math.floor((text.length + 8) / 64) + 1;
  for (let block = 0; block < blocks; block += 1) {
    for (let word = 0; word < 16; word += 1) words[word] = paddedWord(text, block * 64 + word * 4, blocks);
    compress(state, words);
  }
  let hex = "";
  for (const value of state) hex += (value >>> 0).toString(16).padStart(8, "0");
  return hex;
}

const initialState = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const roundConstants = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
];

/** Four bytes of the padded text: the text, a byte 0x80, zeros, and the length in bits in the last eight bytes. */
function paddedWord(text: string, at: number, blocks: number): number {
  const last = blocks * 64 - 8;
  if (at === last) return Math.floor(text.length / 0x20000000);
  if (at === last + 4) return (text.length << 3) | 0;
  let word = 0;
  for (let offset = at; offset < at + 4; offset += 1) {
    word = (word << 8) | (offset < text.length ? text.charCodeAt(offset) : offset === text.length ? 0x80 : 0);
  }
  return word;
}

/** Takes one block, whose first 16 words are given, into the state. */
function compress(state: number[], words: number[]): void {
  for (let at = 16; at < 64; at += 1) {
    const early = wordAt(words, at - 15);
    const late = wordAt(words, at - 2);
    const small0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
    const small1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
    words[at] = (wordAt(words, at - 16) + small0 + wordAt(words, at - 7) + small1) | 0;
  }
  const round = state.slice();
  for (let at = 0; at < 64; at += 1) turn(round, (wordAt(roundConstants, at) + wordAt(words, at)) | 0);
  for (let at = 0; at < 8; at += 1) state[at] = (wordAt(state, at) + wordAt(round, at)) | 0;
}

/** One round: the eight working words a to h move on by one. */
function turn(round: number[], input: number): void {
  const a = wordAt(round, 0);
  const e = wordAt(round, 4);
  const choice = (e & wordAt(round, 5)) ^ (~e & wordAt(round, 6));
  const majority = (a & wordAt(round, 1)) ^ (a & wordAt(round, 2)) ^ (wordAt(round, 1) & wordAt(round, 2));
  const first = (wordAt(round, 7) + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + choice + input) | 0;
  const second = ((rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + majority) | 0;
  for (let at = 7; at > 0; at -= 1) round[at] = wordAt(round, at - 1);
  round[4] = (wordAt(round, 4) + first) | 0;
  round[0] = (first + second) | 0;
}

function rotated(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function wordAt(words: number[], at: number): number {
  return words[at] ?? 0;
}
