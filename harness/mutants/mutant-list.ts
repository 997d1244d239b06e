/** The mutants: small faults, each an exact patch of one file of the server, kept as data in `patches/*.json`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type Mutant = {
  id: string;
  /** The patched file, from the repository's root: below server/core or server/edge. */
  file: string;
  /** Text that occurs exactly once in the file, and what takes its place. */
  find: string;
  replace: string;
  /** What is wrong then, in one sentence. */
  says: string;
  /** Faults of the field that it stands for (ids of fixtures/recordings/faults.json). */
  faults: string[];
  /** Globs of the cases that are tried first, in this order. */
  only: string[];
};

/** A mutant that no case can catch, and why. */
export type Equivalent = { id: string; reason: string };

const here = fileURLToPath(new URL(".", import.meta.url));

/** All mutants, in the order of their files. */
export function readMutants(): Mutant[] {
  return readdirSync(join(here, "patches"))
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => readJson(join(here, "patches", name)) as Mutant[]);
}

/** Survivors that are allowed: nobody outside can tell them from the original. */
export function readEquivalents(): Equivalent[] {
  return (readJson(join(here, "equivalent.json")) as { equivalent: Equivalent[] }).equivalent;
}

/** The file's text with the patch; throws when the text to find does not occur exactly once. */
export function mutatedText(text: string, mutant: Mutant): string {
  const at = text.indexOf(mutant.find);
  if (at < 0) throw new Error(`mutant ${mutant.id}: its text to find is no longer in ${mutant.file}`);
  if (text.includes(mutant.find, at + 1)) {
    throw new Error(`mutant ${mutant.id}: its text to find is more than once in ${mutant.file}`);
  }
  return text.slice(0, at) + mutant.replace + text.slice(at + mutant.find.length);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
