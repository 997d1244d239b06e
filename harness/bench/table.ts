/** The bench's results as text for a terminal. */
import {
  type BenchReport,
  type CaseResult,
  type ContenderResult,
  type GoalResult,
  type Metric,
  metrics,
} from "./bench-types.ts";
import { type Curve, curvesOf } from "./curves.ts";
import type { Spread } from "./statistics.ts";

/** Columns beside the case's own figure, where there are such figures. */
const columns: Metric[] = [
  "requestsPerSecond",
  "megabytesPerSecond",
  "p50Ms",
  "p99Ms",
  "firstHitMs",
  "pacePercent",
  "rebuffers",
  "stalledMs",
  "originConnections",
  "originKilobytes",
  "twiceKilobytes",
  "cpuSecondsPerGigabyte",
  "cpuSecondsPerThousand",
  "cpuPercent",
  "peakMegabytes",
  "openFiles",
  "diskFiles",
  "clientCpuPercent",
];

/** Load that the bench itself brings: contender, client, origin. */
const benchLoad = 2;

/** Short heads: the units of the figures, in a line. */
const heads: Partial<Record<Metric, string>> = { clientCpuPercent: "client%" };

export function headerText(report: Pick<BenchReport, "machine" | "rounds" | "seconds">): string {
  const { machine } = report;
  const busy = machine.load > machine.cores + benchLoad ? ": it was busy with other things, rates say little" : "";
  return (
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}; ` +
    `${report.rounds} rounds of ${report.seconds} s, medians; load of the machine ${machine.load.toFixed(1)}${busy}`
  );
}

export function caseText(result: CaseResult): string {
  const shown = sideColumns(result);
  const own = metrics[result.metric].unit;
  const head = ["", own, "min..max", `× ${result.baseline}`, "min..max", ...shown.map(headOf)];
  const rows = result.results.map((one) => rowOf(one, result.metric, shown));
  const lines = columnsOf([head, ...rows]);
  const remarks = result.results.flatMap((one) =>
    [...one.faults.map((fault) => `WRONG: ${fault}`), ...one.notes].map((text) => `  ${one.contender}: ${text}`),
  );
  return [`${result.id}  ${result.title}`, ...lines, ...remarks].join("\n");
}

/** What else was measured in a case, in the order of the table. */
export function sideColumns(result: CaseResult): Metric[] {
  return columns.filter(
    (metric) => metric !== result.metric && result.results.some((one) => one.figures[metric] !== undefined),
  );
}

export function goalsText(report: BenchReport): string {
  const measured = report.goals.filter((goal) => goal.reached !== null);
  const rows = measured.map((goal) => {
    const state = stateOf(goal);
    const figure = goal.figure === null ? "" : `${ratioText(goal.figure)} (${spreadText(goal.figure, ratioText)})`;
    const against = goal.against === null ? "" : `against ${goal.against}`;
    const processor = goal.byProcessor === null ? "" : `by CPU ${ratioText(goal.byProcessor)}`;
    return [state, goal.contender, figure, processor, goal.bound, `${goal.what} ${against}`.trim()];
  });
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) => row.map((text, at) => text.padEnd(widths[at] ?? 0)).join("  "));
  const others = report.goals.length - measured.length;
  return [...lines, ...(others > 0 ? [`${others} further goals were not measured`] : [])].join("\n");
}

/** How a cost grows with what is stored, a line for each contender; "" without two points of a curve. */
export function curvesText(report: BenchReport): string {
  return curvesOf(report.cases).map(curveText).join("\n\n");
}

function curveText(curve: Curve): string {
  const { unit, digits } = metrics[curve.metric];
  const head = ["", ...curve.resources.map((count) => count.toLocaleString("en")), "last over first"];
  const rows = curve.rows.map((row) => [
    row.contender,
    ...row.figures.map((figure) => figure?.median.toFixed(digits) ?? "-"),
    row.growth === null ? "-" : `${ratioText(row.growth)} (${spreadText(row.growth, ratioText)})`,
  ]);
  return [`${curve.name}, ${unit}, among so many stored`, ...columnsOf([head, ...rows])].join("\n");
}

/** Lines of columns as wide as what is in them: the first one flush left, the others flush right. */
function columnsOf(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const cell = (text: string, at: number): string =>
    at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join("  ")}`.trimEnd());
}

export function stateOf(goal: GoalResult): string {
  if (goal.reached === null) return "not measured";
  if (!goal.reached) return "NOT REACHED";
  return goal.stretched === true ? "stretch reached" : "reached";
}

export function headOf(metric: Metric): string {
  return heads[metric] ?? metrics[metric].unit;
}

function rowOf(one: ContenderResult, metric: Metric, shown: Metric[]): string[] {
  const figure = (name: Metric) => (value: number) => value.toFixed(metrics[name].digits);
  const own = one.figures[metric];
  return [
    one.contender,
    own === undefined ? "-" : figure(metric)(own.median),
    own === undefined ? "" : spreadText(own, figure(metric)),
    one.ratio === null ? "" : ratioText(one.ratio),
    one.ratio === null ? "" : spreadText(one.ratio, ratioText),
    ...shown.map((name) => {
      const value = one.figures[name];
      return value === undefined ? "-" : figure(name)(value.median);
    }),
  ];
}

export function ratioText(ratio: Spread | number): string {
  return (typeof ratio === "number" ? ratio : ratio.median).toFixed(2);
}

export function spreadText(spread: Spread, text: (value: number) => string): string {
  return `${text(spread.min)}..${text(spread.max)}`;
}
