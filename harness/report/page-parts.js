// Pieces of the page. Text goes in as text, never as markup: bodies and fields hold whatever an origin sent.

export const verdictRows = [
  { verdict: "failed", mark: "✗", says: "failed", kind: "bad" },
  { verdict: "unexpected-pass", mark: "!", says: "passed though known to fail", kind: "bad" },
  { verdict: "unsealed", mark: "?", says: "without a seal", kind: "open" },
  { verdict: "known-failing", mark: "~", says: "known to fail", kind: "open" },
  { verdict: "passed", mark: "✓", says: "passed", kind: "good" },
];

const svgSpace = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a child is a node or text. */
export function element(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** As `element`, inside of SVG. */
export function drawn(name, attributes, ...children) {
  return filled(document.createElementNS(svgSpace, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function rowOf(verdict) {
  return verdictRows.find((row) => row.verdict === verdict) ?? verdictRows[0];
}

/** A verdict as a mark with its words for those who do not see it. */
export function verdictMark(verdict) {
  const row = rowOf(verdict);
  return element("span", { class: `mark ${row.kind}` }, row.mark, element("span", { class: "hidden" }, ` ${row.says}`));
}

export function areaOf(id) {
  return id.split("/")[0];
}

export function milliseconds(ms) {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms * 10) / 10} ms`;
}

/** Lines with their ends kept, an odd one made visible. */
export function linesOf(text) {
  if (text === null || text === "") return [];
  const lines = text.split("\n");
  const last = lines.pop();
  const whole = lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : `${line}␊`));
  return last === "" ? whole : [...whole, `${last}⌁`];
}
