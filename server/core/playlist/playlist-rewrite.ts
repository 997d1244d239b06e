/**
 * Rewrites a playlist so that everything it names comes back through the proxy. Only URI text is replaced; every other
 * byte stays. Playlists are byte strings.
 */
import type { UrlForm } from "../route/request-target.ts";
import { isPlaylistBody } from "./playlist-kind.ts";
import { mapReportUri, mapUri, uriMapper } from "./uri-mapper.ts";
import { uriPlaces, uriRole } from "./uri-places.ts";

/** `prefix` is the proxy's (proxyPrefix), `form` the form the playlist was asked for in, `baseUrl` its final URL. */
export type RewriteContext = { prefix: string; form: UrlForm; baseUrl: string };

/** The playlist as the player shall see it; bytes that are no playlist come back as they are. */
export function rewritePlaylist(bytes: string, context: RewriteContext): string {
  // R-PL-20
  if (isPlaylistBody(bytes) !== "yes") {
    return bytes;
  }
  const mapper = uriMapper(context.prefix, context.form, context.baseUrl);
  const places = uriPlaces(bytes);
  let rewritten = "";
  let copied = 0;
  for (let index = 0; index + 2 < places.length; index += 3) {
    const start = places[index] ?? 0;
    const end = places[index + 1] ?? 0;
    const uri = bytes.slice(start, end);
    const isReport = uriRole(places[index + 2] ?? 0) === "report";
    const mapped = isReport ? mapReportUri(mapper, uri) : mapUri(mapper, uri);
    // R-PL-21
    if (mapped !== "") {
      rewritten += bytes.slice(copied, start) + mapped;
      copied = end;
    }
  }
  return rewritten + bytes.slice(copied);
}
