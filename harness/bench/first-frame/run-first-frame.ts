/** Plays every way over every link in turns, round by round, so that what slows the machine slows them alike. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { CaseResult, ContenderOptions, ContenderResult, RunningContender, Turn } from "../bench-types.ts";
import { StartFailure } from "../processes.ts";
import { ratioOf, spreadOf } from "../statistics.ts";
import { linkText, type PlayedLink } from "./links.ts";
import type { MediaSet } from "./media.ts";
import { startMediaOrigin } from "./media-origin.ts";
import { playOnce, type Setting, type Stage } from "./play-once.ts";
import { type Engine, startPlayer } from "./player.ts";
import { baselineName, servers, type Way } from "./ways.ts";

export type FirstFrameRun = {
  ways: Way[];
  links: PlayedLink[];
  engines: Engine[];
  media: MediaSet[];
  rounds: number;
  /** Each way is played once before anything counts. */
  warmUp: boolean;
  /** How many seconds of a presentation are played. */
  seconds: number;
  options: ContenderOptions;
  /** A scratch folder, which the caller removes. */
  folder: string;
};

export type Progress = {
  onLine: (text: string) => void;
  onLeft: (server: string, why: string) => void;
  onCase: (result: CaseResult) => void;
};

type Entry = { way: Way; turns: Turn[] };

const playMetrics = [
  "firstFrameMs",
  "rebuffers",
  "stalledMs",
  "originConnections",
  "originKilobytes",
  "twiceKilobytes",
] as const;

/** Played before anything counts: compilers of browser and proxies, pools. */
const warmUpLink: PlayedLink = { name: "warm-up", roundTripMs: 0, kilobits: 1_000_000 };

/** Ways whose server cannot be started here are left out, and `onLeft` hears why. */
export async function runFirstFrame(run: FirstFrameRun, progress: Progress): Promise<void> {
  const folders = Object.fromEntries(run.media.map((set) => [set.name, set.folder]));
  const origin = await startMediaOrigin(folders);
  const running = new Map<string, RunningContender>();
  const closing = [origin.stop];
  try {
    await startServers(run, origin.port, running, progress.onLeft);
    const player = await startPlayer();
    closing.unshift(player.stop);
    const stage: Stage = { origin, player, running, seconds: run.seconds };
    const chosen = run.ways.filter((way) => way.server === null || running.has(way.server));
    for (const [at, setting] of settingsOf(run).entries()) {
      progress.onLine(`${idOf(setting)}: ${chosen.map((way) => way.name).join(", ")}`);
      if (at === 0 && run.warmUp) await warmUp(stage, chosen, setting);
      progress.onCase(await playCase(stage, chosen, setting, run.rounds, progress.onLine));
    }
  } finally {
    for (const server of running.values()) await server.stop();
    for (const close of closing) await close();
  }
}

async function startServers(
  run: FirstFrameRun,
  originPort: number,
  running: Map<string, RunningContender>,
  onLeft: Progress["onLeft"],
): Promise<void> {
  for (const server of servers.filter(({ name }) => run.ways.some((way) => way.server === name))) {
    const why = server.missing(run.options);
    if (why !== null) {
      onLeft(server.name, why);
      continue;
    }
    const folder = mkdtempSync(join(run.folder, `${server.name}-`));
    try {
      running.set(server.name, await server.start({ folder, originPort, siteFolder: folder, options: run.options }));
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      onLeft(server.name, error.message);
    }
  }
}

function settingsOf(run: FirstFrameRun): Setting[] {
  return run.links.flatMap((link) =>
    run.media.flatMap((set) => run.engines.map((engine): Setting => ({ link, engine, set }))),
  );
}

export function idOf({ link, engine, set }: Setting): string {
  return `${link.name}-${engine}-${set.name}`;
}

async function warmUp(stage: Stage, chosen: Way[], setting: Setting): Promise<void> {
  for (const way of chosen) await playOnce({ ...stage, seconds: 0 }, way, { ...setting, link: warmUpLink });
}

async function playCase(
  stage: Stage,
  chosen: Way[],
  setting: Setting,
  rounds: number,
  onLine: Progress["onLine"],
): Promise<CaseResult> {
  const entries = chosen.map((way): Entry => ({ way, turns: [] }));
  for (let round = 0; round < rounds; round += 1) {
    // Who is first changes from round to round.
    for (let turn = 0; turn < entries.length; turn += 1) {
      const entry = entries[(turn + round) % entries.length];
      entry?.turns.push(await playOnce(stage, entry.way, setting));
    }
    onLine(`  round ${round + 1} of ${rounds}`);
  }
  const baseline = entries.find((entry) => entry.way.name === baselineName) ?? null;
  return {
    id: idOf(setting),
    title: `first frame, ${linkText(setting.link)}, ${setting.engine}, ${setting.set.name}`,
    metric: "firstFrameMs",
    baseline: baselineName,
    results: entries.map((entry) => resultOf(entry, baseline)),
  };
}

function resultOf({ way, turns }: Entry, baseline: Entry | null): ContenderResult {
  const figures: ContenderResult["figures"] = {};
  for (const metric of playMetrics) {
    const spread = spreadOf(turns.flatMap((turn) => turn.figures[metric] ?? []));
    if (spread !== null) figures[metric] = spread;
  }
  return {
    contender: way.name,
    figures,
    rounds: turns.map((turn) => turn.figures),
    ratio: baseline === null || baseline.way === way ? null : ratioOf(framesOf(turns), framesOf(baseline.turns)),
    faults: [...new Set(turns.flatMap((turn) => turn.faults))],
    notes: [],
  };
}

/** A round without a frame keeps its place: rounds are compared with each other. */
function framesOf(turns: Turn[]): number[] {
  return turns.map((turn) => turn.figures.firstFrameMs ?? Number.NaN);
}
