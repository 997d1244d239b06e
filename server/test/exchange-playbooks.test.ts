/**
 * Runs every playbook of fixtures/playbooks/exchange: players, origins, disk and clock against the whole core, in
 * virtual time. After every step the invariants of the proxy's state are checked as well.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import t, { type Test } from "tap";
import { proxyDeadline } from "../core/exchange/proxy-events.ts";
import { invariantFaults, leftovers, sendFaults } from "./support/exchange-invariants.ts";
import type { ExchangePlaybook } from "./support/exchange-playbook.ts";
import { playEvent, stagePlaybook } from "./support/exchange-playbook.ts";
import { Simulator } from "./support/exchange-simulator.ts";
import { simOptions } from "./support/sim-options.ts";
import { recordIds } from "./support/vectors.ts";

const root = new URL("../../fixtures/", import.meta.url);
const folder = new URL("playbooks/exchange/", root);
const schema = JSON.parse(readFileSync(new URL("schema/exchange-playbook.schema.json", root), "utf8"));
const validate = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile<ExchangePlaybook>(
  schema,
);
const files = readdirSync(folder).sort();
const rules = new Set<string>();
const ran: string[] = [];

t.not(files.length, 0, "there are playbooks");

for (const file of files) {
  t.test(`playbook exchange/${file}`, (t) => {
    const playbook: unknown = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
    if (validate(playbook)) runPlaybook(t, playbook);
    else t.fail("the file follows the schema", { errors: validate.errors });
    ran.push(`playbook exchange/${file.replace(".json", "")}`);
    t.end();
  });
}

t.test("the invariants find a flight that its body does not know and a byte that is counted twice", (t) => {
  const sim = new Simulator(simOptions({}, {}), [], 1, 0);
  sim.preload("A", "http://o.example/seg.ts");
  t.same(invariantFaults(sim), []);
  const flight = sim.state.flights.get(1);
  flight?.body.flights.pop();
  sim.state.table.bytes = 1;
  t.equal(invariantFaults(sim).length, 2);
  t.ok(leftovers(sim).length > 0);
  t.end();
});

t.test("the rules that playbooks of exchanges pin", (t) => {
  t.comment(`rules: ${[...rules].sort().join(" ")}`);
  t.not(rules.size, 0);
  recordIds(ran);
  t.end();
});

function runPlaybook(t: Test, playbook: ExchangePlaybook): void {
  const sim = stagePlaybook(playbook);
  const asked: string[] = [];
  sim.onSend = (flight) => asked.push(...sendFaults(flight));
  for (const [index, step] of playbook.steps.entries()) {
    const label = `${playbook.title}: step ${index + 1}, ${step.event.kind}`;
    if (step.at !== undefined && step.at < sim.nowMs) t.fail(`${label}: time goes back`);
    sim.nowMs = step.at ?? sim.nowMs;
    playEvent(sim, step.event);
    t.strictSame(sim.lines, step.actions, label);
    sim.lines = [];
    t.strictSame(invariantFaults(sim).concat(asked), [], `${label}: the invariants hold`);
    if (step.deadline !== undefined) t.equal(proxyDeadline(sim.state), step.deadline, `${label}: the deadline`);
  }
  const quiet = sim.state.exchanges.size === 0 && sim.state.flights.size === 0;
  if (quiet) t.strictSame(leftovers(sim), [], `${playbook.title}: nothing is left`);
  for (const rule of playbook.rules) rules.add(rule);
}
