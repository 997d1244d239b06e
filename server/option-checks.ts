/** Checks of option values, row by row of the option table. A check returns what is allowed, or null for a good value. */
import { defaultLimits } from "./core/base/limits.ts";
import { splitHostPort } from "./core/route/host-check.ts";
import { parseIp } from "./core/route/ip-address.ts";
import { addressClass } from "./core/route/upstream-access.ts";
import type { OptionName, OptionRow } from "./options.ts";

const countMax = Number.MAX_SAFE_INTEGER;

/** Longest time that is waited for, in milliseconds, about 24 days: timers of the runtime take a longer one for none. */
export const timerMsMax = 2 ** 31 - 1;

/** Bounds of the secret's length, in characters. */
export const secretLength = { min: 8, max: 128 };

/** What the row allows, when the value is not that; null when the value is good. */
export function optionFault(found: OptionRow, value: unknown): string | null {
  switch (found.kind) {
    case "count":
    case "bytes":
    case "seconds":
    case "milliseconds":
      return isWhole(value, found.min, found.max) ? null : numberAllowed(found);
    case "choice":
      return typeof value === "string" && found.choices.includes(value) ? null : `one of ${found.choices.join(", ")}`;
    case "flag":
      return typeof value === "boolean" ? null : "true or false";
    case "text":
      return textFault(found.name, value);
    case "names":
      return (found.name === "keepParameters" && value === null) || isList(value, isPlainName)
        ? null
        : "a list of names without spaces, commas or colons";
    case "hosts":
      return isList(value, isHostPattern) ? null : "a list of hosts, each host, host:port, or *.host";
    case "fields":
      return isFieldList(value) ? null : 'fields, each written "Name: value"';
    case "limits":
      return limitsFault(value);
  }
}

/** True for localhost, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || (parseIp(host) !== null && addressClass(host) === "loopback");
}

/** Why a limit's name or value is refused; null when both are good. Zero is good only where it means "none". */
export function limitFault(name: string, value: unknown): string | null {
  if (!Object.hasOwn(defaultLimits, name)) {
    return `one of the limits ${Object.keys(defaultLimits).join(", ")}`;
  }
  const min = limitsThatMayBeZero.includes(name) ? 0 : 1;
  const max = name.endsWith("Percent") ? 100 : name.endsWith("Ms") || name.endsWith("MsMax") ? timerMsMax : countMax;
  return isWhole(value, min, max) ? null : `a whole number from ${min} to ${max}`;
}

const limitsThatMayBeZero: string[] = [
  "extraSlotsMax",
  "queueLengthMax",
  "queueWaitMs",
  "expressRangeBytes",
  "redirectsMax",
  "resignMax",
  "readAheadBytesMax",
  "seekBytesMin",
  "detachBytesMax",
  "resumeMax",
  "resumeBackoffMs",
  "journalMs",
  "breakerPauseMs",
  "breakerPauseMsMax",
];

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
}

function numberAllowed(found: OptionRow): string {
  const range = found.max === countMax ? `of at least ${found.min}` : `from ${found.min} to ${found.max}`;
  switch (found.kind) {
    case "bytes":
      return `a whole number of bytes ${range}, or with a unit (KB, MB, GB, KiB, MiB, GiB)`;
    case "seconds":
      return `a whole number of seconds ${range}, or with a unit (s, m, h)`;
    case "milliseconds":
      return `a whole number of milliseconds ${range}, or with a unit (ms, s, m)`;
    default:
      return `a whole number ${range}`;
  }
}

function textFault(name: OptionName, value: unknown): string | null {
  if (typeof value !== "string" || value.includes("\0")) {
    return "text";
  }
  if (name === "host") {
    return value === "localhost" || parseIp(value) !== null ? null : "an IP address or localhost";
  }
  if (name === "secret" && value !== "") {
    // R-CLI-4
    const { min, max } = secretLength;
    const good = value.length >= min && value.length <= max && /^[A-Za-z0-9._~-]+$/.test(value);
    return good ? null : `${min} to ${max} characters out of A-Z a-z 0-9 - . _ ~`;
  }
  return null;
}

function isList(value: unknown, isItem: (text: string) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => typeof item === "string" && isItem(item));
}

function isPlainName(text: string): boolean {
  return /^[^\s,:]+$/.test(text);
}

function isHostPattern(text: string): boolean {
  return text === "*" || (!/[\s/@?#,]/.test(text) && splitHostPort(text) !== null);
}

function isFieldList(value: unknown): boolean {
  if (!isList(value, (text) => !/[\0\r\n]/.test(text)) || !Array.isArray(value) || value.length % 2 !== 0) {
    return false;
  }
  return value.every((text: string, index) => index % 2 === 1 || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text));
}

function limitsFault(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "a record of limits";
  }
  for (const [name, limit] of Object.entries(value)) {
    const fault = limitFault(name, limit);
    if (fault !== null) {
      return `right in ${name}: ${fault}`;
    }
  }
  return null;
}
