/** What a proxy adds on a real link: times to the first byte, to the last, and to the start of a presentation. */
import { Agent } from "node:http";
import type { BenchCase, Stage, Turn } from "../bench-types.ts";
import { contentOf } from "../content.ts";
import { type Fetched, fetchText } from "../fetch-text.ts";
import { freshLink, freshName, freshPaths } from "../fresh-paths.ts";
import { plainPlan } from "../load-plan.ts";
import { missTurn } from "./misses.ts";

/** What a start needs of its first segment, in bytes. */
const startBytes = 65_536;

/** Round trips of a cold player before its first request: the name, TCP, TLS 1.3. */
const coldHandshakes = 3;

export const linkCases: BenchCase[] = [
  linkCase("first-byte-40", "firstByteMs", "time to the first byte of a miss of 2 MB, 40 ms away, 50 Mbit/s"),
  linkCase("total-40", "totalMs", "time to the last byte of a miss of 2 MB, 40 ms away, 50 Mbit/s"),
  startCase("start-50", 20, 50_000),
  startCase("start-7", 40, 7_000),
];

/** One miss after the other on a kept connection; the origin's own connections are kept as well. */
function linkCase(id: string, metric: BenchCase["metric"], title: string): BenchCase {
  return {
    id,
    title,
    metric,
    kinds: ["cache", "origin"],
    prepare: async () => [],
    turn: async (stage) => {
      // Three of them take about a second; a percentile is no use here, the median is.
      const paths = freshPaths(`/link/40/50000/0/${freshLink()}/b/2000000`, 3);
      const targets = paths.map((path) => stage.running.targetOf(path));
      const plan = { ...plainPlan(targets, paths, 2_000_000), connections: 1, until: "targets" as const, seconds: 30 };
      return await missTurn(stage, plan);
    },
  };
}

/** Multivariant playlist, variant's, initialization section, first bytes of a segment: one after the other. */
function startCase(id: string, roundTripMs: number, kilobits: number): BenchCase {
  const folder = (): string => `/link/${roundTripMs}/${kilobits}/${coldHandshakes}/${freshLink()}/s/${freshName()}`;
  return {
    id,
    title: `start of a presentation nobody has, cold player, ${roundTripMs} ms away, ${kilobits / 1_000} Mbit/s`,
    metric: "totalMs",
    kinds: ["cache", "origin"],
    prepare: async () => [],
    turn: async (stage) => {
      // A proxy has been in use: two connections to the origin are there, as after any player that loads two things at
      // once. A player without one comes cold.
      if (stage.contender.kind === "cache") await Promise.all([warm(stage, folder()), warm(stage, folder())]);
      return await startUp(stage, folder());
    },
  };
}

async function warm(stage: Stage, folder: string): Promise<void> {
  await fetchText(stage.running.port, stage.running.targetOf(`${folder}/init.mp4`));
}

async function startUp(stage: Stage, folder: string): Promise<Turn> {
  const { port, targetOf } = stage.running;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const faults: string[] = [];
  const began = performance.now();
  try {
    for (const name of ["multivariant.m3u8", "variant.m3u8", "init.mp4"]) {
      const path = `${folder}/${name}`;
      faults.push(...wrong(path, await fetchText(port, targetOf(path), agent)));
    }
    const segment = `${folder}/segment-0.m4s`;
    faults.push(...wrong(segment, await fetchText(port, targetOf(segment), agent, startBytes)));
    return { figures: { totalMs: performance.now() - began }, faults };
  } finally {
    agent.destroy();
  }
}

/** Playlists are rewritten by some; whatever else must be the origin's bytes, as far as it came. */
function wrong(path: string, { status, text }: Fetched): string[] {
  if (status !== 200) return [`${status} for ${path}`];
  if (path.endsWith(".m3u8")) return text.startsWith("#EXTM3U\n") ? [] : [`not a playlist: ${path}`];
  const content = contentOf(path)?.toString("latin1", 0, text.length);
  return text !== "" && content === text ? [] : [`wrong bytes of ${path}`];
}
