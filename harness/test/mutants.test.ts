import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { type Mutant, mutatedText, readEquivalents, readMutants } from "../mutants/mutant-list.ts";
import { openScratch } from "../mutants/mutant-server.ts";
import { runMutant } from "../mutants/run-mutant.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const mutants = readMutants();

/** Faults of the field that no patch of core or edge can bring, each with its reason. */
const withoutMutant: Record<string, string> = {
  "ready-before-bind": "the harness waits for the listening line; server/test proves that it comes after the bind",
  "disk-full-loop": "a full disk cannot be made from outside; server/test/wire-disk proves it",
  "metadata-not-atomic": "SQLite's own transactions; server/test/cache-index proves what a kill leaves",
};

t.test("each patch still applies to its file, exactly once", (t) => {
  for (const mutant of mutants) {
    t.doesNotThrow(() => mutatedText(readFileSync(join(root, mutant.file), "utf8"), mutant), mutant.id);
    t.not(mutant.find, mutant.replace, `${mutant.id} changes something`);
  }
  t.end();
});

t.test("a text to find that is missing, or there twice, is refused", (t) => {
  const mutant = { ...sample("range-one-short"), find: "a", replace: "b" };
  t.throws(() => mutatedText("ccc", mutant), /no longer/);
  t.throws(() => mutatedText("caca", mutant), /more than once/);
  t.equal(mutatedText("cac", { ...mutant, replace: "$&" }), "c$&c");
  t.end();
});

t.test("there are enough mutants, each with a name of its own, and all patch core or edge", (t) => {
  t.ok(mutants.length >= 60, `${mutants.length} mutants`);
  t.equal(new Set(mutants.map((mutant) => mutant.id)).size, mutants.length);
  for (const mutant of mutants) t.match(mutant.file, /^server\/(?:core|edge)\/[a-z/-]+\.ts$/, mutant.id);
  t.end();
});

t.test("each fault of the field has a mutant, or a reason why it has none", (t) => {
  const { faults } = JSON.parse(readFileSync(join(root, "fixtures/recordings/faults.json"), "utf8")) as {
    faults: { id: string }[];
  };
  const named = new Set([...mutants.flatMap((mutant) => mutant.faults), ...Object.keys(withoutMutant)]);
  t.same([...named].sort(), faults.map((fault) => fault.id).sort());
  t.end();
});

t.test("what is excused is a mutant, and has a reason", (t) => {
  const ids = mutants.map((mutant) => mutant.id);
  for (const { id, reason } of readEquivalents()) {
    t.ok(ids.includes(id), id);
    t.ok(reason.length > 20, `${id} has a reason`);
  }
  t.end();
});

t.test("the cases catch sample mutants, and no server that has no fault", { timeout: 120_000 }, async (t) => {
  const scratch = openScratch(root);
  t.teardown(() => scratch.remove());
  const samples: [Mutant, string][] = [
    [sample("range-one-short"), "ranges/closed"],
    [sample("skd-proxied"), "playlists/other-schemes"],
    [sample("host-missing-taken"), "protocol/host-missing"],
  ];
  for (const [mutant, only] of samples) {
    const verdict = await runMutant({ ...mutant, only: [only] }, scratch, true);
    t.match(verdict, { kind: "caught", by: only }, mutant.id);
  }
  const harmless = {
    ...sample("range-one-short"),
    replace: "? total : spec.last + 1 }; // the same",
    only: ["ranges/closed"],
  };
  t.match(await runMutant(harmless, scratch, true), { kind: "survived", played: 1 });
  const lost = { ...harmless, find: "no such text" };
  t.match(await runMutant(lost, scratch, true), { kind: "unusable", why: /no longer/ });
});

function sample(id: string): Mutant {
  const found = mutants.find((mutant) => mutant.id === id);
  if (found === undefined) throw new Error(`no mutant ${id}`);
  return found;
}
