/**
 * Chromium plays every demo set to its end through the proxy, with hls.js and with its own HLS: cold, warm, in path
 * form, and with the origin gone. Each run has a fresh context, so that nothing comes from the browser's cache.
 */
import t, { type Test } from "tap";
import { demoSets, startDemoOrigin } from "../demo/demo-origin.ts";
import { type Engine, type Played, type PlayItem, startPlayerPage } from "./support/browser.ts";
import { packets } from "./support/ffmpeg.ts";
import { proxy, scratch } from "./support/wire-bench.ts";

const origin = await startDemoOrigin();
t.teardown(() => origin.close());
const players = await startPlayerPage();
t.teardown(() => players.close());
const server = await proxy(t, { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*", "localhost:*"] });

const vodSets = demoSets().filter((set) => set.kind === "vod");
const files = demoSets().filter((set) => set.kind === "progressive");
/** Chromium's own HLS has no EXT-X-BYTERANGE; it fails on those without any proxy. */
const nativeSets = [...vodSets.filter((set) => !set.name.startsWith("byterange")), ...files];

const setsOf = (engine: Engine) => (engine === "native" ? nativeSets : vodSets);
const queryForm = (path: string): string => `${server.url}/proxy?url=${encodeURIComponent(origin.url + path)}`;
const pathForm = (path: string): string => `${server.url}/http/127.0.0.1:${origin.port}${path}`;

async function playAll(t: Test, engine: Engine, url: (path: string) => string, when: string): Promise<void> {
  const items: PlayItem[] = setsOf(engine).map((set) => ({ name: set.name, url: url(set.path) }));
  for (const played of await players.play(engine, items)) checkPlayed(t, played, when);
}

/** Ten seconds of 25 frames; some browsers count a few frames twice. */
function checkPlayed(t: Test, played: Played, when: string): void {
  t.equal(played.end, "ended", `${played.name}, ${when}: played to its end`);
  t.ok(played.seconds > 9.8, `${played.name}, ${when}: ${played.seconds} s`);
  t.ok(played.frames >= 240, `${played.name}, ${when}: ${played.frames} frames decoded`);
}

t.test("hls.js plays every set through an empty cache", (t) => playAll(t, "hls.js", queryForm, "cold"));

t.test("hls.js plays every set again, and no media is asked of the origin twice", async (t) => {
  // Which variant hls.js picks depends on the moment; with all of them stored, no choice needs the origin.
  for (const set of vodSets) await packets(queryForm(set.path), true);
  origin.clearLog();
  await playAll(t, "hls.js", queryForm, "warm");
  const media = origin.log().filter((entry) => !entry.url.includes(".m3u8") && entry.status < 300);
  t.same(
    media.map((entry) => entry.url),
    [],
  );
});

t.test("Chromium's own HLS plays the sets that it can", async (t) => {
  await playAll(t, "native", pathForm, "path form");
});

for (const engine of ["hls.js", "native"] as const) {
  t.test(`with the origin gone, ${engine} plays from the cache`, async (t) => {
    await origin.close();
    await playAll(t, engine, engine === "native" ? pathForm : queryForm, "offline");
  });
}
