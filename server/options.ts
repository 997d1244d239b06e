/**
 * The closed table of options: one row each with its name, command line flag, environment variable, kind, bounds and
 * help. The command line, the environment and the library all go through this table, so that they cannot disagree.
 */

import { homedir } from "node:os";
import type { Limits } from "./core/base/limits.ts";
import { defaultDirectory } from "./edge/cache-directory.ts";
import { isLoopback, optionFault, secretLength, timerMsMax } from "./option-checks.ts";

/** Everything a server can be told. Units stand last in the name. */
export type Options = {
  host: string;
  port: number;
  cacheDir: string;
  maxCacheBytes: number;
  freeDiskReserveBytes: number;
  secret: string;
  allowedHosts: string[];
  allowUpstream: string[];
  allowPrivate: string[];
  form: "query" | "path";
  policy: "media" | "http";
  playlistFreshSeconds: number;
  heuristicPercent: number;
  shared: boolean;
  validateOutdated: boolean;
  ignoreNoStore: boolean;
  identity: "apart" | "unstored";
  startAhead: boolean;
  delivery: "all" | "head" | "cdn-first";
  headSeconds: number;
  headSegments: number;
  offlineFilter: boolean;
  offlineSeconds: number;
  warmFirst: boolean;
  dropParameters: string[];
  keepParameters: string[] | null;
  keepAlive: boolean;
  forwardFields: string[];
  requestFields: string[];
  responseFields: string[];
  cors: boolean;
  logLevel: string;
  logFormat: "pretty" | "json";
  evictionDelayMs: number;
  limits: Partial<Limits>;
  originCa: string;
};

/** What a caller gives: any of the options; an undefined one counts as absent. */
export type PartialOptions = { [K in keyof Options]?: Options[K] | undefined };

/** The options in force, or a message that names the option, the value and what is allowed. */
export type OptionsResult = { ok: true; options: Options } | { ok: false; message: string };

export type OptionName = keyof Options;

/**
 * How a value is written and checked: `names` is a list of words, `fields` a flat list of names and values,
 * `limits` a record of limits. A `flag` is on or off.
 */
export type OptionKind =
  | "text"
  | "choice"
  | "count"
  | "bytes"
  | "seconds"
  | "milliseconds"
  | "flag"
  | "names"
  | "hosts"
  | "fields"
  | "limits";

/** One row of the table. `min` and `max` bound a number; `choices` lists the only texts allowed. */
export type OptionRow = {
  name: OptionName;
  flag: string;
  environment: string;
  kind: OptionKind;
  min: number;
  max: number;
  choices: string[];
  help: string;
};

/** The values in force when nobody says otherwise. No cache folder means the one in the user's cache folder. */
export const defaultOptions: Options = {
  host: "127.0.0.1",
  port: 9000,
  cacheDir: "",
  maxCacheBytes: 1_073_741_824,
  freeDiskReserveBytes: 268_435_456,
  secret: "",
  allowedHosts: [],
  allowUpstream: [],
  allowPrivate: [],
  form: "query",
  policy: "media",
  playlistFreshSeconds: 300,
  heuristicPercent: 0,
  shared: false,
  validateOutdated: false,
  ignoreNoStore: false,
  identity: "apart",
  startAhead: false,
  delivery: "all",
  headSeconds: 10,
  headSegments: 0,
  offlineFilter: false,
  offlineSeconds: 0,
  warmFirst: false,
  dropParameters: [],
  keepParameters: null,
  keepAlive: true,
  forwardFields: [],
  requestFields: [],
  responseFields: [],
  cors: true,
  logLevel: "info",
  logFormat: "json",
  evictionDelayMs: 5_000,
  limits: {},
  originCa: "",
};

const countMax = Number.MAX_SAFE_INTEGER;

/** The rows, in the order in which `--help` lists them. */
export const optionTable: OptionRow[] = [
  row("host", "host", "text", "address to listen on: an IP address or localhost; beyond loopback needs --secret"),
  row("port", "port", "count", "port to listen on; 0 takes a free one", { max: 65_535 }),
  row("cacheDir", "cache-dir", "text", "folder of the cache; made when absent"),
  row("maxCacheBytes", "max-cache-bytes", "bytes", "size at which eviction starts, such as 512MB or 2GiB", { min: 1 }),
  row("freeDiskReserveBytes", "free-disk-reserve-bytes", "bytes", "disk space left free"),
  row("evictionDelayMs", "eviction-delay-ms", "milliseconds", "wait after the start before anything is evicted", {
    max: timerMsMax,
  }),
  row("secret", "secret", "text", "part of every proxied URL; a request without it gets 403"),
  row("allowedHosts", "allowed-host", "hosts", "further name or name:port that the Host field may carry"),
  row("allowUpstream", "allow-upstream", "hosts", "only these origins: host, *.host, host:port; none means all public"),
  row("allowPrivate", "allow-private", "hosts", "origin on a private or loopback address: host, host:port, host:*"),
  row("originCa", "origin-ca", "text", "PEM file of a certificate authority to trust at origins"),
  row("form", "form", "choice", "form of proxied URLs that are printed and converted", { choices: ["query", "path"] }),
  row("policy", "policy", "choice", "freshness: made for media, or plain HTTP (RFC 9111)", {
    choices: ["media", "http"],
  }),
  row("playlistFreshSeconds", "playlist-fresh-seconds", "seconds", "freshness of a finished playlist that states none"),
  row(
    "heuristicPercent",
    "heuristic-percent",
    "count",
    "under http: share of the time since Last-Modified for which what states no freshness is fresh",
    { max: 100 },
  ),
  row("shared", "shared", "flag", "count as a cache that several users share: s-maxage counts, private is not stored"),
  row(
    "validateOutdated",
    "validate-outdated",
    "flag",
    "validate media whose stated freshness is over before it is used",
  ),
  row("ignoreNoStore", "ignore-no-store", "flag", "store responses that say no-store"),
  row("identity", "identity", "choice", "what depends on who asks (credentials, Vary): stored apart for each, or not", {
    choices: ["apart", "unstored"],
  }),
  row("startAhead", "start-ahead", "flag", "fetch what a player that begins to play asks for next before it asks"),
  row("delivery", "delivery", "choice", "segments that come through the proxy: all, the beginning, or what is stored", {
    choices: ["all", "head", "cdn-first"],
  }),
  row("headSeconds", "head-seconds", "seconds", "under head: segments that begin before"),
  row("headSegments", "head-segments", "count", "under head: at least so many segments"),
  row("offlineFilter", "offline-filter", "flag", "out of reach, name only the variants that play from what is stored"),
  row(
    "offlineSeconds",
    "offline-seconds",
    "seconds",
    "how much of a variant that is, from its beginning; 0 is all of it",
  ),
  row("warmFirst", "warm-first", "flag", "name the first variant whose beginning is stored before the others"),
  row("dropParameters", "drop-parameter", "names", "query parameter that is no part of the cache key"),
  row("keepParameters", "keep-parameter", "names", "only these query parameters are part of the cache key"),
  row("forwardFields", "forward-field", "names", "further player field to pass on to the origin"),
  row("requestFields", "request-field", "fields", 'field "Name: value" to set on every origin request'),
  row("responseFields", "response-field", "names", "further origin field to pass on to the player"),
  row("keepAlive", "keep-alive", "flag", "keep player connections open between requests"),
  row("cors", "cors", "flag", "let pages of other sites read responses"),
  row(
    "logLevel",
    "log-level",
    "choice",
    "least severe message logged: trace, debug, info, warn, error, fatal or silent",
    {
      choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    },
  ),
  row("logFormat", "log-format", "choice", "form of the log on stderr", { choices: ["pretty", "json"] }),
  row("limits", "limit", "limits", "bound to change, as name=value, such as slotsMax=8 or connectMs=2.5s"),
];

/**
 * Checks the caller's options against the table and fills in the defaults.
 * An operating error is a message, never an exception.
 */
export function resolveOptions(input: PartialOptions): OptionsResult {
  const chosen: PartialOptions = {};
  for (const [name, value] of Object.entries(input)) {
    const found = optionTable.find((candidate) => candidate.name === name);
    // R-CLI-1
    if (found === undefined) {
      return { ok: false, message: `${name}: no such option; there are ${optionTable.map((r) => r.name).join(", ")}` };
    }
    if (value === undefined) {
      continue;
    }
    const fault = optionFault(found, value);
    // R-CLI-2
    if (fault !== null) {
      return { ok: false, message: faultMessage(found.name, name, value, fault) };
    }
    Object.assign(chosen, { [name]: value });
  }
  const options: Options = Object.assign({ ...defaultOptions }, chosen);
  options.cacheDir ||= defaultDirectory(process.env, homedir());
  // R-CLI-3
  if (!isLoopback(options.host) && options.secret === "") {
    return {
      ok: false,
      message: `host: "${options.host}" is reachable from other machines, so a secret is required: set --secret (REELCACHE_SECRET) to ${secretLength.min} or more characters`,
    };
  }
  return { ok: true, options };
}

/** The one sentence for a refused value; `label` is the option's name, flag or environment variable. */
export function faultMessage(name: OptionName, label: string, value: unknown, allowed: string): string {
  // R-CLI-4: a mistyped secret is still a secret, and messages end in logs.
  const shown = name === "secret" ? "the given text" : JSON.stringify(value);
  return `${label}: ${shown} is not allowed; it must be ${allowed}`;
}

function row(
  name: OptionName,
  flag: string,
  kind: OptionKind,
  help: string,
  bounds: { min?: number; max?: number; choices?: string[] } = {},
): OptionRow {
  const environment = `REELCACHE_${flag.toUpperCase().replaceAll("-", "_")}`;
  const { min = 0, max = countMax, choices = [] } = bounds;
  return { name, flag, environment, kind, min, max, choices, help };
}
