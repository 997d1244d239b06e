/** The log: pino, JSON or readable, on stderr; URLs without their query, where signatures and tokens live. */
import { createRequire } from "node:module";
import type { Logger } from "pino";
import pino from "pino";

export type Log = Logger;

/** A log of at least `level` ("silent": none). */
export function openLog(level: string, format: "pretty" | "json"): Log {
  const options = {
    level,
    base: null,
    redact: { paths: ["*.authorization", "*.cookie", "*.secret", "secret"], censor: "[redacted]" },
  };
  if (format === "json") return pino(options, pino.destination({ dest: 2, sync: false }));
  // Loaded only where somebody reads: it takes more memory than the log itself.
  const pretty: typeof import("pino-pretty") = createRequire(import.meta.url)("pino-pretty");
  return pino(
    options,
    pretty({
      destination: 2,
      colorize: process.stderr.isTTY === true && !process.env.NO_COLOR,
      ignore: "pid,hostname",
    }),
  );
}

/** A URL as it may stand in a log: its query is there, but not shown. */
export function loggedUrl(url: string): string {
  const mark = url.indexOf("?");
  return mark === -1 ? url : `${url.slice(0, mark)}?…`;
}
