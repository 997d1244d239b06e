/** Misses: each resource is asked for once and nobody has it. */
import type { BenchCase, Metric, Stage, Turn } from "../bench-types.ts";
import { plainPlan } from "../load-plan.ts";

/** Never asked twice in a run, whoever asks. */
let names = 0;

export const missCases: BenchCase[] = [
  missCase("miss-2m-8", "miss, 2 MB, 8 at once", 2_000_000, 8, "megabytesPerSecond"),
  burstCase(250),
];

/** `connections` players at once, each with one miss after the other. */
function missCase(id: string, title: string, bytes: number, connections: number, metric: Metric): BenchCase {
  return {
    id,
    title,
    metric,
    kinds: ["cache", "origin"],
    prepare: async () => [],
    turn: async (stage) => {
      const { targets, paths } = freshTargets(
        stage,
        bytes,
        Math.ceil(stage.seconds * Math.min(20_000, 4_000_000_000 / bytes)),
      );
      const plan = { ...plainPlan(targets, paths, bytes), connections, seconds: stage.seconds };
      return await missTurn(stage, plan);
    },
  };
}

/** So many players at the same moment, one miss each. */
function burstCase(players: number): BenchCase {
  return {
    id: `burst-${players}`,
    title: `${players} misses of 200 KB at once`,
    metric: "p99Ms",
    kinds: ["cache", "origin"],
    prepare: async () => [],
    turn: async (stage) => {
      const { targets, paths } = freshTargets(stage, 200_000, players);
      const plan = { ...plainPlan(targets, paths, 200_000), connections: players, until: "targets" as const };
      return await missTurn(stage, { ...plan, close: true });
    },
  };
}

/** A load of which each answer must have come from the origin, once. */
async function missTurn(stage: Stage, plan: Parameters<Stage["load"]>[0]): Promise<Turn> {
  const before = await stage.origin.asked();
  const { turn, result } = await stage.load(plan);
  const reached = (await stage.origin.asked()) - before;
  if (reached < result.requests) turn.faults.push(`${result.requests} answers, but ${reached} from the origin`);
  return turn;
}

function freshTargets(stage: Stage, bytes: number, count: number): { targets: string[]; paths: string[] } {
  const paths = Array.from({ length: count }, () => {
    names += 1;
    return `/b/${bytes}/miss-${names}.ts`;
  });
  return { targets: paths.map((path) => stage.running.targetOf(path)), paths };
}
