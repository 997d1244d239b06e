/**
 * Playlists as they were sent: one that is asked for again, under the same prefix and in the same form, is neither read
 * nor rewritten again. Bounded by bytes in two generations: what is used moves to the young one, and when that is full
 * it becomes the old one, and what was in the old one is forgotten.
 */
import type { OwnParameters } from "../route/own-parameters.ts";
import { ownQuery } from "../route/own-parameters.ts";
import type { UrlForm } from "../route/request-target.ts";
import type { StartNames } from "./start-ahead.ts";

/**
 * A rewritten playlist, the initialization sections and keys that it names, and the playlists, if those are needed.
 * `ownUrl` is the URL whose query it was rewritten with, "" when that took no part.
 */
export type KnownPlaylist = {
  baseUrl: string;
  ownUrl: string;
  text: string;
  expressUrls: string[];
  names: StartNames | null;
};

export type PlaylistMemory = {
  /** Bytes of both generations together. */
  bytesMax: number;
  young: Map<string, KnownPlaylist>;
  old: Map<string, KnownPlaylist>;
  youngBytes: number;
};

/** What a playlist costs besides its texts, in bytes. */
const overheadBytes = 256;

/** An empty memory for `bytesMax` bytes. */
export function newPlaylistMemory(bytesMax: number): PlaylistMemory {
  return { bytesMax, young: new Map(), old: new Map(), youngBytes: 0 };
}

/** What a rewritten playlist of an entry is remembered by. */
export function playlistKey(entryId: number, form: UrlForm, prefix: string, own: OwnParameters): string {
  return `${entryId} ${form} ${prefix}${ownQuery(own)}`;
}

/** Remembers the playlist of an entry whose bytes are all stored. */
export function rememberPlaylist(memory: PlaylistMemory, key: string, known: KnownPlaylist): void {
  keep(memory, key, known);
}

/** The playlist of an entry as it was sent; null when it is not remembered, or was another with other URLs. */
export function recallPlaylist(
  memory: PlaylistMemory,
  key: string,
  baseUrl: string,
  ownUrl: string,
): KnownPlaylist | null {
  const known = memory.young.get(key) ?? aged(memory, key);
  if (known === null || known.baseUrl !== baseUrl) return null;
  // R-VAR-10
  return known.ownUrl === "" || known.ownUrl === ownUrl ? known : null;
}

/** Forgets all. */
export function forgetPlaylists(memory: PlaylistMemory): void {
  memory.young = new Map();
  memory.old = new Map();
  memory.youngBytes = 0;
}

/** What the old generation knows; it is young again. */
function aged(memory: PlaylistMemory, key: string): KnownPlaylist | null {
  const known = memory.old.get(key);
  if (known === undefined) return null;
  memory.old.delete(key);
  keep(memory, key, known);
  return known;
}

function keep(memory: PlaylistMemory, key: string, known: KnownPlaylist): void {
  let bytes = key.length + known.ownUrl.length + known.text.length + overheadBytes;
  for (const url of known.expressUrls) bytes += url.length;
  for (const name of known.names?.named ?? []) bytes += name.length;
  for (const group of known.names?.groups ?? []) for (const name of group) bytes += name.length;
  if (bytes * 2 > memory.bytesMax) return;
  if ((memory.youngBytes + bytes) * 2 > memory.bytesMax) {
    memory.old = memory.young;
    memory.young = new Map();
    memory.youngBytes = 0;
  }
  memory.young.set(key, known);
  memory.youngBytes += bytes;
}
