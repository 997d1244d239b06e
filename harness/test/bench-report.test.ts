import { readFileSync } from "node:fs";
import t from "tap";
import { benchCommand } from "../bench/bench-command.ts";
import { type BenchReport, type CaseResult, type ContenderResult, type Metric, metrics } from "../bench/bench-types.ts";
import { cases } from "../bench/cases/index.ts";
import { contenders } from "../bench/contenders/index.ts";
import { curvesOf } from "../bench/curves.ts";
import { placed, placeFault } from "../bench/document.ts";
import { type Goal, judgeGoals, readGoals } from "../bench/goals.ts";
import { htmlPage } from "../bench/html.ts";
import { markdownOf } from "../bench/markdown.ts";
import { keepReport, readReport } from "../bench/report-files.ts";
import { ratioOf, spreadOf } from "../bench/statistics.ts";
import { caseText, curvesText, goalsText } from "../bench/table.ts";

const goal: Goal = {
  id: "quick",
  what: "as quick as the files",
  case: "one",
  metric: "requestsPerSecond",
  from: "any",
  against: ["slow", "fast"],
  atLeast: 0.5,
  stretch: 0.9,
};

t.test("a goal is held against the best of its rivals, round by round", (t) => {
  const one = caseOf("requestsPerSecond", { reference: [60, 66], slow: [1, 1], fast: [100, 110] });
  const [judged] = judgeGoals([goal], [one], true);
  t.equal(judged?.against, "fast");
  t.same(judged?.figure, { median: 0.6, min: 0.6, max: 0.6 });
  t.equal(judged?.byProcessor, null, "no processor time was measured");
  t.equal(judged?.reached, true);
  t.equal(judged?.stretched, false);
  t.equal(judged?.bound, "≥ 0.5, stretch 0.9");
  t.end();
});

t.test("where less is better, the best rival is the least, and the bound lies above", (t) => {
  const one = caseOf("p99Ms", { reference: [12, 12], slow: [40, 40], fast: [10, 10] });
  const less: Goal = { ...goal, metric: "p99Ms", atMost: 1 };
  delete less.atLeast;
  delete less.stretch;
  const [judged] = judgeGoals([less], [one], true);
  t.equal(judged?.against, "fast");
  t.equal(judged?.reached, false);
  t.equal(judged?.stretched, null);
  t.end();
});

t.test("beside a ratio of rates stands that of what each does in a second of its processor time", (t) => {
  const one = caseOf("requestsPerSecond", { reference: [60], fast: [100] });
  for (const [at, result] of one.results.entries()) {
    for (const round of result.rounds) round.cpuSecondsPerThousand = at === 0 ? 0.02 : 0.01;
  }
  const [judged] = judgeGoals([goal], [one], true);
  t.same(judged?.byProcessor, { median: 0.5, min: 0.5, max: 0.5 });
  t.end();
});

t.test("without a rival's figures, or a case, a goal is not measured; wrong answers reach nothing", (t) => {
  const alone = caseOf("requestsPerSecond", { reference: [60], bridge: [70] });
  t.same(
    judgeGoals([goal], [alone], true).map((one) => one.reached),
    [null, null],
  );
  t.equal(judgeGoals([{ ...goal, case: "other" }], [alone], true)[0]?.reached, null);
  const wrong = caseOf("requestsPerSecond", { reference: [60], fast: [60] });
  wrong.results[0]?.faults.push("wrong bytes");
  t.equal(judgeGoals([goal], [wrong], true)[0]?.reached, false);
  t.end();
});

t.test("goals of memory and disk are told of the contender that serves so", (t) => {
  const one = caseOf("requestsPerSecond", { reference: [90], "reference-disk": [45], fast: [100] });
  const [memory] = judgeGoals([{ ...goal, from: "memory" }], [one], true);
  const [disk] = judgeGoals([{ ...goal, from: "disk" }], [one], true);
  t.equal(memory?.contender, "reference");
  t.equal(disk?.contender, "reference-disk");
  t.equal(disk?.reached, false);
  t.equal(judgeGoals([{ ...goal, from: "memory" }], [one], false)[0]?.reached, null, "without a memory tier");
  t.end();
});

t.test("every goal names a case, a figure and contenders that there are, and has one bound", (t) => {
  const goals = readGoals();
  const names = contenders.map((contender) => contender.name);
  t.equal(new Set(goals.map((one) => one.id)).size, goals.length);
  for (const one of goals) {
    t.ok(
      cases.some((candidate) => candidate.id === one.case),
      one.id,
    );
    t.ok(one.metric in metrics, one.id);
    t.same(
      one.against.filter((name) => !names.includes(name)),
      [],
      one.id,
    );
    t.ok(one.over === undefined || cases.some((candidate) => candidate.id === one.over), one.id);
    t.not(one.atLeast === undefined, one.atMost === undefined, one.id);
  }
  t.end();
});

t.test("the table shows figures, ratios and what was wrong", (t) => {
  const one = caseOf("requestsPerSecond", { reference: [100, 100, 100], fast: [200, 300, 250] });
  one.results[1]?.faults.push("length 3 for 4");
  one.results[1]?.notes.push("the client is the limit (95 % of a core)");
  const text = caseText(one);
  t.match(text, /fast +250 +200\.\.300 +2\.50 +2\.00\.\.3\.00/);
  t.match(text, /fast: WRONG: length 3 for 4/);
  t.match(text, /fast: the client is the limit/);
  t.end();
});

t.test("the page has a bar for each contender, the goals, and nothing that could be mistaken for markup", (t) => {
  const one = caseOf("requestsPerSecond", { reference: [100], fast: [200] });
  one.title = "<script>";
  const report = reportOf([one]);
  report.goals = judgeGoals([goal], [one], true);
  const page = htmlPage(report);
  t.equal(page.match(/<rect /g)?.length, 2);
  t.match(page, /<td class="reached">reached<\/td>/);
  t.notMatch(page, /<script>/);
  t.match(page, /nginx: left out, it is missing/);
  t.match(goalsText(report), /^reached +reference +0\.50 \(0\.50\.\.0\.50\)/);
  t.end();
});

t.test("a goal over another case is held against the same contender there", (t) => {
  const small = { ...caseOf("cpuSecondsPerThousand", { reference: [0.02, 0.02], fast: [0.01, 0.01] }), id: "small" };
  const large = caseOf("cpuSecondsPerThousand", { reference: [0.03, 0.024], fast: [0.5, 0.5] });
  const grown: Goal = { ...goal, metric: "cpuSecondsPerThousand", against: [], over: "small", atMost: 1.2 };
  delete grown.atLeast;
  delete grown.stretch;
  const [judged] = judgeGoals([grown], [small, large], true);
  t.same([judged?.figure?.min.toFixed(2), judged?.figure?.max.toFixed(2)], ["1.20", "1.50"]);
  t.equal(judged?.reached, false);
  t.equal(judged?.against, "its own in small");
  t.equal(judgeGoals([grown], [large], true)[0]?.reached, null, "without the other case it is not measured");
  t.end();
});

t.test("cases of one curve are put together in the order of their size, by contender", (t) => {
  const [curve, ...others] = curvesOf(grownCases());
  t.same(others, [], "one point is no curve");
  t.same(curve?.resources, [10, 1_000]);
  t.same(
    curve?.rows.map((row) => [row.contender, row.figures.map((figure) => figure?.median ?? null), row.growth?.median]),
    [
      ["reference", [2, 3], 1.5],
      ["fast", [null, 1], undefined],
    ],
  );
  t.match(
    curvesText(reportOf(grownCases())),
    /reference +2\.000 +3\.000 +1\.50 \(1\.50\.\.1\.50\)\n +fast +- +1\.000 +-/,
  );
  const page = htmlPage(reportOf(grownCases()));
  t.match(page, /<polyline class="line reference" points="70\.0,[0-9.]+ 670\.0,[0-9.]+"\/>/);
  t.end();
});

t.test("the tables go to their place in a document, and nothing else of it changes", (t) => {
  const one = caseOf("requestsPerSecond", { reference: [100, 110], fast: [200, 220] });
  one.title = "a|b";
  one.results[1]?.faults.push("length 3 for 4");
  const report = reportOf([one, ...grownCases()]);
  report.goals = judgeGoals([goal], [one], true);
  const tables = markdownOf(report);
  t.match(tables, "| fast | 210 (200..220) | 2.00 (2.00..2.00) |");
  t.match(tables, "fast: wrong: length 3 for 4.");
  t.match(tables, "| reached | reference | as quick as the files against fast | 0.50 (0.50..0.50) |");
  t.match(tables, "| reference | 2.000 | 3.000 | 1.50 (1.50..1.50) |");
  t.match(tables, "Left out: nginx (it is missing).");
  const document = "# Before\n<!-- figures: bench -->\nold\n<!-- end of figures: bench -->\nafter\n";
  const filled = placed(document, "bench", tables);
  t.equal(filled, document.replace("old\n", `\n${tables}\n`));
  t.equal(placed(filled, "bench", tables), filled, "again it changes nothing");
  const both = placed(filled, "first-frame", tables);
  t.ok(both.startsWith(filled), "another command's figures have a place of their own");
  t.end();
});

t.test(
  "a document with half a place, and a file that is no report, are told before anything is measured",
  async (t) => {
    const folder = t.testdir({ half: "<!-- figures: bench -->\n", none: "text\n", report: "[]", broken: "{" });
    t.match(placeFault(`${folder}/half`, "bench"), /needs both <!-- figures: bench -->/);
    t.equal(placeFault(`${folder}/none`, "bench"), null);
    t.equal(placeFault(`${folder}/new`, "bench"), null);
    t.match(readReport(`${folder}/report`), /holds no report/);
    t.match(readReport(`${folder}/broken`), /cannot be read/);
    const files = { json: `${folder}/new.json`, markdown: `${folder}/new.md` };
    const report = reportOf([caseOf("requestsPerSecond", { reference: [100] })]);
    keepReport(report, files, "first-frame");
    t.same(readReport(files.json), report);
    t.equal(readFileSync(files.markdown, "utf8"), placed("", "first-frame", markdownOf(report)));
    const said: string[] = [];
    const options = { rounds: 1, seconds: 1, only: "", contenders: "*", baseline: "", clients: 1 };
    const out = { write: (text: string) => said.push(text) };
    t.equal(await benchCommand({ ...options, from: `${folder}/broken` }, out), 2);
    t.equal(await benchCommand({ ...options, from: files.json, markdown: `${folder}/half` }, out), 2);
    t.equal(await benchCommand({ ...options, from: files.json, markdown: `${folder}/none` }, out), 0);
    t.match(readFileSync(`${folder}/none`, "utf8"), /^text\n<!-- figures: bench -->\n/);
    t.equal(await benchCommand({ ...options, from: files.json, markdown: `${folder}/none`, place: "growth" }, out), 0);
    t.match(readFileSync(`${folder}/none`, "utf8"), /end of figures: bench -->\n<!-- figures: growth -->\n/);
    t.match(said.join(""), /one {2}one case/);
  },
);

/** Two points of one curve, larger first, and one of another. */
function grownCases(): CaseResult[] {
  const point = (name: string, resources: number, figures: Record<string, number[]>): CaseResult => {
    return { ...caseOf("cpuSecondsPerThousand", figures), curve: { name, resources } };
  };
  const large = point("a hit", 1_000, { reference: [3, 3], fast: [1, 1] });
  return [large, point("a hit", 10, { reference: [2, 2] }), point("alone", 10, { reference: [1] })];
}

function caseOf(metric: Metric, figures: Record<string, number[]>): CaseResult {
  const [first = []] = Object.values(figures);
  const results = Object.entries(figures).map(([contender, rounds], at): ContenderResult => {
    const spread = spreadOf(rounds);
    return {
      contender,
      figures: spread === null ? {} : { [metric]: spread },
      rounds: rounds.map((figure) => ({ [metric]: figure })),
      ratio: at === 0 ? null : ratioOf(rounds, first),
      faults: [],
      notes: [],
    };
  });
  return { id: "one", title: "one case", metric, baseline: "reference", results };
}

function reportOf(results: CaseResult[]): BenchReport {
  return {
    at: "2026-11-20T00:00:00.000Z",
    machine: { cpu: "some", cores: 2, memoryMegabytes: 1, system: "linux", node: "v24", load: 0 },
    rounds: 1,
    seconds: 1,
    left: [{ contender: "nginx", why: "it is missing" }],
    cases: results,
    goals: [],
  };
}
