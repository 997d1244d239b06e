/** Rewritten playlists that stay in memory: the right one comes back, and no more than there is room for. */
import t from "tap";
import {
  forgetPlaylists,
  type KnownPlaylist,
  newPlaylistMemory,
  recallPlaylist,
  rememberPlaylist,
} from "../core/exchange/playlist-memory.ts";

const known = (text: string, expressUrls: string[] = []): KnownPlaylist => ({
  baseUrl: "http://o/",
  text,
  expressUrls,
  names: null,
});

t.test("a playlist comes back for its entry, form, prefix and base URL alone", async (t) => {
  const memory = newPlaylistMemory(100_000);
  rememberPlaylist(memory, 1, "query", "http://a", known("one"));
  t.equal(recallPlaylist(memory, 1, "query", "http://a", "http://o/")?.text, "one");
  t.equal(recallPlaylist(memory, 2, "query", "http://a", "http://o/"), null);
  t.equal(recallPlaylist(memory, 1, "path", "http://a", "http://o/"), null);
  t.equal(recallPlaylist(memory, 1, "query", "http://b", "http://o/"), null);
  t.equal(recallPlaylist(memory, 1, "query", "http://a", "http://p/"), null);
  forgetPlaylists(memory);
  t.equal(recallPlaylist(memory, 1, "query", "http://a", "http://o/"), null);
});

t.test("the memory is bounded, and what is used stays", async (t) => {
  const memory = newPlaylistMemory(20_000);
  const text = "x".repeat(1_000);
  rememberPlaylist(memory, 1, "query", "", known(text));
  let bytesMost = 0;
  for (let id = 2; id < 100; id += 1) {
    rememberPlaylist(memory, id, "query", "", known(text, ["http://o/key"]));
    t.not(recallPlaylist(memory, 1, "query", "", "http://o/"), null);
    bytesMost = Math.max(bytesMost, (memory.young.size + memory.old.size) * text.length);
  }
  t.ok(bytesMost <= 20_000, `${bytesMost} bytes`);
  t.equal(recallPlaylist(memory, 2, "query", "", "http://o/"), null, "what is not used goes");
});

t.test("what is larger than its share is not kept, and without room nothing is", async (t) => {
  const memory = newPlaylistMemory(2_000);
  rememberPlaylist(memory, 1, "path", "", known("x".repeat(1_000)));
  t.equal(recallPlaylist(memory, 1, "path", "", "http://o/"), null);
  const none = newPlaylistMemory(0);
  rememberPlaylist(none, 1, "path", "", known(""));
  t.equal(recallPlaylist(none, 1, "path", "", "http://o/"), null);
});
