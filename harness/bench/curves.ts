/** Cases that differ in how much is stored only, put together as curves: how a cost grows with the cache. */
import type { CaseResult, Metric } from "./bench-types.ts";
import { ratioOf, type Spread } from "./statistics.ts";

export type CurveRow = {
  contender: string;
  /** One for each number of resources; null where it was not measured. */
  figures: (Spread | null)[];
  /** The last figure over the first, round by round: 1 is flat. */
  growth: Spread | null;
};

export type Curve = { name: string; metric: Metric; resources: number[]; rows: CurveRow[] };

/** A curve for each name that has two points or more. */
export function curvesOf(cases: CaseResult[]): Curve[] {
  const names = new Set(cases.flatMap((one) => one.curve?.name ?? []));
  return [...names].flatMap((name) => {
    const points = cases.filter((one) => one.curve?.name === name).sort((a, b) => sizeOf(a) - sizeOf(b));
    const [first] = points;
    if (first === undefined || points.length < 2) return [];
    const contenders = new Set(points.flatMap((point) => point.results.map((result) => result.contender)));
    const rows = [...contenders].map((contender) => rowOf(contender, points, first.metric));
    return [{ name, metric: first.metric, resources: points.map(sizeOf), rows }];
  });
}

function rowOf(contender: string, points: CaseResult[], metric: Metric): CurveRow {
  const results = points.map((point) => point.results.find((result) => result.contender === contender) ?? null);
  const seriesAt = (at: number): number[] => results.at(at)?.rounds.map((round) => round[metric] ?? Number.NaN) ?? [];
  return {
    contender,
    figures: results.map((result) => result?.figures[metric] ?? null),
    growth: ratioOf(seriesAt(-1), seriesAt(0)),
  };
}

function sizeOf(one: CaseResult): number {
  return one.curve?.resources ?? 0;
}
