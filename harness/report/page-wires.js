// Two wires side by side: each response line by line, what differs marked, what is missing left empty.
import { element, linesOf } from "./page-parts.js";

/** Pairs of lines [left, right], null where a side has none: the longest common run of lines stays together. */
function alignedLines(left, right) {
  const same = (one, other) => one === other || sameAge(one, other);
  let head = 0;
  while (head < left.length && head < right.length && same(left[head], right[head])) head += 1;
  let tail = 0;
  while (
    tail < left.length - head &&
    tail < right.length - head &&
    same(left[left.length - 1 - tail], right[right.length - 1 - tail])
  )
    tail += 1;
  const middle = alignedMiddle(left.slice(head, left.length - tail), right.slice(head, right.length - tail), same);
  const pairs = left.slice(0, head).map((line, at) => [line, right[at]]);
  pairs.push(...middle);
  for (let at = tail; at > 0; at -= 1) pairs.push([left[left.length - at], right[right.length - at]]);
  return pairs;
}

/** The table of the longest common subsequence; texts too long for it are put side by side as they stand. */
function alignedMiddle(left, right, same) {
  if (left.length * right.length > 250_000) {
    return Array.from({ length: Math.max(left.length, right.length) }, (_none, at) => [
      left[at] ?? null,
      right[at] ?? null,
    ]);
  }
  const best = Array.from({ length: left.length + 1 }, () => new Array(right.length + 1).fill(0));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      best[i][j] = same(left[i], right[j]) ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const pairs = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    if (same(left[i], right[j])) pairs.push([left[i++], right[j++]]);
    else if (best[i + 1][j + 1] === best[i][j]) pairs.push([left[i++], right[j++]]);
    else if (best[i + 1][j] >= best[i][j + 1]) pairs.push([left[i++], null]);
    else pairs.push([null, right[j++]]);
  }
  while (i < left.length) pairs.push([left[i++], null]);
  while (j < right.length) pairs.push([null, right[j++]]);
  return pairs;
}

/** Age may be up to three seconds older than sealed. */
function sameAge(one, other) {
  const [left, right] = [one, other].map((line) => /^Age: (\d+)$/.exec(line)?.[1]);
  return left !== undefined && right !== undefined && Math.abs(Number(left) - Number(right)) <= 3;
}

/** Everything of a response that is compared, as lines under headings. */
function partsOf(response) {
  if (response === null) return [];
  const body =
    response.end === "cut" || response.end === "reset" ? [] : [`${response.bytes} bytes`, `SHA-256 ${response.sha256}`];
  return [
    ["Request", linesOf(response.sent)],
    ["Response", linesOf(response.head)],
    ["Body", [`ends ${response.end === "reset" ? "cut" : response.end}, framed by ${response.framing}`, ...body]],
    ["Text", linesOf(response.text)],
    ["Faults", response.faults],
  ];
}

/** The table of one request on both wires. `names` are the two sides' names. */
function wireTable(left, right, names) {
  const [one, other] = [partsOf(left), partsOf(right)];
  const titles = ["Request", "Response", "Body", "Text", "Faults"];
  const body = element("tbody", {});
  let differs = false;
  for (const title of titles) {
    const lines = [one, other].map((parts) => parts.find(([name]) => name === title)?.[1] ?? []);
    if (lines[0].length + lines[1].length === 0) continue;
    body.append(element("tr", { class: "part" }, element("th", { colspan: "3", scope: "rowgroup" }, title)));
    for (const [a, b] of alignedLines(lines[0], lines[1])) {
      const changed = left !== null && right !== null && a !== b && !(a !== null && b !== null && sameAge(a, b));
      differs ||= changed;
      body.append(lineRow(a, b, changed));
    }
  }
  return {
    differs,
    table: element("div", { class: "scroll" }, element("table", { class: "wires" }, headRow(names), body)),
  };
}

function lineRow(left, right, changed) {
  const [a, b] = changed ? markedPair(left, right) : [left ?? "", right ?? ""];
  return element(
    "tr",
    { class: changed ? "changed" : null },
    element("td", { class: "sign" }, changed ? "≠" : ""),
    element("td", { class: left === null ? "none" : null }, a),
    element("td", { class: right === null ? "none" : null }, b),
  );
}

/** Both lines with the stretch that differs marked. */
function markedPair(left, right) {
  if (left === null || right === null) return [left ?? "", right ?? ""];
  let from = 0;
  while (from < left.length && from < right.length && left[from] === right[from]) from += 1;
  let end = 0;
  while (end < left.length - from && end < right.length - from && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const parts = (line) => [
    line.slice(0, from),
    element("mark", {}, line.slice(from, line.length - end)),
    line.slice(line.length - end),
  ];
  return [parts(left), parts(right)];
}

/** All requests of two transcripts, each in a fold; those that differ are open. */
export function wireSections(left, right, names, findings) {
  const requests = [...new Set([...(left?.responses ?? []), ...(right?.responses ?? [])].map((one) => one.request))];
  return requests.map((request) => {
    const sides = [left, right].map(
      (transcript) => transcript?.responses.find((one) => one.request === request) ?? null,
    );
    const { differs, table } = wireTable(sides[0], sides[1], names);
    const missing = left !== null && right !== null && (sides[0] === null || sides[1] === null);
    const wrong = differs || missing || findings.some((finding) => finding.at === request);
    const status = (sides[1] ?? sides[0]).head.split("\r\n")[0] || "no response";
    return element(
      "details",
      { open: wrong || requests.length <= 2 },
      element(
        "summary",
        {},
        wrong ? element("span", { class: "mark bad" }, "≠ ") : null,
        element("b", {}, request),
        ` ${status}`,
      ),
      table,
    );
  });
}

/** What the origin saw beside what it saw when the case was sealed; nothing when both are the same. */
export function originSection(left, right, names) {
  if (left === null) return null;
  const [one, other] = [left, right].map((transcript) => transcript.origin.map(entryLine));
  const pairs = alignedLines(one, other);
  if (pairs.every(([a, b]) => a === b)) return null;
  const rows = pairs.map(([a, b]) => lineRow(a, b, a !== b));
  const table = element("table", { class: "wires" }, headRow(names), element("tbody", {}, ...rows));
  const mark = element("span", { class: "mark bad" }, "≠ ");
  return element(
    "details",
    { open: true },
    element("summary", {}, mark, element("b", {}, "origin")),
    element("div", { class: "scroll" }, table),
  );
}

function entryLine(entry) {
  const fields = entry.fields.map(([name, value]) => `${name}: ${value}`).join(" | ");
  return `${entry.origin} ${entry.method} ${entry.target} -> ${entry.status} from ${entry.from} | ${fields}`;
}

function headRow(names) {
  const sign = element("th", { class: "sign", scope: "col" }, element("span", { class: "hidden" }, "differs"));
  return element("thead", {}, element("tr", {}, sign, ...names.map((name) => element("th", { scope: "col" }, name))));
}
