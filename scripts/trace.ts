/**
 * Rules from sentence to proof: every rule of server/SPEC.md stands in a comment of both twins' code and in a vector,
 * playbook, recording or test, and every rule named anywhere is in SPEC.md, once.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lineAt, matchesWithLines, readSource } from "./source-text.ts";
import { splitSwift } from "./swift-text.ts";

/** Where a rule is named. */
type Mention = { id: string; place: string };

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const specPath = "server/SPEC.md";
const ruleId = /(?<![A-Z0-9-])R(?:-[A-Z][A-Z0-9]*)+-[0-9]+(?![0-9])/g;
const definition = /^- \*\*(R(?:-[A-Z][A-Z0-9]*)+-[0-9]+)\*\*/gm;

/** Rules that the Swift twin has no code for, and why. */
const notInSwift = new Map<string, string>([
  ["R-CLI-12", "the bridge's command only starts it: a cache is worked on by the library and by control"],
  ["R-CLI-13", "the bridge's command only starts it: a cache is worked on by the library and by control"],
]);

const faults: string[] = [];
const spec = existsSync(join(root, specPath)) ? readFileSync(join(root, specPath), "utf8") : "";
if (spec === "") {
  faults.push(`${specPath} is missing: it holds the rules, one line each, - **R-NAME-1** sentence. (source)`);
}
const defined = definedRules(spec);
const inCode = codePaths().flatMap((path) => mentionsInComments(path));
const inSwift = swiftPaths("Sources").flatMap((path) =>
  mentionsIn(path, splitSwift(readFileSync(join(root, path), "utf8")).comments),
);
const inProof = proofPaths().flatMap((path) => mentionsIn(path, readFileSync(join(root, path), "utf8")));

checkDefined();
checkUsed();
for (const line of faults) {
  console.log(line);
}
console.log(`${defined.size} rules, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;

function definedRules(text: string): Map<string, string> {
  const rules = new Map<string, string>();
  for (const { match, line } of matchesWithLines(text, definition)) {
    const id = match[1] ?? "";
    const place = `${specPath}:${line}`;
    const earlier = rules.get(id);
    if (earlier !== undefined) {
      faults.push(`${place} defines ${id} again, after ${earlier}`);
    }
    rules.set(id, place);
  }
  return rules;
}

function checkDefined(): void {
  const coded = new Set(inCode.map((mention) => mention.id));
  const mirrored = new Set(inSwift.map((mention) => mention.id));
  const proven = new Set(inProof.map((mention) => mention.id));
  for (const [id, place] of defined) {
    if (!coded.has(id)) {
      faults.push(`${place} ${id} stands in no comment of the code`);
    }
    if (!mirrored.has(id) && !notInSwift.has(id)) {
      faults.push(`${place} ${id} stands in no comment of the Swift twin`);
    }
    if (mirrored.has(id) && notInSwift.has(id)) {
      faults.push(`${place} ${id} stands in the Swift twin, and in the list of rules that do not`);
    }
    if (!proven.has(id)) {
      faults.push(`${place} ${id} stands in no vector, playbook, recording or test`);
    }
  }
}

function checkUsed(): void {
  const reported = new Set<string>();
  for (const { id, place } of [...inCode, ...inSwift, ...inProof, ...mentionsIn(specPath, spec)]) {
    if (!defined.has(id) && !reported.has(id)) {
      reported.add(id);
      faults.push(`${place} ${id} is not defined in ${specPath}`);
    }
  }
}

function codePaths(): string[] {
  return listed("server").filter((path) => path.endsWith(".ts") && !path.startsWith("server/test/"));
}

function proofPaths(): string[] {
  const data = ["vectors", "playbooks", "recordings"].flatMap((folder) => listed(`fixtures/${folder}`));
  const tests = listed("server/test").filter((path) => path.endsWith(".ts"));
  return [...data.filter((path) => path.endsWith(".json")), ...tests, ...swiftPaths("Tests")];
}

function swiftPaths(folder: string): string[] {
  return listed(`ios-bridge/${folder}`).filter((path) => path.endsWith(".swift"));
}

function listed(folder: string): string[] {
  if (!existsSync(join(root, folder))) {
    return [];
  }
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names.map((name) => `${folder}/${name}`).sort();
}

function mentionsInComments(path: string): Mention[] {
  return mentionsIn(path, readSource(readFileSync(join(root, path), "utf8")).comments);
}

/** R-X- is the example's prefix: texts about rules, such as this one's tests, name no rule with it. */
function mentionsIn(path: string, text: string): Mention[] {
  const matches = [...text.matchAll(ruleId)].filter((match) => !match[0].startsWith("R-X-"));
  return matches.map((match) => ({ id: match[0], place: `${path}:${lineAt(text, match.index)}` }));
}
