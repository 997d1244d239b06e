/** What a reader does next: where its next byte comes from, or that there is none. Pure; the edge carries it out. */
import type { Limits } from "../base/limits.ts";
import { entryCombinable } from "../cache/entry.ts";
import { spanEndAt } from "../cache/span-set.ts";
import type { Body, Cursor, Flight } from "../download/flight.ts";
import { flightCovers, flightHoldsByte } from "../download/flight.ts";

/**
 * `end`: every byte is sent. `tail`: take from a flight's memory. `disk`: read the file. `wait`: a flight brings it, or
 * a pause before a resume runs. `open`: a flight must be opened at the cursor. `cut`: it cannot be had any more.
 */
export type ReaderStep = "end" | "tail" | "disk" | "wait" | "open" | "cut";

/** The next step of a cursor; fixes its end once the length is known. */
export function readerStep(body: Body, cursor: Cursor, limits: Limits, nowMs: number): ReaderStep {
  if (cursor.end === -1 && body.entry.total !== -1) cursor.end = body.entry.total;
  if (cursor.end !== -1 && cursor.offset >= cursor.end) return "end";
  // R-READ-1
  if (tailFlight(body, cursor.offset) !== null) return "tail";
  if (spanEndAt(body.entry.spans, cursor.offset) !== -1) return "disk";
  return holeStep(body, cursor, limits, nowMs);
}

/** The flight whose memory holds the byte at `offset`, or null. */
export function tailFlight(body: Body, offset: number): Flight | null {
  for (const flight of body.flights) {
    if (flightHoldsByte(flight, offset)) return flight;
  }
  return null;
}

/** End, exclusive, of what one read from the file may bring to the cursor. */
export function readerDiskEnd(body: Body, cursor: Cursor): number {
  const spanEnd = spanEndAt(body.entry.spans, cursor.offset);
  return cursor.end !== -1 && cursor.end < spanEnd ? cursor.end : spanEnd;
}

/** The flight that will bring the byte at `offset`, or null; of several the nearest. */
export function coveringFlight(body: Body, offset: number): Flight | null {
  let nearest: Flight | null = null;
  for (const flight of body.flights) {
    if (!flightCovers(flight, offset)) continue;
    if (nearest === null || flight.position > nearest.position) nearest = flight;
  }
  return nearest;
}

/** The first byte from `start` that is neither in the file nor in memory, -1 when all up to `end` are (-1 unknown). */
export function firstMissing(body: Body, start: number, end: number): number {
  let offset = start;
  while (end === -1 || offset < end) {
    const flight = tailFlight(body, offset);
    const next = flight !== null ? flight.position : spanEndAt(body.entry.spans, offset);
    if (next <= offset) return offset;
    offset = next;
  }
  return -1;
}

/** Whether the bytes from `start` to `end` (exclusive, -1 for the whole) are all here, in the file or in memory. */
export function bodyHolds(body: Body, start: number, end: number): boolean {
  const { total } = body.entry;
  // R-SERVE-7: while its length is unknown a resource is answered whole.
  if (total === -1 || (end !== -1 && start >= total)) return false;
  return firstMissing(body, start, end === -1 ? total : Math.min(end, total)) === -1;
}

/** The first byte from `start` that is neither stored nor on its way, -1 when all up to `end` are. */
export function firstUncovered(body: Body, start: number, end: number): number {
  let offset = start;
  while (offset < end) {
    const flight = tailFlight(body, offset) ?? coveringFlight(body, offset);
    const next = flight !== null ? flight.limit : spanEndAt(body.entry.spans, offset);
    if (next <= offset) return offset;
    offset = next;
  }
  return -1;
}

/** Whether a request so far ahead of a flight fetches for itself instead of waiting for it. */
export function isFarSeek(body: Body, flight: Flight, offset: number, limits: Limits): boolean {
  // R-FLIGHT-4
  if (flight.state !== "flowing" || body.rangeless || !entryCombinable(body.entry)) return false;
  // The origin gave the whole to who asked for a part: it would again.
  if (flight.askStart > flight.start) return false;
  return offset - flight.position >= limits.seekBytesMin;
}

function holeStep(body: Body, cursor: Cursor, limits: Limits, nowMs: number): ReaderStep {
  const covering = coveringFlight(body, cursor.offset);
  // R-FLIGHT-2
  if (covering !== null && !isFarSeek(body, covering, cursor.offset, limits)) return "wait";
  // R-READ-3
  if (cursor.failures > limits.resumeMax) return "cut";
  if (body.passing || body.entry.total === -1 || !entryCombinable(body.entry)) return "cut";
  if (nowMs < cursor.notBeforeMs) return "wait";
  return "open";
}
