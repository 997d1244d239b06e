/** What players of a load may ask for: upstream URLs, from the load's own origin or from a playlist of the user's. */

export type Show = {
  /** Playlists in the order in which a player asks for them. */
  playlists: string[];
  init: string | null;
  segments: string[];
};

export type Catalog = {
  shows: Show[];
  /** A playlist that goes on. */
  live: string;
  /** A URL of the same content that nobody has asked for yet. */
  fresh: (url: string) => string;
};

/** The playlist cannot be had, or has nothing in it; told in words. */
export class CatalogError extends Error {}

/** Presentations of the load's own origin. */
const ownShows = 16;

/** Longest wait for the user's own playlist, in milliseconds. */
const patienceMs = 10_000;

let count = 0;

/** What the bench's origin has (harness/bench/content.ts). */
export function ownCatalog(originPort: number): Catalog {
  const origin = `http://127.0.0.1:${originPort}`;
  // Named anew for each run, so that a proxy that runs already has none of them.
  const run = Date.now().toString(36);
  const shows = Array.from({ length: ownShows }, (_, at): Show => {
    const folder = `${origin}/s/${run}-${at}`;
    return {
      playlists: [`${folder}/multivariant.m3u8`, `${folder}/variant.m3u8`],
      init: `${folder}/init.mp4`,
      // autocannon is the limit with larger ones: it makes a string of each body.
      segments: Array.from({ length: 4 }, (_segment, number) => `${folder}/short-${number}.m4s`),
    };
  });
  return {
    shows,
    live: `${origin}/l/${run}/live.m3u8`,
    fresh: (url) => {
      count += 1;
      return url.replace(/\/s\/[a-z0-9-]+\//, `/s/${run}-fresh-${count}/`);
    },
  };
}

/** The show that a playlist names; of a multivariant one, its first variant. Rejects with a `CatalogError`. */
export async function catalogOf(playlistUrl: string): Promise<Catalog> {
  const playlists = [playlistUrl];
  let text = await playlistText(playlistUrl);
  if (text.includes("#EXT-X-STREAM-INF")) {
    const [variant] = urisOf(text, playlistUrl);
    if (variant === undefined) throw new CatalogError(`${playlistUrl} names no variant`);
    playlists.push(variant);
    text = await playlistText(variant);
  }
  const base = playlists[playlists.length - 1] ?? playlistUrl;
  const segments = urisOf(text, base);
  if (segments.length === 0) throw new CatalogError(`${base} names no segments`);
  const [, init = null] = /^#EXT-X-MAP:.*?URI="([^"]+)"/m.exec(text) ?? [];
  return {
    shows: [{ playlists, init: init === null ? null : new URL(init, base).href, segments }],
    live: base,
    // A query that origins of files do not look at, and caches do.
    fresh: (url) => {
      count += 1;
      return `${url}${url.includes("?") ? "&" : "?"}fresh=${process.pid}-${count}`;
    },
  };
}

async function playlistText(url: string): Promise<string> {
  const told = async (): Promise<string> => {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
    if (!response.ok) throw new CatalogError(`${url} is answered with ${response.status}`);
    return await response.text();
  };
  const text = await told().catch((error: unknown) => {
    if (error instanceof CatalogError) throw error;
    throw new CatalogError(`${url} cannot be had: ${reasonOf(error)}`);
  });
  if (!text.startsWith("#EXTM3U")) throw new CatalogError(`${url} is no playlist`);
  return text;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function urisOf(text: string, base: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => new URL(line, base).href);
}
