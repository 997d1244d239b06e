/**
 * A call tree as a flame graph: a picture without scripts, for documents and pages. The width of a box is its share; what
 * it calls stands on it. A viewer shows the figures of the box under the pointer.
 */
import { escaped } from "../bench/escaped.ts";
import type { CallTree, FrameKind } from "./call-tree.ts";

/** Measures in pixels. */
const graphWidth = 1_200;
const rowHeight = 17;
const headHeight = 46;
const letterWidth = 6.3;

/** Narrower boxes are left out, in pixels. */
const boxWidthMin = 1.5;

/** Narrower ones have no name. */
const namedWidthMin = 30;

const colours: Record<FrameKind, [name: string, colour: string]> = {
  core: ["core", "#e9a15b"],
  edge: ["edge", "#f0c36d"],
  library: ["libraries", "#a7c796"],
  runtime: ["runtime", "#9fc1dc"],
  native: ["machine code, system", "#c9ccd1"],
};

/** Long way down: the words of a weight, such as `12 ms`. */
export type WeightText = (weight: number) => string;

export function flameGraph(tree: CallTree, title: string, text: WeightText): string {
  const scale = tree.total > 0 ? graphWidth / tree.total : 0;
  const depth = depthOf(tree, scale);
  const height = headHeight + (depth + 1) * rowHeight + 6;
  const boxes: string[] = [];
  const draw = (node: CallTree, x: number, level: number): void => {
    boxes.push(box(node, tree.total, { x, y: height - 6 - (level + 1) * rowHeight, scale }, text));
    let at = x;
    for (const child of drawn(node, scale)) {
      draw(child, at, level + 1);
      at += child.total * scale;
    }
  };
  draw(tree, 0, 0);
  const classes = Object.entries(colours).map(([kind, [, colour]]) => `.${kind}{fill:${colour}}`);
  const legend = Object.entries(colours).map(
    ([kind, [name]], at) =>
      `<rect class="${kind}" x="${at * 150}" y="26" width="12" height="12"/><text x="${at * 150 + 17}" y="36">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${graphWidth} ${height}" role="img" aria-label="${escaped(title)}">
<style>rect{stroke:#fff;stroke-width:.5}text{font:11px ui-monospace,monospace;fill:#1c2430;pointer-events:none}${classes.join("")}</style>
<rect width="${graphWidth}" height="${height}" fill="#fff"/>
<text x="0" y="14" font-weight="bold">${escaped(title)}</text>
${legend.join("\n")}
${boxes.join("\n")}
</svg>
`;
}

/** By name, so that two graphs of the same program are alike. */
function drawn(node: CallTree, scale: number): CallTree[] {
  return [...node.children.values()]
    .filter((child) => child.total * scale >= boxWidthMin)
    .sort((a, b) => (a.frame.label < b.frame.label ? -1 : 1));
}

function depthOf(node: CallTree, scale: number): number {
  return drawn(node, scale).reduce((most, child) => Math.max(most, 1 + depthOf(child, scale)), 0);
}

function box(
  node: CallTree,
  all: number,
  { x, y, scale }: { x: number; y: number; scale: number },
  text: WeightText,
): string {
  const width = node.total * scale;
  const share = all > 0 ? (node.total * 100) / all : 0;
  const { label, kind } = node.frame;
  const rect = `<rect class="${kind}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${rowHeight}"/>`;
  const letters = Math.floor((width - 6) / letterWidth);
  const name = label.length > letters ? `${label.slice(0, Math.max(0, letters - 1))}…` : label;
  const shown = width < namedWidthMin ? "" : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(name)}</text>`;
  return `<g><title>${escaped(`${label}: ${share.toFixed(1)} %, ${text(node.total)}`)}</title>${rect}${shown}</g>`;
}
