/** The command `bench` of the harness: contenders side by side on this machine. Never a part of what passes or fails. */
import { type Command, InvalidArgumentError } from "commander";
import { matching, wholeNumber } from "./arguments.ts";
import type { BenchCase, BenchReport, CaseResult, Contender } from "./bench-types.ts";
import { cases } from "./cases/index.ts";
import { contenders } from "./contenders/index.ts";
import { keepsInMemory } from "./contenders/twins.ts";
import { judgeGoals, readGoals } from "./goals.ts";
import { keepReport, keptReport } from "./report-files.ts";
import { type BenchRun, runBench } from "./run-bench.ts";
import { caseText, curvesText, goalsText, headerText } from "./table.ts";
import { haveWrk } from "./wrk.ts";

type BenchOptions = {
  rounds: number;
  seconds: number;
  only: string;
  contenders: string;
  baseline: string;
  clients: number;
  bridge?: string;
  json?: string;
  html?: string;
  markdown?: string;
  place?: string;
  from?: string;
  list?: boolean;
};

/** Adds the command to the program. */
export function addBenchCommand(program: Command): void {
  program
    .command("bench")
    .description("measure contenders side by side on loopback: rates, times, processor time, memory, open files")
    .option("--rounds <n>", "rounds of each case, after one that warms up", wholeNumber, 3)
    .option("--seconds <s>", "length of one contender's turn in a round", seconds, 1)
    .option("--only <globs>", "cases whose id matches, comma-separated; * stands for anything", "")
    .option("--contenders <names>", "who takes part, comma-separated; * stands for anything", "*")
    .option("--baseline <name>", "whose figures the others' are put over", "reference")
    .option("--clients <n>", "processes of the bench's own load client", wholeNumber, 1)
    .option("--bridge <file>", "the Swift twin's command, instead of building it from this checkout")
    .option("--json <file>", "write all figures as JSON")
    .option("--html <file>", "write a page with charts")
    .option("--markdown <file>", "write the tables into a document, at its place for them (docs/bench.md)")
    .option("--place <name>", "that place's name, where a document has several (default: bench)")
    .option("--from <file>", "measure nothing: take the figures from what --json wrote")
    .option("--list", "list cases and contenders, and what is missing here")
    .action(async (options: BenchOptions) => {
      process.exitCode = await benchCommand(options, process.stdout);
    });
}

/** Exit status: 0 when it has run, whatever the figures; 2 when it was called wrongly. */
export async function benchCommand(options: BenchOptions, out: { write: (text: string) => unknown }): Promise<0 | 2> {
  const say = (text: string): void => void out.write(`${text}\n`);
  const chosenCases = matching(cases, (one) => one.id, options.only).filter(
    (one) => one.long !== true || options.only.split(",").includes(one.id),
  );
  const chosen = matching(contenders, (contender) => contender.name, options.contenders);
  if (options.list === true) {
    list(chosenCases, chosen, { bridge: options.bridge ?? null }, say);
    return 0;
  }
  const told = (report: BenchReport): void => {
    say(`${[curvesText(report), goalsText(report)].filter(Boolean).join("\n\n")}\n`);
    say(headerText(report));
  };
  const kept = keptReport(options, "bench", say);
  if (kept === 2) return 2;
  if (kept !== null) {
    for (const one of kept.cases) say(`${caseText(one)}\n`);
    told(kept);
    return 0;
  }
  if (chosenCases.length === 0 || chosen.length === 0) {
    say(`nothing is named ${chosen.length === 0 ? options.contenders : options.only}; see bench --list`);
    return 2;
  }
  if (!haveWrk()) say("wrk is missing (Debian: apt-get install wrk): hits of small bodies are limited by the client");
  const run: BenchRun = {
    cases: chosenCases,
    contenders: chosen,
    baseline: options.baseline,
    rounds: options.rounds,
    seconds: options.seconds,
    clients: options.clients,
    options: { bridge: options.bridge ?? null },
  };
  const goals = readGoals();
  const keep = (report: BenchReport): void => {
    report.goals = judgeGoals(goals, report.cases, keepsInMemory);
    keepReport(report, options, "bench");
  };
  const onCase = (result: CaseResult, soFar: BenchReport): void => {
    say(`${caseText(result)}\n`);
    keep(soFar);
  };
  const report = await runBench(run, { onLine: say, onCase });
  keep(report);
  told(report);
  return 0;
}

function list(
  listed: BenchCase[],
  named: Contender[],
  options: BenchRun["options"],
  say: (text: string) => void,
): void {
  for (const one of listed) say(`${one.id.padEnd(26)} ${one.title}`);
  say("");
  for (const contender of named) {
    const why = contender.missing(options);
    say(`${contender.name.padEnd(26)} ${contender.title}${why === null ? "" : ` (left out: ${why})`}`);
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.05 && value <= 60)) throw new InvalidArgumentError("from 0.05 to 60");
  return value;
}
