/** What a playlist names, as absolute upstream URLs, for the express lane and for preloading. */
import { withoutFragment } from "../http/uri-reference.ts";
import type { VariableSources } from "./playlist-variables.ts";
import { nameQueryParameters, playlistDefinitions, substituteVariables } from "./playlist-variables.ts";
import { upstreamUri, uriReader } from "./uri-mapper.ts";
import { uriPlaces, uriRole } from "./uri-places.ts";

/** URLs in order of first mention, each once: initialization sections, keys, media segments, playlists. */
export type PlaylistResources = { maps: string[]; keys: string[]; segments: string[]; playlists: string[] };

/** Reads a whole playlist (a byte string). `baseUrl` is its final absolute URL. */
export function playlistResources(bytes: string, baseUrl: string, sources: VariableSources): PlaylistResources {
  const resources: PlaylistResources = { maps: [], keys: [], segments: [], playlists: [] };
  const mapper = uriReader(baseUrl);
  const text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax);
  const definitions = playlistDefinitions(text, sources);
  const places = uriPlaces(text);
  const seen = new Set<string>();
  for (let index = 0; index + 2 < places.length; index += 3) {
    const list = listOf(resources, places[index + 2] ?? 0);
    if (list !== null) {
      const start = places[index] ?? 0;
      const uri = text.slice(start, places[index + 1] ?? 0);
      const named = substituteVariables(uri, start, definitions, sources.uriBytesMax);
      const url = named === null ? "" : withoutFragment(upstreamUri(mapper, named));
      // R-PL-22
      if (url !== "" && !seen.has(url)) {
        seen.add(url);
        list.push(url);
      }
    }
  }
  return resources;
}

/** The list for a row's role; null for what is neither media nor playlist. */
function listOf(resources: PlaylistResources, row: number): string[] | null {
  const role = uriRole(row);
  if (role === "segment") {
    return resources.segments;
  }
  if (role === "playlist" || role === "report") {
    return resources.playlists;
  }
  if (role === "key") {
    return resources.keys;
  }
  return role === "map" ? resources.maps : null;
}
