/**
 * Rewrites a playlist so that everything it names comes back through the proxy. Only URI text is replaced; every other
 * byte stays. Playlists are byte strings.
 */
import type { OwnParameters } from "../route/own-parameters.ts";
import { ownQuery, variablesText, withParameters } from "../route/own-parameters.ts";
import type { UrlForm } from "../route/request-target.ts";
import { isPlaylistBody } from "./playlist-kind.ts";
import type { VariableSources } from "./playlist-variables.ts";
import {
  exportedVariables,
  nameQueryParameters,
  playlistDefinitions,
  substituteVariables,
} from "./playlist-variables.ts";
import { mapReportUri, mapUri, type UriMapper, upstreamUri, uriMapper } from "./uri-mapper.ts";
import { segmentLine, type UriRole, uriPlaces, uriRole } from "./uri-places.ts";

/**
 * `prefix` is the proxy's (proxyPrefix), `form` the form the playlist was asked for in, `baseUrl` its final URL,
 * `playerUrl` the one that the player asked for,
 * `bytesMax` what its URIs may come to, with their variables' values and as they are rewritten.
 */
export type RewriteContext = {
  prefix: string;
  form: UrlForm;
  baseUrl: string;
  playerUrl: string;
  sources: VariableSources;
  bytesMax: number;
};

/** The playlist as the player shall see it, null when it is too large; bytes that are no playlist come back as they are. */
export function rewritePlaylist(bytes: string, context: RewriteContext): string | null {
  return rewriteSegments(bytes, context, []);
}

/**
 * As `rewritePlaylist`, with the segments whose place in `direct` is true named by their absolute upstream URL: the
 * player fetches them by itself.
 */
export function rewriteSegments(bytes: string, context: RewriteContext, direct: boolean[]): string | null {
  // R-PL-20
  if (isPlaylistBody(bytes) !== "yes") {
    return bytes;
  }
  const { sources, bytesMax } = context;
  const text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax);
  const definitions = playlistDefinitions(text, sources);
  const define = variablesText(exportedVariables(definitions));
  const mapper = uriMapper(context.prefix, context.form, context.baseUrl);
  const places = uriPlaces(text);
  const isPlain = !text.includes("{$");
  let rewritten = "";
  let copied = 0;
  let handled = 0;
  let segment = 0;
  for (let index = 0; index + 2 < places.length; index += 3) {
    const start = places[index] ?? 0;
    const end = places[index + 1] ?? 0;
    const row = places[index + 2] ?? 0;
    const isDirect = row === segmentLine && direct[segment] === true;
    if (row === segmentLine) segment += 1;
    const raw = text.slice(start, end);
    // R-PL-16
    const uri = isPlain ? raw : substituteVariables(raw, start, definitions, sources.uriBytesMax);
    if (uri === null) continue;
    // R-DELIVER-2
    const role = uriRole(row);
    const mapped = isDirect ? upstreamUri(mapper, uri) : mapByRole(mapper, uri, role, define, context);
    handled += uri.length + mapped.length + (role === "report" ? context.playerUrl.length : 0);
    // R-PL-23
    if (handled > bytesMax) return null;
    // R-PL-21
    if (mapped !== "") {
      rewritten += text.slice(copied, start) + mapped;
      copied = end;
    }
  }
  return rewritten + text.slice(copied);
}

/** What the player shall read in a rendition report; "" when it must stay as it is. */
function mapReport(mapper: UriMapper, uri: string, context: RewriteContext): string {
  const report = mapReportUri(mapper, uri, context.playerUrl);
  // R-VAR-9: in path form it is relative to a URL that has them.
  const isWhole = report === "" || mapper.form === "path";
  return isWhole ? report : report + ownQuery({ as: "none", define: context.sources.imports });
}

/** What the player shall read in a URI's place, in a playlist of these variables; "" when it must stay. */
function mapByRole(mapper: UriMapper, uri: string, role: UriRole, define: string, context: RewriteContext): string {
  if (role === "report") return mapReport(mapper, uri, context);
  const mapped = mapUri(mapper, uri);
  const own = parametersOf(role, define);
  return mapped === "" || own === null ? mapped : withParameters(mapper.prefix, mapper.form, mapped, own);
}

/** What the URLs of a role carry; null for nothing, as those of all segments. */
function parametersOf(role: UriRole, define: string): OwnParameters | null {
  // R-JSON-5
  if (role === "asset-list") return { as: role, define: "" };
  if (role === "steering") return { as: role, define };
  // R-VAR-9
  return role === "playlist" ? { as: "none", define } : null;
}
