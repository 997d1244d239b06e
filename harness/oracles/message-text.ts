/** Heads of messages as the transcript keeps them, read leniently: what is wrong with them, the player's parser has said. */
import type { WireResponse } from "../case/result-types.ts";

export type Fields = [string, string][];

export type ResponseText = { version: string; status: number; fields: Fields };
export type RequestText = { method: string; target: string; version: string; fields: Fields };

/** Reads a response's head; status 0 when there is none. */
export function responseText(response: WireResponse): ResponseText {
  const lines = response.head.split("\r\n");
  const match = /^HTTP\/(\d\.\d) (\d{3})/.exec(lines[0] ?? "");
  if (match === null) return { version: "", status: 0, fields: [] };
  return { version: match[1] ?? "", status: Number(match[2]), fields: fieldLines(lines.slice(1)) };
}

/** Reads the request in sent bytes; `place` tells which one when several were written together. */
export function requestText(sent: string, place: number): RequestText {
  const heads = [...sent.matchAll(/(?:^|\n)([A-Z]+) (\S+) HTTP\/(\d\.\d)\r?\n/g)];
  const match = heads[Math.min(place, heads.length - 1)];
  if (match === undefined) return { method: "", target: "", version: "", fields: [] };
  const rest = sent.slice(match.index + match[0].length);
  const end = /(?:^|\r?\n)\r?\n/.exec(rest)?.index ?? rest.length;
  const lines = rest.slice(0, end).split(/\r?\n/);
  return { method: match[1] ?? "", target: match[2] ?? "", version: match[3] ?? "", fields: fieldLines(lines) };
}

/** The first value of a field, name in lower case, or null. */
export function fieldOf(fields: Fields, lowerName: string): string | null {
  return fields.find(([name]) => name.toLowerCase() === lowerName)?.[1] ?? null;
}

/** All values of a field. */
export function fieldValues(fields: Fields, lowerName: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value);
}

/** Whether a Cache-Control value has a directive; what stands in quotes is none. */
export function hasDirective(control: string, name: string): boolean {
  const directives = control.replace(/"(?:[^"\\]|\\.)*"/g, "").split(",");
  return directives.some((one) => one.split("=")[0]?.trim().toLowerCase() === name);
}

/** A Content-Range or a whole request range: inclusive bounds. */
export type ContentRange = { first: number; last: number; total: number };

/** Reads `bytes a-b/n`; null when it is anything else. */
export function contentRangeOf(fields: Fields): ContentRange | null {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(fieldOf(fields, "content-range") ?? "");
  if (match === null) return null;
  return { first: Number(match[1]), last: Number(match[2]), total: Number(match[3]) };
}

/**
 * What the Range field asks of a resource of `total` bytes (RFC 9110 section 14.1.2): inclusive bounds, or "ignored" when
 * it asks for nothing that a server must know, or "unsatisfiable".
 */
export function askedRange(
  fields: Fields,
  total: number,
): { first: number; last: number } | "ignored" | "unsatisfiable" {
  const values = fieldValues(fields, "range");
  const match = values.length === 1 ? /^[ \t]*bytes[ \t]*=([^=]*)$/i.exec(values[0] ?? "") : null;
  const items = (match?.[1] ?? "").split(",").map((item) => item.replace(/^[ \t]+|[ \t]+$/g, ""));
  const ranges = items.filter((item) => item !== "");
  const bounds = ranges.length === 1 ? /^(\d*)-(\d*)$/.exec(ranges[0] ?? "") : null;
  if (bounds === null || (bounds[1] === "" && bounds[2] === "")) return "ignored";
  if (bounds[1] === "") {
    const wanted = Math.min(Number(bounds[2]), total);
    return wanted === 0 ? "unsatisfiable" : { first: total - wanted, last: total - 1 };
  }
  const first = Number(bounds[1]);
  if (bounds[2] !== "" && BigInt(bounds[2] ?? "0") < BigInt(bounds[1] ?? "0")) return "ignored";
  if (first >= total) return "unsatisfiable";
  return { first, last: bounds[2] === "" ? total - 1 : Math.min(Number(bounds[2]), total - 1) };
}

function fieldLines(lines: string[]): Fields {
  const fields: Fields = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")]);
  }
  return fields;
}
