/** The bench's results as text for a terminal. */
import {
  type BenchReport,
  type CaseResult,
  type ContenderResult,
  type GoalResult,
  type Metric,
  metrics,
} from "./bench-types.ts";
import type { Spread } from "./statistics.ts";

/** Columns beside the case's own figure, where there are such figures. */
const columns: Metric[] = [
  "requestsPerSecond",
  "megabytesPerSecond",
  "p50Ms",
  "p99Ms",
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
  const widths = head.map((text, at) => Math.max(text.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    row.map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join("  "),
  );
  const remarks = result.results.flatMap((one) =>
    [...one.faults.map((fault) => `WRONG: ${fault}`), ...one.notes].map((text) => `  ${one.contender}: ${text}`),
  );
  return [`${result.id}  ${result.title}`, ...lines.map((line) => `  ${line}`.trimEnd()), ...remarks].join("\n");
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

export function stateOf(goal: GoalResult): string {
  if (goal.reached === null) return "not measured";
  if (!goal.reached) return "NOT REACHED";
  return goal.stretched === true ? "stretch reached" : "reached";
}

function headOf(metric: Metric): string {
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

function ratioText(ratio: Spread | number): string {
  return (typeof ratio === "number" ? ratio : ratio.median).toFixed(2);
}

function spreadText(spread: Spread, text: (value: number) => string): string {
  return `${text(spread.min)}..${text(spread.max)}`;
}
