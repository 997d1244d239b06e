/** The bounds that a case runs under. */
import type { Case } from "../case/case-types.ts";

/** What the server does unless an option says otherwise (SPEC: R-LIMIT-1), as far as an oracle needs it. */
const defaults = {
  expressRangeBytes: 1_024,
  extraSlotsMax: 32,
  queueWaitMs: 2_500,
  readAheadBytesMax: 16_777_216,
  tailBytesMax: 2_097_152,
};

/** A bound of the case's options, or the default; options give limits as a record or as "name=value". */
export function limitOf(item: Case, name: keyof typeof defaults): number {
  const limits: unknown = item.options.limits;
  if (Array.isArray(limits)) {
    const text = limits.map(String).find((one) => one.startsWith(`${name}=`));
    return text === undefined ? defaults[name] : Number(text.slice(name.length + 1));
  }
  if (typeof limits !== "object" || limits === null) return defaults[name];
  const value = new Map(Object.entries(limits)).get(name);
  return value === undefined ? defaults[name] : Number(value);
}
