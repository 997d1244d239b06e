/** The demo's low-latency stream, by the letter of rfc8216bis: what is listed, held, skipped and refused. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, types } from "hls-parser";
import t from "tap";
import { startDemoOrigin } from "../demo/demo-origin.ts";
import { setMs } from "../demo/demo-sets.ts";
import { parseSource } from "../demo/live-playlist.ts";
import {
  edgeAt,
  type LowLatencyStream,
  lowLatencyPlaylist,
  madeAtMs,
  readDirectives,
  readyAtMs,
} from "../demo/low-latency-playlist.ts";
import { mediaParts } from "../demo/media-parts.ts";

const mediaDir = fileURLToPath(new URL("../../fixtures/media/low-latency/low/", import.meta.url));
const source = parseSource(readFileSync(`${mediaDir}index.m3u8`, "latin1"));
const epochMs = 1_800_000_000_000;
const stream: LowLatencyStream = { source, epochMs, partsOf: () => 6 };
const fullWindowMs = epochMs + 4 * setMs;

t.test("every segment of the set is six parts that together are the segment", async (t) => {
  for (const name of [0, 1, 2, 3, 4]) {
    const segment = readFileSync(`${mediaDir}seg${name}.m4s`);
    const parts = mediaParts(segment);
    t.equal(parts.length, 6);
    t.equal(parts[0]?.start, 0);
    for (const [at, part] of parts.entries()) t.equal(part.end, parts[at + 1]?.start ?? segment.length);
  }
  t.throws(() => mediaParts(Buffer.alloc(16)), /no box begins/);
});

t.test("a part is listed once it is made, and hinted until then", async (t) => {
  for (let ms = 0; ms < setMs; ms += 97) {
    const nowMs = fullWindowMs + ms;
    const { msn, parts } = edgeAt(stream, nowMs);
    t.ok(madeAtMs(stream, msn, parts) > nowMs, "the next part is not made");
    t.ok(parts === 0 || madeAtMs(stream, msn, parts - 1) <= nowMs, "the last one is");
    const text = lowLatencyPlaylist(stream, false, ["../high/index.m3u8"], nowMs);
    t.match(text, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s${msn}.${parts}.m4s"\n`);
    t.equal(text.includes(`,URI="s${msn}.0.m4s",INDEPENDENT=YES`), parts > 0);
    const [lastMsn, lastPart] = parts > 0 ? [msn, parts - 1] : [msn - 1, 5];
    t.match(text, `#EXT-X-RENDITION-REPORT:URI="../high/index.m3u8",LAST-MSN=${lastMsn},LAST-PART=${lastPart}\n`);
    const playlist = parse(text);
    if (!(playlist instanceof types.MediaPlaylist)) throw new Error("not a media playlist");
    t.equal(playlist.mediaSequenceBase, msn - 15, "a window of thirty seconds");
    t.ok((playlist.partTargetDuration ?? 0) > 0.333);
  }
});

t.test("a delta says how many segments it leaves out, and has the rest unchanged", async (t) => {
  const nowMs = fullWindowMs + 700;
  const lines = lowLatencyPlaylist(stream, false, [], nowMs).split("\n");
  const delta = lowLatencyPlaylist(stream, true, [], nowMs).split("\n");
  const skip = delta.findIndex((line) => line.startsWith("#EXT-X-SKIP:"));
  const skipped = Number(delta[skip]?.split("=")[1]);
  t.strictSame(lines.slice(0, skip), delta.slice(0, skip), "the head is the same");
  t.strictSame(lines.slice(-(delta.length - skip - 1)), delta.slice(skip + 1), "so is what is listed");
  const count = (some: string[]): number => some.filter((line) => line.startsWith("#EXTINF:")).length;
  t.equal(count(lines), count(delta) + skipped);
  t.equal(skipped, 9, "what is older than six target durations");
});

t.test("directives are read, and what makes no sense is refused", async (t) => {
  t.strictSame(readDirectives(""), { msn: -1, part: -1, delta: false });
  t.strictSame(readDirectives("a=b&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"), { msn: 7, part: 2, delta: true });
  for (const query of ["_HLS_part=1", "_HLS_msn=x", "_HLS_msn=1&_HLS_part=", "_HLS_msn"]) {
    t.equal(readDirectives(query), null, query);
  }
  const { msn } = edgeAt(stream, fullWindowMs);
  const ready = (at: number, part: number) => readyAtMs(stream, { msn: at, part, delta: false }, fullWindowMs);
  t.equal(ready(msn + 2, -1), madeAtMs(stream, msn + 2, 5), "a segment is there with its last part");
  t.equal(ready(msn, 6), madeAtMs(stream, msn + 1, 0), "the part behind the last is the next segment's first");
  t.equal(ready(msn + 3, 0), null, "that is too far ahead");
});

t.test("a reload is held until its part is listed, and a hinted part until it is made", async (t) => {
  const origin = await startDemoOrigin();
  t.teardown(() => origin.close());
  const base = `${origin.url}/ll/low-latency/low/`;
  const text = async (path: string): Promise<string> => (await fetch(base + path)).text();
  const [, msn = "", part = ""] = /HINT:TYPE=PART,URI="s(\d+)\.(\d+)\.m4s"/.exec(await text("index.m3u8")) ?? [];
  const query = `_HLS_msn=${Number(msn) + 1}&_HLS_part=1`;
  const [reload, hinted] = await Promise.all([text(`index.m3u8?${query}`), fetch(`${base}s${msn}.${part}.m4s`)]);
  t.match(reload, `,URI="s${Number(msn) + 1}.1.m4s"`);
  t.equal(hinted.status, 200);
  t.equal((await fetch(`${base}s${Number(msn) + 9}.0.m4s`)).status, 404, "nobody may ask for what is not hinted");
  t.equal((await fetch(`${base}index.m3u8?_HLS_part=1`)).status, 400);
  const segment = await fetch(`${base}s${Number(msn) + 1}.m4s`);
  t.equal(segment.headers.get("content-length"), null, "a segment that is being made has no length");
  const source = readFileSync(`${mediaDir}seg${(Number(msn) + 1) % 5}.m4s`);
  t.ok(source.equals(Buffer.from(await segment.arrayBuffer())), "it comes part by part, to its end");
  const entry = await (await fetch(`${origin.url}/ll/low-latency/index.m3u8?a=b`)).text();
  t.match(entry, "\nhigh/index.m3u8?a=b\n");
});
