/**
 * Options written as text: flags of the command line and environment variables. Numbers take units ("512MB", "2.5s"),
 * lists take commas, and every refusal names the flag or variable, the text and what is allowed.
 */
import { limitFault, optionFault } from "./option-checks.ts";
import { faultMessage, type OptionKind, type OptionRow, optionTable, type PartialOptions } from "./options.ts";

export type TextResult = { ok: true; options: PartialOptions } | { ok: false; message: string };

/**
 * Reads one option from its texts, one for each time it was given. `label` is the flag or variable that the message
 * names. The value is put into `options`; returns the message, or null when all is well.
 */
export function readOptionText(options: PartialOptions, row: OptionRow, label: string, texts: string[]): string | null {
  const last = texts.at(-1) ?? "";
  if (row.kind === "limits") {
    return readLimits(options, label, texts);
  }
  const value = optionValue(row.kind, texts);
  const fault = value === null ? optionFault(row, Number.NaN) : optionFault(row, value);
  // R-CLI-2
  if (fault !== null) {
    return faultMessage(row.name, label, texts.length > 1 ? texts.join(",") : last, fault);
  }
  Object.assign(options, { [row.name]: value });
  return null;
}

/** Reads every REELCACHE_ variable of the environment; an empty one counts as absent. */
export function readEnvironment(environment: Record<string, string | undefined>): TextResult {
  const options: PartialOptions = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("REELCACHE_") || text === undefined || text === "") {
      continue;
    }
    const row = optionTable.find((candidate) => candidate.environment === name);
    // R-CLI-1
    if (row === undefined) {
      return { ok: false, message: `${name}: no such variable; reelcache --help lists all` };
    }
    const texts = row.kind === "fields" ? text.split("\n") : [text];
    const fault = readOptionText(options, row, name, texts);
    if (fault !== null) {
      return { ok: false, message: fault };
    }
  }
  return { ok: true, options };
}

/** Whole bytes from "1024", "512MB", "1.5 GiB"; null when the text is nothing of the kind. */
export function parseByteCount(text: string): number | null {
  return parseQuantity(text, byteUnits, 1);
}

/** Whole milliseconds from "250", "250ms", "2.5s", "5m", "1h"; null when the text is nothing of the kind. */
export function parseMilliseconds(text: string): number | null {
  return parseQuantity(text, durationUnits, 1);
}

/** Whole seconds from "300", "5m", "1h"; null when the text is nothing of the kind. */
export function parseSeconds(text: string): number | null {
  const milliseconds = parseQuantity(text, durationUnits, 1_000);
  return milliseconds === null || milliseconds % 1_000 !== 0 ? null : milliseconds / 1_000;
}

/** "1 GiB", "1.5 MiB", "17 bytes": the shortest exact or one-decimal form. */
export function formatByteCount(bytes: number): string {
  for (const [unit, size] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const) {
    if (bytes >= size) {
      return `${Number((bytes / size).toFixed(1))} ${unit}`;
    }
  }
  return `${bytes} bytes`;
}

type Unit = { name: string; size: number };

const byteUnits: Unit[] = [
  { name: "b", size: 1 },
  { name: "kb", size: 1e3 },
  { name: "mb", size: 1e6 },
  { name: "gb", size: 1e9 },
  { name: "tb", size: 1e12 },
  { name: "kib", size: 2 ** 10 },
  { name: "mib", size: 2 ** 20 },
  { name: "gib", size: 2 ** 30 },
  { name: "tib", size: 2 ** 40 },
];

const durationUnits: Unit[] = [
  { name: "ms", size: 1 },
  { name: "s", size: 1_000 },
  { name: "m", size: 60_000 },
  { name: "h", size: 3_600_000 },
];

// R-CLI-5
function parseQuantity(text: string, units: Unit[], bareSize: number): number | null {
  const match = /^([0-9]{1,16})(?:\.([0-9]{1,6}))?(?: ?([A-Za-z]+))?$/.exec(text);
  if (match === null) {
    return null;
  }
  const name = (match[3] ?? "").toLowerCase();
  const size = name === "" ? bareSize : units.find((unit) => unit.name === name)?.size;
  const fraction = match[2] ?? "";
  if (size === undefined) {
    return null;
  }
  // The fraction is counted in millionths, so that "2.3s" is 2300 and not 2299.9999.
  const value = Number(match[1]) * size + Math.round((Number(fraction.padEnd(6, "0")) * size) / 1e6);
  const exact = (Number(fraction.padEnd(6, "0")) * size) % 1e6 === 0 || size > 1_000;
  return exact && Number.isSafeInteger(value) ? value : null;
}

function optionValue(kind: OptionKind, texts: string[]): unknown {
  const last = texts.at(-1) ?? "";
  switch (kind) {
    case "count":
      return /^[0-9]{1,16}$/.test(last) ? Number(last) : null;
    case "bytes":
      return parseByteCount(last);
    case "seconds":
      return parseSeconds(last);
    case "milliseconds":
      return parseMilliseconds(last);
    case "flag":
      return flagValue(last);
    case "names":
    case "hosts":
      return splitList(texts);
    case "fields":
      return texts.flatMap(splitField);
    default:
      return last;
  }
}

function flagValue(text: string): boolean | null {
  const word = text.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) {
    return true;
  }
  return ["false", "0", "no", "off"].includes(word) ? false : null;
}

function splitList(texts: string[]): string[] {
  return texts.flatMap((text) => text.split(",")).map((item) => item.trim());
}

function splitField(text: string): string[] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1).trim()];
}

function readLimits(options: PartialOptions, label: string, texts: string[]): string | null {
  const limits: Record<string, number> = {};
  for (const item of splitList(texts)) {
    const equals = item.indexOf("=");
    if (equals < 0) {
      return faultMessage("limits", label, item, "name=value");
    }
    const name = item.slice(0, equals);
    const value = limitValue(name, item.slice(equals + 1));
    const fault = limitFault(name, value ?? Number.NaN);
    if (fault !== null || value === null) {
      return faultMessage("limits", label, item, fault ?? "a whole number");
    }
    limits[name] = value;
  }
  options.limits = limits;
  return null;
}

function limitValue(name: string, text: string): number | null {
  if (name.includes("Bytes")) {
    return parseByteCount(text);
  }
  return name.includes("Ms") ? parseMilliseconds(text) : /^[0-9]{1,16}$/.test(text) ? Number(text) : null;
}
