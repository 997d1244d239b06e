/** Carries a scenario out with autocannon, and gathers what came of it. */
import autocannon from "autocannon";
import { percentile } from "../bench/statistics.ts";
import type { Mapping } from "../sut/mapping.ts";
import type { Catalog } from "./catalog.ts";
import type { Scenario } from "./scenarios.ts";

export type LoadSettings = { target: string; mapping: Mapping; connections: number; seconds: number; seed: number };

export type LoadReport = {
  scenario: string;
  target: string;
  connections: number;
  seconds: number;
  requests: number;
  requestsPerSecond: number;
  megabytesPerSecond: number;
  /** Times from asking to the last byte, in milliseconds. */
  times: { p50: number; p90: number; p99: number; p999: number; max: number };
  /** Answers by time: those up to so many milliseconds, and above the bound before. */
  histogram: { upToMs: number; count: number }[];
  statuses: Record<string, number>;
  /** Failures of connections and answers, by what they say. */
  failures: Record<string, number>;
  /** The client's own processor time in percent of a core. */
  clientCpuPercent: number;
  thresholds: { name: string; bound: number; figure: number; met: boolean }[];
};

/** Longest wait for an answer, in seconds. */
const answerSeconds = 10;

/** Called each second with the requests and bytes of that second. */
export type Tick = (second: number, requests: number, bytes: number) => void;

export async function runLoad(
  scenario: Scenario,
  catalog: Catalog,
  settings: LoadSettings,
  tick: Tick,
): Promise<LoadReport> {
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  const failures: Record<string, number> = {};
  let bytes = 0;
  let lastBytes = 0;
  let lastRequests = 0;
  let second = 0;
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  await new Promise<void>((resolve, reject) => {
    const chance = chanceOf(settings.seed);
    const instance = autocannon(
      {
        url: settings.target,
        connections: settings.connections,
        duration: settings.seconds,
        timeout: answerSeconds,
        ...(scenario.rate === null ? {} : { connectionRate: scenario.rate }),
        requests: [{ path: "/" }],
        setupClient: (client) => {
          const player = scenario.player(catalog, chance);
          const setupRequest = (request: object): object => {
            const { url, fields } = player();
            return { ...request, path: settings.mapping(url, "query"), headers: fields };
          };
          client.setRequests([{ method: "GET", setupRequest }]);
        },
      },
      (error) => (error === null ? resolve() : reject(error)),
    );
    instance.on("response", (_client: unknown, status: number, size: number, time: number) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      bytes += size;
      times.push(time);
    });
    instance.on("reqError", (error: NodeJS.ErrnoException) => {
      const what = error.code ?? error.message;
      failures[what] = (failures[what] ?? 0) + 1;
    });
    instance.on("tick", () => {
      second += 1;
      // The end waits for answers that are on their way.
      if (second > settings.seconds) return;
      tick(second, times.length - lastRequests, bytes - lastBytes);
      lastRequests = times.length;
      lastBytes = bytes;
    });
  });
  const seconds = (performance.now() - began) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    scenario: scenario.name,
    target: settings.target,
    connections: settings.connections,
    seconds,
    requests: times.length,
    requestsPerSecond: times.length / seconds,
    megabytesPerSecond: bytes / seconds / 1_000_000,
    times: {
      p50: percentile(times, 0.5),
      p90: percentile(times, 0.9),
      p99: percentile(times, 0.99),
      p999: percentile(times, 0.999),
      max: percentile(times, 1),
    },
    histogram: histogramOf(times),
    statuses,
    failures,
    clientCpuPercent: (cpu.user + cpu.system) / 10_000 / seconds,
    thresholds: [],
  };
}

/** Bounds double from a quarter of a millisecond on. */
export function histogramOf(times: number[]): LoadReport["histogram"] {
  const rows: LoadReport["histogram"] = [];
  const most = percentile(times, 1);
  let below = 0;
  for (let upToMs = 0.25; below < times.length; upToMs *= 2) {
    const count = times.filter((time) => time <= upToMs).length;
    if (count > 0) rows.push({ upToMs, count: count - below });
    below = count;
    if (upToMs > most) break;
  }
  return rows;
}

/** Whole numbers below a bound, the same for the same seed (xorshift32). */
export function chanceOf(seed: number): (bound: number) => number {
  let state = seed | 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
