/**
 * Runs every playbook of fixtures/playbooks: the machines of the core, driven in virtual time by data that the Swift
 * twin runs as well. A machine's state is the implied first argument; `at` is the time, given to the calls that take it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import t from "tap";
import { defaultLimits, type Limits } from "../core/base/limits.ts";
import * as breaker from "../core/download/breaker.ts";
import * as lanes from "../core/download/lane-queue.ts";
import { recordIds } from "./support/vectors.ts";

type Step = { at: number; call: string; args: unknown[]; returns?: unknown; note?: string };
type Playbook = { machine: string; title: string; rules: string[]; limits?: Record<string, number>; steps: Step[] };

/** Calls one function of a machine on its state; gives what it returned, undefined for a void function. */
type Call = (args: unknown[], nowMs: number) => unknown;

/** One machine: its module's exports, the function that makes its state, and its calls bound to a new state. */
type Machine = { module: Record<string, unknown>; maker: string; bind: (limits: Limits) => Record<string, Call> };

const machines: Record<string, Machine> = {
  "lane-queue": { module: lanes, maker: "laneQueue", bind: bindLaneQueue },
  breaker: { module: breaker, maker: "breakerTable", bind: bindBreaker },
};

const root = new URL("../../fixtures/", import.meta.url);
const schema = JSON.parse(readFileSync(new URL("schema/playbook.schema.json", root), "utf8"));
const validate = new Ajv({ strict: true }).compile(schema);
const called = new Set<string>();
const rules = new Set<string>();
const ran: string[] = [];

for (const folder of readdirSync(new URL("playbooks/", root)).sort()) {
  // That machine has players, origins and disks: exchange-playbooks.test.ts runs it.
  if (folder === "exchange") continue;
  const machine = machines[folder];
  const files = readdirSync(new URL(`playbooks/${folder}/`, root)).sort();
  t.ok(machine !== undefined, `the machine "${folder}" is known to this runner`);
  t.not(files.length, 0, `the machine "${folder}" has playbooks`);
  for (const file of files) {
    if (machine !== undefined) {
      runFile(machine, folder, file);
    }
  }
}

t.test("playbooks call every function of every machine", (t) => {
  for (const [name, machine] of Object.entries(machines)) {
    const functions = Object.keys(machine.module).filter((key) => typeof machine.module[key] === "function");
    const uncalled = functions.filter((key) => key !== machine.maker && !called.has(`${name}/${key}`));
    t.same(uncalled, [], `the machine "${name}"`);
  }
  t.comment(`rules: ${[...rules].sort().join(" ")}`);
  recordIds(ran);
  t.end();
});

function runFile(machine: Machine, folder: string, file: string): void {
  t.test(`playbook ${folder}/${file}`, (t) => {
    const playbook = JSON.parse(readFileSync(new URL(`playbooks/${folder}/${file}`, root), "utf8")) as Playbook;
    t.ok(validate(playbook), "the file follows the schema", { diagnostics: validate.errors ?? [] });
    t.equal(playbook.machine, folder, "the file lies in its machine's folder");
    const limits: Limits = { ...defaultLimits };
    for (const [name, value] of Object.entries(playbook.limits ?? {})) {
      if (!Object.hasOwn(defaultLimits, name)) {
        t.fail(`"${name}" is no limit`);
      }
      Object.assign(limits, { [name]: value });
    }
    const calls = machine.bind(limits);
    let nowMs = 0;
    for (const [index, step] of playbook.steps.entries()) {
      const label = `${playbook.title}: step ${index + 1}, ${step.call} at ${step.at}`;
      if (step.at < nowMs) {
        t.fail(`${label}: time goes back`);
      }
      nowMs = step.at;
      const call = calls[step.call];
      if (call === undefined) {
        t.fail(`${label}: the machine has no such call`);
        break;
      }
      called.add(`${folder}/${step.call}`);
      t.strictSame(call(step.args, nowMs), step.returns, label);
    }
    for (const rule of playbook.rules) {
      rules.add(rule);
    }
    ran.push(`playbook ${folder}/${file.replace(".json", "")}`);
    t.end();
  });
}

function bindLaneQueue(limits: Limits): Record<string, Call> {
  const queue = lanes.laneQueue(limits);
  return {
    laneEnter: (args, nowMs) => {
      const [id, lane, host] = args as [number, lanes.Lane, string];
      return lanes.laneEnter(queue, id, lane, host, nowMs);
    },
    laneLeave: (args, nowMs) => lanes.laneLeave(queue, (args as [number])[0], nowMs),
    lanePromote: (args, nowMs) => {
      const [id, lane] = args as [number, lanes.Lane];
      return lanes.lanePromote(queue, id, lane, nowMs);
    },
    laneTick: (_args, nowMs) => lanes.laneTick(queue, nowMs),
    laneNextDeadline: () => lanes.laneNextDeadline(queue),
    laneCounts: () => lanes.laneCounts(queue),
  };
}

function bindBreaker(limits: Limits): Record<string, Call> {
  const table = breaker.breakerTable(limits);
  return {
    breakerAllows: (args, nowMs) => breaker.breakerAllows(table, (args as [string])[0], nowMs),
    breakerSucceeded: (args) => breaker.breakerSucceeded(table, (args as [string])[0]),
    breakerFailed: (args, nowMs) => breaker.breakerFailed(table, (args as [string])[0], nowMs),
    breakerAbandoned: (args) => breaker.breakerAbandoned(table, (args as [string])[0]),
    breakerReset: () => breaker.breakerReset(table),
    breakerOpenUntil: (args) => breaker.breakerOpenUntil(table, (args as [string])[0]),
  };
}
