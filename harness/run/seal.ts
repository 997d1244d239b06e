/** The sealed transcript of a case: written masked and line by line, so that a person can review it like code. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OriginEntry, Transcript, WireResponse } from "../case/result-types.ts";
import { outcome } from "./compare.ts";

type SealedResponse = {
  request: string;
  sent: string[];
  head: string[];
  framing: WireResponse["framing"];
  end: WireResponse["end"];
  bytes: number;
  sha256: string;
  text: string[] | null;
  faults: string[];
};
type SealedEntry = {
  request: string;
  origin: OriginEntry["origin"];
  fields: string[];
  status: number;
  from: number;
};
type Sealed = { responses: SealedResponse[]; origin: SealedEntry[] };

const fileName = "sealed.json";

/** The seal of a case's folder, null when there is none. Throws when it cannot be read. */
export function readSeal(folder: string): Transcript | null {
  const path = join(folder, fileName);
  if (!existsSync(path)) return null;
  const sealed = JSON.parse(readFileSync(path, "utf8")) as Sealed;
  return {
    responses: sealed.responses.map(openResponse),
    origin: sealed.origin.map(openEntry),
    concurrent: 0,
  };
}

/** Writes the seal of a masked transcript. */
export function writeSeal(folder: string, transcript: Transcript): void {
  const sealed: Sealed = {
    responses: transcript.responses.map(closeResponse),
    origin: transcript.origin.map(closeEntry),
  };
  writeFileSync(join(folder, fileName), `${JSON.stringify(sealed, null, 2)}\n`);
}

function closeResponse(response: WireResponse): SealedResponse {
  const end = outcome(response) as WireResponse["end"];
  // How much of a cut body came through is the kernel's affair; the oracles judge what came.
  const cut = end === "cut";
  return {
    request: response.request,
    sent: cutLines(response.sent),
    head: cutLines(response.head),
    framing: response.framing,
    end,
    bytes: cut ? 0 : response.bytes,
    sha256: cut ? "" : response.sha256,
    text: response.text === null || cut ? null : cutLines(response.text),
    faults: response.faults,
  };
}

function openResponse(sealed: SealedResponse): WireResponse {
  return {
    ...sealed,
    sent: sealed.sent.join(""),
    head: sealed.head.join(""),
    text: sealed.text === null ? null : sealed.text.join(""),
    sentMs: 0,
    headMs: 0,
    endMs: 0,
  };
}

function closeEntry(entry: OriginEntry): SealedEntry {
  return {
    request: `${entry.method} ${entry.target}`,
    origin: entry.origin,
    fields: entry.fields.map(([name, value]) => `${name}: ${value}`),
    status: entry.status,
    from: entry.from,
  };
}

function openEntry(sealed: SealedEntry): OriginEntry {
  const space = sealed.request.indexOf(" ");
  return {
    origin: sealed.origin,
    connection: 0,
    method: sealed.request.slice(0, space),
    target: sealed.request.slice(space + 1),
    fields: sealed.fields.map((field): [string, string] => {
      const colon = field.indexOf(": ");
      return [field.slice(0, colon), field.slice(colon + 2)];
    }),
    status: sealed.status,
    from: sealed.from,
    bodyBytes: 0,
    startMs: 0,
    endMs: 0,
  };
}

function cutLines(text: string): string[] {
  return text.split(/(?<=\n)/).filter((line) => line !== "");
}
