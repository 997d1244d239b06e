/**
 * The twins side by side: every file of server/core has its Swift twin with the same exported names in the same order,
 * the same parameters, fields, cases, error codes, limits and rules. Prints one line a difference.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readSource } from "./source-text.ts";
import { listParts, parenthesised, type SwiftDeclaration, splitSwift, swiftDeclarations } from "./swift-text.ts";

/** An exported declaration of a TypeScript file, in the shape of its Swift twin. */
type Declaration = {
  kind: "function" | "const" | "type";
  name: string;
  parameters: string[];
  fields: string[];
  cases: { raw: string; labels: string[] }[];
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const coreFolder = "server/core";
const swiftCore = "ios-bridge/Sources/ReelcacheCore";
const swiftEdge = "ios-bridge/Sources/ReelcacheEdge";

/** What only Swift needs, and why. */
const swiftOnly = new Map([
  ["base/ByteString", "JavaScript's strings of the codes 0 to 255"],
  ["base/TextUnion", "Swift would compare such enums by their texts"],
  ["base/SharedBytes", "JavaScript's strings share their bytes by themselves"],
  ["limitFields", "the limits by name: Swift cannot set a field that a text names"],
]);

/** What only TypeScript needs, and why. */
const typescriptOnly = new Map([["errorTable", "an enum of Swift lists its own cases"]]);

/** Files of server/edge without a twin, and why. */
const edgeWithoutTwin = new Map([
  ["read-memory", "Data counts its holders by itself"],
  ["response-writer", "PlayerResponse writes its own heads: there is no library to be kept from adding to them"],
  ["turn-queue", "a serial queue runs one block at a time, in the order in which they came"],
]);

const ruleId = /(?<![A-Z0-9-])R(?:-[A-Z][A-Z0-9]*)+-[0-9]+(?![0-9])/g;
const faults: string[] = [];
let compared = 0;

for (const module of modulesIn(coreFolder, ".ts")) compareModule(module);
for (const module of modulesIn(swiftCore, ".swift")) {
  if (swiftOnly.has(module)) continue;
  const twin = join(coreFolder, dirname(module), `${kebab(basename(module))}.ts`);
  if (!existsSync(join(root, twin))) faults.push(`${swiftCore}/${module}.swift has no twin ${twin}`);
}
for (const module of modulesIn("server/edge", ".ts")) {
  const twin = `${swiftEdge}/${pascal(module)}.swift`;
  if (!edgeWithoutTwin.has(module) && !existsSync(join(root, twin)))
    faults.push(`server/edge/${module}.ts has no twin ${twin}`);
}
await compareErrors();
await compareLimits();
for (const fault of faults) console.log(fault);
console.log(`${compared} pairs, ${faults.length} differences`);
process.exitCode = faults.length > 0 || compared === 0 ? 1 : 0;

function compareModule(module: string): void {
  const path = `${coreFolder}/${module}.ts`;
  const twin = `${swiftCore}/${dirname(module)}/${pascal(basename(module))}.swift`;
  if (!existsSync(join(root, twin))) {
    faults.push(`${path} has no twin ${twin}`);
    return;
  }
  compared += 1;
  const source = readFileSync(join(root, path), "utf8");
  const swiftSource = readFileSync(join(root, twin), "utf8");
  const wanted = declarations(source).filter((one) => !typescriptOnly.has(one.name));
  const found = swiftDeclarations(swiftSource);
  compareOrder(twin, wanted, found);
  for (const declaration of wanted) {
    const other = found.find((candidate) => candidate.name === declaration.name);
    if (other === undefined) faults.push(`${twin} lacks ${declaration.name} of ${path}`);
    else compareMembers(twin, declaration, other);
  }
  for (const extra of found) {
    const known = wanted.some((one) => one.name === extra.name) || swiftOnly.has(extra.name);
    // A union that TypeScript writes in place has a name in Swift.
    if (!known && extra.kind !== "enum" && extra.kind !== "struct") {
      faults.push(`${twin}:${extra.line} ${extra.name} is exported, but not by ${path}`);
    }
  }
  compareLists(`${twin} rules`, rulesOf(readSource(source).comments), rulesOf(splitSwift(swiftSource).comments));
}

function compareOrder(twin: string, wanted: Declaration[], found: SwiftDeclaration[]): void {
  const names = wanted.map((one) => one.name).filter((name) => found.some((one) => one.name === name));
  const order = found.map((one) => one.name).filter((name) => names.includes(name));
  const at = names.findIndex((name, index) => order[index] !== name);
  if (at !== -1) faults.push(`${twin} has ${order[at]} where its twin has ${names[at]}`);
}

function compareMembers(twin: string, wanted: Declaration, found: SwiftDeclaration): void {
  const where = `${twin}:${found.line} ${wanted.name}`;
  if (wanted.kind === "function") {
    if (found.kind !== "func") faults.push(`${where} is no function`);
    compareLists(`${where} parameters`, wanted.parameters, found.parameters);
  } else if (wanted.cases.length > 0 && found.kind === "enum") {
    const labelled = (name: string, raw: string, labels: string[]): string =>
      labels.length > 0 || found.cases.some((one) => one.labels.length > 0)
        ? `${name}(${labels.join(" ")})`
        : `${name}=${raw}`;
    const wantedCases = wanted.cases.map(({ raw, labels }) => labelled(camel(raw), raw, labels));
    const foundCases = found.cases.map(({ name, raw, labels }) => labelled(name, raw, labels));
    compareLists(`${where} cases`, wantedCases, foundCases);
  } else if (wanted.cases.length > 0) {
    faults.push(`${where} is no enum`);
  } else if (wanted.fields.length > 0) {
    compareLists(`${where} fields`, wanted.fields, found.fields);
  }
}

function compareLists(what: string, wanted: string[], found: string[]): void {
  const missing = wanted.filter((one) => !found.includes(one));
  const extra = found.filter((one) => !wanted.includes(one));
  if (missing.length > 0) faults.push(`${what}: missing ${missing.join(", ")}`);
  if (extra.length > 0) faults.push(`${what}: not in the twin ${extra.join(", ")}`);
  const at = wanted.findIndex((one, index) => found[index] !== one);
  if (missing.length === 0 && extra.length === 0 && at !== -1)
    faults.push(`${what}: ${found[at]} where the twin has ${wanted[at]}`);
}

async function compareErrors(): Promise<void> {
  const { errorRow } = await import(pathToFileURL(join(root, coreFolder, "base/errors.ts")).href);
  const path = join(root, swiftCore, "base/Errors.swift");
  const source = readFileSync(path, "utf8");
  const codes = swiftDeclarations(source).find((one) => one.name === "ErrorCode")?.cases ?? [];
  for (const { name, raw } of codes) {
    const row = new RegExp(
      `case \\.\`?${name}\`?:\\s*ErrorRow\\(status: (\\d+), title: "([^"]*)", level: \\.(\\w+)\\)`,
    ).exec(source);
    const wanted = errorRow(raw);
    const same =
      row !== null && Number(row[1]) === wanted?.status && row[2] === wanted?.title && row[3] === wanted?.level;
    if (!same) faults.push(`${swiftCore}/base/Errors.swift: the row of ${raw} differs`);
  }
}

async function compareLimits(): Promise<void> {
  const { defaultLimits } = await import(pathToFileURL(join(root, coreFolder, "base/limits.ts")).href);
  const source = readFileSync(join(root, swiftCore, "base/Limits.swift"), "utf8");
  const values = [...source.matchAll(/^ {2}package var (\w+) = ([0-9_]+)$/gm)];
  const found = values.map((match) => `${match[1]}=${(match[2] ?? "").replaceAll("_", "")}`);
  compareLists(
    "limits",
    Object.entries(defaultLimits).map(([name, value]) => `${name}=${value}`),
    found,
  );
  const named = [...source.matchAll(/^ {2}\("(\w+)", \\\.(\w+)\),$/gm)];
  compareLists(
    "limitFields",
    Object.keys(defaultLimits),
    named.map((match) => (match[1] === match[2] ? (match[1] ?? "") : "?")),
  );
}

/** The exported declarations of a TypeScript file, in order. */
function declarations(source: string): Declaration[] {
  const code = withoutComments(source);
  const pattern = /^export (function|const|type) (\w+)/gm;
  return [...code.matchAll(pattern)].map((match) => {
    const kind = match[1] as Declaration["kind"];
    const from = match.index + match[0].length;
    const parameters = kind === "function" ? listParts(parenthesised(code, code.indexOf("(", from))) : [];
    const body = kind === "type" ? typeBody(code, code.indexOf("=", from) + 1) : "";
    const names = parameters.map((part) => /^\w+/.exec(part)?.[0] ?? part);
    return { kind, name: match[2] ?? "", parameters: names, fields: recordFields(body), cases: unionCases(body) };
  });
}

/** The text of a type, up to the semicolon that ends it. */
function typeBody(code: string, from: number): string {
  return (listParts(code.slice(from), ";")[0] ?? "").trim();
}

function recordFields(body: string): string[] {
  if (!body.startsWith("{")) return [];
  return listParts(parenthesised(body, 0), ";").map((part) => /^\w+/.exec(part)?.[0] ?? part);
}

/** The members of a union of texts or of records with a `kind`. */
function unionCases(body: string): Declaration["cases"] {
  const members = listParts(body, "|");
  const cases = members.map((member) => {
    const text = /^"([^"]*)"$/.exec(member);
    if (text !== null) return { raw: text[1] ?? "", labels: [] };
    const kind = /^\{\s*kind: "([^"]*)"/.exec(member);
    return kind === null ? null : { raw: kind[1] ?? "", labels: recordFields(member).slice(1) };
  });
  return members.length > 1 || cases[0] !== null ? cases.filter((one) => one !== null) : [];
}

function withoutComments(source: string): string {
  const { comments } = readSource(source);
  return [...source].map((char, at) => (comments[at] === " " || char === "\n" ? char : " ")).join("");
}

function rulesOf(comments: string): string[] {
  return [...new Set([...comments.matchAll(ruleId)].map((match) => match[0]))].sort();
}

function modulesIn(folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kebab(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function camel(raw: string): string {
  return raw.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
