/**
 * The proxy's own parameters: what must travel with a proxied URL, so that it survives a restart and a cache hit, and
 * never goes upstream. In query form they are outer parameters, in path form one segment before the scheme.
 */
import { percentDecode, percentEncode } from "../base/bytes.ts";
import type { UrlForm } from "./request-target.ts";

/** What a body is that is no playlist and names resources; none for any other. */
export type JsonKind = "none" | "asset-list" | "steering";

/** `as`: what the body is. `define`: the variables that a playlist may import, as `name:value,name:value`; "" for none. */
export type OwnParameters = { as: JsonKind; define: string };

/** What the path form's segment begins with. */
export const ownSegmentStart = "/;";

/** The query parameter that a player adds to the URLs of a pathway's clone: the host that they shall have upstream. */
export const hostParameter = "reelcache-host";

/** No own parameters. */
export function noParameters(): OwnParameters {
  return { as: "none", define: "" };
}

/** A proxied URL, of which `prefix` is the start, with own parameters. */
export function withParameters(prefix: string, form: UrlForm, proxied: string, own: OwnParameters): string {
  // R-URL-18
  if (form === "query") return proxied + ownQuery(own);
  const pieces: string[] = [];
  if (own.as !== "none") pieces.push(`as=${own.as}`);
  if (own.define !== "") pieces.push(`define=${own.define}`);
  if (pieces.length === 0) return proxied;
  return `${prefix}${ownSegmentStart}${pieces.join(";")}${proxied.slice(prefix.length)}`;
}

/** The own parameters as they follow the URL in query form, each with its "&". */
export function ownQuery(own: OwnParameters): string {
  const as = own.as === "none" ? "" : `&as=${own.as}`;
  // R-URL-18: encoded once more, because players that set a parameter may write all of the query anew.
  return own.define === "" ? as : `${as}&define=${percentEncode(own.define)}`;
}

/** The own parameters with one more of the query form's outer parameters; null when that is none of them, or wrong. */
export function withParameter(own: OwnParameters, name: string, encoded: string): OwnParameters | null {
  const value = percentDecode(encoded);
  // R-URL-19
  return value === null ? null : added(own, name, value);
}

/** The own parameters of the path form's segment, without its start; null when it is malformed. */
export function parseOwnSegment(segment: string): OwnParameters | null {
  let own: OwnParameters | null = noParameters();
  for (const piece of segment.split(";")) {
    const equals = piece.indexOf("=");
    // R-URL-19
    own = equals < 0 || own === null ? null : added(own, piece.slice(0, equals), piece.slice(equals + 1));
  }
  return own;
}

/** Variables as they travel: `name:value,name:value`. */
export function variablesText(variables: Variable[]): string {
  return variables.map((variable) => `${variable.name}:${percentEncode(variable.value)}`).join(",");
}

/** Reads `variablesText`; null when it is malformed. */
export function parseVariables(text: string): Variable[] | null {
  const variables: Variable[] = [];
  for (const piece of text.split(",")) {
    const colon = piece.indexOf(":");
    const name = colon < 0 ? "" : piece.slice(0, colon);
    const value = percentDecode(piece.slice(colon + 1));
    if (!isVariableName(name) || value === null) return null;
    variables.push({ name, value });
  }
  return variables;
}

/** A variable and its value (rfc8216bis section 4.3). */
export type Variable = { name: string; value: string };

/** Whether the text is a variable's name: one or more letters, digits, "-" and "_". */
export function isVariableName(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (!isVariableCode(text.charCodeAt(at))) return false;
  }
  return text !== "";
}

/** Whether a byte may stand in a variable's name. */
export function isVariableCode(code: number): boolean {
  const lower = code | 0x20;
  const letter = lower >= 0x61 && lower <= 0x7a;
  const digit = code >= 0x30 && code <= 0x39;
  return letter || digit || code === 0x2d || code === 0x5f;
}

function added(own: OwnParameters, name: string, value: string): OwnParameters | null {
  if (name === "as" && own.as === "none" && (value === "asset-list" || value === "steering")) {
    return { as: value, define: own.define };
  }
  const isDefine = name === "define" && own.define === "" && parseVariables(value) !== null;
  return isDefine ? { as: own.as, define: value } : null;
}
