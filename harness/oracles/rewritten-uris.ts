/**
 * Every URI of a rewritten playlist leads back to what the original meant, and nothing else changed: byte by byte against
 * the original's lines, and again as hls-parser reads both.
 */
import { parse, setOptions } from "hls-parser";
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { comparePlaylists } from "./playlist-uris.ts";
import { carriedVariables, filled, namedParameters, namesPlaylist, variablesOf } from "./playlist-variables.ts";
import { percentDecode, sourceUrl, upstreamOfTarget, versionsOf } from "./sources.ts";
import { beginsAsPlaylist, type View, viewsOf } from "./views.ts";

export const rewrittenUris: Oracle = {
  name: "rewritten-uris",
  says: "Every URI of a rewritten playlist leads back to the original's, and nothing else changed.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context)
      .filter((view) => view.playlist && view.request.method === "GET" && view.status === 200)
      .filter((view) => view.response.end === "complete")
      .flatMap((view) =>
        playlistFaults(context, view).map((message) => ({ by: "rewritten-uris", at: view.response.request, message })),
      ),
};

// Playlists that are wrong on purpose are no news to those who read the report.
setOptions({ silent: true });

/** An original that the response may come from, and the URL that its URIs are relative to. */
type Original = { text: string; base: string };

/** The faults against the original that fits best. */
function playlistFaults(context: OracleContext, view: View): string[] {
  const { text, bytes } = view.response;
  if (text === null) return [`the transcript keeps no text of these ${bytes} bytes, so that nobody can read them`];
  const originals = view.sources.flatMap((source): Original[] =>
    versionsOf(context, source)
      .filter(beginsAsPlaylist)
      .map((body) => ({ text: body.toString("latin1"), base: sourceUrl(context, source) })),
  );
  let best: string[] | null = null;
  for (const original of originals) {
    const faults = faultsAgainst(original, text, context.targetUrl, view.request.target);
    if (best === null || faults.length < best.length) best = faults;
  }
  return best ?? [];
}

function faultsAgainst(original: Original, text: string, targetUrl: string, requestTarget: string): string[] {
  const url = ownUrl(original.base, requestTarget);
  const before = namedParameters(original.text, url);
  const judge = (meant: string | null, from: string, to: string): string | null =>
    uriFault(meant, from, to, original.base, targetUrl, requestTarget);
  const variables = variablesOf(original.text, url, requestTarget);
  const { pairs, differences } = comparePlaylists(before, text);
  const faults = [...differences];
  for (const pair of pairs) {
    const fault = judge(filled(pair.before, pair.line - 1, variables), pair.before, pair.after);
    if (fault !== null) faults.push(`line ${pair.line}: ${fault}`);
    const wanted = [...variables].flatMap(([name, { value }]): [string, string][] =>
      value === null ? [] : [[name, value]],
    );
    const carried = [...carriedVariables(pair.after)];
    const isMissing = namesPlaylist(before, pair.line - 1) && JSON.stringify(carried) !== JSON.stringify(wanted);
    if (isMissing && pair.before !== pair.after) {
      faults.push(`line ${pair.line}: ${pair.after} carries ${JSON.stringify(carried)}, not ${JSON.stringify(wanted)}`);
    }
  }
  // What the bytes have shown already needs no second reader, and the second reader knows no variables.
  if (faults.length > 0 || variables.size > 0) return faults;
  return parserFaults(before, text, (from, to) => judge(/\{\$[A-Za-z0-9_-]+\}/.test(from) ? null : from, from, to));
}

/** The URL whose query QUERYPARAM means: the one asked for, which the key may not tell apart, else a redirect's. */
function ownUrl(base: string, requestTarget: string): string {
  const asked = upstreamOfTarget(requestTarget) ?? base;
  const path = (url: string): string => url.replace(/\?.*$/s, "");
  return path(asked) === path(base) ? asked : base;
}

/** What is wrong with one URI, whose text is `filled` with variables (null: none fits); null when nothing is. */
function uriFault(
  filled: string | null,
  before: string,
  after: string,
  base: string,
  targetUrl: string,
  requestTarget: string,
): string | null {
  const meant = filled === null ? null : meantUrl(filled, base);
  if (meant === null) return before === after ? null : `${before} became ${after}, though it is none to proxy`;
  const seen = URL.parse(
    escapeBytes(before === after ? (filled ?? after) : after),
    requestTarget.startsWith("/") ? targetUrl + requestTarget : requestTarget,
  );
  if (seen === null) return `${before} became ${after}, which is no URL`;
  if (seen.port !== URL.parse(targetUrl)?.port) return `${before} became ${after}, which leads past the proxy`;
  const secret = /^\/~[^/]*/.exec(requestTarget)?.[0] ?? "";
  if (!percentDecode(seen.pathname).startsWith(percentDecode(secret)))
    return `${before} became ${after}, without the secret`;
  const reached = upstreamOfTarget(seen.href);
  const plain = reached === null ? null : (URL.parse(escapeBytes(reached))?.href ?? reached);
  return plain === meant ? null : `${before} became ${after}, which leads to ${plain}, not to ${meant}`;
}

/** The http(s) URL that a reference means; null when it must stay as it is: other schemes, userinfo. */
function meantUrl(reference: string, base: string): string | null {
  // URL finds a host where RFC 3986 has none.
  if (/^https?:(?!\/\/[^/?#])/i.test(reference) || /^\/\/(?:[/?#]|$)/.test(reference)) return null;
  const url = URL.parse(escapeBytes(reference), base);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return null;
  url.hash = "";
  return url.href;
}

/** Escapes the bytes that no URI may hold, each byte by itself, as R-PL-18 says and unlike URL, which would take UTF-16. */
function escapeBytes(text: string): string {
  return text.replace(
    /["<>\\^`{|}\x00-\x20\x7f-\xff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function parserFaults(
  before: string,
  after: string,
  judge: (before: string, after: string) => string | null,
): string[] {
  const original = parsed(before);
  if (original === null) return [];
  const rewritten = parsed(after);
  if (rewritten === null) return ["hls-parser reads the original, but not the rewritten playlist"];
  const faults: string[] = [];
  walk(original, rewritten, "playlist", judge, faults);
  return faults;
}

/** The playlist as hls-parser reads it; null when it does not, as with playlists that are wrong on purpose. */
function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

const uriNames = ["uri", "serverUri", "X-ASSET-URI", "X-ASSET-LIST", "X-URI"];
const notCompared = ["source", "parentPlaylist"];

function walk(
  left: unknown,
  right: unknown,
  path: string,
  judge: (before: string, after: string) => string | null,
  faults: string[],
): void {
  if (typeof left !== "object" || left === null || typeof right !== "object" || right === null) {
    if (!Object.is(left, right)) faults.push(`hls-parser: ${path}: ${String(left)} became ${String(right)}`);
    return;
  }
  const before = new Map(Object.entries(left));
  const after = new Map(Object.entries(right));
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const from = before.get(name);
    const to = after.get(name);
    if (uriNames.includes(name) && typeof from === "string" && typeof to === "string" && from !== "") {
      // An attribute of a date range is a URI in some classes only; the bytes have shown in which.
      const fault = name.startsWith("X-") && from === to ? null : judge(from, to);
      if (fault !== null) faults.push(`hls-parser: ${path}.${name}: ${fault}`);
    } else if (!notCompared.includes(name)) {
      walk(from, to, `${path}.${name}`, judge, faults);
    }
  }
}
