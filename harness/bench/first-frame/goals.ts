/** What was set out to be reached with first frames (goals.json), held against what was measured. */
import { readFileSync } from "node:fs";
import type { CaseResult, GoalResult } from "../bench-types.ts";
import { type Goal, judge } from "../goals.ts";

export type FirstFrameGoal = Omit<Goal, "from"> & {
  /** What of a twin it is about: its ways are named TWIN-WAY. */
  way: string;
};

/** Whose goals these are. */
const twins = ["reference", "bridge"];

export function readFirstFrameGoals(): FirstFrameGoal[] {
  return JSON.parse(readFileSync(new URL("goals.json", import.meta.url), "utf8")) as FirstFrameGoal[];
}

/** One result for each goal and twin that took part in any case. */
export function judgeFirstFrame(goals: FirstFrameGoal[], cases: CaseResult[]): GoalResult[] {
  const present = cases.flatMap((one) => one.results.map((result) => result.contender));
  return goals.flatMap((goal) =>
    twins
      .filter((twin) => present.some((name) => name.startsWith(`${twin}-`)))
      .map((twin) => {
        const found = cases.find((one) => one.id === goal.case) ?? null;
        return judge({ ...goal, from: "any" }, `${twin}-${goal.way}`, found);
      }),
  );
}
