/** The received bytes of a flight that the edge holds in memory, piece by piece. */
import type { Flight } from "../../core/download/flight.ts";

/** The edge's side of a flight: whether the origin may still be heard, and what memory holds. */
export type SimFlight = { flight: Flight; open: boolean; chunks: { offset: number; text: string }[] };

/** The bytes from `offset` to the end of their piece, at most up to `end` (-1: no limit). */
export function chunkAt(sim: SimFlight, offset: number, end: number): string {
  for (const chunk of sim.chunks) {
    const stop = chunk.offset + chunk.text.length;
    if (chunk.offset <= offset && offset < stop) {
      return chunk.text.slice(offset - chunk.offset, end === -1 || end > stop ? chunk.text.length : end - chunk.offset);
    }
  }
  throw new Error(`flight ${sim.flight.id} holds no byte at ${offset}`);
}

/** The bytes from `from` to `to`, over as many pieces as they are in. */
export function heldText(sim: SimFlight, from: number, to: number): string {
  let text = "";
  while (from + text.length < to) text += chunkAt(sim, from + text.length, to);
  return text;
}
