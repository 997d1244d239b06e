/** Finds, reads and checks the cases below fixtures/recordings. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, matchesGlob, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv, type ValidateFunction } from "ajv";
import type { Case } from "./case-types.ts";

export type FoundCase = { case: Case; folder: string };

/** Something is wrong with the case's file: the message names it. */
export class CaseFileError extends Error {}

const fixtures = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "fixtures");
export const recordingsFolder = join(fixtures, "recordings");

/** All cases whose id matches the glob, or one of them (comma-separated), in order of their ids. */
export function findCases(only: string | null, folder: string = recordingsFolder): FoundCase[] {
  const globs = only === null ? ["**"] : only.split(/,(?![^{]*\})/).map((glob) => glob.trim());
  const ids = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(`${sep}case.json`))
    .map((path) => dirname(path).replaceAll(sep, "/"))
    .filter((id) => globs.some((glob) => matchesGlob(id, glob)))
    .sort();
  return ids.map((id) => readCase(join(folder, id), folder));
}

/** Reads one case; throws a `CaseFileError` when it is no case. */
export function readCase(folder: string, root: string = recordingsFolder): FoundCase {
  const path = join(folder, "case.json");
  const id = relative(root, folder).replaceAll(sep, "/");
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CaseFileError(`${id}/case.json: ${error instanceof Error ? error.message : String(error)}`);
  }
  const validate = validator();
  if (!validate(data)) {
    const faults = (validate.errors ?? []).map((fault) => `${fault.instancePath || "/"} ${fault.message ?? ""}`);
    throw new CaseFileError(`${id}/case.json: ${[...new Set(faults)].slice(0, 4).join("; ")}`);
  }
  if (data.id !== id) throw new CaseFileError(`${id}/case.json: its id is ${data.id}`);
  return { case: data, folder };
}

let compiled: ValidateFunction<Case> | null = null;

function validator(): ValidateFunction<Case> {
  const schema: object = JSON.parse(readFileSync(join(fixtures, "schema", "case.schema.json"), "utf8"));
  compiled ??= new Ajv({ allowUnionTypes: true, discriminator: true }).compile<Case>(schema);
  return compiled;
}
