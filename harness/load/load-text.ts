/** A load's report as text, with failures in plain words. */
import type { LoadReport } from "./run-load.ts";

/** At this much of a core it is the client that limits, in percent. */
const clientLimitPercent = 90;

/** Longest bar of the histogram, in characters. */
const barMax = 40;

const reasons: Record<string, string> = {
  ECONNREFUSED: "nobody listens there: is the proxy running, at that port?",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  EMFILE: "this machine allows no more open connections (ulimit -n)",
  EADDRNOTAVAIL: "this machine has no more free ports",
  ENOTFOUND: "that host has no address",
  ETIMEDOUT: "no answer in time",
  timeout: "no answer in time",
  "socket hang up": "the connection was cut",
};

export function reportText(report: LoadReport): string {
  const { times } = report;
  const figures = [
    `${report.requests} answers in ${report.seconds.toFixed(1)} s`,
    `${report.requestsPerSecond.toFixed(0)}/s`,
    `${report.megabytesPerSecond.toFixed(1)} MB/s`,
    `${report.connections} connections`,
  ];
  const spread = `p50 ${ms(times.p50)}, p90 ${ms(times.p90)}, p99 ${ms(times.p99)}, p99.9 ${ms(times.p999)}, most ${ms(times.max)}`;
  const most = Math.max(1, ...report.histogram.map((row) => row.count));
  const histogram = report.histogram.map((row) => {
    const bar = "█".repeat(Math.ceil((row.count * barMax) / most));
    return `  up to ${ms(row.upToMs).padStart(9)}  ${String(row.count).padStart(8)}  ${bar}`;
  });
  const statuses = Object.entries(report.statuses).map(([status, count]) => `${count} × ${status}`);
  const failures = Object.entries(report.failures).map(([what, count]) => `${count} × ${reasonOf(what)}`);
  const thresholds = report.thresholds.map(({ name, bound, figure, met }) => {
    return `${met ? "met" : "MISSED"}: ${name} ${figure.toFixed(2)}, asked for ${bound}`;
  });
  const busy = Math.round(report.clientCpuPercent);
  const limit = busy >= clientLimitPercent ? [`the client is the limit: ${busy} % of a core`] : [];
  const lines = [figures.join(", "), spread, ...histogram, `answers: ${statuses.join(", ") || "none"}`];
  return [...lines, ...limit, ...failures.map((text) => `failed: ${text}`), ...thresholds].join("\n");
}

/** A failure's code or message in words. */
export function reasonOf(what: string): string {
  const known = reasons[what] ?? Object.entries(reasons).find(([code]) => what.includes(code))?.[1];
  return known === undefined ? what : `${known} (${what})`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}
