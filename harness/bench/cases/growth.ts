/** What a hit and a start cost as the cache grows, and what a proxy costs that nobody asks. */
import type { BenchCase, Stage } from "../bench-types.ts";
import { fetchText } from "../fetch-text.ts";
import { plainPlan } from "../load-plan.ts";
import { cpuSecondsOf, forgetPeak, peakMegabytesOf } from "../processes.ts";
import { hitTurn } from "./hits.ts";

/** Resources that are stored; more than so many only when a case is named. */
const sizes = [10, 1_000, 10_000, 100_000];
const shortMax = 10_000;

/** Resources that are asked for in a turn, spread over all that are stored: as many among 1,000 as among 100,000. */
const askedMax = 1_000;

export const growthCases: BenchCase[] = [
  ...sizes.map(growCase),
  ...sizes.map(openCase),
  {
    id: "idle",
    title: "nobody asks",
    metric: "peakMegabytes",
    kinds: ["cache"],
    prepare: async () => [],
    turn: async (stage) => {
      const { pid } = stage.running;
      forgetPeak(pid);
      const before = cpuSecondsOf(pid);
      await new Promise((resolve) => setTimeout(resolve, stage.seconds * 1_000));
      const after = cpuSecondsOf(pid);
      const peak = peakMegabytesOf(pid);
      if (before === null || after === null || peak === null) return { figures: {}, faults: ["there is no /proc"] };
      return { figures: { peakMegabytes: peak, cpuPercent: ((after - before) * 100) / stage.seconds }, faults: [] };
    },
  },
];

function growCase(resources: number): BenchCase {
  const paths = pathsOf(resources);
  const step = Math.ceil(resources / askedMax);
  const asked = paths.filter((_, at) => at % step === 0);
  return {
    id: `grow-${resources}`,
    title: `hit, 2 KB, among ${resources.toLocaleString("en")} stored`,
    metric: "cpuSecondsPerThousand",
    kinds: ["cache"],
    long: resources > shortMax,
    curve: { name: "a hit of 2 KB", resources },
    prepare: (stage) => fill(stage, paths),
    turn: async (stage) => {
      const targets = asked.map((path) => stage.running.targetOf(path));
      return await hitTurn(stage, { ...plainPlan(targets, asked, 2_000), client: "wrk", seconds: stage.seconds });
    },
  };
}

/** A contender that has so much stored is started again: by when it listens, and by when it has answered a hit. */
function openCase(resources: number): BenchCase {
  const paths = pathsOf(resources);
  return {
    id: `open-${resources}`,
    title: `from the start to the open port, ${resources.toLocaleString("en")} stored`,
    metric: "startMs",
    kinds: ["cache"],
    restarts: true,
    long: resources > shortMax,
    curve: { name: "a start", resources },
    prepare: (stage) => fill(stage, paths),
    turn: async (stage) => {
      const asked = await stage.origin.asked();
      const startMs = await stage.restart();
      const openAt = performance.now();
      const { status } = await fetchText(stage.running.port, stage.running.targetOf(paths[resources >> 1] ?? ""));
      const firstHitMs = startMs + performance.now() - openAt;
      const reached = (await stage.origin.asked()) - asked;
      const faults = status === 200 ? [] : [`${status} after the start`];
      if (reached > 0) faults.push("what was stored came from the origin after the start");
      const peakMegabytes = peakMegabytesOf(stage.running.pid);
      return { figures: { startMs, firstHitMs, ...(peakMegabytes === null ? {} : { peakMegabytes }) }, faults };
    },
  };
}

function pathsOf(resources: number): string[] {
  return Array.from({ length: resources }, (_, at) => `/b/2000/grown-${at}.ts`);
}

async function fill(stage: Stage, paths: string[]): Promise<string[]> {
  const targets = paths.map((path) => stage.running.targetOf(path));
  const once = { ...plainPlan(targets, paths, 2_000), until: "targets" as const, connections: 16, seconds: 300 };
  return (await stage.load(once)).turn.faults;
}
