/**
 * `npm run sanitize`: the Swift twin's tests, and 250 players at once through the whole proxy, under ThreadSanitizer and
 * under AddressSanitizer. Any report is a failure, in whatever process it was. Before that counts for anything, each must
 * report a fault that is committed on purpose, in both. `--only thread` runs one of them, `--burst` leaves the tests out;
 * `--all` leaves none out.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  buildAll,
  type Environment,
  type Run,
  reportPath,
  reportsIn,
  root,
  runBurst,
  runTests,
} from "./sanitize-runs.ts";

type Sanitizer = {
  name: string;
  /** Its own, and where it takes them from. */
  options: string;
  variable: string;
  /** Tests that are left out but for `--all`. */
  skip: string[];
  /** A fault that it must report, by its name in ios-bridge/Tests/Faults, and what the report must say. */
  fault: { name: string; says: RegExp };
};

const sanitizers: Sanitizer[] = [
  {
    name: "thread",
    variable: "TSAN_OPTIONS",
    options: "halt_on_error=0",
    // The core has neither threads nor locks, and its random runs would take minutes.
    skip: ["ReelcacheCoreTests"],
    fault: { name: "race", says: /ThreadSanitizer: data race/ },
  },
  {
    name: "address",
    variable: "ASAN_OPTIONS",
    // Foundation on Linux and Swift's metadata count as leaks; names come from what finds them beside the toolchain.
    options: "detect_leaks=0:allow_addr2line=1",
    // What hostile playlists cost is no matter here.
    skip: ["PlaylistHostileTests"],
    fault: { name: "use after free", says: /AddressSanitizer: heap-use-after-free/ },
  },
];

const players = 250;
/** How many runs each seeded test plays but for `--all`; without a sanitizer it plays several times as many. */
const seeds = "50";
/** Enough to be under way when the fault comes. */
const playersOfFault = 10;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "thread,address" },
    burst: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
  },
});
const chosen = sanitizers.filter(({ name }) => values.only.split(",").includes(name));
let failed = chosen.length === 0 ? 1 : 0;
for (const sanitizer of chosen) {
  if (!(await sanitize(sanitizer))) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;

/** True when all passed and nothing was reported but what had to be. */
async function sanitize(sanitizer: Sanitizer): Promise<boolean> {
  const scratch = join(root, "ios-bridge", ".build", `sanitize-${sanitizer.name}`);
  const flags = [`--sanitize=${sanitizer.name}`, "--scratch-path", scratch];
  const programs = join(scratch, "debug");
  const built = await buildAll(flags);
  tell(sanitizer, built);
  if (!built.good) return false;
  const skipped = values.all ? [] : sanitizer.skip.flatMap((name) => ["--skip", name]);
  const fewer = values.all ? {} : { REELCACHE_SEEDS: seeds };
  const verdicts: boolean[] = [];
  if (!values.burst) {
    verdicts.push(
      await findsFault(sanitizer, "the tests", (environment, folder) => {
        const asked = { REELCACHE_TEST_CHILD: sanitizer.fault.name, REELCACHE_TEST_DIR: folder };
        return runTests(flags, ["--filter", "StorageChildTests"], { ...environment, ...asked });
      }),
      await findsNothing(sanitizer, (environment) => runTests(flags, skipped, { ...environment, ...fewer })),
    );
  }
  verdicts.push(
    await findsFault(sanitizer, "the burst", (environment, folder) => {
      const asked = { ...environment, FAULT_ON_PURPOSE: sanitizer.fault.name };
      return runBurst(join(programs, "reelcache-faulty"), playersOfFault, asked, folder, "SIGUSR2");
    }),
    await findsNothing(sanitizer, (environment, folder) =>
      runBurst(join(programs, "reelcache-sut"), players, environment, folder, null),
    ),
  );
  return verdicts.every((good) => good);
}

/** True when the run passed and no process of it reported anything. */
async function findsNothing(
  sanitizer: Sanitizer,
  run: (environment: Environment, folder: string) => Promise<Run>,
): Promise<boolean> {
  const { result, reports } = await watched(sanitizer, run);
  tell(sanitizer, result);
  if (reports.length === 0) return result.good;
  const lines = reports.slice(0, 3).flatMap((report) => report.split("\n").slice(0, 60));
  tell(sanitizer, { good: false, words: `${reports.length} processes reported`, lines });
  return false;
}

/** True when the fault in the run was reported as what it is, and the run did not pass for all that. */
async function findsFault(
  sanitizer: Sanitizer,
  where: string,
  run: (environment: Environment, folder: string) => Promise<Run>,
): Promise<boolean> {
  const { result, reports } = await watched(sanitizer, run);
  const { name, says } = sanitizer.fault;
  const seen = reports.some((report) => says.test(report));
  const good = seen && !result.good;
  const words = `a ${name} on purpose in ${where} is ${seen ? "reported" : "not reported"}`;
  const passed = result.good ? ", and all passes" : "";
  tell(sanitizer, { good, words: `${words}${passed}`, lines: [...result.lines, ...reports.slice(0, 3)] });
  return good;
}

/** A run whose reports come into a folder of its own. */
async function watched(
  { variable, options }: Sanitizer,
  run: (environment: Environment, folder: string) => Promise<Run>,
): Promise<{ result: Run; reports: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-sanitize-"));
  try {
    const result = await run({ [variable]: `${options}:log_path=${reportPath(folder)}` }, folder);
    return { result, reports: reportsIn(folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell({ name }: Sanitizer, { good, words, lines }: Run): void {
  console.log(`${name.padEnd(8)} ${good ? "ok" : "FAILED"}: ${words}`);
  if (!good) for (const line of lines) console.log(`  ${line}`);
}
