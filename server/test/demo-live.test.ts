import { parse, types } from "hls-parser";
import type { Test } from "tap";
import t from "tap";
import type { DemoOrigin } from "../demo/demo-origin.ts";
import { startDemoOrigin } from "../demo/demo-origin.ts";

/** An origin whose clock stands at `startMs` until a test moves it. */
async function originAt(t: Test, startMs: number): Promise<{ origin: DemoOrigin; clock: { nowMs: number } }> {
  const clock = { nowMs: startMs };
  const origin = await startDemoOrigin({ now: () => clock.nowMs });
  t.teardown(() => origin.close());
  return { origin, clock };
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} ${url}`);
  return response.text();
}

/** What a live playlist says of each segment, by media sequence number. */
type Listed = { sequence: number; uri: string; seconds: number; discontinuity: number; key: string; map: string };

/** Reads a media playlist by the letter of RFC 8216 sections 4.3.3.2, 4.3.3.3 and 6.2.1. */
function listed(playlist: string): { target: number; first: number; segments: Listed[] } {
  const segments: Listed[] = [];
  let [sequence, discontinuity, seconds, target, first] = [0, 0, 0, 0, 0];
  let [key, map] = ["", ""];
  for (const line of playlist.split("\n")) {
    const value = line.slice(line.indexOf(":") + 1);
    if (line.startsWith("#EXT-X-TARGETDURATION:")) target = Number(value);
    if (line.startsWith("#EXT-X-MEDIA-SEQUENCE:")) sequence = first = Number(value);
    if (line.startsWith("#EXT-X-DISCONTINUITY-SEQUENCE:")) discontinuity = Number(value);
    if (line === "#EXT-X-DISCONTINUITY") discontinuity += 1;
    if (line.startsWith("#EXT-X-KEY:")) key = value;
    if (line.startsWith("#EXT-X-MAP:")) map = value;
    if (line.startsWith("#EXTINF:")) seconds = Number.parseFloat(value);
    if (line === "" || line.startsWith("#")) continue;
    segments.push({ sequence, uri: line, seconds, discontinuity, key, map });
    sequence += 1;
  }
  return { target, first, segments };
}

const livePaths = [
  "/live/ts/index.m3u8",
  "/live/aes/index.m3u8",
  "/live/fmp4/index.m3u8",
  "/live/multivariant/audio/en/index.m3u8",
  "/live/multivariant/iframes/index.m3u8",
  "/live/multivariant/v360/index.m3u8?window=1",
];

for (const path of livePaths) {
  t.test(`a live segment keeps its number, discontinuity, key and map while it is listed: ${path}`, async (t) => {
    const startMs = 1_800_000_000_000;
    const { origin, clock } = await originAt(t, startMs);
    const known = new Map<number, Listed>();
    let first = 0;
    for (; clock.nowMs < startMs + 45_000; clock.nowMs += 500) {
      const playlist = await text(origin.url + path);
      parse(playlist);
      const now = listed(playlist);
      if (now.first < first) t.fail("the media sequence went back");
      first = now.first;
      const seconds = now.segments.reduce((sum, segment) => sum + segment.seconds, 0);
      // RFC 8216 section 6.2.2; audio frames do not fill the last segment of a pass quite.
      if (seconds < 3 * now.target - 0.1) t.fail(`only ${seconds} s at ${clock.nowMs - startMs}`);
      for (const segment of now.segments) {
        const before = known.get(segment.sequence);
        if (before && JSON.stringify(segment) !== JSON.stringify(before)) t.strictSame(segment, before);
        known.set(segment.sequence, segment);
      }
    }
    const numbers = [...known.keys()].sort((a, b) => a - b);
    t.equal(numbers.at(-1), (numbers[0] ?? 0) + numbers.length - 1, "no number is left out");
    const passes = new Set([...known.values()].map((segment) => segment.discontinuity));
    t.strictSame([...passes], [0, 1, 2, 3, 4, 5].slice(0, passes.size), "one discontinuity a pass");
    t.ok(passes.size >= 5);
  });
}

t.test("all live renditions show the same moment, and the window can be asked for", async (t) => {
  const { origin, clock } = await originAt(t, 1_800_000_000_000);
  clock.nowMs += 23_100;
  const dateOf = async (path: string): Promise<string> => {
    const playlist = await text(`${origin.url}/live/multivariant/${path}/index.m3u8`);
    return /#EXT-X-PROGRAM-DATE-TIME:(.*)/.exec(playlist)?.[1] ?? "";
  };
  const video = Date.parse(await dateOf("v180"));
  t.equal(Date.parse(await dateOf("v360")), video);
  t.ok(Math.abs(Date.parse(await dateOf("audio/en")) - video) <= 20);
  const segments = async (query: string): Promise<number> => {
    return listed(await text(`${origin.url}/live/ts/index.m3u8${query}`)).segments.length;
  };
  t.strictSame([await segments(""), await segments("?window=6"), await segments("?window=20")], [5, 3, 10]);
  const multivariant = await text(`${origin.url}/live/multivariant/index.m3u8?window=6`);
  t.ok(parse(multivariant) instanceof types.MasterPlaylist);
  t.match(multivariant, "\nv180/index.m3u8?window=6\n");
  t.match(multivariant, 'URI="audio/en/index.m3u8?window=6"');
  t.equal((await fetch(`${origin.url}/live/ts/index.m3u8?window=x`)).status, 400);
});

t.test("an event grows segment by segment and ends", async (t) => {
  const { origin, clock } = await originAt(t, 1_800_000_000_000);
  const entry = await text(`${origin.url}/event/fmp4/now.m3u8`);
  t.ok(parse(entry) instanceof types.MasterPlaylist);
  const media = `${origin.url}/event/fmp4/${entry.trim().split("\n").at(-1)}`;
  const steps: string[] = [];
  let before = "";
  for (let step = 0; step <= 5; step += 1) {
    const playlist = await text(media);
    t.match(playlist, "#EXT-X-PLAYLIST-TYPE:EVENT\n");
    t.ok(playlist.startsWith(before), "lines are only added");
    before = playlist;
    steps.push(`${listed(playlist).segments.length}${playlist.endsWith("#EXT-X-ENDLIST\n") ? " ended" : ""}`);
    clock.nowMs += 1000;
  }
  t.strictSame(steps, ["3", "3", "4", "4", "5 ended", "5 ended"]);
  const again = await text(`${origin.url}/event/fmp4/now.m3u8`);
  t.not(again, entry, "another entry is another event");
});

t.test("a playlist that changes ignores Range, a complete one honours it", async (t) => {
  const { origin } = await originAt(t, 1_800_000_000_000);
  const status = async (path: string): Promise<number> => {
    return (await fetch(origin.url + path, { headers: { range: "bytes=0-6" } })).status;
  };
  t.equal(await status("/live/ts/index.m3u8"), 200);
  t.equal(await status("/event/ts/index.m3u8"), 200);
  t.equal(await status("/event/ts/index.m3u8?start=1000"), 206);
  t.equal(await status("/media/ts/index.m3u8"), 206);
});
