import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { Ajv, type ValidateFunction } from "ajv";

/** Vectors: pure input to output of one core module, from fixtures/vectors; the Swift twin runs the same files. */

export type VectorCase = {
  id: string;
  rule: string;
  call: string;
  args: unknown[];
  returns?: unknown;
  mutates?: number[];
  after?: unknown[];
};
export type VectorFile = { module: string; cases: VectorCase[] };

/** The exported functions of a module by name. */
export type CoreFunctions = Map<string, (...args: unknown[]) => unknown>;

const root = fileURLToPath(new URL("../../../", import.meta.url));
const coreFolder = join(root, "server/core");
const vectorFolder = join(root, "fixtures/vectors");
const playbookFolder = join(root, "fixtures/playbooks");

/** The names of all vector files, sorted. */
export function vectorFileNames(): string[] {
  return sortedNames(vectorFolder).filter((name) => name.endsWith(".json"));
}

/** The parsed contents of one vector file, not yet validated. */
export function readVectorFile(name: string): unknown {
  return JSON.parse(readFileSync(join(vectorFolder, name), "utf8"));
}

/** The validator of vector files, made from the schema. */
export function vectorValidator(): ValidateFunction<VectorFile> {
  const schema = JSON.parse(readFileSync(join(root, "fixtures/schema/vectors.schema.json"), "utf8"));
  return new Ajv({ strict: true, strictRequired: false }).compile<VectorFile>(schema);
}

/** Every module of the core, as "folder/name", sorted. */
export function coreModules(): string[] {
  const folders = readdirSync(coreFolder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .flatMap((folder) =>
      sortedNames(join(coreFolder, folder.name))
        .filter((name) => name.endsWith(".ts"))
        .map((name) => `${folder.name}/${basename(name, ".ts")}`),
    )
    .sort();
}

/**
 * The modules that playbooks prove instead of vectors: the module that a folder of playbooks is named after, and those
 * that fixtures/playbook-modules.json lists for the folder, as {"<folder>": ["<core folder>/<module>"]}.
 */
export function playbookModules(): Set<string> {
  const proven = new Set<string>();
  const listed = listedModules();
  for (const machine of sortedNames(playbookFolder).filter(holdsPlaybooks)) {
    for (const module of coreModules()) {
      const name = basename(module);
      if (name === machine || name === `${machine}-machine` || listed[machine]?.includes(module)) {
        proven.add(module);
      }
    }
  }
  return proven;
}

/** The names in fixtures/playbook-modules.json that name nothing: a machine without playbooks, a module that is gone. */
export function strayPlaybookNames(): string[] {
  const listed = listedModules();
  const modules = new Set(coreModules());
  const machines = Object.keys(listed).filter((machine) => !holdsPlaybooks(machine));
  return [
    ...machines,
    ...Object.values(listed)
      .flat()
      .filter((module) => !modules.has(module)),
  ];
}

/** The module's exported functions. */
export async function coreFunctions(module: string): Promise<CoreFunctions> {
  const exports: Record<string, unknown> = await import(pathToFileURL(join(coreFolder, `${module}.ts`)).href);
  const functions: CoreFunctions = new Map();
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === "function") {
      functions.set(name, (...args) => value(...args));
    }
  }
  return functions;
}

/** Runs one case; null when all is as written, else what was found and what was wanted. */
export function runVector(functions: CoreFunctions, vector: VectorCase): { found: unknown; wanted: unknown } | null {
  const call = functions.get(vector.call);
  if (call === undefined) {
    return { found: `no exported function ${vector.call}`, wanted: vector.call };
  }
  const args = structuredClone(vector.args);
  const returned = call(...args);
  if (!isDeepStrictEqual(returned, vector.returns)) {
    return { found: returned, wanted: vector.returns };
  }
  // An argument that is not declared as mutated must come out as it went in.
  const after = vector.args.map((arg, at) => (vector.mutates?.includes(at) ? vector.after?.[at] : arg));
  return isDeepStrictEqual(args, after) ? null : { found: args, wanted: after };
}

/**
 * Appends a line for each case that ran ("http/byte-range byte-range/absent") to the file that the environment's
 * REELCACHE_IDS names, if it names one, so that the set can be compared with the twin's. One write, as test files run
 * side by side.
 */
export function recordIds(lines: string[]): void {
  const path = process.env.REELCACHE_IDS;
  if (path !== undefined && path !== "") {
    appendFileSync(path, lines.map((line) => `${line}\n`).join(""));
  }
}

function listedModules(): Record<string, string[]> {
  const path = join(root, "fixtures/playbook-modules.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

function holdsPlaybooks(machine: string): boolean {
  const folder = join(playbookFolder, machine);
  return existsSync(folder) && statSync(folder).isDirectory() && sortedNames(folder).some((n) => n.endsWith(".json"));
}

function sortedNames(folder: string): string[] {
  return readdirSync(folder).sort();
}
