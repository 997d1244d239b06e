/** Compares two masked transcripts and tells the first difference of each response, with its context. */
import type { Finding, OriginEntry, Transcript, WireResponse } from "../case/result-types.ts";
import { alignAge } from "./masks.ts";

/** What the two sides are called in messages, such as "sealed" and "target". */
export type Sides = { left: string; right: string };

/** All differences, one finding a response and one for the origin's log. `by` is "seal" or "equal". */
export function compareTranscripts(left: Transcript, right: Transcript, sides: Sides, by: string): Finding[] {
  const findings: Finding[] = [];
  for (const one of left.responses) {
    const other = right.responses.find((candidate) => candidate.request === one.request);
    const message = other === undefined ? `${sides.right} has no such response` : responseDifference(one, other, sides);
    if (message !== "") findings.push({ by, at: one.request, message });
  }
  for (const one of right.responses) {
    if (left.responses.some((candidate) => candidate.request === one.request)) continue;
    findings.push({ by, at: one.request, message: `${sides.left} has no such response` });
  }
  const message = originDifference(left.origin, right.origin, sides);
  if (message !== "") findings.push({ by, at: "origin", message });
  return findings;
}

function responseDifference(left: WireResponse, right: WireResponse, sides: Sides): string {
  const aligned = alignAge(left.head, left.headMs, right.head, right.headMs);
  const head = linesDifference("head", lines(left.head), lines(aligned), sides);
  if (head !== "") return head;
  if (outcome(left) !== outcome(right)) return two("end", outcome(left), outcome(right), sides);
  if (left.framing !== right.framing) return two("framing", left.framing, right.framing, sides);
  if (left.text !== null && right.text !== null) {
    const text = linesDifference("body", lines(left.text), lines(right.text), sides);
    if (text !== "") return text;
  }
  if (outcome(left) !== "cut") {
    if (left.bytes !== right.bytes) return two("body bytes", `${left.bytes}`, `${right.bytes}`, sides);
    if (left.sha256 !== right.sha256) return two("body (SHA-256)", left.sha256, right.sha256, sides);
  }
  const faults = linesDifference("faults", left.faults, right.faults, sides);
  if (faults !== "") return faults;
  return linesDifference("request", lines(left.sent), lines(right.sent), sides);
}

/** FIN or RST is a race in the kernel when bytes are under way: the player sees a cut in either case. */
export function outcome(response: WireResponse): string {
  return response.end === "reset" ? "cut" : response.end;
}

/** Requests that run at once may arrive in any order: the log is compared as it is, then sorted. */
function originDifference(left: OriginEntry[], right: OriginEntry[], sides: Sides): string {
  const [one, other] = [left.map(entryText), right.map(entryText)];
  const sorted = linesDifference("origin", one.toSorted(), other.toSorted(), sides);
  return sorted === "" ? "" : linesDifference("origin requests", one, other, sides);
}

/** What of a request at the origin is the same in every run. */
export function entryText(entry: OriginEntry): string {
  const fields = entry.fields.map(([name, value]) => `${name}: ${value}`).join(" | ");
  return `${entry.origin} ${entry.method} ${entry.target} -> ${entry.status} from ${entry.from} | ${fields}`;
}

function linesDifference(what: string, left: string[], right: string[], sides: Sides): string {
  const at = left.findIndex((line, index) => line !== right[index]);
  const first = at === -1 ? left.length : at;
  if (first === left.length && left.length === right.length) return "";
  const shown = (line: string | undefined): string => (line === undefined ? "(nothing)" : mark(line));
  const context = first === 0 ? "" : `\n  ${"before".padEnd(widthOf(sides))}  ${mark(left[first - 1] ?? "")}`;
  return `${what}, line ${first + 1} of ${left.length}${context}${pair(shown(left[first]), shown(right[first]), sides)}`;
}

function two(what: string, left: string, right: string, sides: Sides): string {
  return `${what}${pair(left, right, sides)}`;
}

function pair(left: string, right: string, sides: Sides): string {
  const width = widthOf(sides);
  const at = [...left].findIndex((char, index) => char !== right[index]);
  const column = at > 0 && left.length > 60 ? ` (from character ${at + 1})` : "";
  return `\n  ${sides.left.padEnd(width)}  ${left}\n  ${sides.right.padEnd(width)}  ${right}${column}`;
}

function widthOf(sides: Sides): number {
  return Math.max("before".length, sides.left.length, sides.right.length);
}

/** Lines with their ends, so that a lost CR shows. */
function lines(text: string): string[] {
  const parts = text.split("\n");
  const last = parts.pop() ?? "";
  const whole = parts.map((line) => `${line}\n`);
  return last === "" ? whole : [...whole, last];
}

function mark(line: string): string {
  return line.endsWith("\r\n") ? line.slice(0, -2) : JSON.stringify(line).slice(1, -1);
}
