/** Many cases on many targets, some at once; the results come in the order of the cases. */
import type { FoundCase } from "../case/case-files.ts";
import type { CaseResult, Oracle, RunResult } from "../case/result-types.ts";
import type { OriginPlace } from "../origin/origin-place.ts";
import type { Target } from "../sut/target.ts";
import { compareTranscripts } from "./compare.ts";
import { runCase, verdictOf } from "./run-case.ts";

export type RunPlan = {
  cases: FoundCase[];
  targets: Target[];
  /** Known failures by target name, then case. */
  known: Record<string, Record<string, string>>;
  oracles: Oracle[];
  mapping: string | null;
  originPlace: OriginPlace | null;
  jobs: number;
  repeat: number;
  seed: number;
  update: boolean;
  /** Begin no further case after a failure. */
  failFast: boolean;
  onResult: (result: CaseResult, done: number, total: number) => void;
};

/** Runs all. Rejects when a target cannot be started. */
export async function runAll(plan: RunPlan): Promise<RunResult> {
  const beganAt = performance.now();
  const startedAt = new Date().toISOString();
  const work = Array.from({ length: plan.repeat }, () => plan.cases).flat();
  const slots: CaseResult[][] = work.map(() => []);
  const order = shuffled(
    work.map((_one, index) => index),
    plan.seed,
  );
  const total = work.length * plan.targets.length;
  let next = 0;
  let done = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    while (next < order.length && !stopped) {
      const index = order[next] ?? 0;
      next += 1;
      const found = work[index];
      if (found === undefined) return;
      slots[index] = await runOnTargets(found, plan);
      for (const result of slots[index] ?? []) {
        done += 1;
        stopped ||= plan.failFast && !isRight(result);
        plan.onResult(result, done, total);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, plan.jobs) }, worker));
  } finally {
    await Promise.all(plan.targets.map((target) => target.end()));
  }
  const targets = plan.targets.map((target) => target.name);
  return { startedAt, seed: plan.seed, targets, results: slots.flat(), ms: performance.now() - beganAt };
}

/** One case on every target; each is held against the first as well. */
async function runOnTargets(found: FoundCase, plan: RunPlan): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const target of plan.targets) {
    const known = plan.known[target.name] ?? {};
    const { oracles, mapping, update, originPlace } = plan;
    const result = await runCase(found, target, { oracles, mapping, known, update, originPlace });
    const first = results[0];
    if (first === undefined) {
      results.push(result);
      continue;
    }
    const sides = { left: first.target, right: target.name };
    const findings = [...result.findings, ...compareTranscripts(first.transcript, result.transcript, sides, "equal")];
    results.push({ ...result, findings, ...verdictOf(found.case, findings, result.sealed !== null, known) });
  }
  return results;
}

/** Seed 0 keeps the order; another one shuffles, so that cases that depend on each other show. */
function shuffled(items: number[], seed: number): number[] {
  if (seed === 0) return items;
  const mixed = [...items];
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const other = (state >>> 0) % (at + 1);
    [mixed[at], mixed[other]] = [mixed[other] ?? 0, mixed[at] ?? 0];
  }
  return mixed;
}

/** 1 when anything is wrong. A case without a seal proves too little to count as right. */
export function exitCodeOf(result: RunResult): 0 | 1 {
  return result.results.every(isRight) ? 0 : 1;
}

function isRight(result: CaseResult): boolean {
  return result.verdict === "passed" || result.verdict === "known-failing";
}
