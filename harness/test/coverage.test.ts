/** The cases leave no rule and no known fault unproven without saying why. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { findCases } from "../case/case-files.ts";
import { type CoverageInput, coverageGaps, coverageInput, definedRules } from "../run/coverage.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const spec = "## A\n\n- **R-X-1** One. (ours)\n- **R-X-2** Two. (ours)\n";
const covered: CoverageInput = {
  spec,
  faults: ["crash"],
  cases: [{ id: "a/one", rules: ["R-X-1"], faults: ["crash"] }],
  offWire: [{ id: "R-X-2", reason: "not seen" }],
};

t.test("the ids of a specification are read in their order", async (t) => {
  t.same(definedRules(spec), ["R-X-1", "R-X-2"]);
  t.same(definedRules("- R-X-1 without its stars\nand **R-X-2** in a sentence"), []);
});

t.test("nothing is a gap when every rule and fault is named or excused", async (t) => {
  t.same(coverageGaps(covered), []);
});

t.test("a rule or fault that no case names is a gap", async (t) => {
  t.same(coverageGaps({ ...covered, cases: [] }), ["R-X-1 is named by no case", "crash is named by no case"]);
});

t.test("a case that names what does not exist is a gap", async (t) => {
  const cases = [...covered.cases, { id: "a/two", rules: ["R-X-3"], faults: ["smoke"] }];
  t.same(coverageGaps({ ...covered, cases }), ["a/two names R-X-3, unknown", "a/two names smoke, unknown"]);
});

t.test("an excuse that is not needed, not known or not given is a gap", async (t) => {
  const offWire = [
    { id: "R-X-1", reason: "not seen" },
    { id: "R-X-2", reason: "" },
    { id: "R-X-3", reason: "not seen" },
  ];
  t.same(coverageGaps({ ...covered, offWire }), [
    "R-X-1 is excused, yet a case names it",
    "R-X-2 is excused without a reason",
    "R-X-3 is excused and unknown",
  ]);
});

t.test("the recordings name every rule that can be seen on the wire, and every fault of the field", async (t) => {
  const claims = findCases(null).map((found) => found.case);
  t.same(coverageGaps(coverageInput(root, claims)), []);
});
