/** The parts of `first-frame` that need no browser: its origin's count, its goals, its preload, its earlier designs. */
import { fileURLToPath } from "node:url";
import t from "tap";
import { type CaseResult, metrics } from "../bench/bench-types.ts";
import { resourcesOf } from "../bench/first-frame/fetch-start.ts";
import { firstFrameCommand } from "../bench/first-frame/first-frame-command.ts";
import { type FirstFrameGoal, judgeFirstFrame, readFirstFrameGoals } from "../bench/first-frame/goals.ts";
import { links } from "../bench/first-frame/links.ts";
import { mediaKinds } from "../bench/first-frame/media.ts";
import { startMediaOrigin } from "../bench/first-frame/media-origin.ts";
import { turnOf } from "../bench/first-frame/play-once.ts";
import { engines } from "../bench/first-frame/player.ts";
import { servers, ways } from "../bench/first-frame/ways.ts";
import { htmlPage } from "../bench/html.ts";
import { ratioOf, spreadOf } from "../bench/statistics.ts";
import { caseText, goalsText } from "../bench/table.ts";

const media = fileURLToPath(new URL("../../fixtures/media/fmp4", import.meta.url));

const cold: FirstFrameGoal = {
  id: "cold",
  what: "first frame",
  case: "7-hls.js-fmp4",
  metric: "firstFrameMs",
  way: "cold",
  against: ["direct-cold"],
  atMost: 1.03,
};

const twice: FirstFrameGoal = {
  ...{ id: "twice", what: "KB twice", case: "7-hls.js-fmp4", metric: "twiceKilobytes", way: "cold" },
  ...{ against: [], atMost: 0, everyRound: true },
};

t.test("the origin counts bytes of bodies by play, and those that it sent before", async (t) => {
  const origin = await startMediaOrigin({ fmp4: media });
  t.teardown(() => origin.stop());
  const ask = async (play: string, name: string, range?: string): Promise<Response> => {
    const url = `http://127.0.0.1:${origin.port}/${play}/fmp4/${name}`;
    const answered = await fetch(url, { headers: range === undefined ? {} : { Range: range } });
    await answered.arrayBuffer();
    return answered;
  };
  await origin.shape("a", { roundTripMs: 1, kilobits: 100_000, handshakes: 3 });
  const part = await ask("a", "init.mp4", "bytes=1000-1099");
  t.equal(part.status, 206);
  t.equal(part.headers.get("content-range"), "bytes 1000-1099/1368");
  await origin.quiet("a");
  t.same(await origin.count("a"), { asked: ["/fmp4/init.mp4"], connections: 1, bytes: 100, bytesTwice: 0 });
  await ask("a", "init.mp4", "bytes=0-99");
  t.match(await origin.count("a"), { bytes: 200, bytesTwice: 0 }, "other bytes of the same file");
  t.equal((await ask("a", "init.mp4")).status, 200);
  t.match(await origin.count("a"), { bytes: 1_568, bytesTwice: 200 });
  t.same(
    await origin.count("b"),
    { asked: [], connections: 0, bytes: 0, bytesTwice: 0 },
    "another play has its own count",
  );
  await origin.shape("a", null);
  await ask("a", "init.mp4");
  const again = await origin.count("a");
  t.match(again, { bytes: 1_368, bytesTwice: 1_368 }, "the count begins anew, what was sent stays sent");
  t.equal((await ask("a", "nothing.mp4")).status, 404);
});

t.test("an earlier design waits for the whole, or sends players to the origin and fetches the same", async (t) => {
  const origin = await startMediaOrigin({ fmp4: media });
  t.teardown(() => origin.stop());
  for (const server of servers.filter(({ name }) => name === "download-then-serve" || name === "cdn-first")) {
    const place = { folder: "", originPort: origin.port, siteFolder: "", options: { bridge: null } };
    const running = await server.start(place);
    t.teardown(() => running.stop());
    const url = `http://127.0.0.1:${running.port}${running.targetOf(`/${server.name}/fmp4/index.m3u8`)}`;
    const first = await (await fetch(url)).text();
    const direct = `http://127.0.0.1:${origin.port}/${server.name}/fmp4/seg0.m4s`;
    t.equal(first.includes(`\n${direct}\n`), server.name === "cdn-first", server.name);
    await origin.quiet(server.name);
    const { asked } = await origin.count(server.name);
    t.equal(asked.length, server.name === "cdn-first" ? 7 : 1, `${server.name}: what it fetches by itself`);
    const second = await (await fetch(url)).text();
    t.notMatch(second, new RegExp(`^${direct}$`, "m"), `${server.name}: what is stored comes from it`);
    const stored = /^http:.*seg0\.m4s$/m.exec(second)?.[0] ?? "";
    t.equal((await (await fetch(stored)).arrayBuffer()).byteLength, 61_082, server.name);
  }
});

t.test("a preload takes the initialization section and the segments that begin within the seconds", (t) => {
  const lines = ["#EXTM3U", '#EXT-X-MAP:URI="init.mp4"', "#EXTINF:2.0,", "0.m4s", "#EXTINF:4.0,", "1.m4s"];
  const text = [...lines, "#EXTINF:2.0,", "2.m4s", "#EXT-X-ENDLIST"].join("\n");
  const urisOf = (seconds: number): string[] => resourcesOf(text, seconds).map(({ uri }) => uri);
  t.same(urisOf(0), []);
  t.same(urisOf(2), ["init.mp4", "0.m4s"]);
  t.same(urisOf(5), ["init.mp4", "0.m4s", "1.m4s"]);
  t.same(urisOf(Number.POSITIVE_INFINITY), ["init.mp4", "0.m4s", "1.m4s", "2.m4s"]);
  const multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8\n";
  t.same(resourcesOf(multivariant, 0), [{ uri: "media.m3u8", playlist: true }]);
  t.end();
});

t.test("a play without a frame has none in its figures; asking for what is stored is wrong", (t) => {
  const played = { fault: "too late", firstFrameMs: null, rebuffers: 2, stalledMs: 300, seenSeconds: 0 };
  const counted = { asked: ["/fmp4/seg0.m4s"], connections: 1, bytes: 5_000, bytesTwice: 1_000 };
  t.same(turnOf({ full: false }, played, counted), {
    figures: { rebuffers: 2, stalledMs: 300, originConnections: 1, originKilobytes: 5, twiceKilobytes: 1 },
    faults: ["too late"],
  });
  const warm = turnOf({ full: true }, { ...played, fault: null, firstFrameMs: 12 }, counted);
  t.equal(warm.figures.firstFrameMs, 12);
  t.same(warm.faults, ["the origin was asked for /fmp4/seg0.m4s, which is stored"]);
  t.end();
});

t.test("a goal is held against the direct player of the same round", (t) => {
  const [judged, ...others] = judgeFirstFrame([cold], [caseOf([100, 1_000, 200], [102, 1_020, 210])]);
  t.same(others, [], "a twin that took no part has no goals");
  t.equal(judged?.contender, "reference-cold");
  t.equal(judged?.against, "direct-cold");
  t.same(judged?.figure, { median: 1.02, min: 1.02, max: 1.05 });
  t.equal(judged?.reached, true);
  t.equal(judgeFirstFrame([cold], [caseOf([100], [104])])[0]?.reached, false);
  t.equal(judgeFirstFrame([{ ...cold, case: "other" }], [caseOf([100], [104])])[0]?.reached, null);
  t.end();
});

t.test("one round with bytes fetched twice is enough to miss that goal", (t) => {
  const one = caseOf([1, 1, 1], [1, 1, 1]);
  const [, reference] = one.results;
  t.equal(judgeFirstFrame([twice], [one])[0]?.reached, true);
  if (reference !== undefined) reference.figures.twiceKilobytes = { median: 0, min: 0, max: 0.3 };
  t.equal(judgeFirstFrame([twice], [one])[0]?.reached, false);
  t.end();
});

t.test("every goal names a case and a way that there are", (t) => {
  const ids = links.flatMap((link) =>
    engines.flatMap((one) => mediaKinds.map((kind) => `${link.name}-${one}-${kind}`)),
  );
  const names = ways.map((way) => way.name);
  const goals = readFirstFrameGoals();
  t.equal(new Set(goals.map((goal) => goal.id)).size, goals.length);
  for (const goal of goals) {
    t.ok(ids.includes(goal.case), goal.id);
    t.ok(goal.metric in metrics, goal.id);
    t.same(
      [`reference-${goal.way}`, `bridge-${goal.way}`, ...goal.against].filter((name) => !names.includes(name)),
      [],
      goal.id,
    );
  }
  t.end();
});

t.test("table and page show times, ratios, rebuffers and bytes", (t) => {
  const one = caseOf([100, 100], [150, 170]);
  const goals = judgeFirstFrame([cold, twice], [one]);
  t.match(caseText(one), /reference-cold +160 +150\.\.170 +1\.60 +1\.50\.\.1\.70 .*0\.0$/m);
  const machine = { cpu: "some", cores: 2, memoryMegabytes: 1, system: "linux", node: "v24", load: 0 };
  const report = { at: "", machine, rounds: 2, seconds: 4, left: [], cases: [one], goals };
  t.match(goalsText(report), /^NOT REACHED +reference-cold +1\.60/m);
  const page = htmlPage(report, "first frames");
  t.match(page, /<h1>first frames<\/h1>/);
  t.match(page, /class="bar reference-cold"/);
  t.match(page, /<th>KB twice<\/th>/);
  t.end();
});

t.test("what matches nothing is refused, and the list has ways and links", async (t) => {
  const options = { rounds: 1, seconds: 1, only: "*", links: "*", players: "*", media: "*" };
  const said: string[] = [];
  const out = { write: (text: string) => said.push(text) };
  t.equal(await firstFrameCommand({ ...options, players: "none" }, out), 2);
  t.match(said.join(""), /nothing matches --players/);
  t.equal(await firstFrameCommand({ ...options, only: "bridge-warm", list: true }, out), 0);
  t.match(said.join(""), /^direct-cold .*\nbridge-warm .*\n\n50 +50 Mbit\/s, 20 ms\n/m);
});

/** Rounds of a direct player and of the reference, nothing fetched twice. */
function caseOf(direct: number[], reference: number[]): CaseResult {
  const none = { median: 0, min: 0, max: 0 };
  const results = Object.entries({ "direct-cold": direct, "reference-cold": reference }).map(([contender, times]) => ({
    contender,
    figures: { firstFrameMs: spreadOf(times) ?? none, twiceKilobytes: none },
    rounds: times.map((firstFrameMs) => ({ firstFrameMs, twiceKilobytes: 0 })),
    ratio: contender === "direct-cold" ? null : ratioOf(times, direct),
    faults: [],
    notes: [],
  }));
  return { id: "7-hls.js-fmp4", title: "first frame", metric: "firstFrameMs", baseline: "direct-cold", results };
}
