/** The command `load` of the harness: what users' players do, against any proxy that runs, or one that it starts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { contenders } from "../bench/contenders/index.ts";
import { type Fetched, fetchText } from "../bench/fetch-text.ts";
import { startOrigin } from "../bench/origin.ts";
import { mappingOf } from "../sut/mapping.ts";
import { type Catalog, CatalogError, catalogOf, ownCatalog } from "./catalog.ts";
import { reasonOf, reportText } from "./load-text.ts";
import { type LoadReport, runLoad } from "./run-load.ts";
import { scenarios } from "./scenarios.ts";

export type LoadOptions = {
  target?: string;
  scenario: string;
  playlist?: string;
  mapping: string;
  seconds: number;
  connections?: number;
  seed: number;
  p50?: number;
  p90?: number;
  p99?: number;
  minRate?: number;
  failures: number;
  json?: string;
};

type Out = { write: (text: string) => unknown };

/** What keeps a load from beginning, in words. */
class LoadError extends Error {}

/** Adds the command to the program. */
export function addLoadCommand(program: Command): void {
  program
    .command("load")
    .description(`let players loose on a proxy: ${scenarios.map((one) => one.name).join(", ")}`)
    .option("--target <url>", "a proxy that runs, such as http://127.0.0.1:9000 (default: one is started)")
    .option("--scenario <name>", "what the players do", "hit-mix")
    .option("--playlist <url>", "a playlist of your own to play (default: an origin on loopback)")
    .option("--mapping <mapping>", "how the proxy writes an upstream URL: query, path or a template", "query")
    .option("--seconds <s>", "how long", positive, 10)
    .option("--connections <n>", "players at once (default: the scenario's)", positive)
    .option("--seed <n>", "where chance begins", positive, 1)
    .option("--p50 <ms>", "half of the answers must be there by then", positive)
    .option("--p90 <ms>", "nine in ten", positive)
    .option("--p99 <ms>", "99 in a hundred", positive)
    .option("--min-rate <n>", "answers a second, at least", positive)
    .option("--failures <percent>", "failed answers, at most", percent, 0)
    .option("--json <file>", "write the figures as JSON")
    .action(async (options: LoadOptions) => {
      process.exitCode = await loadCommand(options, process.stdout);
    });
}

/** Exit status: 0 when all thresholds are met, 1 when one is missed, 2 called wrongly, 3 when it cannot begin. */
export async function loadCommand(options: LoadOptions, out: Out): Promise<0 | 1 | 2 | 3> {
  const scenario = scenarios.find((one) => one.name === options.scenario);
  if (scenario === undefined) {
    out.write(`there is no scenario ${options.scenario}; there are:\n`);
    for (const one of scenarios) out.write(`  ${one.name.padEnd(14)}${one.title}\n`);
    return 2;
  }
  if (options.target !== undefined && !/^http:\/\/[^/]+\/?$/.test(options.target)) {
    out.write(`--target ${options.target} is no address of a proxy, such as http://127.0.0.1:9000\n`);
    return 2;
  }
  const ends: (() => Promise<void>)[] = [];
  try {
    const { catalog, target } = await setUp(options, ends);
    const mapping = mappingOf(options.mapping, "");
    const connections = options.connections ?? scenario.connections;
    out.write(`${scenario.name}: ${scenario.title}\n${connections} players, ${options.seconds} s, ${target}\n`);
    await prime(
      target,
      [catalog.live, ...scenario.primed(catalog)].map((url) => mapping(url, "query")),
    );
    const settings = { target, mapping, connections, seconds: options.seconds, seed: options.seed };
    const report = await runLoad(scenario, catalog, settings, (second, requests, bytes) => {
      out.write(`  ${String(second).padStart(4)} s  ${requests}/s  ${(bytes / 1_000_000).toFixed(1)} MB/s\n`);
    });
    report.thresholds = thresholdsOf(report, options);
    out.write(`${reportText(report)}\n`);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    return report.thresholds.every((one) => one.met) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof LoadError || error instanceof CatalogError)) throw error;
    out.write(`${error.message}\n`);
    return 3;
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The catalog and the address of the proxy; what must be ended is added to `ends`. */
async function setUp(
  options: LoadOptions,
  ends: (() => Promise<void>)[],
): Promise<{ catalog: Catalog; target: string }> {
  const given = options.playlist === undefined ? null : await catalogOf(options.playlist);
  const origin = given === null || options.target === undefined ? await startOrigin() : null;
  if (origin !== null) ends.push(origin.stop);
  const catalog = given ?? ownCatalog(origin?.port ?? 0);
  if (options.target !== undefined) return { catalog, target: options.target.replace(/\/$/, "") };
  const folder = mkdtempSync(join(tmpdir(), "reelcache-load-"));
  ends.push(async () => rmSync(folder, { recursive: true, force: true }));
  const reference = contenders.find((contender) => contender.name === "reference");
  if (reference === undefined) throw new LoadError("there is no reference server to start");
  const place = { folder, originPort: origin?.port ?? 0, siteFolder: folder, options: { bridge: null } };
  const running = await reference.start(place);
  ends.push(running.stop);
  return { catalog, target: `http://127.0.0.1:${running.port}` };
}

/** Asks for each once. Rejects with a `LoadError` when the proxy does not give it. */
async function prime(target: string, paths: string[]): Promise<void> {
  const { hostname, port } = new URL(target);
  for (const path of paths) {
    let answer: Fetched;
    try {
      answer = await fetchText(Number(port === "" ? 80 : port), path, undefined, undefined, hostname);
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      throw new LoadError(`${target}: ${reasonOf(failure.code ?? failure.message)}`);
    }
    if (answer.status === 200) continue;
    const [, code = ""] = /urn:reelcache:error:([a-z-]+)/.exec(answer.text) ?? [];
    const advice = code === "forbidden-upstream" ? "; start it with --allow-private '127.0.0.1:*'" : "";
    throw new LoadError(`${target} answers ${path} with ${answer.status} ${code}${advice}`);
  }
}

function thresholdsOf(report: LoadReport, options: LoadOptions): LoadReport["thresholds"] {
  const rows: LoadReport["thresholds"] = [];
  for (const name of ["p50", "p90", "p99"] as const) {
    const bound = options[name];
    if (bound !== undefined) rows.push({ name: `${name} in ms`, bound, figure: report.times[name], met: true });
  }
  const failed =
    Object.values(report.failures).reduce((sum, count) => sum + count, 0) +
    Object.entries(report.statuses).reduce((sum, [status, count]) => sum + (/^2/.test(status) ? 0 : count), 0);
  const asked = report.requests + Object.values(report.failures).reduce((sum, count) => sum + count, 0);
  // Without any answer all of it has failed.
  const share = report.requests === 0 ? 100 : (failed * 100) / asked;
  rows.push({ name: "failures in percent", bound: options.failures, figure: share, met: true });
  for (const row of rows) row.met = report.requests > 0 && row.figure <= row.bound;
  if (options.minRate !== undefined) {
    const figure = report.requestsPerSecond;
    rows.push({ name: "answers a second", bound: options.minRate, figure, met: figure >= options.minRate });
  }
  return rows;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1_000_000)) throw new InvalidArgumentError("a number above 0");
  return value;
}

function percent(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 100)) throw new InvalidArgumentError("from 0 to 100");
  return value;
}
