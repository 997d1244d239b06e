/** Hits: what is stored already, from a working set larger than one file. */
import type { BenchCase, Stage, Turn } from "../bench-types.ts";
import { type LoadPlan, plainPlan } from "../load-plan.ts";

type Hit = {
  id: string;
  title: string;
  metric: BenchCase["metric"];
  client: LoadPlan["client"];
  /** Files of the working set, and where they lie at the origin. */
  files: number;
  pathOf: (file: number) => string;
  bytes: number | null;
  connections: number;
  /** Of each file, when not the whole. */
  range?: { from: number; bytes: number };
};

const hits: Hit[] = [
  {
    id: "hit-2k",
    title: "hit, 2 KB",
    metric: "requestsPerSecond",
    client: "wrk",
    files: 64,
    pathOf: (file) => `/b/2000/playlist-${file}.ts`,
    bytes: 2_000,
    connections: 8,
  },
  {
    id: "hit-2m",
    title: "hit, 2 MB",
    metric: "megabytesPerSecond",
    client: "own",
    files: 64,
    pathOf: (file) => `/b/2000000/segment-${file}.ts`,
    bytes: 2_000_000,
    connections: 4,
  },
];

export const hitCases: BenchCase[] = hits.map((hit) => hitCase(hit));

function hitCase(hit: Hit): BenchCase {
  const paths = Array.from({ length: hit.files }, (_, file) => hit.pathOf(file));
  return {
    id: hit.id,
    title: hit.title,
    metric: hit.metric,
    kinds: ["cache", "files"],
    prepare: async (stage) => {
      stage.provide(paths);
      const { turn } = await stage.load({ ...plan(stage, hit, paths), ...everyOnce });
      return turn.faults;
    },
    turn: async (stage) => await hitTurn(stage, plan(stage, hit, paths)),
  };
}

/** Fetches each once, comparing every byte. */
const everyOnce = { client: "own", until: "targets", checkEvery: 1, seconds: 60 } as const;

function plan(stage: Stage, hit: Hit, paths: string[]): LoadPlan {
  const targets = paths.map((path) => stage.running.targetOf(path));
  const { client, connections, range } = hit;
  const whole = { ...plainPlan(targets, paths, hit.bytes), client, connections, seconds: stage.seconds };
  if (range === undefined) return whole;
  const fields = `Range: bytes=${range.from}-${range.from + range.bytes - 1}\r\n`;
  return { ...whole, fields, status: 206, bytes: range.bytes, from: range.from };
}

/** A load that must not reach the origin; afterwards some bodies are compared, as wrk looks at none. */
async function hitTurn(stage: Stage, load: LoadPlan): Promise<Turn> {
  const before = await stage.origin.asked();
  const { turn } = await stage.load(load);
  const sample = { ...load, ...everyOnce, targets: load.targets.slice(0, 4), paths: load.paths.slice(0, 4) };
  const checked = await stage.load({ ...sample, connections: 1 });
  const reached = (await stage.origin.asked()) - before;
  const faults = [...turn.faults, ...checked.turn.faults];
  if (reached > 0) faults.push(`${reached} requests reached the origin: not hits`);
  return { figures: turn.figures, faults };
}
