/** Preloading, what is stored, and control, over real sockets and from the library. */
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import type { PreloadProgress, Presentation, Server } from "../index.ts";
import { startServer } from "../index.ts";
import { askOnce } from "./support/raw-player.ts";
import {
  type Bench,
  barrier,
  bench,
  bodyFault,
  isHit,
  libraryTest,
  playlist,
  segment,
  serve,
} from "./support/wire-bench.ts";

t.setTimeout(60_000);

const master =
  '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="audio.m3u8"\n' +
  '#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO="a"\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,AUDIO="a"\nhigh.m3u8\n';
const low =
  '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI="low.mp4",BYTERANGE="1000@0"\n' +
  "#EXTINF:4,\n#EXT-X-BYTERANGE:20000@1000\nlow.mp4\n#EXTINF:4,\n#EXT-X-BYTERANGE:20000\nlow.mp4\n" +
  "#EXTINF:4,\n#EXT-X-BYTERANGE:20000\nlow.mp4\n#EXT-X-ENDLIST\n";
const audio =
  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na1.aac\n#EXTINF:4,\na2.aac\n#EXTINF:4,\na3.aac\n#EXT-X-ENDLIST\n";
const named = '#EXTM3U\n#EXT-X-DEFINE:NAME="d",VALUE="sub"\n#EXT-X-STREAM-INF:BANDWIDTH=800000\n{$d}/v.m3u8\n';
const importing =
  '#EXTM3U\n#EXT-X-DEFINE:IMPORT="d"\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{$d}-1.aac\n#EXT-X-ENDLIST\n';
const texts: Record<string, string> = {
  "/m.m3u8": master,
  "/low.m3u8": low,
  "/audio.m3u8": audio,
  "/named.m3u8": named,
  "/sub/v.m3u8": importing,
};
const movie = segment(61_000);
const sound = segment(5_000, 7);

/** An origin of one presentation, and of files at every other path. */
async function stage(t: Test, options: Parameters<typeof bench>[2] = {}): Promise<Bench> {
  return await bench(
    t,
    (request, connection) => {
      const text = texts[request.target];
      if (text !== undefined) serve(connection, request, { ...playlist(text), etag: '"p"' });
      else serve(connection, request, request.target.endsWith(".aac") ? sound : movie);
    },
    options,
  );
}

type Answer = { status: number; json: Record<string, unknown> };

async function control(
  on: Bench,
  method: string,
  command: string,
  fields = ["Reelcache-Control", "1"],
): Promise<Answer> {
  const response = await askOnce(on.port, `/control/${command}`, { method, fields });
  return { status: response.status, json: JSON.parse(response.body.toString("latin1")) };
}

async function preloadsEnd(on: Bench): Promise<Record<string, unknown>[]> {
  for (;;) {
    const { json } = await control(on, "GET", "preloads");
    const preloads = json.preloads as Record<string, unknown>[];
    if (preloads.every((preload) => preload.state !== "active")) return preloads;
    await sleep(5);
  }
}

/** Waits until nothing is stored under a path any more: what is evicted goes when what comes is written. */
async function evicted(on: Bench, path: string): Promise<void> {
  for (;;) {
    const { json } = await control(on, "GET", "entries");
    const entries = json.entries as Record<string, unknown>[];
    if (entries.every(({ url }) => !String(url).endsWith(path))) return;
    await sleep(5);
  }
}

// R-PRE-1, R-PRE-5, R-PRE-6, R-STATUS-2, R-CTRL-1
t.test("what was preloaded by a command of control plays when the origin is gone, and status says so", async (t) => {
  const on = await stage(t);
  const url = encodeURIComponent(`${on.origin.url}/m.m3u8`);
  const begun = await control(on, "POST", `preload?url=${url}&seconds=8`);
  t.match(begun, { status: 200, json: { id: 1, state: "active" } });
  t.match(await preloadsEnd(on), [{ id: 1, state: "done", segments: 2, milliseconds: 8_000 }]);
  t.same(
    on.origin.requests.map((request) => request.target).sort(),
    ["/a1.aac", "/a2.aac", "/audio.m3u8", "/low.m3u8", "/low.mp4", "/m.m3u8"],
    "each once: the section and the segments of one file together",
  );
  await on.origin.stop();
  for (const path of ["/a1.aac", "/a2.aac"]) t.ok(isHit(await on.ask(path)), path);
  const part = await on.ask("/low.mp4", { fields: ["Range", "bytes=1000-40999"] });
  t.ok(isHit(part), "the segments");
  t.equal(bodyFault(part.body, movie.body.subarray(1_000, 41_000)), "");
  for (const path of ["/m.m3u8", "/low.m3u8", "/audio.m3u8"]) {
    t.equal((await on.ask(path)).status, 200, `${path} without its origin`);
  }
  const status = await control(on, "GET", `status?url=${url}`);
  t.match(status.json, { kind: "multivariant", entries: 6, playable: true, complete: false, pinned: false });
  t.match((status.json.ways as unknown[])[0], { playable: true, milliseconds: 12_000, ranges: [0, 8_000] });
  t.match(status.json.missing, [
    { what: "segment", start: 41_000, end: 61_000 },
    { what: "segment", start: 0, end: -1 },
  ]);
});

// R-CTRL-2, R-CTRL-3, R-CTRL-4
t.test("no page controls the proxy, not even one that it passes on, and programs need the field", async (t) => {
  const on = await stage(t);
  const url = encodeURIComponent(`${on.origin.url}/low.mp4`);
  await on.ask("/low.mp4");
  const refused = [
    await control(on, "POST", `remove?url=${url}`, []),
    await control(on, "POST", `remove?url=${url}`, ["Reelcache-Control", "1", "Origin", "https://evil.example"]),
    await control(on, "GET", "entries", ["Sec-Fetch-Site", "cross-site"]),
    await control(on, "GET", "entries", ["Sec-Fetch-Site", "same-origin"]),
    await control(on, "POST", `remove?url=${url}`, ["Reelcache-Control", "1", "Origin", `http://127.0.0.1:${on.port}`]),
    await control(on, "OPTIONS", "remove", ["Origin", "https://evil.example"]),
  ];
  for (const { status, json } of refused) t.match({ status, json }, { status: 403, json: { type: /forbidden-page$/ } });
  const entries = await askOnce(on.port, "/control/entries");
  t.notMatch(entries.fields.join("\n"), /Access-Control/i, "no page may read an answer");
  t.match(JSON.parse(entries.body.toString("latin1")), { entries: [{ kind: "media", total: 61_000 }], next: 0 });
  t.match(await control(on, "POST", `remove?url=${url}`), { status: 200, json: { removed: 1 } });
  t.match(await control(on, "GET", "entries"), { json: { entries: [] } });
  t.match(await control(on, "GET", `remove?url=${url}`), { status: 400, json: { type: /bad-command$/ } });
  t.match(await control(on, "HEAD", "entries").catch((error: unknown) => error), SyntaxError, "HEAD has no content");
});

// R-PRE-2, R-WINDOW-1
libraryTest("numbers that cannot be meant are held to those that can", async (t) => {
  const on = await stage(t);
  const urls = ["/a.mp4", "/b.mp4"].map((path) => on.origin.url + path);
  for (const priority of [1e9, -1, Number.NaN]) on.server.preload(`${on.origin.url}/c.mp4`, { priority, bytes: 1 });
  const { json } = await control(on, "GET", "preloads");
  const priorities = (json.preloads as { priority: number }[]).map((preload) => preload.priority);
  t.same(priorities.sort(), [0, 0, 9]);
  const window = on.server.setWindow(urls, Number.NaN, { ahead: Number.NaN, behind: -1, bytes: 1 });
  t.same(
    window.map((one) => one.url),
    [urls[0]],
  );
  await preloadsEnd(on);
});

// R-PIN-1, R-INDEX-5
t.test("what is pinned outlives eviction", async (t) => {
  const on = await stage(t, { maxCacheBytes: 150_000, evictionDelayMs: 0 });
  const url = encodeURIComponent(`${on.origin.url}/kept.mp4`);
  await on.ask("/kept.mp4");
  t.match(await control(on, "POST", `pin?url=${url}`), { json: { changed: 1 } });
  for (const path of ["/1.ts", "/2.ts", "/3.ts", "/4.ts"]) await on.ask(path);
  await evicted(on, "/1.ts");
  t.ok(isHit(await on.ask("/kept.mp4")), "pinned");
  t.notOk(isHit(await on.ask("/1.ts")), "others went");
  t.match(await control(on, "POST", `unpin?url=${url}`), { json: { changed: 1 } });
});

libraryTest(
  "a handle tells the progress and the end, and a preload that is cancelled asks for nothing more",
  async (t) => {
    const gate = barrier();
    const on = await bench(t, async (request, connection) => {
      const text = texts[request.target];
      if (text === undefined) await gate.wait();
      serve(connection, request, text === undefined ? sound : { ...playlist(text), etag: '"p"' });
    });
    const heard: PreloadProgress[] = [];
    const first = on.server.preload(`${on.origin.url}/audio.m3u8`, {
      segments: 2,
      onProgress: (now) => heard.push(now),
    });
    const second = on.server.preload(`${on.origin.url}/other/audio.m3u8`);
    t.match(first.progress, { id: 1, state: "active", bytes: 0 });
    await on.origin.until(() => first.progress.segmentsAll === 2, "the playlist to be read");
    second.cancel();
    t.match(await second.done, { id: 2, state: "cancelled" });
    gate.open();
    t.match(await first.done, { state: "done", cause: "", segments: 2, seconds: 8, secondsAll: 8 });
    t.same(heard.at(-1), first.progress);
    t.ok(heard.every((now, at) => at === 0 || now.bytes >= (heard[at - 1]?.bytes ?? 0)));
    const lost = on.server.preload(`${on.origin.url}/m.m3u8`, { variant: { index: 5 } });
    t.match(await lost.done, { state: "failed", cause: "no-variant" });
    t.throws(() => on.server.preload(on.origin.url, { seconds: 1, bytes: 2 }), RangeError);
    t.throws(() => on.server.preload(on.origin.url, { segments: 0 }), RangeError);
  },
);

libraryTest("a feed's window preloads what is near and gives up what is not", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      await gate.wait();
      serve(connection, request, sound);
    },
    { limits: { preloadTransfersMax: 1 } },
  );
  const urls = ["a", "b", "c", "d", "e"].map((name) => `${on.origin.url}/${name}.mp4`);
  const at = (index: number): string[] =>
    on.server.setWindow(urls, index, { ahead: 2, behind: 1, bytes: 1_000 }).map(({ url }) => url.slice(-5, -4));
  t.same(at(1), ["b", "c", "a", "d"]);
  t.same(at(1), ["b", "c", "a", "d"]);
  await on.origin.until(() => on.origin.requests.length === 1, "the first request");
  t.same(at(3), ["d", "e", "c"]);
  gate.open();
  await on.origin.until(() => on.origin.requests.length === 4 && on.server.stats().flights === 0, "all of the window");
  t.same(
    on.origin.requests.map((request) => request.target),
    ["/b.mp4", "/d.mp4", "/e.mp4", "/c.mp4"],
    "what was under way, then the nearest first",
  );
  t.same(on.server.setWindow([], 0), []);
});

libraryTest("what is stored is told, pinned and removed, also after a restart", async (t) => {
  const on = await stage(t);
  const url = `${on.origin.url}/m.m3u8`;
  t.match(await on.server.preload(url, { variant: { bandwidth: 900_000 } }).done, { state: "done", segments: 3 });
  t.match(await on.server.status(url), { playable: true, complete: true }, "what is here counts before it is on disk");
  await on.origin.until(() => on.server.stats().flights === 0, "the bytes on disk");
  const whole: Presentation = await on.server.status(url);
  t.match(whole, { kind: "multivariant", entries: 7, playable: true, complete: true, missing: [] });
  t.equal(await on.server.pin(url), 7);
  await on.server.stop();
  t.match(await on.server.status(url), { kind: "none" }, "a stopped server knows nothing");
  t.match(await on.server.preload(url).done, { id: 0, state: "failed", cause: "stopping" });
  const again: Server = await startServer({ cacheDir: on.cacheDir, port: 0, logLevel: "silent" });
  t.teardown(() => again.stop());
  t.match(await again.status(url), { ...whole, pinned: true });
  t.match(again.entries({ limit: 2 }), [{ pinned: true }, { pinned: true }]);
  const last = again.entries({ limit: 2 })[1]?.id ?? 0;
  t.equal(again.entries({ after: last }).length, 5);
  t.equal(await again.unpin(url), 7);
  t.equal(await again.remove(url), 7);
  t.same(again.entries(), []);
});

// R-VAR-11
libraryTest("what variables name is preloaded, and counts as stored", async (t) => {
  const on = await stage(t);
  const url = `${on.origin.url}/named.m3u8`;
  t.match(await on.server.preload(url).done, { state: "done", cause: "", segments: 1 });
  t.same(
    on.origin.requests.map((request) => request.target),
    ["/named.m3u8", "/sub/v.m3u8", "/sub/sub-1.aac"],
  );
  t.match(await on.server.status(url), { entries: 3, playable: true, complete: true, missing: [] });
});

// R-STATUS-4, R-PIN-1, R-PIN-2
libraryTest("what is stored apart for who asks is told, pinned and removed as the rest is", async (t) => {
  const on = await stage(t);
  const url = `${on.origin.url}/low.mp4`;
  for (const cookie of ["u=1", "u=2"]) await on.ask("/low.mp4", { fields: ["Cookie", cookie] });
  await on.origin.until(() => on.server.stats().flights === 0, "the bytes on disk");
  t.match(await on.server.status(url), { kind: "media", entries: 2, playable: true, complete: true });
  t.equal(await on.server.pin(url), 2);
  t.equal(await on.server.remove(url), 2);
  t.same(on.server.entries(), []);
});
