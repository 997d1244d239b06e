/** Playlists rewritten as the server does it, for tests that are not about variables and bounds. */
import { defaultLimits } from "../../core/base/limits.ts";
import { rewriteSegments } from "../../core/playlist/playlist-rewrite.ts";
import type { VariableSources } from "../../core/playlist/playlist-variables.ts";
import type { UrlForm } from "../../core/route/request-target.ts";

/** What variables may come from: the playlist's own URL and the variables that its own URL carries. */
export function variableSources(ownUrl: string, imports = ""): VariableSources {
  const { variablesMax, variablesBytesMax, targetBytesMax } = defaultLimits;
  return { ownUrl, imports, countMax: variablesMax, bytesMax: variablesBytesMax, uriBytesMax: targetBytesMax };
}

/** The playlist as a player sees it who fetches the `direct` segments by itself; "" when it became too large. */
export function rewritten(
  bytes: string,
  form: UrlForm,
  prefix: string,
  baseUrl: string,
  imports = "",
  direct: boolean[] = [],
): string {
  const sources = variableSources(baseUrl, imports);
  const bytesMax = defaultLimits.urisBytesMax;
  return rewriteSegments(bytes, { prefix, form, baseUrl, playerUrl: baseUrl, sources, bytesMax }, direct) ?? "";
}
