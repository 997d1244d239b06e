// The page: cases against targets, a filter, and the chosen case. The address after "#" says what is chosen.
import { areaOf, element, milliseconds, rowOf, verdictMark, verdictRows } from "./page-parts.js";
import { originTable, timeline } from "./page-timeline.js";
import { originSection, wireSections } from "./page-wires.js";

const run = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** Results by case and target; of a repeated case the worst counts. */
const grid = new Map();
for (const result of run.results) {
  const targets = grid.get(result.case.id) ?? new Map();
  const before = targets.get(result.target);
  const rank = (one) => verdictRows.findIndex((row) => row.verdict === one.verdict);
  if (before === undefined || rank(result) < rank(before)) targets.set(result.target, result);
  grid.set(result.case.id, targets);
}

const counts = Object.fromEntries(
  verdictRows.map((row) => [row.verdict, run.results.filter((result) => result.verdict === row.verdict).length]),
);
const bad = run.results.some((result) => rowOf(result.verdict).kind === "bad");
const chosenVerdicts = new Set(
  verdictRows.filter((row) => counts[row.verdict] > 0 && (!bad || row.kind === "bad")).map((row) => row.verdict),
);

/** Everything that a search looks at. */
const searched = new Map(
  [...grid].map(([id, targets]) => {
    const results = [...targets.values()];
    const item = results[0].case;
    const found = results.flatMap((result) => result.findings.flatMap((finding) => [finding.by, finding.message]));
    return [id, [id, item.title, ...item.rules, ...item.faults, ...found].join("\n").toLowerCase()];
  }),
);

function showSum() {
  const started = new Date(run.startedAt).toISOString().replace("T", " ").slice(0, 19);
  const seed = run.seed === 0 ? "" : ` · seed ${run.seed}`;
  byId("sum").append(
    `${grid.size} cases · ${run.targets.join(", ")} · ${milliseconds(run.ms)} · ${started} UTC${seed}`,
  );
  for (const row of verdictRows.filter((one) => counts[one.verdict] > 0)) {
    const box = element("input", { type: "checkbox", checked: chosenVerdicts.has(row.verdict), onchange: toggle });
    box.value = row.verdict;
    byId("verdicts").append(
      element("label", { class: `chip ${row.kind}` }, box, ` ${row.mark} ${counts[row.verdict]} ${row.says}`),
    );
  }
}

function toggle(event) {
  if (event.target.checked) chosenVerdicts.add(event.target.value);
  else chosenVerdicts.delete(event.target.value);
  showRows();
}

function showRows() {
  const words = byId("find")
    .value.toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const shown = [...grid].filter(
    ([id, targets]) =>
      [...targets.values()].some((result) => chosenVerdicts.has(result.verdict)) &&
      words.every((word) => searched.get(id).includes(word)),
  );
  const columns = ["Case", ...run.targets].map((name) => element("th", { scope: "col" }, name));
  byId("columns").replaceChildren(element("tr", {}, ...columns));
  const rows = [];
  for (const [at, [id, targets]] of shown.entries()) {
    if (at === 0 || areaOf(shown[at - 1][0]) !== areaOf(id)) rows.push(areaRow(areaOf(id), shown));
    rows.push(caseRow(id, targets));
  }
  byId("rows").replaceChildren(...rows);
  byId("shown").textContent = `${shown.length} of ${grid.size} cases shown`;
  markChosen();
}

function areaRow(area, shown) {
  const many = shown.filter(([id]) => areaOf(id) === area).length;
  const name = element("th", { colspan: `${run.targets.length + 1}`, scope: "rowgroup" }, `${area} (${many})`);
  return element("tr", { class: "area" }, name);
}

function caseRow(id, targets) {
  const name = id.slice(id.indexOf("/") + 1);
  const cells = run.targets.map((target) => {
    const result = targets.get(target);
    const link =
      result &&
      element(
        "a",
        { href: addressOf(id, target), title: `${rowOf(result.verdict).says}, ${milliseconds(result.ms)}` },
        verdictMark(result.verdict),
      );
    return element("td", { class: "cell" }, link);
  });
  const item = [...targets.values()][0].case;
  const link = element("a", { href: addressOf(id, run.targets[0]) }, name);
  return element(
    "tr",
    { "data-case": id },
    element("th", { scope: "row", class: "name" }, link, element("small", {}, item.title)),
    ...cells,
  );
}

function addressOf(id, target) {
  return `#${new URLSearchParams({ case: id, target })}`;
}

function chosen() {
  const said = new URLSearchParams(location.hash.slice(1));
  const targets = grid.get(said.get("case"));
  return targets === undefined ? null : (targets.get(said.get("target")) ?? [...targets.values()][0]);
}

function markChosen() {
  const result = chosen();
  for (const row of byId("rows").querySelectorAll("tr[data-case]")) {
    const isChosen = result !== null && row.dataset.case === result.case.id;
    if (isChosen) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function showCase() {
  const result = chosen();
  markChosen();
  if (result === null) return;
  const item = result.case;
  const chips = [...item.rules, ...item.faults].map((text) => element("li", {}, text));
  byId("case").replaceChildren(
    element("h2", {}, verdictMark(result.verdict), ` ${item.id}`),
    element("p", { class: "title" }, item.title),
    element(
      "p",
      { class: "soft" },
      `${result.target} · ${rowOf(result.verdict).says} · ${milliseconds(result.ms)}${sourceText(item.source)}`,
    ),
    element("ul", { class: "chips", "aria-label": "Rules and faults" }, ...chips),
    result.reason === "" ? "" : element("p", {}, `Known to fail: ${result.reason}`),
    ...findingList(result),
    ...wires(result),
    element("h3", {}, "When"),
    timeline(result.transcript) ?? element("p", { class: "soft" }, "Nothing was timed."),
    element("h3", {}, "What the origin saw"),
    originTable(result.transcript),
    element(
      "details",
      {},
      element("summary", {}, "The case as data"),
      element("pre", {}, JSON.stringify(item, null, 2)),
    ),
  );
  byId("case").focus({ preventScroll: true });
  byId("case").scrollIntoView({ block: "start" });
}

function sourceText(source) {
  if (source.kind === "recorded") return ` · recorded from ${source.player} on ${source.on}`;
  if (source.kind === "modelled") return ` · modelled on ${source.player}`;
  return source.kind === "imported" ? ` · imported from ${source.from}` : "";
}

function findingList(result) {
  if (result.findings.length === 0) return [];
  const items = result.findings.map((finding) =>
    element(
      "li",
      {},
      element("b", {}, finding.by),
      finding.at === "" ? "" : ` at ${finding.at}`,
      element("pre", {}, finding.message),
    ),
  );
  return [element("h3", {}, "What is wrong"), element("ul", { class: "findings" }, ...items)];
}

/** Both wires: the sealed one, or another target's, against this one. What passed is equal to its seal. */
function wires(result) {
  const sealed = result.verdict === "passed" ? result.transcript : result.sealed;
  const others = [...grid.get(result.case.id).values()].filter((one) => one !== result);
  const lefts = [
    ...(sealed === null ? [] : [{ name: "sealed", transcript: sealed }]),
    ...others.map((one) => ({ name: one.target, transcript: one.transcript })),
  ];
  const holder = element("div", {});
  const show = (left) => {
    const names = [left?.name ?? "no seal", result.target];
    const before = left?.transcript ?? null;
    const seen = originSection(before, result.transcript, names) ?? "";
    holder.replaceChildren(...wireSections(before, result.transcript, names, result.findings), seen);
  };
  show(lefts[0]);
  const heading = element("h3", {}, "On the wire");
  if (lefts.length < 2) return [heading, holder];
  const options = lefts.map((left, at) => element("option", { value: `${at}` }, left.name));
  const choice = element("select", { onchange: (event) => show(lefts[Number(event.target.value)]) }, ...options);
  return [heading, element("label", {}, "against ", choice), holder];
}

byId("filter").addEventListener("submit", (event) => event.preventDefault());
byId("find").addEventListener("input", showRows);
window.addEventListener("hashchange", showCase);
showSum();
showRows();
showCase();
