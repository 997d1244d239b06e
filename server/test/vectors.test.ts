import { basename } from "node:path";
import t from "tap";
import {
  coreFunctions,
  coreModules,
  playbookModules,
  readVectorFile,
  recordIds,
  runVector,
  strayPlaybookNames,
  type VectorFile,
  vectorFileNames,
  vectorValidator,
} from "./support/vectors.ts";

const validate = vectorValidator();
const files: VectorFile[] = [];
const ran = new Set<string>();

t.test("every vector file obeys the schema and is named after its module", async (t) => {
  for (const name of vectorFileNames()) {
    const file = readVectorFile(name);
    if (validate(file)) {
      files.push(file);
      t.equal(basename(file.module), basename(name, ".json"), `${name} is named after ${file.module}`);
    } else {
      t.fail(`${name} obeys the schema`, { errors: validate.errors });
    }
  }
  t.not(files.length, 0, "there are vectors");
});

t.test("every case id begins with its module and is there once", async (t) => {
  const seen = new Set<string>();
  for (const file of files) {
    for (const { id } of file.cases) {
      if (seen.has(id) || !id.startsWith(`${basename(file.module)}/`)) {
        t.fail(`${id} is a good id`);
      }
      seen.add(id);
    }
  }
  t.not(seen.size, 0, "there are ids");
});

t.test("every case gives what its vector says", async (t) => {
  for (const file of files) {
    await t.test(file.module, async (t) => {
      const functions = await coreFunctions(file.module);
      for (const vector of file.cases) {
        const difference = runVector(functions, vector);
        t.ok(difference === null, `${vector.id} (${vector.rule})`, difference ?? {});
        ran.add(vector.id);
      }
    });
  }
});

t.test("every exported function of the core is called by a vector, or its module is proven by playbooks", async (t) => {
  const proven = playbookModules();
  t.strictSame(strayPlaybookNames(), [], "the list of modules that playbooks prove names only what exists");
  for (const module of coreModules()) {
    if (proven.has(module)) {
      continue;
    }
    const functions = await coreFunctions(module);
    const called = new Set(files.filter((file) => file.module === module).flatMap(calls));
    const untold = [...functions.keys()].filter((one) => !called.has(one)).sort();
    t.strictSame(untold, [], `${module} has vectors for all that it exports`);
  }
});

t.test("the runner finds a wrong return, an unknown call and an argument changed in secret", async (t) => {
  const functions = new Map([["push", (list: unknown) => Array.isArray(list) && list.push(1)]]);
  const vector = { id: "x/y", rule: "R-X-1", call: "push", args: [[]], returns: 1, mutates: [0], after: [[1]] };
  t.equal(runVector(functions, vector), null);
  t.not(runVector(functions, { ...vector, returns: 2 }), null);
  t.not(runVector(functions, { ...vector, call: "pull" }), null);
  t.not(runVector(functions, { ...vector, after: [[2]] }), null);
  t.not(runVector(functions, { id: "x/y", rule: "R-X-1", call: "push", args: [[]], returns: 1 }), null);
});

t.test("every case ran, and is written down for the comparison with the twin", async (t) => {
  const cases = files.flatMap((file) => file.cases.map((vector) => ({ module: file.module, id: vector.id })));
  recordIds(cases.filter(({ id }) => ran.has(id)).map(({ module, id }) => `${module} ${id}`));
  t.equal(ran.size, cases.length);
});

function calls(file: VectorFile): string[] {
  return file.cases.map((vector) => vector.call);
}
