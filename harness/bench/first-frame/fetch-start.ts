/** Fetches what covers the first seconds of a presentation, as a preload through a proxy would, or a play before. */
import { Agent } from "node:http";
import { fetchText } from "../fetch-text.ts";

/** In the order in which a player asks for it. Rejects when anything of it is not there. */
export async function fetchStart(url: string, seconds: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await fetchPlaylist(url, seconds, agent);
  } finally {
    agent.destroy();
  }
}

async function fetchPlaylist(url: string, seconds: number, agent: Agent): Promise<void> {
  const resources = resourcesOf((await fetchOne(url, agent)).text, seconds);
  for (const { uri, playlist } of resources) {
    const found = new URL(uri, url).href;
    if (playlist) await fetchPlaylist(found, seconds, agent);
    else await fetchOne(found, agent);
  }
}

/** Playlists that a playlist names, or its initialization section and the segments that begin before `seconds`. */
export function resourcesOf(text: string, seconds: number): { uri: string; playlist: boolean }[] {
  const found: { uri: string; playlist: boolean }[] = [];
  let begins = 0;
  let length = 0;
  let variant = false;
  for (const line of text.split(/\r?\n/)) {
    const [, map = null] = /^#EXT-X-MAP:.*URI="([^"]+)"/.exec(line) ?? [];
    if (map !== null && seconds > 0) found.push({ uri: map, playlist: false });
    if (line.startsWith("#EXTINF:")) length = Number.parseFloat(line.slice("#EXTINF:".length));
    if (line.startsWith("#EXT-X-STREAM-INF:")) variant = true;
    if (line === "" || line.startsWith("#")) continue;
    if (variant || begins < seconds) found.push({ uri: line, playlist: variant });
    begins += length;
    variant = false;
  }
  return found;
}

async function fetchOne(url: string, agent: Agent): Promise<{ text: string }> {
  const { port, pathname, search } = new URL(url);
  const fetched = await fetchText(Number(port), `${pathname}${search}`, agent);
  if (fetched.status !== 200) throw new Error(`${fetched.status} for ${url}`);
  return fetched;
}
