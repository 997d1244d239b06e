/**
 * What the cases leave unproven: rules of server/SPEC.md and faults of the field that no case names. A rule that cannot
 * be seen on the wire stands in off-wire.json with its reason; one that stands there though a case proves it, or that
 * the specification has no more, is a gap as well.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a case claims to prove and to catch. */
export type CaseClaims = { id: string; rules: string[]; faults: string[] };

/** A rule or fault that no case can show, and why. */
export type OffWire = { id: string; reason: string };

export type CoverageInput = {
  /** The text of SPEC.md. */
  spec: string;
  /** Ids of the field's known faults. */
  faults: string[];
  cases: CaseClaims[];
  offWire: OffWire[];
};

/** One line for each gap; none when every rule and every fault is hit by a case or excused. */
export function coverageGaps(input: CoverageInput): string[] {
  const known = new Set([...definedRules(input.spec), ...input.faults]);
  const claimed = new Set(input.cases.flatMap((item) => [...item.rules, ...item.faults]));
  const excused = new Set(input.offWire.map((item) => item.id));
  return [
    ...[...known].filter((id) => !claimed.has(id) && !excused.has(id)).map((id) => `${id} is named by no case`),
    ...input.cases.flatMap((item) => unknownClaims(item, known)),
    ...input.offWire.flatMap((item) => idleExcuses(item, known, claimed)),
  ];
}

/** The ids that a specification's text defines, in its order. */
export function definedRules(spec: string): string[] {
  return [...spec.matchAll(/^- \*\*(R(?:-[A-Z][A-Z0-9]*)+-[0-9]+)\*\*/gm)].map((match) => match[1] ?? "");
}

/** The repository's own specification, faults and excuses, with these cases. */
export function coverageInput(root: string, cases: CaseClaims[]): CoverageInput {
  const faults = readJson(join(root, "fixtures/recordings/faults.json")) as { faults: { id: string }[] };
  const offWire = readJson(join(root, "harness/run/off-wire.json")) as { offWire: OffWire[] };
  return {
    spec: readFileSync(join(root, "server/SPEC.md"), "utf8"),
    faults: faults.faults.map((fault) => fault.id),
    cases,
    offWire: offWire.offWire,
  };
}

function unknownClaims(item: CaseClaims, known: Set<string>): string[] {
  return [...item.rules, ...item.faults].filter((id) => !known.has(id)).map((id) => `${item.id} names ${id}, unknown`);
}

function idleExcuses(item: OffWire, known: Set<string>, claimed: Set<string>): string[] {
  if (!known.has(item.id)) return [`${item.id} is excused and unknown`];
  if (claimed.has(item.id)) return [`${item.id} is excused, yet a case names it`];
  return item.reason === "" ? [`${item.id} is excused without a reason`] : [];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
