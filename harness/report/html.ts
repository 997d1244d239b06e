/** The report as one page of HTML that holds all it needs: styles, program and data; it asks nobody for anything. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CaseResult, RunResult, Transcript, WireResponse } from "../case/result-types.ts";

/** Longest text of a body that the page holds for a case that passed, in characters. */
const passedTextMax = 2_000;

const styleFile = "page.css";
const scriptFiles = ["page-parts.js", "page-wires.js", "page-timeline.js", "page.js"];

/** The page. */
export function htmlPage(result: RunResult): string {
  const file = (name: string): string => readFileSync(join(import.meta.dirname, name), "utf8");
  // Functions as replacements: a "$&" in the data is no pattern.
  return file("page.html")
    .replace("/*style*/", () => file(styleFile))
    .replace("/*script*/", () => scriptFiles.map((name) => joined(file(name))).join("\n"))
    .replace('id="data">null<', () => `id="data">${dataText(result)}<`);
}

/** A module as a part of the one script: what it imports stands above it already. */
function joined(module: string): string {
  return module.replace(/^import [^;]*;\n/gm, "").replace(/^export /gm, "");
}

/** JSON that may stand in a script element: no "<" can end it, whatever a body holds. */
function dataText(result: RunResult): string {
  const data = { ...result, results: result.results.map(lean) };
  return JSON.stringify(data)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

/** A case that passed equals its seal, and its long bodies tell nothing new. */
function lean(one: CaseResult): CaseResult {
  return one.verdict === "passed" ? { ...one, sealed: null, transcript: leanTranscript(one.transcript) } : one;
}

function leanTranscript(transcript: Transcript): Transcript {
  return { ...transcript, responses: transcript.responses.map(leanResponse) };
}

function leanResponse(response: WireResponse): WireResponse {
  const { text } = response;
  return text === null || text.length <= passedTextMax
    ? response
    : { ...response, text: `${text.slice(0, passedTextMax)}\n… ${text.length - passedTextMax} more characters\n` };
}
