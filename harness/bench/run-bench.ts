/** Runs the cases: all contenders of a case in turns, round by round, so that what slows the machine slows them alike. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import type {
  BenchCase,
  BenchOrigin,
  BenchReport,
  CaseResult,
  Contender,
  ContenderOptions,
  ContenderResult,
  Metric,
  RunningContender,
  Stage,
  Turn,
} from "./bench-types.ts";
import { contentOf } from "./content.ts";
import { clientLimitPercent, measureLoad, runLoad } from "./load.ts";
import { startOrigin } from "./origin.ts";
import { guard, StartFailure } from "./processes.ts";
import { ratioOf, spreadOf } from "./statistics.ts";

export type BenchRun = {
  cases: BenchCase[];
  contenders: Contender[];
  /** Whose figures the others' are put over. */
  baseline: string;
  rounds: number;
  seconds: number;
  /** Processes of the bench's own load client. */
  clients: number;
  options: ContenderOptions;
};

/** Called as it goes: somebody who waits sees something, and somebody who stops it keeps what was measured. */
export type Progress = { onLine: (text: string) => void; onCase: (result: CaseResult, soFar: BenchReport) => void };

/** Characters of the reason why a contender does not start. */
const reasonMax = 160;

export type Entry = {
  contender: Contender;
  stage: Stage;
  turns: Turn[];
  faults: Set<string>;
  stop: () => Promise<void>;
};

export async function runBench(run: BenchRun, progress: Progress): Promise<BenchReport> {
  const left: BenchReport["left"] = [];
  const able = run.contenders.filter((contender) => {
    const why = contender.missing(run.options);
    if (why !== null) left.push({ contender: contender.name, why });
    return why === null;
  });
  for (const { contender, why } of left) progress.onLine(`${contender} is left out: ${why}`);
  const folder = mkdtempSync(join(tmpdir(), "reelcache-bench-"));
  // What ends by then may still write.
  const clean = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  // A signal ends this process without coming by here: processes first, then their folder.
  guard();
  process.once("exit", clean);
  const results: CaseResult[] = [];
  try {
    for (const one of run.cases) {
      const chosen = able.filter((contender) => {
        if (!one.kinds.includes(contender.kind) || contender.cases?.includes(one.id) === false) return false;
        if (one.restarts === true && contender.forgets === true) return false;
        return !left.some((absent) => absent.contender === contender.name);
      });
      if (chosen.length === 0) continue;
      progress.onLine(`${one.id}: ${chosen.map((contender) => contender.name).join(", ")}`);
      const result = await runCase(one, chosen, run, folder, (contender, why) => {
        progress.onLine(`${contender} is left out: ${why}`);
        left.push({ contender, why });
      });
      results.push(result);
      progress.onCase(result, reportOf(run, left, results));
    }
  } finally {
    process.off("exit", clean);
    clean();
  }
  return reportOf(run, left, results);
}

function reportOf(run: BenchRun, left: BenchReport["left"], results: CaseResult[]): BenchReport {
  return {
    at: new Date().toISOString(),
    machine: machineOf(),
    rounds: run.rounds,
    seconds: run.seconds,
    left,
    cases: results,
    goals: [],
  };
}

/** What the figures were measured on, and how busy it is. */
export function machineOf(): BenchReport["machine"] {
  return {
    cpu: cpus()[0]?.model ?? "",
    cores: cpus().length,
    memoryMegabytes: Math.round(totalmem() / 1_000_000),
    system: `${process.platform} ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

/** `onAbsent` hears of contenders that do not start: the others go on without them. */
async function runCase(
  one: BenchCase,
  chosen: Contender[],
  run: BenchRun,
  top: string,
  onAbsent: (contender: string, why: string) => void,
): Promise<CaseResult> {
  const siteFolder = join(top, "site");
  mkdirSync(siteFolder, { recursive: true });
  const origin = await startOrigin();
  const entries: Entry[] = [];
  try {
    for (const contender of chosen) {
      const folder = mkdtempSync(join(top, `${contender.name}-`));
      try {
        entries.push(await enter(contender, folder, siteFolder, origin, run));
      } catch (error) {
        if (!(error instanceof StartFailure)) throw error;
        onAbsent(contender.name, error.message.slice(0, reasonMax));
      }
    }
    for (const entry of entries) {
      for (const fault of await one.prepare(entry.stage)) entry.faults.add(fault);
    }
    for (let round = -1; round < run.rounds; round += 1) await playRound(one, entries, round);
  } finally {
    for (const entry of entries) await entry.stop();
    await origin.stop();
    rmSync(siteFolder, { recursive: true, force: true });
  }
  const baseline = entries.find((entry) => entry.contender.name === run.baseline) ?? entries[0];
  return {
    id: one.id,
    title: one.title,
    metric: one.metric,
    baseline: baseline?.contender.name ?? "",
    ...(one.curve === undefined ? {} : { curve: one.curve }),
    results: entries.map((entry) => resultOf(entry, baseline ?? entry, one.metric)),
  };
}

/** Who is first changes from round to round; the round before the first warms up: compilers, pools, caches. */
async function playRound(one: BenchCase, entries: Entry[], round: number): Promise<void> {
  for (let turn = 0; turn < entries.length; turn += 1) {
    const entry = entries[(turn + round + 1) % entries.length];
    if (entry === undefined) continue;
    entry.stage.round = round;
    const played = await one.turn(entry.stage);
    for (const fault of played.faults) entry.faults.add(fault);
    if (round >= 0) entry.turns.push(played);
  }
}

/** Starts a contender for a case. Rejects with a `StartFailure`. */
export async function enter(
  contender: Contender,
  folder: string,
  siteFolder: string,
  origin: BenchOrigin,
  run: Pick<BenchRun, "seconds" | "clients" | "options">,
): Promise<Entry> {
  const start = (): Promise<RunningContender> | RunningContender =>
    contender.kind === "origin"
      ? { port: origin.port, pid: origin.pid, targetOf: (path: string) => path, stop: async () => undefined }
      : contender.start({ folder, originPort: origin.port, siteFolder, options: run.options });
  const stage: Stage = {
    contender,
    running: await start(),
    origin,
    seconds: run.seconds,
    round: -1,
    provide: (paths) => provide(siteFolder, paths),
    restart: async () => {
      await stage.running.stop();
      const began = performance.now();
      stage.running = await start();
      return performance.now() - began;
    },
    load: (plan) =>
      measureLoad(plan, {
        contenderPid: stage.running.pid,
        originPid: origin.pid,
        folder,
        port: stage.running.port,
        clients: run.clients,
      }),
    side: (plan, longer) => runLoad(stage.running.port, { ...plan, seconds: plan.seconds + longer }, folder),
  };
  const stop = async (): Promise<void> => {
    await stage.running.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { contender, stage, turns: [], faults: new Set(), stop };
}

/** Writes what the origin holds there, for those that serve files. */
function provide(siteFolder: string, paths: string[]): void {
  for (const path of paths) {
    const content = contentOf(path);
    if (content === null) throw new Error(`the origin has no ${path}`);
    const file = join(siteFolder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function resultOf(entry: Entry, baseline: Entry, metric: Metric): ContenderResult {
  const rounds = entry.turns.map((turn) => turn.figures);
  const figures: ContenderResult["figures"] = {};
  for (const name of new Set(rounds.flatMap((round) => Object.keys(round) as Metric[]))) {
    const spread = spreadOf(seriesOf(entry, name));
    if (spread !== null) figures[name] = spread;
  }
  const notes: string[] = [];
  const busy = Math.round(figures.clientCpuPercent?.median ?? 0);
  if (busy >= clientLimitPercent) notes.push(`the client is the limit (${busy} % of a core)`);
  return {
    contender: entry.contender.name,
    figures,
    rounds,
    ratio: entry === baseline ? null : ratioOf(seriesOf(entry, metric), seriesOf(baseline, metric)),
    faults: [...entry.faults],
    notes,
  };
}

function seriesOf(entry: Entry, metric: Metric): number[] {
  return entry.turns.map((turn) => turn.figures[metric] ?? Number.NaN).filter((figure) => !Number.isNaN(figure));
}
