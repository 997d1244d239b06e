/**
 * hls.js in Chromium plays a presentation whose URIs need variables (NAME, IMPORT, QUERYPARAM) through the proxy: cold,
 * warm, offline, in both forms. Its origin refuses whatever lacks the signature, which stands in no playlist.
 */
import t, { type Test } from "tap";
import { startPlayerPage } from "./support/browser.ts";
import { startMediaOrigin } from "./support/media-origin.ts";
import { proxy, scratch } from "./support/wire-bench.ts";

const signature = "a/b c&d";
const type = "application/vnd.apple.mpegurl";

const origin = await startMediaOrigin(t, (path, query, text) => {
  if (query.get("sig") !== signature) return 403;
  if (!path.endsWith(".m3u8")) return null;
  const define = path === "/multivariant/index.m3u8" ? multivariantTags : mediaTags;
  return {
    type,
    text: text
      .replace("#EXTM3U\n", `#EXTM3U\n${define}`)
      .replace(/^(?!#).+$/gm, withVariables)
      .replace(/URI="([^"]+)"/g, (_all, uri: string) => `URI="${withVariables(uri)}"`),
  };
});
const multivariantTags =
  '#EXT-X-DEFINE:QUERYPARAM="sig"\n#EXT-X-DEFINE:NAME="up",VALUE="../multivariant"\n#EXT-X-DEFINE:NAME="escaped",VALUE="a%2Fb%20c%26d"\n';
const mediaTags = '#EXT-X-DEFINE:IMPORT="escaped"\n#EXT-X-DEFINE:NAME="here",VALUE="."\n#EXT-X-DEFINE:IMPORT="up"\n';

/** A URI of the set as its playlists here write it. */
function withVariables(uri: string): string {
  return `${uri.endsWith(".m3u8") ? "{$up}" : "{$here}"}/${uri}?sig={$escaped}`;
}

const players = await startPlayerPage();
t.teardown(() => players.close());
const server = await proxy(t, { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*"] });
const target = `/multivariant/index.m3u8?sig=${encodeURIComponent(signature)}`;
const urls = {
  query: `${server.url}/proxy?url=${encodeURIComponent(origin.url + target)}`,
  path: `${server.url}/http/127.0.0.1:${origin.port}${target}`,
};

async function play(t: Test, when: string): Promise<void> {
  for (const played of await players.play(
    "hls.js",
    Object.entries(urls).map(([name, url]) => ({ name, url })),
  )) {
    t.equal(played.end, "ended", `${played.name} form, ${when}: played to its end`);
    t.ok(played.frames >= 240, `${played.name} form, ${when}: ${played.frames} frames`);
  }
}

t.test("hls.js plays it without the proxy: the set is right", async (t) => {
  const [played] = await players.play("hls.js", [{ name: "direct", url: origin.url + target }]);
  t.equal(played?.end, "ended");
});

t.test("hls.js plays it through an empty cache, and the origin sees no variable of the proxy's", async (t) => {
  await play(t, "cold");
  t.same(
    origin.log.filter(({ target }) => /define|\{\$|%7B/.test(target)),
    [],
  );
});

t.test("hls.js plays it again, and nothing is asked of the origin", async (t) => {
  // Which variant hls.js picks depends on the moment; with all of them stored, no choice needs the origin.
  for (const name of ["v180", "v270", "v360"]) await fetchVariant(name);
  origin.log.length = 0;
  await play(t, "warm");
  t.same(origin.log, []);
});

t.test("with the origin gone it plays from the cache", async (t) => {
  await origin.close();
  await play(t, "offline");
});

/** Fetches a variant through the proxy by what the rewritten playlists name. */
async function fetchVariant(name: string): Promise<void> {
  const main = await (await fetch(urls.query)).text();
  const url = main.split("\n").find((line) => !line.startsWith("#") && line.includes(name)) ?? "";
  const media = await (await fetch(url)).text();
  const uris = [...media.matchAll(/URI="([^"]+)"/g)].map((match) => match[1] ?? "");
  for (const uri of [...uris, ...media.split("\n").filter((line) => line.startsWith("http"))])
    await (await fetch(uri)).arrayBuffer();
}
