/** Rewritten playlists that stay in memory: the right one comes back, and no more than there is room for. */
import t from "tap";
import {
  forgetPlaylists,
  type KnownPlaylist,
  newPlaylistMemory,
  playlistKey,
  recallPlaylist,
  rememberPlaylist,
} from "../core/exchange/playlist-memory.ts";
import { noParameters } from "../core/route/own-parameters.ts";
import type { UrlForm } from "../core/route/request-target.ts";

const known = (text: string, expressUrls: string[] = []): KnownPlaylist => ({
  baseUrl: "http://o/",
  ownUrl: "",
  text,
  expressUrls,
  names: null,
});

const keyOf = (id: number, form: UrlForm, prefix: string): string => playlistKey(id, form, prefix, noParameters());

t.test("a playlist comes back for its entry, form, prefix and base URL alone", async (t) => {
  const memory = newPlaylistMemory(100_000);
  rememberPlaylist(memory, keyOf(1, "query", "http://a"), known("one"));
  t.equal(recallPlaylist(memory, keyOf(1, "query", "http://a"), "http://o/", "")?.text, "one");
  t.equal(recallPlaylist(memory, keyOf(2, "query", "http://a"), "http://o/", ""), null);
  t.equal(recallPlaylist(memory, keyOf(1, "path", "http://a"), "http://o/", ""), null);
  t.equal(recallPlaylist(memory, keyOf(1, "query", "http://b"), "http://o/", ""), null);
  t.equal(recallPlaylist(memory, keyOf(1, "query", "http://a"), "http://p/", ""), null);
  forgetPlaylists(memory);
  t.equal(recallPlaylist(memory, keyOf(1, "query", "http://a"), "http://o/", ""), null);
});

t.test("a playlist that was rewritten with variables comes back for these alone (R-VAR-10)", async (t) => {
  const memory = newPlaylistMemory(100_000);
  const key = playlistKey(1, "query", "http://a", { as: "none", define: "t:1" });
  rememberPlaylist(memory, key, { ...known("one"), ownUrl: "http://o/?t=1" });
  t.equal(recallPlaylist(memory, key, "http://o/", "http://o/?t=1")?.text, "one");
  t.equal(recallPlaylist(memory, key, "http://o/", "http://o/?t=2"), null);
  const other = playlistKey(1, "query", "http://a", { as: "none", define: "t:2" });
  t.equal(recallPlaylist(memory, other, "http://o/", "http://o/?t=1"), null);
  t.equal(recallPlaylist(memory, keyOf(1, "query", "http://a"), "http://o/", "http://o/?t=1"), null);
});

t.test("the memory is bounded, and what is used stays", async (t) => {
  const memory = newPlaylistMemory(20_000);
  const text = "x".repeat(1_000);
  rememberPlaylist(memory, keyOf(1, "query", ""), known(text));
  let bytesMost = 0;
  for (let id = 2; id < 100; id += 1) {
    rememberPlaylist(memory, keyOf(id, "query", ""), known(text, ["http://o/key"]));
    t.not(recallPlaylist(memory, keyOf(1, "query", ""), "http://o/", ""), null);
    bytesMost = Math.max(bytesMost, (memory.young.size + memory.old.size) * text.length);
  }
  t.ok(bytesMost <= 20_000, `${bytesMost} bytes`);
  t.equal(recallPlaylist(memory, keyOf(2, "query", ""), "http://o/", ""), null, "what is not used goes");
});

t.test("what is larger than its share is not kept, and without room nothing is", async (t) => {
  const memory = newPlaylistMemory(2_000);
  rememberPlaylist(memory, keyOf(1, "path", ""), known("x".repeat(1_000)));
  t.equal(recallPlaylist(memory, keyOf(1, "path", ""), "http://o/", ""), null);
  const none = newPlaylistMemory(0);
  rememberPlaylist(none, keyOf(1, "path", ""), known(""));
  t.equal(recallPlaylist(none, keyOf(1, "path", ""), "http://o/", ""), null);
});
