/**
 * ffmpeg reads every demo set directly and through the proxy: each packet of each stream must have the same checksum,
 * cold, warm, in path form, and with the origin gone.
 */
import t from "tap";
import { type DemoSet, demoSets, startDemoOrigin } from "../demo/demo-origin.ts";
import { type Packets, packetBytes, packets } from "./support/ffmpeg.ts";
import { proxy, type Server, scratch } from "./support/wire-bench.ts";

const vodSets = demoSets().filter((set) => set.kind === "vod" || set.kind === "progressive");
const origin = await startDemoOrigin();
t.teardown(() => origin.close());
const server: Server = await proxy(t, { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*", "localhost:*"] });

const isHls = (set: DemoSet): boolean => set.kind !== "progressive";
const queryForm = (set: DemoSet): string => `${server.url}/proxy?url=${encodeURIComponent(origin.url + set.path)}`;
const pathForm = (set: DemoSet): string => `${server.url}/http/127.0.0.1:${origin.port}${set.path}`;

/** What the set is without a proxy; the slow one is the same media at leisure. */
const direct = new Map<string, Packets>();

function differences(got: Packets, expected: Packets): string {
  if (got.exitCode !== 0) return `ffmpeg ended with ${got.exitCode}: ${got.complaints}`;
  const at = expected.lines.findIndex((line, index) => line !== got.lines[index]);
  if (at >= 0) return `packet ${at}: ${got.lines[at]} instead of ${expected.lines[at]} (${got.complaints})`;
  return got.lines.length === expected.lines.length ? "" : `${got.lines.length} packets for ${expected.lines.length}`;
}

/** Media requests that the origin saw since its log was cleared; playlists may be asked for again. */
function mediaRequests(): string[] {
  return origin
    .log()
    .filter((entry) => entry.status === 200 || entry.status === 206)
    .map((entry) => `${entry.url} ${entry.range}`)
    .filter((line) => !line.includes(".m3u8"));
}

for (const set of vodSets) {
  t.test(`${set.name} has the same packets through the proxy`, async (t) => {
    const expected = await packets(origin.url + set.path, isHls(set));
    direct.set(set.name, expected);
    t.ok(expected.lines.length > 200, `${expected.lines.length} packets directly`);
    t.equal(differences(await packets(queryForm(set), isHls(set)), expected), "", "cold");
    origin.clearLog();
    t.equal(differences(await packets(queryForm(set), isHls(set)), expected), "", "warm");
    t.equal(differences(await packets(pathForm(set), isHls(set)), expected), "", "path form");
    t.same(mediaRequests(), [], "warm, in either form, no media was asked of the origin");
  });
}

t.test("an event playlist grows and ends through the proxy", async (t) => {
  const set = demoSets().find((row) => row.kind === "event");
  if (set === undefined) throw new Error("no event set");
  const fromStart = ["-live_start_index", "0"];
  const expected = await packets(`${origin.url}/media/fmp4/index.m3u8`, true);
  const got = await packets(queryForm(set), true, fromStart);
  t.equal(got.exitCode, 0, got.complaints);
  t.same(got.lines.map(packetBytes), expected.lines.map(packetBytes), "all packets of the set, once each");
});

t.test("a live playlist plays through the proxy", async (t) => {
  const set = demoSets().find((row) => row.name === "live");
  if (set === undefined) throw new Error("no live set");
  const known = new Set((await packets(`${origin.url}/media/ts/index.m3u8`, true)).lines.map(packetBytes));
  const got = await packets(queryForm(set), true, [], ["-t", "9"]);
  t.equal(got.exitCode, 0, got.complaints);
  t.ok(got.lines.length > 300, `${got.lines.length} packets in nine seconds, past the first window`);
  t.same(
    got.lines.filter((line) => !known.has(packetBytes(line))),
    [],
    "all of them the set's own",
  );
});

t.test("with the origin gone, everything plays from the cache", async (t) => {
  await origin.close();
  for (const set of vodSets) {
    const expected = direct.get(set.name);
    if (expected === undefined) throw new Error(`${set.name} was not played`);
    t.equal(differences(await packets(queryForm(set), isHls(set)), expected), "", set.name);
  }
});
