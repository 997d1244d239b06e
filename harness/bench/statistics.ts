/** Medians, percentiles and ratios of a few rounds. */

/** A figure over the rounds: its median, and between what it lay. */
export type Spread = { median: number; min: number; max: number };

/** The middle one; the mean of the two middle ones of an even number; NaN of none. */
export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const low = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(half)] ?? Number.NaN;
  return (low + high) / 2;
}

/** The value below or at which a share (0 to 1) of the numbers lies; 0 of none. */
export function percentile(numbers: number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Null of no rounds. */
export function spreadOf(numbers: number[]): Spread | null {
  if (numbers.length === 0) return null;
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/**
 * One contender's figures over another's, round by round: what slows the machine slows both turns of a round, so that
 * their ratio spreads less than either. Null when no round has both.
 */
export function ratioOf(subject: number[], baseline: number[]): Spread | null {
  const rounds = Math.min(subject.length, baseline.length);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const ratio = (subject[round] ?? Number.NaN) / (baseline[round] ?? Number.NaN);
    if (Number.isFinite(ratio)) ratios.push(ratio);
  }
  return spreadOf(ratios);
}
