/** Hits: what is stored already, from a working set larger than one file, on kept connections and on fresh ones. */
import type { BenchCase, Metric, Stage, Turn } from "../bench-types.ts";
import { fetchText } from "../fetch-text.ts";
import { type LoadPlan, plainPlan } from "../load-plan.ts";

type Hit = {
  id: string;
  title: string;
  metric: Metric;
  /** wrk reads 8 KB at a time: large bodies are for the bench's own client. */
  client: LoadPlan["client"];
  /** Files of the working set, and where they lie at the origin. */
  files: number;
  pathOf: (file: number) => string;
  /** Null of playlists: each contender writes its own addresses into them. */
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
    pathOf: (file) => `/b/2000/small-${file}.ts`,
    bytes: 2_000,
    connections: 8,
  },
  {
    id: "hit-playlist-2k",
    title: "hit, playlist of 2 KB (54 segments)",
    metric: "requestsPerSecond",
    client: "wrk",
    files: 64,
    pathOf: (file) => `/p/54/index-${file}.m3u8`,
    bytes: null,
    connections: 8,
  },
  {
    id: "hit-playlist-500",
    title: "hit, playlist of 500 segments",
    metric: "requestsPerSecond",
    client: "wrk",
    files: 64,
    pathOf: (file) => `/p/500/index-${file}.m3u8`,
    bytes: null,
    connections: 8,
  },
  {
    id: "hit-range",
    title: "hit, range of 64 KB in 5 MB",
    metric: "requestsPerSecond",
    client: "own",
    files: 24,
    pathOf: (file) => `/b/5000000/media-${file}.ts`,
    bytes: 5_000_000,
    connections: 8,
    range: { from: 2_000_000, bytes: 65_536 },
  },
  {
    id: "hit-2m",
    title: "hit, 2 MB",
    metric: "megabytesPerSecond",
    client: "own",
    // Together less than what twins keep in memory, so that theirs come from there.
    files: 24,
    pathOf: (file) => `/b/2000000/segment-${file}.ts`,
    bytes: 2_000_000,
    connections: 4,
  },
];

export const hitCases: BenchCase[] = hits.flatMap((hit) => [hitCase(hit, false), hitCase(hit, true)]);

function hitCase(hit: Hit, close: boolean): BenchCase {
  const paths = Array.from({ length: hit.files }, (_, file) => hit.pathOf(file));
  const lengths = new Map<string, number>();
  return {
    id: close ? `${hit.id}-close` : hit.id,
    title: close ? `${hit.title}, a connection each` : hit.title,
    metric: hit.metric,
    kinds: ["cache", "files"],
    prepare: async (stage) => {
      stage.provide(paths);
      const faults = hit.bytes === null ? await lookAtPlaylist(stage, paths[0] ?? "", lengths) : [];
      const plan = { ...wholePlan(stage, hit, paths, lengths), ...everyOnce };
      const { turn } = await stage.load(plan);
      return [...faults, ...turn.faults];
    },
    turn: async (stage) => {
      const plan = { ...wholePlan(stage, hit, paths, lengths), ...rangeOf(hit), close };
      return await hitTurn(stage, plan);
    },
  };
}

/** Fetches each once, comparing every byte. */
const everyOnce = { client: "own", until: "targets", checkEvery: 1, seconds: 60 } as const;

/** A playlist is right when it has its lines, rewritten or not; all of one load are of one length then. */
async function lookAtPlaylist(stage: Stage, path: string, lengths: Map<string, number>): Promise<string[]> {
  const { port, targetOf } = stage.running;
  // Stored first, so that what is looked at is a hit.
  await fetchText(port, targetOf(path));
  const { status, text } = await fetchText(port, targetOf(path));
  lengths.set(stage.contender.name, Buffer.byteLength(text));
  const right = status === 200 && text.startsWith("#EXTM3U\n") && text.endsWith("#EXT-X-ENDLIST\n");
  const segments = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  const asked = Number(path.split("/")[2]);
  return right && segments === asked ? [] : [`not the playlist: ${status}, ${segments} segments of ${asked}`];
}

function wholePlan(stage: Stage, hit: Hit, paths: string[], lengths: Map<string, number>): LoadPlan {
  const targets = paths.map((path) => stage.running.targetOf(path));
  const { client, connections, bytes } = hit;
  const plan = { ...plainPlan(targets, paths, bytes), client, connections, seconds: stage.seconds };
  // Names differ in length from path to path by a digit, and so do rewritten playlists: only their own bytes are known.
  if (bytes === null) return { ...plan, paths: [""], bytesMin: lengths.get(stage.contender.name) ?? 0 };
  return plan;
}

function rangeOf(hit: Hit): Partial<LoadPlan> {
  if (hit.range === undefined) return {};
  const { from, bytes } = hit.range;
  return { fields: `Range: bytes=${from}-${from + bytes - 1}\r\n`, status: 206, bytes, from };
}

/** A load that must not reach the origin; afterwards some bodies are compared, as wrk looks at none. */
export async function hitTurn(stage: Stage, load: LoadPlan): Promise<Turn> {
  const before = await stage.origin.asked();
  const { turn } = await stage.load(load);
  const sample = { ...load, ...everyOnce, targets: load.targets.slice(0, 4), paths: load.paths.slice(0, 4) };
  const checked = await stage.load({ ...sample, connections: 1 });
  const reached = (await stage.origin.asked()) - before;
  const faults = [...turn.faults, ...checked.turn.faults];
  if (reached > 0 && stage.contender.kind === "cache") faults.push(`${reached} requests reached the origin: not hits`);
  return { figures: turn.figures, faults };
}
