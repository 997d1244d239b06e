/** What a hit costs as the cache grows, and what a proxy costs that nobody asks. */
import type { BenchCase } from "../bench-types.ts";
import { plainPlan } from "../load-plan.ts";
import { cpuSecondsOf, forgetPeak, peakMegabytesOf } from "../processes.ts";
import { hitTurn } from "./hits.ts";

/** Resources that are asked for in a turn, spread over all that are stored. */
const askedMax = 2_048;

export const growthCases: BenchCase[] = [
  growCase(10),
  growCase(1_000),
  growCase(10_000),
  growCase(100_000),
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
  const paths = Array.from({ length: resources }, (_, at) => `/b/2000/grown-${at}.ts`);
  const step = Math.ceil(resources / askedMax);
  const asked = paths.filter((_, at) => at % step === 0);
  return {
    id: `grow-${resources}`,
    title: `hit, 2 KB, among ${resources.toLocaleString("en")} stored`,
    metric: "cpuSecondsPerThousand",
    kinds: ["cache"],
    long: resources > 10_000,
    prepare: async (stage) => {
      const targets = paths.map((path) => stage.running.targetOf(path));
      const once = { ...plainPlan(targets, paths, 2_000), until: "targets" as const, connections: 16, seconds: 300 };
      return (await stage.load(once)).turn.faults;
    },
    turn: async (stage) => {
      const targets = asked.map((path) => stage.running.targetOf(path));
      return await hitTurn(stage, { ...plainPlan(targets, asked, 2_000), client: "wrk", seconds: stage.seconds });
    },
  };
}
