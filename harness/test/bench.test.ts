import { rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { BenchCase, BenchReport, Contender } from "../bench/bench-types.ts";
import { cases } from "../bench/cases/index.ts";
import { pacePercentOf } from "../bench/cases/shares.ts";
import { contenders } from "../bench/contenders/index.ts";
import { contentOf } from "../bench/content.ts";
import { runBench } from "../bench/run-bench.ts";
import { median, percentile, ratioOf, spreadOf } from "../bench/statistics.ts";

const options = { bridge: null };

t.test("medians, percentiles and spreads are those of the numbers", (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.ok(Number.isNaN(median([])));
  t.equal(percentile([5, 1, 4, 2, 3], 0.5), 3);
  t.equal(percentile([5, 1, 4, 2, 3], 0.99), 5);
  t.equal(percentile([], 0.5), 0);
  t.same(spreadOf([3, 9, 6]), { median: 6, min: 3, max: 9 });
  t.equal(spreadOf([]), null);
  t.end();
});

t.test("a ratio is taken round by round, so that a slow round of both changes nothing", (t) => {
  t.same(ratioOf([20, 2, 200], [10, 1, 100]), { median: 2, min: 2, max: 2 });
  t.same(ratioOf([1, 2, 3], [1, 1, 1]), { median: 2, min: 1, max: 3 });
  t.equal(ratioOf([1], []), null);
  t.equal(ratioOf([0], [0]), null);
  t.end();
});

t.test("bodies differ from path to path, and are the same in every process", (t) => {
  const body = contentOf("/b/2000/a.ts");
  t.equal(body?.length, 2_000);
  t.same(contentOf("/b/2000/a.ts"), body);
  t.notSame(contentOf("/b/2000/b.ts"), body);
  t.equal(contentOf("/b/99000000/a.ts"), null);
  t.equal(contentOf("/other"), null);
  t.match(contentOf("/p/3/index.m3u8")?.toString(), /^#EXTM3U\n.*segment-00002\.ts\n#EXT-X-ENDLIST\n$/s);
  t.end();
});

t.test("one short round of the reference gives every figure", async (t) => {
  const report = await shortRun(["hit-2k", "miss-20k-1"], ["reference"]);
  t.same(
    report.cases.map((one) => one.id),
    ["hit-2k", "miss-20k-1"],
  );
  for (const one of report.cases) {
    const [result] = one.results;
    t.equal(result?.contender, "reference");
    t.same(result?.faults, [], one.id);
    t.equal(result?.rounds.length, 1);
    t.ok((result?.figures.requestsPerSecond?.median ?? 0) > 0, "requests");
    t.ok((result?.figures.p99Ms?.median ?? 0) >= (result?.figures.p50Ms?.median ?? 1), "times");
    t.ok((result?.figures.cpuSecondsPerThousand?.median ?? -1) >= 0, "processor time");
    t.ok((result?.figures.peakMegabytes?.median ?? 0) > 10, "memory");
    t.ok((result?.figures.openFiles?.median ?? 0) > 5, "open files");
    t.ok((result?.figures.clientCpuPercent?.median ?? -1) >= 0, "the client's own share");
  }
});

t.test("beside quick players it is told how much slow ones got of their pace", async (t) => {
  const [one] = (await shortRun(["slow-readers"], ["reference"])).cases;
  t.same(one?.results[0]?.faults, []);
  t.type(one?.results[0]?.figures.pacePercent?.median, "number");
  t.equal(pacePercentOf(64 * 125_000 * 3, 4), 75);
});

t.test("a proxy that is started again finds what it has stored; who forgets it takes no part", async (t) => {
  const report = await shortRun(["open-10"], ["reference", "varnish-malloc"]);
  const [one] = report.cases;
  t.same(one?.curve, { name: "a start", resources: 10 });
  t.same(
    one?.results.map((result) => [result.contender, result.faults]),
    [["reference", []]],
  );
  const { startMs, firstHitMs } = one?.results[0]?.figures ?? {};
  t.ok((startMs?.median ?? 0) > 1, "the start");
  t.ok((firstHitMs?.median ?? 0) > (startMs?.median ?? 0), "the hit after it");
});

t.test("a start that must ask the origin for what was stored is told as wrong", async (t) => {
  const forgetful: Contender = {
    ...(contenders.find((contender) => contender.name === "reference") as Contender),
    start: async (place) => {
      rmSync(join(place.folder, "cache"), { recursive: true, force: true });
      const reference = contenders.find((contender) => contender.name === "reference");
      return await (reference as Contender).start(place);
    },
  };
  const report = await shortRun(["open-10"], [], [forgetful]);
  t.same(report.cases[0]?.results[0]?.faults, ["what was stored came from the origin after the start"]);
});

t.test("who cannot run here is left out, and the report says why", async (t) => {
  const lines: string[] = [];
  const absent: Contender = {
    name: "absent",
    title: "",
    kind: "cache",
    missing: () => "absent is missing (Debian: apt-get install absent)",
    start: () => Promise.reject(new Error("started all the same")),
  };
  const report = await runBench(
    {
      cases: named(cases, ["hit-2k"]),
      contenders: [absent],
      baseline: "",
      rounds: 1,
      seconds: 0.1,
      clients: 1,
      options,
    },
    { onLine: (text) => lines.push(text), onCase: () => undefined },
  );
  t.same(report.left, [{ contender: "absent", why: "absent is missing (Debian: apt-get install absent)" }]);
  t.same(report.cases, []);
  t.match(lines.join("\n"), /absent is left out: absent is missing/);
});

/** One round of a tenth of a second. */
async function shortRun(ids: string[], names: string[], others: Contender[] = []): Promise<BenchReport> {
  return await runBench(
    {
      cases: named(cases, ids),
      contenders: [...contenders.filter((contender) => names.includes(contender.name)), ...others],
      baseline: "reference",
      rounds: 1,
      seconds: 0.1,
      clients: 2,
      options,
    },
    { onLine: () => undefined, onCase: () => undefined },
  );
}

function named(all: BenchCase[], ids: string[]): BenchCase[] {
  return all.filter((one) => ids.includes(one.id));
}
