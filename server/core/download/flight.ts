/**
 * A flight is one origin fetch, shared by all who wait for its bytes. A body is one version of a resource in use: its
 * entry, the flights that fill it and the cursors that read it. Offsets are absolute in the representation.
 */
import type { ErrorCode } from "../base/errors.ts";
import type { Limits } from "../base/limits.ts";
import type { Entry } from "../cache/entry.ts";
import { spanEndAt } from "../cache/span-set.ts";
import type { FieldList } from "../http/field-list.ts";
import type { Lane } from "./lane-queue.ts";

/** Where one player stands in a body. */
export type Cursor = {
  /** Id of the exchange that reads. */
  owner: number;
  /** Next byte to send. */
  offset: number;
  /** End, exclusive; -1 until the length is known. */
  end: number;
  /** Flights that failed under it. */
  failures: number;
  /** What the last of them died of. */
  failure: ErrorCode;
  /** It opens no flight before this time, in milliseconds since the epoch. */
  notBeforeMs: number;
};

/** One version of a resource in use. */
export type Body = {
  entry: Entry;
  flights: Flight[];
  cursors: Cursor[];
  /** Exchanges that hold it open. */
  uses: number;
  /** Bytes go to the file. False: passed through from memory only. */
  storing: boolean;
  /** It may never be found by a key: a pass-through, or not yet decided. */
  hidden: boolean;
  /** Replaced, removed or cleared: its file goes with its last use. */
  doomed: boolean;
  /** The index has its row. */
  journalled: boolean;
  /** The file was created. */
  onDisk: boolean;
  /** Its origin answers ranges with the whole (R-FLIGHT-9). */
  rangeless: boolean;
  /** An error status passed on as it is: what is lost of it is not asked for again. */
  passing: boolean;
  /** The absolute URL that a response that passes through sends the player to, "" for none. */
  location: string;
  /** Status and reason of a response that is passed on, 200 otherwise. */
  status: number;
  reason: string;
};

export type FlightState = "queued" | "asked" | "flowing" | "draining" | "ended";

export type Flight = {
  id: number;
  body: Body;
  /** Id of the exchange that opened it: the player's fields are its own. */
  asker: number;
  /** `opening` decides what the resource is; `hole` fetches missing bytes of a known version. */
  purpose: "opening" | "hole";
  /** The key whose slot it holds, "" when it passes by the cache. */
  key: string;
  method: "GET" | "HEAD";
  /** The method of a request that passes through, "" for any other. */
  verb: string;
  lane: Lane;
  /** URL of the current request: changes with redirects. */
  url: string;
  redirects: number;
  /** The URL that it was first asked at, and how often the library's caller has signed it anew. */
  source: string;
  resigned: number;
  /** Player fields to forward, in table order. */
  forward: FieldList;
  /** The key of what is for its player, and what of its player's request tells variants apart: as it first was sent. */
  space: string;
  selecting: FieldList;
  /** The player's fields that say who asks (Authorization, Cookie), as it sent them. */
  credentials: FieldList;
  /** The player's own request said no-store: it is not passed on, but kept to. */
  unstorable: boolean;
  /** It tries an origin whose breaker is open. */
  probe: boolean;
  /** A playlist is expected: it may come compressed. */
  playlist: boolean;
  /** It is a directed reload: its origin may hold it, and what it brings is shared and not stored. */
  directed: boolean;
  /** First byte asked for, 0 for the whole, -1 for a suffix. */
  askStart: number;
  /** End asked for, exclusive, -1 open. */
  askEnd: number;
  /** Suffix length asked for, -1 none. */
  askSuffix: number;
  /** The version it revalidates, if any. */
  revalidates: Body | null;
  state: FlightState;
  /** First byte that it delivers. */
  start: number;
  /** Bytes below are received. */
  position: number;
  /** Delivers up to here, exclusive, -1 unknown. */
  limit: number;
  /** Bytes below are in the file. */
  written: number;
  /** Spans below are handed to the journal. */
  journalled: number;
  /** Oldest byte that is still in memory. */
  tailStart: number;
  paused: boolean;
  /** Since when, in milliseconds since the epoch. */
  pausedMs: number;
  /** Another flight took over what lay beyond its limit: the origin sends more than is wanted. */
  clipped: boolean;
  /** The cache was cleared under it: what it brings is not found by its key. */
  unpublished: boolean;
  /** Nobody reads it: it ends at this position at the latest, -1 while someone does or its length is known. */
  detachLimit: number;
  requestMs: number;
  /** Exchanges that wait for its head, oldest first. */
  waiters: number[];
};

/** A cursor of an exchange, at `offset`. */
export function newCursor(owner: number, offset: number, end: number): Cursor {
  return { owner, offset, end, failures: 0, failure: "upstream-truncated", notBeforeMs: 0 };
}

/** A body around an entry, not yet found by its key. */
export function newBody(entry: Entry): Body {
  return {
    entry,
    flights: [],
    cursors: [],
    uses: 0,
    storing: true,
    hidden: true,
    doomed: false,
    journalled: false,
    onDisk: false,
    rangeless: false,
    passing: false,
    location: "",
    status: 200,
    reason: "",
  };
}

/** Whether the flight will still deliver the byte at `offset`. */
export function flightCovers(flight: Flight, offset: number): boolean {
  if (flight.state === "draining" || flight.state === "ended") return false;
  return flight.position <= offset && (flight.limit === -1 || offset < flight.limit);
}

/** Whether the byte at `offset` is in the flight's memory. */
export function flightHoldsByte(flight: Flight, offset: number): boolean {
  return flight.tailStart <= offset && offset < flight.position;
}

/** How long its origin may be silent before the head of its answer, in milliseconds. */
export function flightSilenceMs(flight: Flight, limits: Limits): number {
  // R-LL-4
  return flight.directed ? limits.heldSilenceMs : limits.headSilenceMs;
}

/** Whether anyone waits for its head or for a byte that only it will deliver. */
export function flightWanted(flight: Flight): boolean {
  return flight.waiters.length > 0 || flightFurthest(flight) >= 0;
}

/** Offset of the reader that is furthest along the flight, its start for one still before it, -1 when nobody reads it. */
export function flightFurthest(flight: Flight): number {
  let furthest = -1;
  for (const cursor of flight.body.cursors) {
    if (!cursorWants(flight, cursor)) continue;
    const offset = Math.max(cursor.offset, flight.start);
    if (offset > furthest) furthest = offset;
  }
  return furthest;
}

/**
 * Whether the origin must wait: too many bytes await the disk, or the flight is too far ahead of its furthest reader.
 * A flight that nobody reads runs to its end or its detach limit.
 */
export function flightShouldPause(flight: Flight, limits: Limits): boolean {
  // R-FLIGHT-6
  if (flight.body.storing && flight.position - flight.written >= limits.tailBytesMax) return true;
  const furthest = flightFurthest(flight);
  if (furthest < 0) return false;
  const ahead = flight.body.storing ? limits.readAheadBytesMax : limits.tailBytesMax;
  return flight.position - furthest >= ahead;
}

/** Whether what awaits the disk is worth a write: one costs as much for little as for much. */
export function flightShouldWrite(flight: Flight, limits: Limits): boolean {
  const waiting = flight.position - flight.written;
  if (!flight.body.storing || waiting <= 0) return false;
  // R-FLIGHT-17: what pauses an origin is written, or neither would go on.
  return flight.position === flight.limit || waiting >= Math.min(limits.readPieceBytes, limits.tailBytesMax);
}

/**
 * The oldest byte that must stay in memory: what the disk has not got, and, as far as `tailBytesMax` goes, what a
 * reader has yet to take. Without a file the furthest reader's bytes always stay; one that falls behind fetches anew.
 */
export function flightTailFloor(flight: Flight, limits: Limits): number {
  let floor = flight.position;
  for (const cursor of flight.body.cursors) {
    if (cursor.offset >= flight.tailStart && cursor.offset < floor) floor = cursor.offset;
  }
  if (flight.position - floor > limits.tailBytesMax) floor = flight.position - limits.tailBytesMax;
  if (flight.body.storing) return Math.max(flight.tailStart, Math.min(floor, flight.written));
  // R-FLIGHT-7
  const furthest = flightFurthest(flight);
  if (furthest >= 0 && furthest < floor) floor = furthest;
  return Math.max(flight.tailStart, floor);
}

function cursorWants(flight: Flight, cursor: Cursor): boolean {
  if (flight.limit !== -1 && cursor.offset >= flight.limit) return false;
  if (cursor.end !== -1 && cursor.offset >= cursor.end) return false;
  // What a file holds, a reader takes from the file; without one, memory is all there is.
  if (flight.body.storing) return cursor.end === -1 || cursor.end > flight.position;
  if (cursor.end !== -1 && cursor.end <= flight.tailStart) return false;
  // R-CACHE-4: after a disk failed, a reader may still be on its way through what was written before.
  return cursor.offset >= flight.tailStart || spanEndAt(flight.body.entry.spans, cursor.offset) >= flight.tailStart;
}
