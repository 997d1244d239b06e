/** Misses: each resource is asked for once and nobody has it. */
import type { BenchCase, Stage, Turn } from "../bench-types.ts";
import { freshPaths } from "../fresh-paths.ts";
import { type LoadPlan, plainPlan } from "../load-plan.ts";

/** Players at once. */
const crowds = [1, 8, 16, 32];

/** More bytes than these no contender fetches in a second, nor more requests. */
const bytesPerSecondMax = 4_000_000_000;
const requestsPerSecondMax = 20_000;

export const missCases: BenchCase[] = [
  ...crowds.map((players) => missCase("2m", "2 MB", 2_000_000, players)),
  ...crowds.map((players) => missCase("20k", "20 KB", 20_000, players)),
  burstCase(250),
  burstCase(500),
];

/** `players` at once, each with one miss after the other. */
function missCase(size: string, words: string, bytes: number, players: number): BenchCase {
  return {
    id: `miss-${size}-${players}`,
    title: `miss, ${words}, ${players} at once`,
    metric: bytes > 1_000_000 ? "megabytesPerSecond" : "requestsPerSecond",
    kinds: ["cache", "origin"],
    prepare: async () => [],
    turn: async (stage) => {
      const count = Math.ceil(stage.seconds * Math.min(requestsPerSecondMax, bytesPerSecondMax / bytes));
      const plan = { ...freshPlan(stage, bytes, count), connections: players, seconds: stage.seconds };
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
      const plan = { ...freshPlan(stage, 200_000, players), connections: players, until: "targets" as const };
      return await missTurn(stage, { ...plan, close: true });
    },
  };
}

/** A load of which each answer must have come from the origin, once. */
export async function missTurn(stage: Stage, plan: LoadPlan): Promise<Turn> {
  const before = await stage.origin.asked();
  const { turn, result } = await stage.load(plan);
  const reached = (await stage.origin.asked()) - before;
  if (reached < result.requests) turn.faults.push(`${result.requests} answers, but ${reached} from the origin`);
  return turn;
}

function freshPlan(stage: Stage, bytes: number, count: number): LoadPlan {
  const paths = freshPaths(`/b/${bytes}`, count);
  return plainPlan(
    paths.map((path) => stage.running.targetOf(path)),
    paths,
    bytes,
  );
}
