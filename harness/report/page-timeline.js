// When it happened: every player's request above, every transfer of the origin below, on one axis of milliseconds.
import { drawn, element, milliseconds } from "./page-parts.js";

const rowHeight = 18;
const labelWidth = 170;
const chartWidth = 900;

/** A drawing of a transcript's times; null when nothing was timed. */
export function timeline(transcript) {
  const players = transcript.responses.filter((one) => one.endMs > 0 || one.sentMs > 0);
  const origin = transcript.origin.filter((one) => one.endMs > 0 || one.startMs > 0);
  const rows = [...players.map(playerRow), ...origin.map(originRow)];
  if (rows.length === 0) return null;
  const begin = Math.min(...rows.map((row) => row.from));
  const end = Math.max(...rows.map((row) => row.to), begin + 1);
  const x = (ms) => labelWidth + ((ms - begin) / (end - begin)) * (chartWidth - labelWidth - 10);
  const height = rows.length * rowHeight + 26;
  const chart = drawn(
    "svg",
    {
      viewBox: `0 0 ${chartWidth} ${height}`,
      role: "img",
      "aria-label": `${players.length} requests of players and ${origin.length} of the origin over ${milliseconds(end - begin)}`,
      class: "timeline",
    },
    ...axis(begin, end, x, height),
    ...rows.map((row, at) => bar(row, at, x)),
  );
  return element("div", { class: "scroll" }, chart);
}

function playerRow(response) {
  const status = response.head.split(" ")[1] ?? "no head";
  const head = response.headMs < 0 ? response.endMs : response.headMs;
  return {
    kind: "player",
    label: response.request,
    from: response.sentMs,
    middle: head,
    to: Math.max(response.endMs, head),
    says: `${response.request}: ${status}, sent at ${milliseconds(response.sentMs)}, head at ${milliseconds(head)}, ${response.end} at ${milliseconds(response.endMs)}`,
  };
}

function originRow(entry) {
  const range = entry.fields.find(([name]) => name.toLowerCase() === "range")?.[1] ?? "";
  return {
    kind: "origin",
    label: `${entry.method} ${entry.target}`,
    from: entry.startMs,
    middle: entry.startMs,
    to: Math.max(entry.endMs, entry.startMs),
    says: `origin ${entry.method} ${entry.target} ${range}: ${entry.status}, ${entry.bodyBytes} bytes, from ${milliseconds(entry.startMs)} to ${milliseconds(entry.endMs)}`,
  };
}

function bar(row, at, x) {
  const y = at * rowHeight + 20;
  const width = (from, to) => Math.max(2, x(to) - x(from));
  const label = row.label.length > 26 ? `…${row.label.slice(-25)}` : row.label;
  return drawn(
    "g",
    { class: row.kind },
    drawn("title", {}, row.says),
    drawn("text", { x: labelWidth - 6, y: y + 12, "text-anchor": "end" }, label),
    drawn("rect", { class: "wait", x: x(row.from), y: y + 3, width: width(row.from, row.middle), height: 10 }),
    drawn("rect", { class: "body", x: x(row.middle), y: y + 3, width: width(row.middle, row.to), height: 10 }),
  );
}

function axis(begin, end, x, height) {
  return [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const ms = begin + (end - begin) * share;
    const anchor = share === 1 ? "end" : share === 0 ? "start" : "middle";
    return [
      drawn("line", { x1: x(ms), x2: x(ms), y1: 16, y2: height, class: "tick" }),
      drawn("text", { x: x(ms), y: 11, "text-anchor": anchor, class: "soft" }, milliseconds(ms)),
    ];
  });
}

/** What the origin saw, as a table. */
export function originTable(transcript) {
  if (transcript.origin.length === 0) return element("p", { class: "soft" }, "The origin saw nothing.");
  const columns = ["", "Where", "Request", "Fields", "Status", "From", "Bytes", "Time"];
  const rows = transcript.origin.map((entry, at) =>
    element(
      "tr",
      {},
      element("td", {}, `${at + 1}`),
      element("td", {}, `${entry.origin} #${entry.connection}`),
      element("td", {}, `${entry.method} ${entry.target}`),
      element("td", { class: "fields" }, entry.fields.map(([name, value]) => `${name}: ${value}`).join("\n")),
      element("td", {}, `${entry.status === 0 ? "none" : entry.status}`),
      element("td", { class: "number" }, `${entry.from}`),
      element("td", { class: "number" }, `${entry.bodyBytes}`),
      element("td", { class: "number" }, `${milliseconds(entry.startMs)} – ${milliseconds(entry.endMs)}`),
    ),
  );
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  return element(
    "div",
    { class: "scroll" },
    element("table", { class: "log" }, element("thead", {}, head), element("tbody", {}, ...rows)),
  );
}
