/** Preloads: what is fetched for later, by request. The core keeps those at work, and the last that ended, for who asks. */
import type { Flight } from "../download/flight.ts";
import type { PreloadAmount, PreloadPart } from "../playlist/preload-parts.ts";
import type { VariantWish } from "../playlist/variant-list.ts";

/** What is to be preloaded; of several the one with the highest priority goes first, of equals the oldest. */
export type PreloadOrder = {
  url: string;
  amount: PreloadAmount;
  variant: VariantWish;
  subtitles: boolean;
  priority: number;
};

export type PreloadState = "active" | "done" | "failed" | "cancelled";

/** Bytes that are here and on their way to the disk: what brings them, and up to where. */
export type Landing = { flight: Flight; upTo: number };

/** One preload and how far it came. `cause` is why it failed: an error's code, or a word of R-PRE-9. */
export type Preload = {
  id: number;
  order: PreloadOrder;
  state: PreloadState;
  cause: string;
  /** The variables that the playlists of its multivariant playlist may import, as they travel. */
  imports: string;
  /** Where its multivariant playlist says that playing begins, as text; "" when it does not. */
  offset: string;
  /** Parts to ask for, in the order of playing. */
  todo: PreloadPart[];
  /** Exchanges under way. */
  running: number[];
  /** What is not in its file yet: it is over when that is. */
  landing: Landing[];
  /** What is here, and, as far as it is known, what there will be. */
  bytes: number;
  segments: number;
  durationMs: number;
  segmentsAll: number;
  durationAllMs: number;
  /** Tries that failed one after the other, and until when it waits. */
  failures: number;
  notBeforeMs: number;
};

export type PreloadTable = {
  /** At work, in the order in which they go. */
  active: Preload[];
  /** Over, oldest first. */
  ended: Preload[];
  nextId: number;
  running: number;
  /** Landings that preloads at work wait for. */
  landing: number;
  /** When one that waits may go on, -1 when none does. */
  wakeMs: number;
  /** Nothing is asked for: their order is about to change. */
  held: boolean;
};

/** No preloads. */
export function newPreloadTable(): PreloadTable {
  return { active: [], ended: [], nextId: 1, running: 0, landing: 0, wakeMs: -1, held: false };
}

/** The preload of that id, at work or among the last that ended; null when it is not known any more. */
export function findPreload(table: PreloadTable, id: number): Preload | null {
  return table.active.find((preload) => preload.id === id) ?? table.ended.find((preload) => preload.id === id) ?? null;
}

/** Takes a preload in, at its place by priority and age. */
export function addPreload(table: PreloadTable, order: PreloadOrder): Preload {
  const root: PreloadPart = { kind: "root", url: order.url, start: 0, end: -1, atMs: -1, segments: 0, durationMs: 0 };
  const preload: Preload = {
    id: table.nextId,
    order,
    state: "active",
    cause: "",
    imports: "",
    offset: "",
    todo: [root],
    running: [],
    landing: [],
    bytes: 0,
    segments: 0,
    durationMs: 0,
    segmentsAll: 0,
    durationAllMs: 0,
    failures: 0,
    notBeforeMs: 0,
  };
  table.nextId += 1;
  table.active.push(preload);
  sortPreloads(table);
  return preload;
}

/** Puts those at work in order. */
export function sortPreloads(table: PreloadTable): void {
  // R-PRE-2
  table.active.sort((a, b) => b.order.priority - a.order.priority || a.id - b.id);
}

/** Moves a preload to those that ended; of more than `max` the oldest is forgotten. */
export function retirePreload(table: PreloadTable, preload: Preload, max: number): void {
  const place = table.active.indexOf(preload);
  if (place !== -1) table.active.splice(place, 1);
  preload.todo = [];
  table.landing -= preload.landing.length;
  preload.landing = [];
  table.ended.push(preload);
  while (table.ended.length > max) table.ended.shift();
}

/** Puts a part back that is to be asked for again, before those of the same time. */
export function putBack(preload: Preload, part: PreloadPart): void {
  let place = 0;
  while (place < preload.todo.length && (preload.todo[place]?.atMs ?? 0) < part.atMs) place += 1;
  preload.todo.splice(place, 0, part);
}

/** Adds parts in the order of playing, behind those of the same time. */
export function addParts(preload: Preload, parts: PreloadPart[]): void {
  for (const part of parts) {
    preload.segmentsAll += part.segments;
    preload.durationAllMs += part.durationMs;
  }
  const todo: PreloadPart[] = [];
  let at = 0;
  for (const part of parts) {
    while (at < preload.todo.length && (preload.todo[at]?.atMs ?? 0) <= part.atMs) {
      const earlier = preload.todo[at];
      if (earlier !== undefined) todo.push(earlier);
      at += 1;
    }
    todo.push(part);
  }
  preload.todo = todo.concat(preload.todo.slice(at));
}
