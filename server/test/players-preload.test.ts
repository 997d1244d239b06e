/**
 * What was preloaded plays when the origin is gone: ffmpeg reads each packet of each variant from the cache alone, and the
 * player's requests are hits throughout.
 */
import t from "tap";
import { type DemoSet, demoSets, startDemoOrigin } from "../demo/demo-origin.ts";
import { packets } from "./support/ffmpeg.ts";
import { proxy, type Server, scratch } from "./support/wire-bench.ts";

const sets = demoSets().filter((set) => set.kind === "vod" || set.kind === "progressive");
const origin = await startDemoOrigin();
t.teardown(() => origin.close());
const server: Server = await proxy(t, { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*", "localhost:*"] });
const isHls = (set: DemoSet): boolean => set.kind !== "progressive";
const direct = new Map<string, string[]>();

/** Preloads every variant, and each rendition that none of them takes by itself: ffmpeg opens them all. */
async function preloadAll(url: string): Promise<{ preloads: number; cause: string }> {
  const text = url.includes(".m3u8") ? await (await fetch(url)).text() : "";
  for (const [, uri = ""] of text.matchAll(/^#EXT-X-MEDIA:.*URI="([^"]+)"/gm)) {
    const end = await server.preload(new URL(uri, url).href).done;
    if (end.state !== "done") return { preloads: 0, cause: end.cause };
  }
  for (let index = 0; ; index += 1) {
    const end = await server.preload(url, { variant: { index }, subtitles: true }).done;
    if (end.cause === "no-variant" && index > 0) return { preloads: index, cause: "" };
    if (end.state !== "done") return { preloads: index, cause: end.cause };
    if ((await server.status(url)).kind !== "multivariant") return { preloads: 1, cause: "" };
  }
}

for (const set of sets) {
  t.test(`${set.name} is preloaded whole`, async (t) => {
    const url = origin.url + set.path;
    direct.set(set.name, (await packets(url, isHls(set))).lines);
    const { preloads, cause } = await preloadAll(url);
    t.equal(cause, "");
    t.ok(preloads > 0);
    t.match(await server.status(url), { playable: true, complete: true, missing: [] });
  });
}

t.test("with the origin gone, all of it plays, and nothing but playlists was looked for", async (t) => {
  await origin.close();
  const misses: string[] = [];
  server.on("exchange", ({ url, cacheStatus }) => {
    const isOffline = cacheStatus.includes("detail=offline");
    if (!cacheStatus.includes("; hit") && !isOffline) misses.push(`${url} ${cacheStatus}`);
  });
  for (const set of sets) {
    const played = await packets(server.convertUrl(origin.url + set.path), isHls(set));
    t.equal(played.exitCode, 0, `${set.name}: ${played.complaints}`);
    t.ok(played.lines.length > 200, `${set.name}: ${played.lines.length} packets`);
    t.same(played.lines, direct.get(set.name), `${set.name}: the same packets as from the origin`);
  }
  t.same(misses, []);
});
