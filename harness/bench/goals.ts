/** What was set out to be reached (goals.json), held against what was measured. */
import { readFileSync } from "node:fs";
import { type CaseResult, type ContenderResult, type GoalResult, type Metric, metrics } from "./bench-types.ts";
import { ratioOf, type Spread } from "./statistics.ts";

export type Goal = {
  id: string;
  what: string;
  case: string;
  metric: Metric;
  /** Which twin it is about: with its bytes in memory, one that reads its files, either, or one that fetches ahead. */
  from: "memory" | "disk" | "any" | "ahead";
  /** The best of these is what the figure is put over; of none, the figure itself is bounded, unless there is `over`. */
  against: string[];
  /** Another case: the figure is put over the same contender's there. */
  over?: string;
  atLeast?: number;
  atMost?: number;
  /** The worst round must keep the bound, not the median. */
  everyRound?: boolean;
  /** Beyond the goal; it is told, and nothing hangs on it. */
  stretch?: number;
};

/** Whose goals these are. */
const subjects = ["reference", "bridge"];

export function readGoals(): Goal[] {
  return JSON.parse(readFileSync(new URL("goals.json", import.meta.url), "utf8")) as Goal[];
}

/** One result for each goal and twin that took part. `keepsInMemory`: whether twins have a memory tier at all. */
export function judgeGoals(goals: Goal[], cases: CaseResult[], keepsInMemory: boolean): GoalResult[] {
  const present = new Set(cases.flatMap((one) => one.results.map((result) => result.contender)));
  return goals.flatMap((goal) =>
    subjects
      .filter((name) => present.has(name))
      .map((name) => {
        const found = cases.find((one) => one.id === goal.case) ?? null;
        const memory = keepsInMemory || goal.from !== "memory";
        const base = cases.find((one) => one.id === goal.over) ?? null;
        return judge(goal, nameOfSubject(goal, name, keepsInMemory), found, memory, base);
      }),
  );
}

/** A twin that keeps nothing in memory, or fetches ahead, is its own contender where there is such a choice. */
function nameOfSubject(goal: Goal, name: string, keepsInMemory: boolean): string {
  if (goal.from === "ahead") return `${name}-ahead`;
  return goal.from === "disk" && keepsInMemory ? `${name}-disk` : name;
}

/**
 * Holds one contender's figures of a case against a goal; `measurable`: whether there is such a way of serving at all;
 * `base`: the case of the goal's `over`.
 */
export function judge(
  goal: Goal,
  subject: string,
  found: CaseResult | null,
  measurable = true,
  base: CaseResult | null = null,
): GoalResult {
  const bound = boundText(goal);
  // Where no twin keeps anything in memory, nothing is told of memory.
  const own = measurable ? resultIn(found, subject) : null;
  const rival = goal.over === undefined ? bestOf(goal, found) : resultIn(base, subject);
  const figure = figureOf(goal, own, rival);
  const wrong = (own?.faults.length ?? 0) > 0;
  return {
    id: goal.id,
    what: goal.what,
    contender: subject,
    against: againstText(goal, rival),
    bound,
    figure,
    byProcessor: byProcessor(goal, own, rival),
    // Wrong answers reach nothing, however quick.
    reached: figure === null ? null : !wrong && within(goal, judgedOf(goal, figure), boundOf(goal)),
    stretched:
      figure === null || goal.stretch === undefined
        ? null
        : !wrong && within(goal, judgedOf(goal, figure), goal.stretch),
  };
}

function figureOf(goal: Goal, own: ContenderResult | null, rival: ContenderResult | null): Spread | null {
  if (own === null) return null;
  if (goal.against.length === 0 && goal.over === undefined) return own.figures[goal.metric] ?? null;
  return rival === null ? null : ratioOf(seriesOf(own, goal.metric), seriesOf(rival, goal.metric));
}

function byProcessor(goal: Goal, own: ContenderResult | null, rival: ContenderResult | null): Spread | null {
  const rate = goal.metric === "requestsPerSecond" || goal.metric === "megabytesPerSecond";
  if (!rate || own === null || rival === null) return null;
  return ratioOf(seriesOf(rival, "cpuSecondsPerThousand"), seriesOf(own, "cpuSecondsPerThousand"));
}

function resultIn(found: CaseResult | null, contender: string): ContenderResult | null {
  return found?.results.find((result) => result.contender === contender) ?? null;
}

/** Null where a figure itself is bounded. */
function againstText(goal: Goal, rival: ContenderResult | null): string | null {
  if (goal.over !== undefined) return `its own in ${goal.over}`;
  return rival?.contender ?? (goal.against.length === 0 ? null : goal.against.join(" or "));
}

/** The strongest of the rivals, by medians. */
function bestOf(goal: Goal, found: CaseResult | null): ContenderResult | null {
  const more = metrics[goal.metric].better === "more";
  let best: ContenderResult | null = null;
  for (const result of found?.results ?? []) {
    if (!goal.against.includes(result.contender) || result.figures[goal.metric] === undefined) continue;
    const figure = result.figures[goal.metric]?.median ?? 0;
    const beaten = best?.figures[goal.metric]?.median ?? (more ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
    if (more ? figure > beaten : figure < beaten) best = result;
  }
  return best;
}

function boundOf(goal: Goal): number {
  return goal.atLeast ?? goal.atMost ?? Number.NaN;
}

function judgedOf(goal: Goal, figure: Spread): number {
  if (goal.everyRound !== true) return figure.median;
  return goal.atLeast === undefined ? figure.max : figure.min;
}

/** Each goal has one bound; the stretch lies on the same side. */
function within(goal: Goal, figure: number, bound: number): boolean {
  return goal.atLeast === undefined ? figure <= bound : figure >= bound;
}

function seriesOf(result: ContenderResult, metric: Metric): number[] {
  return result.rounds.map((round) => round[metric] ?? Number.NaN);
}

function boundText(goal: Goal): string {
  const bound = `${goal.atLeast === undefined ? "≤" : "≥"} ${boundOf(goal)}`;
  return goal.stretch === undefined ? bound : `${bound}, stretch ${goal.stretch}`;
}
