/**
 * A span set: the stored byte intervals of one resource (SPEC: R-SPAN-1).
 *
 * Spans are a flat array of numbers `[start, end, start, end, …]`: end exclusive, ascending, disjoint, and never
 * touching, so that both twins, the index and the vectors hold the same plain data. Offsets are bytes below 2^53.
 */
export type SpanSet = number[];

/** Adds the bytes from `start` to `end` (exclusive), in place; merges what overlaps or touches. An empty one adds nothing. */
export function spanAdd(spans: SpanSet, start: number, end: number): void {
  // R-SPAN-1
  if (start >= end) {
    return;
  }
  const first = pairEndingAtOrAfter(spans, start);
  let next = first;
  let mergedStart = start;
  let mergedEnd = end;
  // R-SPAN-2: every span that overlaps or touches becomes part of the new one.
  while (next < spans.length && valueAt(spans, next) <= end) {
    mergedStart = Math.min(mergedStart, valueAt(spans, next));
    mergedEnd = Math.max(mergedEnd, valueAt(spans, next + 1));
    next += 2;
  }
  if (next === first + 2) {
    // A flight grows its last span with every piece received: no array is made for that.
    spans[first] = mergedStart;
    spans[first + 1] = mergedEnd;
    return;
  }
  spans.splice(first, next - first, mergedStart, mergedEnd);
}

/** End (exclusive) of the span that holds the byte at `offset`, or -1 when that byte is not stored. */
export function spanEndAt(spans: SpanSet, offset: number): number {
  const pair = pairEndingAtOrAfter(spans, offset + 1);
  // R-SPAN-3
  return pair < spans.length && valueAt(spans, pair) <= offset ? valueAt(spans, pair + 1) : -1;
}

/** Start of the first span that starts at or after `offset`, or -1 when there is none. */
export function spanNextStart(spans: SpanSet, offset: number): number {
  let pair = pairEndingAtOrAfter(spans, offset + 1);
  if (pair < spans.length && valueAt(spans, pair) < offset) {
    pair += 2;
  }
  // R-SPAN-4
  return pair < spans.length ? valueAt(spans, pair) : -1;
}

/** The bytes from `start` to `end` (exclusive) that are not stored, as a span set: what is to be fetched. */
export function spanHoles(spans: SpanSet, start: number, end: number): SpanSet {
  const holes: SpanSet = [];
  let offset = start;
  let pair = pairEndingAtOrAfter(spans, start + 1);
  // R-SPAN-5
  while (offset < end && pair < spans.length && valueAt(spans, pair) < end) {
    if (valueAt(spans, pair) > offset) {
      holes.push(offset, valueAt(spans, pair));
    }
    offset = valueAt(spans, pair + 1);
    pair += 2;
  }
  if (offset < end) {
    holes.push(offset, end);
  }
  return holes;
}

/** Number of bytes stored. */
export function spanBytes(spans: SpanSet): number {
  let bytes = 0;
  for (let pair = 0; pair < spans.length; pair += 2) {
    bytes += valueAt(spans, pair + 1) - valueAt(spans, pair);
  }
  // R-SPAN-6
  return bytes;
}

/** Whether every byte from `start` to `end` (exclusive) is stored; an empty interval always is. */
export function spanCovers(spans: SpanSet, start: number, end: number): boolean {
  // R-SPAN-7
  return start >= end || spanEndAt(spans, start) >= end;
}

/** Drops every byte at or after `end`, in place: the file turned out to be shorter than its rows say. */
export function spanClip(spans: SpanSet, end: number): void {
  const pair = pairEndingAtOrAfter(spans, end + 1);
  if (pair >= spans.length) {
    return;
  }
  // R-SPAN-8
  if (valueAt(spans, pair) < end) {
    spans.splice(pair + 1, spans.length - pair - 1, end);
    return;
  }
  spans.splice(pair, spans.length - pair);
}

/** Index of the first pair whose end is at or after `offset`; the array's length when there is none. Binary search. */
function pairEndingAtOrAfter(spans: SpanSet, offset: number): number {
  let low = 0;
  let high = spans.length / 2;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (valueAt(spans, middle * 2 + 1) < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low * 2;
}

/** The number at `index`, which the caller keeps inside the array; outside it is a programmer's error. */
function valueAt(spans: SpanSet, index: number): number {
  const value = spans[index];
  if (value === undefined) {
    throw new Error("span set: index outside the set");
  }
  return value;
}
