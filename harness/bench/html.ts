/** The bench's results as one page without scripts: a bar for each contender's figure, with the spread over the rounds. */
import { type BenchReport, type CaseResult, type GoalResult, metrics } from "./bench-types.ts";
import { curveChart } from "./curve-chart.ts";
import { curvesOf } from "./curves.ts";
import { escaped } from "./escaped.ts";
import type { Spread } from "./statistics.ts";
import { headerText, sideColumns, stateOf } from "./table.ts";

/** Measures of a chart, in pixels. */
const nameWidth = 150;
const barWidth = 520;
const figureWidth = 200;
const rowHeight = 22;

const style = `
  body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em;
    color: #1c2430; background: #fff }
  h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 2em 0 .3em }
  p { color: #5a6675; margin: .3em 0 }
  svg { display: block; width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: currentColor }
  .bar { fill: #9fb3c8 } [class^="bar reference"] { fill: #2b6cb0 } [class^="bar bridge"] { fill: #c05621 }
  .line { fill: none; stroke-width: 2; stroke: #9fb3c8 } [class^="line reference"] { stroke: #2b6cb0 }
  [class^="line bridge"] { stroke: #c05621 } .line[class$="-disk"] { stroke-dasharray: 5 4 } .axis { stroke: currentColor; opacity: .3 }
  .spread { stroke: currentColor; opacity: .55 } .figure { opacity: .8 }
  table { border-collapse: collapse; width: 100% }
  td, th { text-align: left; padding: .25em .8em .25em 0; border-bottom: 1px solid #d8dee6; vertical-align: top }
  td:nth-child(1), td:nth-child(2), td:nth-child(4), td:nth-child(6) { white-space: nowrap }
  .reached { color: #2f855a } .missed { color: #c53030; font-weight: 600 } .wrong { color: #c53030 }
  @media (prefers-color-scheme: dark) {
    body { color: #dde3ea; background: #14181d } p { color: #97a3b2 }
    td, th { border-color: #303844 } .bar { fill: #54657a } .reached { color: #68d391 }
    [class^="bar reference"] { fill: #4a90d9 } [class^="bar bridge"] { fill: #dd7b3f }
    .missed, .wrong { color: #fc8181 }
  }
`;

export function htmlPage(report: BenchReport, title = "reelcache bench"): string {
  const left = report.left.map(
    ({ contender, why }) => `<p class="wrong">${escaped(`${contender}: left out, ${why}`)}</p>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${style}</style></head><body>
<h1>${escaped(title)}</h1>
<p>${escaped(headerText(report))}; ${escaped(report.at)}</p>
<p>Bars are medians; the line across a bar goes from the lowest to the highest round.</p>
${left.join("\n")}
${goalsTable(report.goals)}
${curvesOf(report.cases).map(curveChart).join("\n")}
${report.cases.map((one) => caseChart(one)).join("\n")}
</body></html>
`;
}

function goalsTable(goals: GoalResult[]): string {
  const measured = goals.filter((goal) => goal.reached !== null);
  if (measured.length === 0) return "";
  const rows = measured.map((goal) => {
    const figure = goal.figure === null ? "" : `${goal.figure.median.toFixed(2)} (${spreadText(goal.figure, 2)})`;
    const against = goal.against === null ? "" : ` against ${goal.against}`;
    const state = `<td class="${goal.reached ? "reached" : "missed"}">${stateOf(goal)}</td>`;
    const processor = goal.byProcessor === null ? "" : goal.byProcessor.median.toFixed(2);
    const words = [goal.contender, `${goal.what}${against}`, figure, processor, goal.bound];
    return `<tr>${state}${words.map((word) => `<td>${escaped(word)}</td>`).join("")}</tr>`;
  });
  return `<h2>Goals</h2><table><tr><th></th><th></th><th>what</th><th>figure</th><th>by CPU</th><th>goal</th></tr>
${rows.join("\n")}</table>`;
}

function caseChart(one: CaseResult): string {
  const { unit, better, digits } = metrics[one.metric];
  const most = Math.max(...one.results.map((result) => result.figures[one.metric]?.max ?? 0));
  const scale = most > 0 ? barWidth / most : 0;
  const rows = one.results.map((result, row) => {
    const figure = result.figures[one.metric];
    const middle = row * rowHeight + rowHeight / 2;
    const name = `<text x="0" y="${middle + 4}">${escaped(result.contender)}</text>`;
    if (figure === undefined) return name;
    const ratio = result.ratio === null ? "" : ` (× ${result.ratio.median.toFixed(2)})`;
    const end = nameWidth + figure.max * scale + 8;
    return `${name}${bar(result.contender, figure, middle, scale)}
<text class="figure" x="${end.toFixed(1)}" y="${middle + 4}">${figure.median.toFixed(digits)}${ratio}</text>`;
  });
  const remarks = one.results.flatMap((result) => [
    ...result.faults.map((fault) => `<p class="wrong">${escaped(`${result.contender}: wrong: ${fault}`)}</p>`),
    ...result.notes.map((note) => `<p>${escaped(`${result.contender}: ${note}`)}</p>`),
  ]);
  const width = nameWidth + barWidth + figureWidth;
  return `<h2>${escaped(one.title)}</h2>
<p>${escaped(one.id)}, ${escaped(unit)}, ${better} is better; × is over ${escaped(one.baseline)}</p>
<svg viewBox="0 0 ${width} ${rows.length * rowHeight}" role="img" aria-label="${escaped(one.title)}">
${rows.join("\n")}
</svg>
${sideTable(one)}
${remarks.join("\n")}`;
}

/** The other figures of a case of players, whose bars tell a part only. */
function sideTable(one: CaseResult): string {
  if (one.metric !== "firstFrameMs") return "";
  const columns = sideColumns(one);
  const rows = one.results.map(({ contender, figures }) => {
    const cells = columns.map((metric) => figures[metric]?.median.toFixed(metrics[metric].digits) ?? "-");
    return `<tr>${[contender, ...cells].map((text) => `<td>${escaped(text)}</td>`).join("")}</tr>`;
  });
  return `<table><tr><th></th>${columns.map((metric) => `<th>${escaped(metrics[metric].unit)}</th>`).join("")}</tr>
${rows.join("\n")}</table>`;
}

function bar(name: string, figure: Spread, middle: number, scale: number): string {
  const at = (value: number): string => (nameWidth + value * scale).toFixed(1);
  const size = `width="${Math.max(1, figure.median * scale).toFixed(1)}" height="${rowHeight - 8}"`;
  return `<rect class="bar ${name}" x="${nameWidth}" y="${middle - (rowHeight - 8) / 2}" ${size} rx="2"/>
<line class="spread" x1="${at(figure.min)}" x2="${at(figure.max)}" y1="${middle}" y2="${middle}"/>`;
}

function spreadText(spread: Spread, digits: number): string {
  return `${spread.min.toFixed(digits)}..${spread.max.toFixed(digits)}`;
}
