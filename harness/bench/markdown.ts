/** A report's tables for a document, so that no figure is copied by hand. */
import { type BenchReport, type CaseResult, type ContenderResult, type Metric, metrics } from "./bench-types.ts";
import { type Curve, curvesOf } from "./curves.ts";
import { headerText, headOf, ratioText, sideColumns, spreadText, stateOf } from "./table.ts";

/** What a terminal shows beside a case's own figure, and a document leaves out: it follows from the others. */
const leftOut: Metric[] = ["cpuPercent", "requestsPerSecond", "megabytesPerSecond", "clientCpuPercent", "openFiles"];

export function markdownOf(report: BenchReport): string {
  const left = report.left.map(({ contender, why }) => `Left out: ${contender} (${why}).\n`);
  const parts = [`${headerText(report)}; ${report.at}.\n`, ...left];
  const goals = goalsTable(report);
  if (goals !== "") parts.push(`### Goals\n\n${goals}`);
  parts.push(...curvesOf(report.cases).map(curveTable), ...report.cases.map(caseTable));
  return parts.join("\n");
}

function goalsTable(report: BenchReport): string {
  const rows = report.goals
    .filter((goal) => goal.reached !== null)
    .map((goal) => [
      stateOf(goal),
      goal.contender,
      `${goal.what}${goal.against === null ? "" : ` against ${goal.against}`}`,
      goal.figure === null ? "" : `${ratioText(goal.figure)} (${spreadText(goal.figure, ratioText)})`,
      goal.byProcessor === null ? "" : ratioText(goal.byProcessor),
      goal.bound,
    ]);
  return rows.length === 0 ? "" : table(["", "twin", "what", "figure", "by CPU", "goal"], rows);
}

function curveTable(curve: Curve): string {
  const { unit, digits } = metrics[curve.metric];
  const head = ["", ...curve.resources.map((count) => count.toLocaleString("en")), "last over first"];
  const rows = curve.rows.map((row) => [
    row.contender,
    ...row.figures.map((figure) => figure?.median.toFixed(digits) ?? ""),
    row.growth === null ? "" : `${ratioText(row.growth)} (${spreadText(row.growth, ratioText)})`,
  ]);
  return `### As the cache grows: ${curve.name}, ${unit}\n\n${table(head, rows)}`;
}

function caseTable(one: CaseResult): string {
  const shown = sideColumns(one).filter((metric) => !leftOut.includes(metric));
  const head = ["", metrics[one.metric].unit, `× ${one.baseline}`, ...shown.map(headOf)];
  const rows = one.results.map((result) => rowOf(result, one.metric, shown));
  const remarks = one.results.flatMap((result) =>
    [...result.faults.map((fault) => `wrong: ${fault}`), ...result.notes].map(
      (text) => `${result.contender}: ${text}.\n`,
    ),
  );
  return [`### ${one.id}: ${one.title}\n\n${table(head, rows)}`, ...remarks].join("\n");
}

function rowOf({ contender, figures, ratio }: ContenderResult, metric: Metric, shown: Metric[]): string[] {
  const text = (name: Metric) => (value: number) => value.toFixed(metrics[name].digits);
  const own = figures[metric];
  return [
    contender,
    own === undefined ? "" : `${text(metric)(own.median)} (${spreadText(own, text(metric))})`,
    ratio === null ? "" : `${ratioText(ratio)} (${spreadText(ratio, ratioText)})`,
    ...shown.map((name) => figures[name]?.median.toFixed(metrics[name].digits) ?? ""),
  ];
}

/** The first column flush left, figures flush right. */
function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return `${line(head)}${line(head.map((_, at) => (at === 0 ? "---" : "---:")))}${rows.map(line).join("")}`;
}
