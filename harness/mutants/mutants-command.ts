/** The command `mutants` of the harness: the score of the faults that the cases catch. */
import { dirname, matchesGlob } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError } from "commander";
import type { Mutant } from "./mutant-list.ts";
import { readEquivalents, readMutants } from "./mutant-list.ts";
import { openScratch } from "./mutant-server.ts";
import { type MutantVerdict, runMutant } from "./run-mutant.ts";

type MutantsOptions = { only?: string; jobs: number; likely?: boolean; list?: boolean };
type Judged = { mutant: Mutant; verdict: MutantVerdict; ms: number };

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Adds the command to the program. */
export function addMutantsCommand(program: Command): void {
  program
    .command("mutants")
    .description("put small faults into the server, one at a time, and count those that the cases catch")
    .option("--only <ids>", "mutants whose id matches, comma-separated")
    .option("--jobs <n>", "mutants at once", wholeNumber, 2)
    .option("--likely", "play only the cases that each mutant names")
    .option("--list", "list the mutants and end")
    .action(async (options: MutantsOptions) => {
      const mutants = chosen(options.only ?? "*");
      if (mutants.length === 0) program.error(`no mutant matches ${options.only ?? "*"}`, { exitCode: 2 });
      if (options.list === true) for (const mutant of mutants) console.log(`${mutant.id}\t${mutant.says}`);
      else process.exitCode = await judgeAll(mutants, options);
    });
}

function chosen(only: string): Mutant[] {
  const globs = only.split(",").map((glob) => glob.trim());
  return readMutants().filter((mutant) => globs.some((glob) => matchesGlob(mutant.id, glob)));
}

/** Judges all, some at once; prints each as it ends, then the score. 0 when every mutant is caught or excused. */
async function judgeAll(mutants: Mutant[], options: MutantsOptions): Promise<0 | 1> {
  const beganAt = performance.now();
  const scratch = openScratch(root);
  process.once("SIGINT", () => {
    scratch.remove();
    process.exit(130);
  });
  const waiting = [...mutants];
  const judged: Judged[] = [];
  const worker = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const startedAt = performance.now();
      const verdict = await runMutant(mutant, scratch, options.likely === true);
      const one = { mutant, verdict, ms: performance.now() - startedAt };
      judged.push(one);
      console.log(`${String(judged.length).padStart(3)}/${mutants.length} ${line(one)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.jobs, mutants.length) }, worker));
  } finally {
    scratch.remove();
  }
  return report(judged, performance.now() - beganAt);
}

function line(one: Judged): string {
  const { mutant, verdict } = one;
  const seconds = `${(one.ms / 1000).toFixed(1)} s`.padStart(7);
  const start = `${verdict.kind.padEnd(8)} ${mutant.id.padEnd(30)} ${seconds}`;
  if (verdict.kind === "caught") return `${start}  ${verdict.by} (${verdict.how})`;
  return `${start}  ${verdict.kind === "survived" ? mutant.says : verdict.why}`;
}

function report(judged: Judged[], ms: number): 0 | 1 {
  const reasons = new Map(readEquivalents().map((one) => [one.id, one.reason]));
  const caught = judged.filter((one) => one.verdict.kind === "caught");
  const excused = judged.filter((one) => one.verdict.kind === "survived" && reasons.has(one.mutant.id));
  const open = judged.filter((one) => !caught.includes(one) && !excused.includes(one));
  const known = caught.filter((one) => reasons.has(one.mutant.id));
  for (const one of excused) console.log(`excused  ${one.mutant.id}: ${reasons.get(one.mutant.id) ?? ""}`);
  for (const one of known) console.log(`caught after all, yet excused in equivalent.json: ${one.mutant.id}`);
  for (const one of open)
    console.log(`${one.verdict.kind.padEnd(8)} ${one.mutant.id} (${one.mutant.file}): ${one.mutant.says}`);
  const counted = judged.length - excused.length;
  const score = counted === 0 ? 100 : Math.floor((caught.length * 100) / counted);
  const hangs = caught.filter((one) => one.verdict.kind === "caught" && one.verdict.how === "hang").length;
  console.log(
    `${caught.length} of ${counted} mutants caught (${score} %), ${hangs} of them by a hang; ` +
      `${excused.length} excused; ${(ms / 1000).toFixed(0)} s`,
  );
  return open.length === 0 && known.length === 0 ? 0 : 1;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError("a number from 1 to 99");
  return Number(text);
}
