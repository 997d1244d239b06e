/** `harness run`: reads its options, plays, reports. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type FoundCase, findCases } from "../case/case-files.ts";
import { oracles } from "../oracles/index.ts";
import { isPlaceName, ownPlace } from "../origin/origin-place.ts";
import { report } from "../report/report.ts";
import { screenOf } from "../report/screen.ts";
import { terminalProgress } from "../report/terminal.ts";
import type { Target } from "../sut/target.ts";
import { targetOf, targetSyntax } from "../sut/targets.ts";
import { knownFailures } from "./known-failures.ts";
import { exitCodeOf, runAll } from "./run-all.ts";

export type RunOptions = {
  target?: string[];
  mapping?: string;
  /** Address of this machine at which targets reach the origins. */
  originHost?: string;
  server?: string;
  cases?: string;
  only?: string;
  step?: string;
  shard?: string;
  repeat: string;
  seed: string;
  jobs: string;
  update?: boolean;
  failFast?: boolean;
  junit?: string;
  json?: string;
  html?: string;
  /** Folder of the lists of known failures. */
  known?: string;
};

/** Where the report for a person goes. */
export type Output = { isTTY?: boolean; columns?: number; write: (text: string) => unknown };

/** The command was called wrongly; the message says how. */
export class UsageError extends Error {}

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Runs and resolves with the exit status. Throws `UsageError`, `CaseFileError` and `TargetError`. */
export async function runCommand(
  options: RunOptions,
  environment: Record<string, string | undefined>,
  output: Output,
): Promise<number> {
  if (options.update === true && !["", "0", "false"].includes(environment.CI ?? ""))
    throw new UsageError("--update is refused in CI: seals are reviewed first");
  const found = findCases(options.only ?? null, options.cases && resolve(options.cases));
  const cases = sharded(withStep(found, options.step ?? null), options.shard ?? "1/1");
  if (cases.length === 0) {
    const stepped = options.step === undefined ? "" : ` and has a step ${options.step}`;
    throw new UsageError(`no case matches ${options.only ?? "**"}${stepped}`);
  }
  checkExemptions(cases);
  const { originHost = null } = options;
  if (originHost !== null && !isPlaceName(originHost)) {
    throw new UsageError(`--origin-host ${originHost}: an IPv4 address of this machine, not the one for all of them`);
  }
  const server = resolve(options.server ?? join(root, "server"));
  const targets = (options.target ?? ["reference"]).map((written) => {
    const target = targetOf(written, server, originHost);
    if (target === null) throw new UsageError(`--target ${written}: ${targetSyntax}`);
    return target;
  });
  if (new Set(targets.map((target) => target.name)).size < targets.length) {
    throw new UsageError(`two targets have one name: ${targetSyntax}`);
  }
  const screen = screenOf(output, environment);
  const progress = terminalProgress(screen);
  const result = await runAll({
    cases,
    targets,
    known: knownFailures(
      targets.map((target) => target.name),
      options.known,
    ),
    oracles,
    mapping: options.mapping ?? null,
    originPlace: originHost === null ? null : ownPlace(originHost),
    jobs: whole(options.jobs, "--jobs"),
    repeat: whole(options.repeat, "--repeat"),
    seed: options.seed === "0" ? 0 : whole(options.seed, "--seed"),
    update: options.update === true,
    failFast: options.failFast === true,
    onResult: progress.onResult,
  });
  progress.end();
  const { junit, json, html } = options;
  report(result, screen, { ...(junit && { junit }), ...(json && { json }), ...(html && { html }) });
  screen.write(remarks(cases, targets));
  return exitCodeOf(result);
}

/** What was proved less than the cases say, a paragraph for each reason. */
function remarks(cases: FoundCase[], targets: Target[]): string {
  const found = new Map<string, string[]>();
  for (const target of targets) {
    for (const { case: one } of cases) {
      const reason = target.lessProved?.(one) ?? null;
      if (reason === null) continue;
      const ids = found.get(`${target.name}: ${reason}`) ?? [];
      found.set(`${target.name}: ${reason}`, [...ids, one.id]);
    }
  }
  return [...found].map(([reason, ids]) => `\n${reason}\n  ${ids.join(" ")}\n`).join("");
}

/** An exemption from nothing would hide a misspelt name. */
function checkExemptions(cases: FoundCase[]): void {
  for (const { case: one } of cases) {
    const unknown = one.exempt.find((entry) => !oracles.some((oracle) => oracle.name === entry.oracle));
    if (unknown !== undefined) throw new UsageError(`${one.id}: there is no oracle ${unknown.oracle}`);
  }
}

/** The cases that have a step of a kind. */
function withStep(cases: FoundCase[], kind: string | null): FoundCase[] {
  return kind === null ? cases : cases.filter(({ case: one }) => one.steps.some((step) => step.do === kind));
}

function sharded(cases: FoundCase[], shard: string): FoundCase[] {
  const [, index = "", of = ""] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(shard) ?? [];
  if (index === "" || Number(index) > Number(of)) throw new UsageError(`--shard ${shard}: such as 1/3`);
  return cases.filter((_one, at) => at % Number(of) === Number(index) - 1);
}

function whole(text: string, name: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`${name} ${text}: a number from 1 on`);
  return Number(text);
}
