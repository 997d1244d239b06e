/** What players take from each other: a playlist while others pull segments, and slow readers beside quick ones. */
import type { BenchCase, Stage } from "../bench-types.ts";
import { type LoadPlan, plainPlan } from "../load-plan.ts";
import { hitTurn } from "./hits.ts";

const segments = Array.from({ length: 32 }, (_, file) => `/b/2000000/shared-${file}.ts`);
const large = Array.from({ length: 8 }, (_, file) => `/b/8000000/slow-${file}.ts`);
const playlists = ["/p/54/paced.m3u8"];

/** Playlists that are asked for in a second, and how much longer than others the turn is: of one second's requests the
 * 99th percentile would be the second slowest, which says more of the machine than of a contender. */
const pacePerSecond = 100;
const pacedLonger = 4;

/** Slow readers, and what each of them reads in a second: an eighth of a second's media at 8 Mbit/s. */
const slowReaders = 64;
const slowBytesPerSecond = 125_000;

export const shareCases: BenchCase[] = [
  {
    id: "fairness",
    title: `a playlist asked for ${pacePerSecond} times a second while 8 connections pull 2 MB segments, all hits`,
    metric: "p99Ms",
    kinds: ["cache", "files"],
    prepare: async (stage) => [...(await fill(stage, segments)), ...(await fill(stage, playlists))],
    turn: async (stage) => {
      // Longer than the paced load on both sides: none of its requests finds an idle contender.
      const seconds = stage.seconds * pacedLonger;
      const pulled = stage.side({ ...planOf(stage, segments, 2_000_000), connections: 8, seconds, leave: true }, 0.4);
      const paced = { ...planOf(stage, playlists, null), connections: 1, seconds, pacePerSecond };
      const turn = await hitTurn(stage, paced);
      const side = await pulled;
      // What the contender spent, it spent on segments above all.
      delete turn.figures.cpuSecondsPerGigabyte;
      delete turn.figures.cpuSecondsPerThousand;
      turn.figures.megabytesPerSecond = side.bytes / side.seconds / 1_000_000;
      turn.faults.push(...side.faults);
      return turn;
    },
  },
  {
    id: "slow-readers",
    title: `2 MB hits on 4 connections beside ${slowReaders} readers of 8 MB at 125 KB/s each`,
    metric: "megabytesPerSecond",
    kinds: ["cache", "files"],
    prepare: (stage) => fill(stage, [...segments, ...large]),
    turn: async (stage) => {
      const slow = { ...planOf(stage, large, 8_000_000), connections: slowReaders, leave: true };
      const read = stage.side({ ...slow, readBytesPerSecond: slowBytesPerSecond }, 0.4);
      const turn = await hitTurn(stage, { ...planOf(stage, segments, 2_000_000), connections: 4 });
      const side = await read;
      turn.figures.pacePercent = pacePercentOf(side.bytes, side.seconds);
      turn.faults.push(...side.faults);
      return turn;
    },
  },
];

/**
 * Quick players must not take from slow ones either: what these got of what they would have read. As they read a piece at
 * a time, and the first one at once, it may be above 100.
 */
export function pacePercentOf(bytes: number, seconds: number): number {
  return (bytes * 100) / (seconds * slowReaders * slowBytesPerSecond);
}

function planOf(stage: Stage, paths: string[], bytes: number | null): LoadPlan {
  const targets = paths.map((path) => stage.running.targetOf(path));
  return { ...plainPlan(targets, comparable(paths), bytes), seconds: stage.seconds };
}

/** Playlists are rewritten by some: their bytes are no path's content. */
function comparable(paths: string[]): string[] {
  return paths.map((path) => (path.endsWith(".m3u8") ? "" : path));
}

async function fill(stage: Stage, paths: string[]): Promise<string[]> {
  stage.provide(paths);
  const targets = paths.map((path) => stage.running.targetOf(path));
  const once = {
    ...plainPlan(targets, comparable(paths), null),
    until: "targets" as const,
    seconds: 60,
    checkEvery: 1,
  };
  return (await stage.load(once)).turn.faults;
}
