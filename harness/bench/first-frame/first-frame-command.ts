/** The command `first-frame` of the harness: how long a player waits for its first picture. Never a part of what passes or fails. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { matching, wholeNumber } from "../arguments.ts";
import type { BenchReport } from "../bench-types.ts";
import { missingProgram } from "../contenders/nginx.ts";
import { guard } from "../processes.ts";
import { keepReport, keptReport } from "../report-files.ts";
import { machineOf } from "../run-bench.ts";
import { caseText, goalsText, headerText } from "../table.ts";
import { judgeFirstFrame, readFirstFrameGoals } from "./goals.ts";
import { links, linkText } from "./links.ts";
import { makeMedia, mediaKinds } from "./media.ts";
import { engines, missingChromium } from "./player.ts";
import { type FirstFrameRun, runFirstFrame } from "./run-first-frame.ts";
import { baselineName, ways } from "./ways.ts";

export type FirstFrameOptions = {
  rounds: number;
  seconds: number;
  only: string;
  links: string;
  players: string;
  media: string;
  bridge?: string;
  json?: string;
  html?: string;
  markdown?: string;
  from?: string;
  list?: boolean;
};

/** Adds the command to the program. */
export function addFirstFrameCommand(program: Command): void {
  program
    .command("first-frame")
    .description("measure the time to the first picture in Chromium: past the proxy, through it, cold and warm")
    .option("--rounds <n>", "rounds of each case", wholeNumber, 5)
    .option("--seconds <s>", "how much of a presentation is played", seconds, 4)
    .option("--only <globs>", `ways whose name matches, comma-separated; ${baselineName} always takes part`, "*")
    .option("--links <globs>", `links, by their Mbit/s: ${links.map((link) => link.name).join(", ")}`, "*")
    .option("--players <globs>", `players: ${engines.join(", ")}`, "*")
    .option("--media <globs>", `forms of segments: ${mediaKinds.join(", ")}`, "fmp4")
    .option("--bridge <file>", "the Swift twin's command, instead of building it from this checkout")
    .option("--json <file>", "write all figures as JSON")
    .option("--html <file>", "write a page with charts")
    .option("--markdown <file>", "write the tables into a document, at its place for them (docs/bench.md)")
    .option("--from <file>", "measure nothing: take the figures from what --json wrote")
    .option("--list", "list ways and links")
    .action(async (options: FirstFrameOptions) => {
      process.exitCode = await firstFrameCommand(options, process.stdout);
    });
}

/** Exit status: 0 when it has run, whatever the figures; 2 when it was called wrongly; 3 when a program is missing. */
export async function firstFrameCommand(
  options: FirstFrameOptions,
  out: { write: (text: string) => unknown },
): Promise<0 | 2 | 3> {
  const say = (text: string): void => void out.write(`${text}\n`);
  const chosen = chosenOf(options);
  for (const [option, found] of Object.entries(chosen)) {
    if (found.length > 0) continue;
    say(`nothing matches --${option}; see first-frame --list`);
    return 2;
  }
  if (options.list === true) {
    for (const way of chosen.only) say(`${way.name.padEnd(22)} ${way.title}`);
    say("");
    for (const link of chosen.links) say(`${link.name.padEnd(22)} ${linkText(link)}`);
    return 0;
  }
  const kept = keptReport(options, "first-frame", say);
  if (kept === 2) return 2;
  if (kept !== null) {
    for (const one of kept.cases) say(`${caseText(one)}\n`);
    say(`${goalsText(kept)}\n\n${headerText(kept)}`);
    return 0;
  }
  const missing = [missingChromium(), missingProgram("ffmpeg", "-version", "ffmpeg")].filter((why) => why !== null);
  for (const why of missing) say(why);
  if (missing.length > 0) return 3;
  const folder = mkdtempSync(join(tmpdir(), "reelcache-first-frame-"));
  const clean = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  // A signal ends this process without coming by here: processes first, then their folder.
  guard();
  process.once("exit", clean);
  try {
    say(`making media: ${chosen.media.join(", ")}`);
    const media = await makeMedia(chosen.media, folder);
    await runAndTell(options, say, {
      ways: chosen.only,
      links: chosen.links,
      engines: chosen.players,
      media,
      folder,
      rounds: options.rounds,
      warmUp: true,
      seconds: options.seconds,
      options: { bridge: options.bridge ?? null },
    });
  } finally {
    process.off("exit", clean);
    clean();
  }
  return 0;
}

function chosenOf(options: FirstFrameOptions) {
  const only = matching(ways, (way) => way.name, options.only);
  return {
    // Every ratio is over the baseline.
    only: only.length === 0 ? [] : ways.filter((way) => way.name === baselineName || only.includes(way)),
    links: matching(links, (link) => link.name, options.links),
    players: matching([...engines], (engine) => engine, options.players),
    media: matching([...mediaKinds], (kind) => kind, options.media),
  };
}

/** JSON and page are written after each case: a run that is stopped keeps what it measured. */
async function runAndTell(options: FirstFrameOptions, say: (text: string) => void, run: FirstFrameRun): Promise<void> {
  const goals = readFirstFrameGoals();
  const report: BenchReport = {
    at: new Date().toISOString(),
    machine: machineOf(),
    rounds: options.rounds,
    seconds: options.seconds,
    left: [],
    cases: [],
    goals: [],
  };
  const keep = (): void => {
    report.machine = machineOf();
    report.goals = judgeFirstFrame(goals, report.cases);
    keepReport(report, options, "first-frame");
  };
  await runFirstFrame(run, {
    onLine: say,
    onLeft: (contender, why) => {
      report.left.push({ contender, why });
      say(`${contender} is left out: ${why}`);
    },
    onCase: (result) => {
      report.cases.push(result);
      say(`${caseText(result)}\n`);
      keep();
    },
  });
  say(`${goalsText(report)}\n`);
  say(headerText(report));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 15)) throw new InvalidArgumentError("from 0 to 15");
  return value;
}
