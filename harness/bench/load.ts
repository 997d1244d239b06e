/** Runs a load and measures meanwhile what it costs the contender. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Figures, Turn } from "./bench-types.ts";
import type { LoadPlan, LoadResult } from "./load-plan.ts";
import { cpuSecondsOf, forgetPeak, openFilesOf, peakMegabytesOf, watched } from "./processes.ts";
import { percentile } from "./statistics.ts";
import { runWrk, wrkCan } from "./wrk.ts";

/** How often open files are counted, in milliseconds. */
const lookMs = 100;

/** At this much of a core the client is what limits a figure, in percent. */
export const clientLimitPercent = 90;

const clientFile = fileURLToPath(new URL("load-process.ts", import.meta.url));

type Watched = { clients: number; contenderPid: number; originPid: number; folder: string; port: number };

/** Resolves with the figures and what is wrong with the answers. */
export async function measureLoad(plan: LoadPlan, on: Watched): Promise<{ turn: Turn; result: LoadResult }> {
  forgetPeak(on.contenderPid);
  const cpuBefore = cpuSecondsOf(on.contenderPid);
  const originBefore = cpuSecondsOf(on.originPid);
  let all = 0;
  let below = 0;
  const look = setInterval(() => {
    const open = openFilesOf(on.contenderPid, on.folder);
    all = Math.max(all, open?.all ?? 0);
    below = Math.max(below, open?.below ?? 0);
  }, lookMs);
  const result = await runLoad(on.port, plan, on.folder, on.clients);
  clearInterval(look);
  const figures = figuresOf(result);
  const cpuAfter = cpuSecondsOf(on.contenderPid);
  if (cpuBefore !== null && cpuAfter !== null) Object.assign(figures, costOf(cpuAfter - cpuBefore, result));
  const originAfter = cpuSecondsOf(on.originPid);
  if (originBefore !== null && originAfter !== null) {
    figures.originCpuPercent = ((originAfter - originBefore) * 100) / result.seconds;
  }
  const peak = peakMegabytesOf(on.contenderPid);
  if (peak !== null) figures.peakMegabytes = peak;
  if (all > 0) Object.assign(figures, { openFiles: all, diskFiles: below });
  const faults = result.faults.slice();
  if (result.faultCount > faults.length) faults.push(`${result.faultCount} wrong answers in all`);
  if (result.requests === 0) faults.push("no answer at all");
  return { turn: { figures, faults }, result };
}

/**
 * A load by wrk where that can carry it out, else by the bench's own client: so many processes, each with its share of
 * the connections and of what is asked for.
 */
export async function runLoad(port: number, plan: LoadPlan, folder: string, clients = 1): Promise<LoadResult> {
  if (wrkCan(plan)) return await runWrk(port, plan, folder);
  const shares = sharesOf(plan, clients);
  return merged(await Promise.all(shares.map((share) => runClient(port, share))));
}

async function runClient(port: number, plan: LoadPlan): Promise<LoadResult> {
  const child = fork(clientFile, [], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const started = watched(child);
  const result = new Promise<LoadResult>((resolve, reject) => {
    child.once("message", (message) => resolve(message as LoadResult));
    void started.ended.then(() => reject(new Error(`the load client ended: ${started.said()}`)));
  });
  child.send({ port, plan });
  const told = await result;
  await started.ended;
  return told;
}

/** No target is in two shares, so that a miss stays one. */
export function sharesOf(plan: LoadPlan, clients: number): LoadPlan[] {
  const count = Math.max(1, Math.min(clients, plan.connections, plan.targets.length));
  const paths = plan.targets.map((_, at) => plan.paths[at % plan.paths.length] ?? "");
  return Array.from({ length: count }, (_, client) => ({
    ...plan,
    connections: Math.floor(plan.connections / count) + (client < plan.connections % count ? 1 : 0),
    targets: plan.targets.filter((_target, at) => at % count === client),
    paths: paths.filter((_path, at) => at % count === client),
  }));
}

/** The busiest client's processor time counts: it is the first that limits. */
function merged(results: LoadResult[]): LoadResult {
  const sum = (of: (result: LoadResult) => number): number => results.reduce((all, one) => all + of(one), 0);
  return {
    requests: sum((one) => one.requests),
    bytes: sum((one) => one.bytes),
    seconds: Math.max(...results.map((one) => one.seconds)),
    firstByteMs: results.flatMap((one) => one.firstByteMs),
    totalMs: results.flatMap((one) => one.totalMs),
    clientCpuSeconds: Math.max(...results.map((one) => one.clientCpuSeconds)),
    faults: results.flatMap((one) => one.faults),
    faultCount: sum((one) => one.faultCount),
  };
}

function figuresOf(result: LoadResult): Figures {
  const figures: Figures = {
    requestsPerSecond: result.requests / result.seconds,
    megabytesPerSecond: result.bytes / result.seconds / 1_000_000,
    p50Ms: percentile(result.totalMs, 0.5),
    p99Ms: percentile(result.totalMs, 0.99),
    totalMs: percentile(result.totalMs, 0.5),
    clientCpuPercent: (result.clientCpuSeconds * 100) / result.seconds,
  };
  if (result.firstByteMs.length > 0) figures.firstByteMs = percentile(result.firstByteMs, 0.5);
  return figures;
}

function costOf(cpuSeconds: number, result: LoadResult): Figures {
  if (result.requests === 0) return {};
  return {
    cpuSecondsPerGigabyte: (cpuSeconds * 1_000_000_000) / result.bytes,
    cpuSecondsPerThousand: (cpuSeconds * 1_000) / result.requests,
    cpuPercent: (cpuSeconds * 100) / result.seconds,
  };
}
