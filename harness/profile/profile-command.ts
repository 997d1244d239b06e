/** The command `profile` of the harness: where a twin's time and memory go under the load of one of the bench's cases. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { matching } from "../bench/arguments.ts";
import type { BenchCase, Contender, Stage } from "../bench/bench-types.ts";
import { cases } from "../bench/cases/index.ts";
import { contenders } from "../bench/contenders/index.ts";
import { startReference } from "../bench/contenders/twins.ts";
import { placeFault, writePlace } from "../bench/document.ts";
import { startOrigin } from "../bench/origin.ts";
import { freePort, guard, StartFailure } from "../bench/processes.ts";
import { enter, machineOf } from "../bench/run-bench.ts";
import { type Capture, captureAllocations, captureProcessor, type Play } from "./capture.ts";
import { capturePerf, missingPerf } from "./perf.ts";
import { graphOf, profilePage, type Section, sectionMarkdown, sectionText } from "./profile-text.ts";

export type ProfileOptions = {
  only: string;
  target: string;
  seconds: number;
  out: string;
  markdown?: string;
  bridge?: string;
};

/** Cases that show where the cost is. */
const usual = "hit-playlist-2k,hit-range,hit-2m,miss-2m-16,burst-500";

/** Adds the command to the program. */
export function addProfileCommand(program: Command): void {
  program
    .command("profile")
    .description("show where a twin's processor time and allocations go under the load of a case of the bench")
    .option("--only <globs>", "cases of the bench whose id matches, comma-separated; * stands for anything", usual)
    .option("--target <twin>", "reference or bridge", "reference")
    .option("--seconds <s>", "length of each profile", seconds, 10)
    .option("--out <folder>", "where pictures, pages and tables go", "dist/profile")
    .option("--markdown <file>", "write tables and pictures into a document, at each case's place (docs/bench.md)")
    .option("--bridge <file>", "the Swift twin's command, instead of building it from this checkout")
    .action(async (options: ProfileOptions) => {
      process.exitCode = await profileCommand(options, process.stdout);
    });
}

/** Exit status: 0 when it has run; 2 when it was called wrongly; 3 when a program is missing or does not start. */
export async function profileCommand(
  options: ProfileOptions,
  out: { write: (text: string) => unknown },
): Promise<0 | 2 | 3> {
  const say = (text: string): void => void out.write(`${text}\n`);
  const chosen = matching(cases, (one) => one.id, options.only);
  const target = contenders.find((one) => one.name === options.target);
  if (chosen.length === 0 || target === undefined || !["reference", "bridge"].includes(target.name)) {
    say(`nothing is named ${chosen.length === 0 ? options.only : options.target}; see bench --list`);
    return 2;
  }
  const missing =
    target.missing({ bridge: options.bridge ?? null }) ?? (target.name === "bridge" ? missingPerf() : null);
  if (missing !== null) {
    say(missing);
    return 3;
  }
  const { markdown } = options;
  const misplaced = chosen.flatMap((one) => (markdown && placeFault(markdown, placeOf(one, options))) || []);
  if (misplaced.length > 0) {
    say(misplaced.join("\n"));
    return 2;
  }
  mkdirSync(options.out, { recursive: true });
  guard();
  for (const one of chosen) {
    try {
      say(`${one.id}: ${target.name}`);
      const sections = await profileCase(one, target, options);
      keep(one, options, sections);
      for (const section of sections) say(`\n${sectionText(section)}`);
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      say(error.message);
      return 3;
    }
  }
  say(`\npictures, pages and tables are in ${options.out}`);
  return 0;
}

async function profileCase(one: BenchCase, target: Contender, options: ProfileOptions): Promise<Section[]> {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-profile-"));
  const clean = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  // A signal ends this process without coming by here.
  process.once("exit", clean);
  const origin = await startOrigin();
  const ends: (() => Promise<void>)[] = [origin.stop];
  try {
    const inspectorPort = await freePort();
    const inspected: Contender =
      target.name === "reference"
        ? { ...target, start: (place) => startReference(place, [`--inspect=127.0.0.1:${inspectorPort}`]) }
        : target;
    const run = { seconds: options.seconds, clients: 1, options: { bridge: options.bridge ?? null } };
    const { stage, stop } = await enter(inspected, folder, folder, origin, run);
    ends.unshift(stop);
    const play = playOf(one, stage);
    const faults = await one.prepare(stage);
    if (faults.length > 0) throw new StartFailure(`${one.id}: ${faults.join("; ")}`);
    // What is compiled and filled at first is not what a case costs.
    await play();
    return await capture(one, target, stage, { inspectorPort, folder, play });
  } finally {
    for (const end of ends) await end();
    process.off("exit", clean);
    clean();
  }
}

async function capture(
  one: BenchCase,
  target: Contender,
  stage: Stage,
  { inspectorPort, folder, play }: { inspectorPort: number; folder: string; play: Play },
): Promise<Section[]> {
  const id = `${one.id}-${target.name}`;
  if (target.name === "bridge") {
    const seen = await capturePerf(stage, folder, play);
    return [processorSection(id, `${one.id}, bridge: processor time of all threads`, seen, seen.cost.allSeconds)];
  }
  const seen = await captureProcessor(stage, inspectorPort, play);
  const allocated = await captureAllocations(stage, inspectorPort, play);
  const title = `${one.id}, reference: processor time of the main thread`;
  return [
    processorSection(id, title, seen, seen.cost.mainSeconds),
    {
      id: `${id}-allocations`,
      title: `${one.id}, reference: allocations`,
      capture: allocated,
      text: (bytes) => `${(bytes / 1_000_000).toFixed(1)} MB`,
      perRequest: (bytes) => `${(bytes / allocated.cost.requests / 1_000).toFixed(2)} KB`,
    },
  ];
}

/**
 * Samples are shares of the processor time that the system counted. Between two of them a busy machine may have run
 * something else: their own times would say too much.
 */
function processorSection(id: string, title: string, seen: Capture, sampledSeconds: number): Section {
  const { requests, allSeconds } = seen.cost;
  const millis = (weight: number): number => (weight * sampledSeconds * 1_000) / (seen.tree.total || 1);
  return {
    id,
    title: `${title} (${(sampledSeconds * 1_000).toFixed(0)} of ${(allSeconds * 1_000).toFixed(0)} ms)`,
    capture: seen,
    text: (weight) => `${millis(weight).toFixed(0)} ms`,
    perRequest: (weight) => `${((millis(weight) * 1_000) / requests).toFixed(2)} µs`,
  };
}

/** Turns of the case one after the other until the time is up; resolves with their answers. */
function playOf(one: BenchCase, stage: Stage): Play {
  let requests = 0;
  const load = stage.load;
  stage.load = async (plan) => {
    const loaded = await load(plan);
    requests += loaded.result.requests;
    return loaded;
  };
  return async () => {
    const before = requests;
    const over = performance.now() + stage.seconds * 1_000;
    do {
      const { faults } = await one.turn(stage);
      if (faults.length > 0) throw new StartFailure(`${one.id}: ${faults.join("; ")}`);
    } while (performance.now() < over);
    return requests - before;
  };
}

function keep(one: BenchCase, options: ProfileOptions, sections: Section[]): void {
  const write = (name: string, text: string): void => writeFileSync(join(options.out, name), text);
  const machine = machineOf();
  const words = `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`;
  for (const section of sections) {
    const { raw } = section.capture;
    write(`${section.id}.svg`, graphOf(section));
    if (raw !== null) write(`${section.id}.${raw.name}`, raw.text);
  }
  write(`${placeOf(one, options)}.html`, profilePage(`${one.title}: ${options.target}`, words, sections));
  if (options.markdown === undefined) return;
  // Pictures lie in a folder with the document's name.
  const { dir, name } = parse(options.markdown);
  mkdirSync(join(dir, name), { recursive: true });
  for (const section of sections) writeFileSync(join(dir, name, `${section.id}.svg`), graphOf(section));
  const tables = sections.map((section) => sectionMarkdown(section, `${name}/${section.id}.svg`));
  writePlace(options.markdown, placeOf(one, options), `${words}.\n\n${tables.join("\n")}`);
}

/** What a case's figures are called in a document. */
function placeOf(one: BenchCase, options: ProfileOptions): string {
  return `${one.id}-${options.target}`;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.2 && value <= 60)) throw new InvalidArgumentError("from 0.2 to 60");
  return value;
}
