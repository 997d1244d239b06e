/** Cases that a target is known to fail, each with its reason: `harness/known-failing/<target>.json`. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ownFolder = join(dirname(dirname(fileURLToPath(import.meta.url))), "known-failing");

/** The list is not what it must be; the message names the file. */
export class KnownFailuresError extends Error {}

/** Reasons by target, then by case. A target without a file fails nothing. */
export function knownFailures(targets: string[], folder: string = ownFolder): Record<string, Record<string, string>> {
  return Object.fromEntries(targets.map((target) => [target, readList(join(folder, `${target}.json`))]));
}

function readList(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  const data: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof data !== "object" || data === null) throw new KnownFailuresError(`${path}: an object of case and reason`);
  for (const [id, reason] of Object.entries(data)) {
    if (typeof reason !== "string" || reason.length < 8) throw new KnownFailuresError(`${path}: ${id} has no reason`);
  }
  return data as Record<string, string>;
}
