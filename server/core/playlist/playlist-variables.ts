/**
 * The variables of a playlist (rfc8216bis sections 4.3 and 4.4.2.3): what its EXT-X-DEFINE tags say, and the texts that
 * refer to them. Playlists are byte strings.
 */
import { percentDecode } from "../base/bytes.ts";
import { parseUri } from "../http/uri-reference.ts";
import type { Variable } from "../route/own-parameters.ts";
import { isVariableCode, isVariableName, parseVariables, variablesText } from "../route/own-parameters.ts";
import { type Attribute, attributeList, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";

/** Where values come from beside the playlist: its own upstream URL, and what may be imported; and the bounds. */
export type VariableSources = {
  ownUrl: string;
  /** Variables of the playlist that named this one, as they travel; "" for none. */
  imports: string;
  /** Variables of a playlist; further ones count as undefined. */
  countMax: number;
  /** Their names and values as they travel, together. */
  bytesMax: number;
  /** A URI with its variables' values; a longer one could not be asked for. */
  uriBytesMax: number;
};

/** One defined variable. It counts from `from`, an offset; `value` is null where a player must fail. */
export type Definition = { name: string; value: string | null; from: number };

/** What the tags of a playlist define, in order, each name once. */
export function playlistDefinitions(bytes: string, sources: VariableSources): Definition[] {
  const definitions: Definition[] = [];
  if (!definesVariables(bytes)) return definitions;
  const imports = sources.imports === "" ? [] : (parseVariables(sources.imports) ?? []);
  let room = sources.bytesMax;
  for (const line of defineLines(bytes)) {
    const name = definedName(bytes, line);
    const known = definitions.find((definition) => definition.name === name);
    if (known !== undefined) {
      // R-VAR-4
      known.value = null;
    } else if (name !== "" && definitions.length < sources.countMax) {
      const value = definedValue(bytes, line, name, definitions, imports, sources.bytesMax);
      const size = value === null ? 0 : variablesText([{ name, value }]).length + 1;
      // R-VAR-8
      const fits = size <= room;
      if (fits) room -= size;
      definitions.push({ name, value: fits ? value : null, from: line.start });
    }
  }
  return definitions;
}

/** The variables that travel with the URLs of the playlists that a playlist names. */
export function exportedVariables(definitions: Definition[]): Variable[] {
  const variables: Variable[] = [];
  for (const { name, value } of definitions) {
    if (value !== null) variables.push({ name, value });
  }
  return variables;
}

/**
 * A text that stands at an offset of the playlist, with its references replaced by values, which are not looked at
 * again; null when a player must fail on it, or when it would be longer than `lengthMax`.
 */
export function substituteVariables(
  text: string,
  offset: number,
  definitions: Definition[],
  lengthMax: number,
): string | null {
  let substituted = "";
  let copied = 0;
  let at = text.indexOf("{$");
  while (at >= 0) {
    const end = nameEnd(text, at + 2);
    // R-VAR-2: what is not spelled like a reference is plain text.
    if (end > at + 2 && text.charCodeAt(end) === closingBrace) {
      const value = variableValue(definitions, text.slice(at + 2, end), offset);
      if (value === null) return null;
      // R-VAR-1
      substituted += text.slice(copied, at) + value;
      // R-VAR-8
      if (substituted.length > lengthMax) return null;
      copied = end + 1;
    }
    at = text.indexOf("{$", end);
  }
  if (copied === 0) return text;
  substituted += text.slice(copied);
  return substituted.length > lengthMax ? null : substituted;
}

/**
 * The playlist with its QUERYPARAM attributes turned into NAME and VALUE: the player knows only the proxied URL, whose
 * query is another, and none at all of a redirect's. What has no value, or one that no quoted string can hold, stays,
 * and so do those behind the first `countMax`.
 */
export function nameQueryParameters(bytes: string, ownUrl: string, countMax: number): string {
  if (!namesQueryParameters(bytes)) return bytes;
  let named = "";
  let copied = 0;
  let asked = 0;
  for (const line of defineLines(bytes)) {
    const attribute = onlyQueryParameter(line.attributes);
    const name = attribute === null ? "" : bytes.slice(attribute.valueStart, attribute.valueEnd);
    if (attribute === null || !isVariableName(name)) continue;
    asked += 1;
    // R-VAR-8: each costs a look through the URL, and room for all of its query.
    if (asked > countMax) break;
    const value = queryParameter(ownUrl, name);
    // R-VAR-7
    if (value !== null && isQuotable(value)) {
      const start = line.start + bytes.slice(line.start, attribute.valueStart).lastIndexOf(queryAttribute);
      named += `${bytes.slice(copied, start)}NAME="${name}",VALUE="${value}"`;
      copied = attribute.valueEnd + 1;
    }
  }
  return copied === 0 ? bytes : named + bytes.slice(copied);
}

/** The variables that the playlists of a playlist may import, as they travel; "" for none. */
export function exportsText(bytes: string, sources: VariableSources): string {
  const text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax);
  return variablesText(exportedVariables(playlistDefinitions(text, sources)));
}

/**
 * The playlist with values for references, for who reads it as a player does. A line on which a player must fail stays,
 * as do those for which there is no room in `bytesMax`, and what they name is not known.
 */
export function plainPlaylist(bytes: string, sources: VariableSources, bytesMax: number): string {
  if (!definesVariables(bytes)) return bytes;
  const text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax);
  const definitions = playlistDefinitions(text, sources);
  for (const definition of definitions) {
    if (definition.value !== null && !isQuotable(definition.value)) definition.value = null;
  }
  let plain = "";
  let copied = 0;
  let room = bytesMax;
  let start = 0;
  while (start < text.length) {
    const next = lineNext(text, start);
    const line = text.slice(start, next);
    if (line.includes("{$")) {
      const named = substituteVariables(line, start, definitions, sources.uriBytesMax);
      // R-VAR-11
      if (named !== null && named.length <= room) {
        room -= named.length;
        plain += text.slice(copied, start) + named;
        copied = next;
      }
    }
    start = next;
  }
  return plain + text.slice(copied);
}

/** Whether a playlist may define variables. A quick test. */
export function definesVariables(bytes: string): boolean {
  return bytes.includes(defineTag);
}

/** Whether the query of the playlist's URL may take part in what a player shall see. A quick test. */
export function namesQueryParameters(bytes: string): boolean {
  return bytes.includes(queryAttribute);
}

const defineTag = "#EXT-X-DEFINE:";
const queryAttribute = "QUERYPARAM";
const sourceAttributes = ["NAME", "IMPORT", queryAttribute];
const closingBrace = 0x7d;

type DefineLine = { start: number; attributes: Attribute[] };

function defineLines(bytes: string): DefineLine[] {
  const lines: DefineLine[] = [];
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    if (bytes.startsWith(defineTag, from)) {
      const end = contentEnd(bytes, from, next);
      lines.push({ start: from, attributes: attributeList(bytes, from + defineTag.length, end) });
    }
    start = next;
  }
  return lines;
}

/** The name that a tag defines or imports; "" for none. */
function definedName(bytes: string, line: DefineLine): string {
  const sources = line.attributes.filter((attribute) => sourceAttributes.includes(attribute.name));
  const [source] = sources;
  // R-VAR-3
  if (source === undefined || sources.length !== 1 || !source.quoted) return "";
  const name = bytes.slice(source.valueStart, source.valueEnd);
  return isVariableName(name) ? name : "";
}

/** The value that a tag gives its variable; null for none. */
function definedValue(
  bytes: string,
  line: DefineLine,
  name: string,
  before: Definition[],
  imports: Variable[],
  lengthMax: number,
): string | null {
  // R-VAR-5
  if (has(line.attributes, "IMPORT")) return imports.find((variable) => variable.name === name)?.value ?? null;
  const value = only(line.attributes, "VALUE");
  if (value === null || !has(line.attributes, "NAME")) return null;
  return substituteVariables(bytes.slice(value.valueStart, value.valueEnd), line.start, before, lengthMax);
}

/** The quoted attribute of that name; null when there is none, more than one, or it has no quotes. */
function only(attributes: Attribute[], name: string): Attribute | null {
  const found = attributes.filter((attribute) => attribute.name === name);
  const one = found.length === 1 ? found[0] : undefined;
  return one?.quoted === true ? one : null;
}

function has(attributes: Attribute[], name: string): boolean {
  return attributes.some((attribute) => attribute.name === name);
}

function onlyQueryParameter(attributes: Attribute[]): Attribute | null {
  const others = ["NAME", "VALUE", "IMPORT"];
  return others.some((name) => has(attributes, name)) ? null : only(attributes, queryAttribute);
}

/** The decoded value of the first query parameter of that name; null when there is none, or it is empty or malformed. */
function queryParameter(url: string, name: string): string | null {
  for (const piece of (parseUri(url).query ?? "").split("&")) {
    const equals = piece.indexOf("=");
    // R-VAR-6
    if (equals >= 0 && piece.slice(0, equals) === name) {
      const value = percentDecode(piece.slice(equals + 1));
      return value === "" ? null : value;
    }
  }
  return null;
}

/** Whether a quoted string can hold the value, and a player reads it as it is: no quote, no line end, no reference. */
function isQuotable(value: string): boolean {
  return !value.includes('"') && !value.includes("\n") && !value.includes("\r") && !value.includes("{$");
}

function nameEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && isVariableCode(text.charCodeAt(end))) end += 1;
  return end;
}

/** The value of a variable at an offset; null when it has none there. */
function variableValue(definitions: Definition[], name: string, offset: number): string | null {
  for (const definition of definitions) {
    // R-VAR-3
    if (definition.name === name) return definition.from < offset ? definition.value : null;
  }
  return null;
}
