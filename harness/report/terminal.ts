/** The report for a person at a terminal: progress while it runs, each failure with its first differences, the sum. */
import type { CaseResult, Finding, RunResult } from "../case/result-types.ts";
import { type Paint, painted, type Screen } from "./screen.ts";

export type Verdict = CaseResult["verdict"];

/** Told of every result as it comes. */
export type Progress = { onResult: (result: CaseResult, done: number, total: number) => void; end: () => void };

/** Every verdict, worst first, with what it is called. */
export const verdicts: { verdict: Verdict; paint: Paint; mark: string; says: string }[] = [
  { verdict: "failed", paint: "red", mark: "✗", says: "failed" },
  { verdict: "unexpected-pass", paint: "red", mark: "!", says: "passed though known to fail" },
  { verdict: "unsealed", paint: "yellow", mark: "?", says: "without a seal" },
  { verdict: "known-failing", paint: "yellow", mark: "~", says: "known to fail" },
  { verdict: "passed", paint: "green", mark: "✓", says: "passed" },
];

/** Findings of one case that are shown in full, and cases that are shown with their findings. */
const findingsShown = 4;
const casesShown = 40;

/** Whether a verdict makes the run fail. */
export function isFailure(verdict: Verdict): boolean {
  return verdict !== "passed" && verdict !== "known-failing";
}

/** Shows what is done: one line that is written over, or, where that cannot be, a line for each failure and each tenth. */
export function terminalProgress(screen: Screen): Progress {
  const counts = new Map<Verdict, number>();
  let tenths = 0;
  const clear = (): void => {
    if (screen.live) screen.write("\r\x1b[K");
  };
  return {
    onResult: (result, done, total) => {
      counts.set(result.verdict, (counts.get(result.verdict) ?? 0) + 1);
      clear();
      if (isFailure(result.verdict)) screen.write(`${resultLine(screen, result)}\n`);
      if (screen.live) {
        const state = `${done}/${total} ${countsText(screen, counts)}`;
        screen.write(`${state} ${painted(screen, "dim", result.case.id.slice(0, Math.max(0, screen.columns - 60)))}`);
      } else if (Math.floor((done * 10) / total) > tenths) {
        tenths = Math.floor((done * 10) / total);
        screen.write(`${done} of ${total} done: ${countsText(screen, counts)}\n`);
      }
    },
    end: clear,
  };
}

/** The failures with their findings, then the sum. */
export function terminalSummary(screen: Screen, result: RunResult): string {
  // The worst first: what nobody has sealed yet can wait.
  const failures = verdicts.flatMap(({ verdict }) =>
    isFailure(verdict) ? result.results.filter((one) => one.verdict === verdict) : [],
  );
  const detailed = failures.slice(0, casesShown).map((one) => failureText(screen, one));
  const more = failures.length - casesShown;
  if (more > 0) detailed.push(`… and ${more} more; --only <case> shows one of them, --html all\n`);
  const known = result.results.filter((one) => one.verdict === "known-failing");
  const reasons = known.map((one) => `${resultLine(screen, one)}: ${one.reason}\n`);
  return `${[...detailed, ...reasons].map((text) => `\n${text}`).join("")}\n${sumText(screen, result)}`;
}

function sumText(screen: Screen, result: RunResult): string {
  const lines = result.targets.map((target) => {
    const own = result.results.filter((one) => one.target === target);
    const counts = new Map<Verdict, number>();
    for (const one of own) counts.set(one.verdict, (counts.get(one.verdict) ?? 0) + 1);
    const parts = verdicts
      .filter(({ verdict }) => (counts.get(verdict) ?? 0) > 0)
      .map(({ verdict, paint, says }) => painted(screen, paint, `${counts.get(verdict)} ${says}`));
    return `${painted(screen, "bold", target)}: ${parts.length === 0 ? "nothing was played" : parts.join(", ")}`;
  });
  const seed = result.seed === 0 ? "" : `, seed ${result.seed}`;
  lines.push(painted(screen, "dim", `${result.results.length} results in ${(result.ms / 1000).toFixed(1)} s${seed}`));
  return `${lines.join("\n")}\n`;
}

/** One failure: what was proved and is not, where, and how to play it again. */
function failureText(screen: Screen, result: CaseResult): string {
  const item = result.case;
  const about = [item.rules.join(" "), item.faults.join(" ")].filter((text) => text !== "").join(" · ");
  const lines = [resultLine(screen, result), `  ${item.title}`, painted(screen, "dim", `  ${about}`)];
  if (result.reason !== "") lines.push(`  known to fail, says the list: ${result.reason}`);
  if (result.verdict === "unsealed") lines.push("  nobody has sealed this case: read what comes back, then --update");
  for (const finding of result.findings.slice(0, findingsShown)) lines.push(findingText(screen, finding));
  const more = result.findings.length - findingsShown;
  if (more > 0) lines.push(`  … and ${more} more`);
  lines.push(painted(screen, "dim", `  npm run conformance -- --only ${item.id} --target ${result.target}`));
  return `${lines.filter((line) => line.trim() !== "").join("\n")}\n`;
}

function findingText(screen: Screen, finding: Finding): string {
  const [first = "", ...rest] = finding.message.split("\n");
  const at = finding.at === "" ? "" : ` ${finding.at}`;
  const head = `  ${painted(screen, "red", finding.by)}${painted(screen, "bold", at)}: ${first}`;
  return [head, ...rest.map((line) => `    ${line}`)].join("\n");
}

function resultLine(screen: Screen, result: CaseResult): string {
  const row = verdicts.find(({ verdict }) => verdict === result.verdict);
  const mark = painted(screen, row?.paint ?? "red", `${row?.mark ?? "✗"} ${row?.says ?? result.verdict}`);
  return `${mark} ${painted(screen, "bold", result.case.id)} (${result.target}, ${Math.round(result.ms)} ms)`;
}

function countsText(screen: Screen, counts: Map<Verdict, number>): string {
  return verdicts
    .filter(({ verdict }) => (counts.get(verdict) ?? 0) > 0)
    .map(({ verdict, paint, mark }) => painted(screen, paint, `${mark} ${counts.get(verdict)}`))
    .join(" ");
}
