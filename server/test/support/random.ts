/** A seeded source of whole numbers, so that a failing seed can be run again: `next(n)` is in 0 to n - 1. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  // mulberry32: small, quick, and good enough for test data.
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}
