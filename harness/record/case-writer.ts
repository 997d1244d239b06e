/** A case from a recording, and its folder. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Case, CaseSource, Resource } from "../case/case-types.ts";
import { type StepTexts, stepsOf } from "./case-steps.ts";
import { fieldValue, type Recording } from "./recording.ts";

export type CaseText = { id: string; title: string; source: CaseSource };

const recordingsFolder = fileURLToPath(new URL("../../fixtures/recordings", import.meta.url));

/** Puts a case together. */
export function caseOf(
  recording: Recording,
  texts: StepTexts,
  resources: Record<string, Resource>,
  about: CaseText,
): Case {
  return {
    id: about.id,
    title: about.title,
    rules: rulesOf(recording),
    faults: [],
    source: about.source,
    options: {},
    origin: { resources },
    steps: stepsOf(recording, texts),
    exempt: [],
  };
}

/** The rules that such traffic touches, by what was asked. */
function rulesOf(recording: Recording): string[] {
  const rules = ["R-RESP-1", "R-RESP-3", "R-RESP-8", "R-FIELD-6"];
  const { requests } = recording;
  const has = (test: (target: string) => boolean): boolean => requests.some((request) => test(request.target));
  if (requests.some((request) => request.response?.status === 206)) rules.push("R-RANGE-4", "R-RANGE-10", "R-RESP-5");
  if (has((target) => target.includes(".m3u8"))) rules.push("R-PL-11", "R-PL-14", "R-PL-18");
  if (has((target) => target.startsWith("/proxy?"))) rules.push("R-URL-16");
  if (requests.some((request) => fieldValue(request.fields, "icy-metadata") !== null)) rules.push("R-FIELD-14");
  return rules;
}

/** The id of a case folder: its path below fixtures/recordings, or its last two names elsewhere. */
export function caseIdOf(folder: string): string {
  const path = relative(recordingsFolder, resolve(folder)).split(sep).join("/");
  return path.startsWith("..") ? `${basename(dirname(resolve(folder)))}/${basename(resolve(folder))}` : path;
}

/** Writes case.json into its folder, which is made when absent. */
export function writeCase(folder: string, made: Case): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "case.json"), readableJson(made));
}

/** JSON as a person reads it: what fits in a line stands in one. */
function readableJson(value: unknown): string {
  return `${render(value, "")}\n`;
}

const lineMax = 118;

function render(value: unknown, indent: string): string {
  const flat = flatJson(value);
  if (typeof value !== "object" || value === null || indent.length + flat.length <= lineMax) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => inner + render(item, inner)).join(",\n")}\n${indent}]`;
  }
  const rows = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${inner}${JSON.stringify(key)}: ${render(item, inner)}`);
  return `{\n${rows.join(",\n")}\n${indent}}`;
}

/** One line, with a space where people put one. */
function flatJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const rows = Object.entries(value).filter(([, item]) => item !== undefined);
  if (rows.length === 0) return "{}";
  return `{ ${rows.map(([key, item]) => `${JSON.stringify(key)}: ${flatJson(item)}`).join(", ")} }`;
}
