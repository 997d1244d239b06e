/** What players of a load do. Each player is a function that gives what it asks for next. */
import type { Catalog, Show } from "./catalog.ts";

export type Ask = { url: string; fields: Record<string, string> };
export type Player = () => Ask;

export type Scenario = {
  name: string;
  title: string;
  connections: number;
  /** Requests a second of each player; null asks again as soon as it has its answer. */
  rate: number | null;
  /** URLs that are asked for once before it begins. */
  primed: (catalog: Catalog) => string[];
  /** A player of its own for each connection; `chance` gives whole numbers below a bound. */
  player: (catalog: Catalog, chance: (bound: number) => number) => Player;
};

/** What a feed shows of a video before the next one is swiped in: its first bytes. */
const glance = { Range: "bytes=0-65535" };

export const scenarios: Scenario[] = [
  {
    name: "hit-mix",
    title: "everything is stored: one playlist, one initialization section, eight segments in ten",
    connections: 16,
    rate: null,
    primed: (catalog) => catalog.shows.flatMap(all),
    player: (catalog, chance) => () => plain(mixed(pick(catalog.shows, chance), chance)),
  },
  {
    name: "miss-mix",
    title: "the same mix, and nothing is stored",
    connections: 16,
    rate: null,
    primed: () => [],
    player: (catalog, chance) => () => plain(catalog.fresh(mixed(pick(catalog.shows, chance), chance))),
  },
  {
    name: "feed-scroll",
    title: "each player swipes through a feed: playlists, initialization section, 64 KB; a third of it seen before",
    connections: 8,
    rate: null,
    primed: (catalog) => catalog.shows.flatMap(all),
    player: (catalog, chance) => {
      const asks: Ask[] = [];
      return () => {
        if (asks.length === 0) asks.push(...swipe(catalog, chance));
        return asks.shift() ?? plain(catalog.live);
      };
    },
  },
  {
    name: "live-polling",
    title: "many players ask for one live playlist, once a second each",
    connections: 100,
    rate: 1,
    primed: () => [],
    player: (catalog) => () => plain(catalog.live),
  },
];

function swipe(catalog: Catalog, chance: (bound: number) => number): Ask[] {
  const show = pick(catalog.shows, chance);
  const seen = chance(3) === 0;
  const start = [...show.playlists, ...(show.init === null ? [] : [show.init])];
  // One name for all that belongs together is not needed: each URL is a resource of its own.
  const asks = start.map((url) => plain(seen ? url : catalog.fresh(url)));
  const segment = show.segments[0] ?? "";
  return [...asks, { url: seen ? segment : catalog.fresh(segment), fields: glance }];
}

function mixed(show: Show, chance: (bound: number) => number): string {
  const part = chance(10);
  if (part === 0) return pick(show.playlists, chance);
  if (part === 1 && show.init !== null) return show.init;
  return pick(show.segments, chance);
}

function all(show: Show): string[] {
  return [...show.playlists, ...(show.init === null ? [] : [show.init]), ...show.segments];
}

function plain(url: string): Ask {
  return { url, fields: {} };
}

function pick<T>(from: T[], chance: (bound: number) => number): T {
  const one = from[chance(from.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
}
