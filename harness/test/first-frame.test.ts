/** One short round in Chromium: that every figure is there and means what it says. No time is judged. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { CaseResult } from "../bench/bench-types.ts";
import { type FirstFrameRun, runFirstFrame } from "../bench/first-frame/run-first-frame.ts";
import { ways } from "../bench/first-frame/ways.ts";

const folder = mkdtempSync(join(tmpdir(), "reelcache-first-frame-test-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20 }));

const media = fileURLToPath(new URL("../../fixtures/media/fmp4", import.meta.url));
const names = ["direct-cold", "reference-cold", "reference-warm", "cdn-first"];

const run: FirstFrameRun = {
  ways: ways.filter((way) => names.includes(way.name)),
  links: [{ name: "quick", roundTripMs: 2, kilobits: 20_000 }],
  engines: ["hls.js"],
  media: [{ name: "fmp4", folder: media, playlist: "index.m3u8" }],
  rounds: 1,
  warmUp: false,
  seconds: 0.2,
  options: { bridge: null },
  folder,
};

t.test("a round gives all figures of each way, and counts what the origin sends", async (t) => {
  const cases: CaseResult[] = [];
  await runFirstFrame(run, {
    onLine: () => undefined,
    onLeft: (server, why) => t.fail(`${server}: ${why}`),
    onCase: (result) => cases.push(result),
  });
  t.same(
    cases.map((one) => one.id),
    ["quick-hls.js-fmp4"],
  );
  const results = new Map(cases[0]?.results.map((result) => [result.contender, result]));
  t.same([...results.keys()], names);
  for (const [name, { figures, faults, ratio, rounds }] of results) {
    t.same(faults, [], name);
    t.equal(rounds.length, 1, name);
    t.ok((figures.firstFrameMs?.median ?? 0) > 0, `${name}: a first frame`);
    t.ok((figures.rebuffers?.median ?? -1) >= 0 && (figures.stalledMs?.median ?? -1) >= 0, `${name}: rebuffers`);
    t.equal(ratio === null, name === "direct-cold", `${name}: its ratio over a direct player's`);
  }
  const fetched = (name: string): number => results.get(name)?.figures.originKilobytes?.median ?? -1;
  const twice = (name: string): number => results.get(name)?.figures.twiceKilobytes?.max ?? -1;
  const connections = (name: string): number => results.get(name)?.figures.originConnections?.median ?? -1;
  t.ok(connections("direct-cold") > 0 && connections("reference-cold") > 0);
  t.equal(connections("reference-warm"), 0);
  t.ok(fetched("direct-cold") > 50, "playlist, initialization section and a segment at least");
  t.ok(fetched("reference-cold") > 50);
  t.equal(fetched("reference-warm"), 0, "what is stored is not asked for");
  t.equal(twice("direct-cold"), 0);
  t.equal(twice("reference-cold"), 0, "no byte twice");
  t.ok(twice("cdn-first") > 50, "the player and the background both fetch the segments");
});
