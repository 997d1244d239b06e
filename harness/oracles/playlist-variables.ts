/**
 * The variables of a playlist as a player has them (rfc8216bis sections 4.3 and 4.4.2.3), by a reader of its own, and
 * those that travel with a proxied URL.
 */
import { percentDecode } from "./sources.ts";

/** The value of each variable and the line from which it counts; what a player must fail on has none. */
export type Variables = Map<string, { value: string | null; line: number }>;

/** What a playlist defines, whose own upstream URL and proxied request target are these. */
export function variablesOf(text: string, url: string, requestTarget: string): Variables {
  const variables: Variables = new Map();
  const imports = carriedVariables(requestTarget);
  for (const [at, line] of text.split("\n").entries()) {
    const tag = /^\s*#EXT-X-DEFINE:(.*)/s.exec(line)?.[1];
    if (tag === undefined) continue;
    const attributes = [...tag.matchAll(/([A-Z-]+)\s*=\s*"([^"]*)"/g)].map(([, name = "", value = ""]) => ({
      name,
      value,
    }));
    const sources = attributes.filter(({ name }) => /^(?:NAME|IMPORT|QUERYPARAM)$/.test(name));
    const source = sources[0];
    if (source === undefined || sources.length > 1 || !/^[A-Za-z0-9_-]+$/.test(source.value)) continue;
    const given = attributes.find(({ name }) => name === "VALUE")?.value;
    const values: Record<string, string | null | undefined> = {
      NAME: given === undefined ? null : filled(given, at, variables),
      IMPORT: imports.get(source.value),
      QUERYPARAM: queryValue(url, source.value),
    };
    const value = variables.has(source.value) ? null : (values[source.name] ?? null);
    variables.set(source.value, { value, line: at });
  }
  return variables;
}

/** A text of a line (from 0) with its variables' values; null when a player must fail on it. */
export function filled(text: string, line: number, variables: Variables): string | null {
  let failed = false;
  const result = text.replace(/\{\$([A-Za-z0-9_-]+)\}/g, (_whole, name: string) => {
    const variable = variables.get(name);
    if (variable === undefined || variable.value === null || variable.line >= line) failed = true;
    return variable?.value ?? "";
  });
  return failed ? null : result;
}

/** The variables that a proxied URL or request target carries. */
export function carriedVariables(target: string): Map<string, string> {
  const inQuery = /[?&]define=([^&#]*)/.exec(target)?.[1];
  const inPath = /\/;(?:[^/]*;)?define=([^/;]*)\/https?\//.exec(target)?.[1];
  const text = inPath ?? percentDecode(inQuery ?? "");
  const pieces = text === "" ? [] : text.split(",");
  return new Map(pieces.map((piece) => [piece.replace(/:.*$/s, ""), percentDecode(piece.replace(/^[^:]*:/, ""))]));
}

/** The playlist with QUERYPARAM attributes as NAME and VALUE, which is what a player behind the proxy needs. */
export function namedParameters(text: string, url: string): string {
  return text.replace(/^(#EXT-X-DEFINE:)QUERYPARAM="([^"]*)"/gm, (whole, tag: string, name: string) => {
    const value = queryValue(url, name);
    return value === null ? whole : `${tag}NAME="${name}",VALUE="${value}"`;
  });
}

/** Whether a line (from 0) of a playlist names another playlist of the presentation. */
export function namesPlaylist(text: string, line: number): boolean {
  const lines = text.split("\n");
  const own = lines[line] ?? "";
  if (/^#EXT-X-(?:MEDIA|I-FRAME-STREAM-INF|IMAGE-STREAM-INF):/.test(own)) return true;
  const tags = lines.slice(0, line).filter((one) => /^#EXT-X-STREAM-INF:|^[^#\s]/.test(one));
  return !own.startsWith("#") && tags.at(-1)?.startsWith("#") === true;
}

function queryValue(url: string, name: string): string | null {
  const query = /\?([^#]*)/.exec(url)?.[1] ?? "";
  const piece = query.split("&").find((one) => one.startsWith(`${name}=`));
  const value = piece === undefined ? "" : percentDecode(piece.slice(name.length + 1));
  // What no quoted string can hold cannot be told to the player.
  return value === "" || /["\r\n]|\{\$/.test(value) ? null : value;
}
