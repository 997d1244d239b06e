/** A curve as a picture: how much is stored goes to the right by powers of ten, the cost up from zero. */
import { metrics } from "./bench-types.ts";
import type { Curve, CurveRow } from "./curves.ts";
import { escaped } from "./escaped.ts";

/** Measures in pixels. */
const plotWidth = 600;
const plotHeight = 220;
const leftWidth = 70;
const namesWidth = 200;
const footHeight = 24;
const topHeight = 10;
const nameHeight = 14;

export function curveChart(curve: Curve): string {
  const { unit, digits } = metrics[curve.metric];
  const most = Math.max(...curve.rows.flatMap((row) => row.figures.map((figure) => figure?.median ?? 0)));
  const [first = 1] = curve.resources;
  const decades = Math.log10((curve.resources.at(-1) ?? first) / first);
  const x = (resources: number): number =>
    leftWidth + (decades > 0 ? (Math.log10(resources / first) * plotWidth) / decades : 0);
  const y = (figure: number): number => topHeight + plotHeight - (most > 0 ? (figure * plotHeight) / most : 0);
  // The last one stays clear of the names beside it.
  const anchorOf = (count: number): string => (count === curve.resources.at(-1) ? "end" : "middle");
  const ticks = curve.resources.map(
    (count) =>
      `<text x="${x(count).toFixed(1)}" y="${topHeight + plotHeight + 18}" text-anchor="${anchorOf(count)}">${count.toLocaleString("en")}</text>`,
  );
  const levels = [0, most / 2, most].map((level) => {
    const at = y(level).toFixed(1);
    return `<line class="axis" x1="${leftWidth}" x2="${leftWidth + plotWidth}" y1="${at}" y2="${at}"/>
<text x="${leftWidth - 6}" y="${at}" dy="4" text-anchor="end">${level.toFixed(digits)}</text>`;
  });
  const width = leftWidth + plotWidth + namesWidth;
  return `<h2>${escaped(curve.name)}, as the cache grows</h2>
<p>${escaped(unit)}, medians, by how many resources are stored; × is the last over the first</p>
<svg viewBox="0 0 ${width} ${topHeight + plotHeight + footHeight}" role="img" aria-label="${escaped(curve.name)}">
${[...levels, ...ticks, ...lines(curve, x, y)].join("\n")}
</svg>`;
}

/** Each contender's line with its name at the end, names kept apart from each other. */
function lines(curve: Curve, x: (resources: number) => number, y: (figure: number) => number): string[] {
  const endOf = (row: CurveRow): number => y(row.figures.findLast((figure) => figure !== null)?.median ?? 0);
  let above = topHeight - nameHeight;
  return curve.rows
    .toSorted((a, b) => endOf(a) - endOf(b))
    .map((row) => {
      const points = row.figures.flatMap((figure, at) =>
        figure === null ? [] : [`${x(curve.resources[at] ?? 1).toFixed(1)},${y(figure.median).toFixed(1)}`],
      );
      above = Math.max(above + nameHeight, endOf(row));
      const growth = row.growth === null ? "" : ` × ${row.growth.median.toFixed(2)}`;
      return `<polyline class="line ${row.contender}" points="${points.join(" ")}"/>
<text x="${leftWidth + plotWidth + 8}" y="${(above + 4).toFixed(1)}">${escaped(row.contender + growth)}</text>`;
    });
}
