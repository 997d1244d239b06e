/** A profile's tables: for a terminal, a page and a document. */
import { escaped } from "../bench/escaped.ts";
import { partsOf, type TableRow, topFrames } from "./call-tree.ts";
import type { Capture } from "./capture.ts";
import { flameGraph, type WeightText } from "./flame-graph.ts";

/** Rows of a table of frames. */
const framesMost = 25;

/** Rows of a table in a document. */
const documentRowsMost = 12;

/** Parts whose own weight is less are left out of a table, in percent. */
const partPercentMin = 0.5;

/** What of a profile is the index: its files, types and SQLite. */
const index = /(?:^|\/)(?:cache-)?index[-.]|Index|sqlite/;

/** What is shown of one capture. `of` says how a weight is to be read. */
export type Section = {
  id: string;
  title: string;
  capture: Capture;
  text: WeightText;
  /** Weight of a request in words. */
  perRequest: WeightText;
};

/** A title, the index's share, and both tables. */
export function sectionText(section: Section): string {
  const { title, capture } = section;
  const head = `${title}: ${capture.cost.requests} answers, ${section.text(capture.tree.total)} in all, ${section.perRequest(capture.tree.total)} a request`;
  const tables = tablesOf(section).map(({ name, rows }) => {
    const lines = rows.map(
      (cells) =>
        `  ${cells
          .slice(1)
          .map((cell) => cell.padStart(12))
          .join("")}  ${cells[0]}`,
    );
    return [
      `${name}`,
      `  ${["self %", "total %", "self", "a request"].map((word) => word.padStart(12)).join("")}`,
      ...lines,
    ].join("\n");
  });
  return [head, indexText(section), ...tables].join("\n\n");
}

/** As one page without scripts. */
export function profilePage(title: string, machine: string, sections: Section[]): string {
  const body = sections.map((section) => {
    const tables = tablesOf(section).map(({ name, rows }) => {
      const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`);
      return `<h3>${escaped(name)}</h3><table><tr><th></th><th>self %</th><th>total %</th><th>self</th><th>a request</th></tr>${cells.join("\n")}</table>`;
    });
    return `<h2>${escaped(section.title)}</h2>
<p>${section.capture.cost.requests} answers, ${escaped(section.text(section.capture.tree.total))} in all, ${escaped(section.perRequest(section.capture.tree.total))} a request. ${escaped(indexText(section))}</p>
${graphOf(section)}${tables.join("\n")}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 84em; padding: 0 1em; color: #1c2430; background: #fff }
svg { display: block; width: 100%; height: auto } p { color: #5a6675 }
td, th { text-align: right; padding: .15em .8em; border-bottom: 1px solid #d8dee6 } td:first-child { text-align: left }
</style></head><body><h1>${escaped(title)}</h1><p>${escaped(machine)}</p>
<p>The width of a box is its share; what it calls stands on it. The pointer over a box shows its figures.</p>
${body.join("\n")}
</body></html>
`;
}

export function graphOf({ title, capture, text }: Section): string {
  return flameGraph(capture.tree, title, text);
}

/** For a document, which has the picture in a file of its own. */
export function sectionMarkdown(section: Section, picture: string): string {
  const tables = tablesOf(section).map(({ name, rows }) => {
    const lines = rows
      .slice(0, documentRowsMost)
      .map(([label = "", ...cells]) => `| ${[`\`${label}\``, ...cells].join(" | ")} |\n`);
    return `${name}:\n\n| | self % | total % | self | a request |\n| --- | ---: | ---: | ---: | ---: |\n${lines.join("")}`;
  });
  const { title, perRequest, capture } = section;
  const words = `${perRequest(capture.tree.total)} a request. ${indexText(section)}`;
  return `### ${title}\n\n![${title}](${picture})\n\n${words}\n\n${tables.join("\n")}`;
}

function tablesOf(section: Section): { name: string; rows: string[][] }[] {
  const { tree } = section.capture;
  const parts = partsOf(tree).filter((row) => (row.self * 100) / tree.total >= partPercentMin);
  return [
    { name: "By part, with what it calls outside of the project and its libraries", rows: rowsOf(parts, section) },
    { name: "By function", rows: rowsOf(topFrames(tree, framesMost), section) },
  ];
}

function rowsOf(rows: TableRow[], { capture, text, perRequest }: Section): string[][] {
  const percent = (weight: number): string => ((weight * 100) / capture.tree.total).toFixed(1);
  return rows.map((row) => [row.label, percent(row.self), percent(row.total), text(row.self), perRequest(row.self)]);
}

function indexText({ capture, perRequest }: Section): string {
  const own = partsOf(capture.tree).filter((row) => index.test(row.label));
  const weight = own.reduce((sum, row) => sum + row.self, 0);
  return `The index: ${perRequest(weight)} a request, ${((weight * 100) / capture.tree.total || 0).toFixed(1)} % of it.`;
}
